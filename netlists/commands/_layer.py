"""The layer that a command works on: which one, how many of its reads, on which lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from netlists.commands._module import NONE, OwnNetwork
from netlists.layers.shipped import load_layer
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.chips import read_disturb
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.converter_use import Use, uses
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.read_disturb import moved_by_a_read
from roa_circuit.chips.read_energy import read_energy
from roa_circuit.circuit.crossbar import said
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.circuit.wiring import AS_IT_IS, Wiring
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import chips_of
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.presentation import console

Layer = Annotated[
    str,
    typer.Option(metavar="LAYER", help="A shipped layer ('fc'), a layer file (.npz), or of --module."),
]
Reads = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Only the first N reads of the layer.")
]


def layer_on(
    name: str,
    *,
    reads: int | None = None,
    device: str | None = None,
    mapping: Mapping | None = None,
    wiring: Wiring | None = None,
    circuitry: Circuitry = BARE,
    network: OwnNetwork = NONE,
) -> ProgrammedLayer:
    """A layer with its first `reads`, on the lines asked for and at the circuit's temperature.

    On the columns of another mapping its weights, and their change, are planned anew.

    Lines that were not asked for are those of the circuit's file, or else those of the layer. So are
    its cells, unless another device is named; its states and pulses stay as they are.

    network : has the layer, where one is named

    Raises
    ------
    InputError : no such layer or device, or more reads than it has.
    """
    layer = network.layer(name) or load_layer(name)
    beside = layer.provenance.get("not_in_file")
    if isinstance(beside, list) and beside:
        console.say(
            f"layer {layer.name}: its chips had more than its file: {', '.join(map(str, beside))};"
            " options of this command give them"
        )
    if device is not None:
        layer = _of_other_cells(layer, load_device(device))
    if mapping is not None:
        layer = _on_other_columns(layer, mapping)
    for text in layer.not_reached:
        console.say(f"layer {layer.name}, as planned: {text}")
    if reads is not None and reads > len(layer.inputs):
        raise InputError(f"--reads: layer {layer.name!r} has {len(layer.inputs)} reads, not {reads}")
    some = dataclasses.replace(layer, inputs=layer.inputs[:reads], labels=layer.labels[:reads])
    return some.behind(circuitry, wiring)


def _of_other_cells(layer: ProgrammedLayer, other: Device) -> ProgrammedLayer:
    """The layer on other cells, with a line about it where they differ from its own."""
    own = layer.device
    if not other.same_as(own):
        scales = (one.memristor.current_scale for one in (other, own))
        new, old = (f"{scale:g}" for scale in scales)
        console.say(
            f"layer {layer.name}: cells of device {other.name} (current scale {new}), not of its own"
            f" {own.name} ({old}); states and pulses are those that were planned"
        )
    return dataclasses.replace(layer, device=other)


def _on_other_columns(layer: ProgrammedLayer, mapping: Mapping) -> ProgrammedLayer:
    """The layer on the columns of another mapping, with a line about what that costs."""
    other = layer.mapped_as(mapping)
    if other is not layer:
        columns, pulses = (
            [of(one) for one in (layer, other)]
            for of in (lambda one: one.crossbar.columns, lambda one: int(np.abs(one.pulses).sum()))
        )
        console.say(
            f"layer {layer.name}: {other.mapping} in place of {layer.mapping}: {columns[1]} bit lines"
            f" instead of {columns[0]}, {pulses[1]} pulses instead of {pulses[0]}"
        )
    return other


def note(circuitry: Circuitry, asked: Wiring = AS_IT_IS) -> None:
    """Say what a sense resistance is, of lines asked for or the circuit's own, beside amplifiers."""
    resistor = asked.over(circuitry.lines).r_sense
    if circuitry.amplifier and resistor is not None:
        ends = engineering(circuitry.amplifier.input_resistance, "Ohm")
        console.say(
            f"sense resistance: reads end in amplifiers of {ends} instead;"
            f" {said(resistor)} Ohm is in the way of pulses alone"
        )


def say_of_reads(used: Sequence[Use], moved: float, volts: NDArray[np.float64]) -> None:
    """Say which converters saturate or use few codes, and whether reads would move states."""
    for text in (*(use.warning for use in used), read_disturb.warning(moved, volts)):
        if text:
            console.say(text)


def note_reads(
    layer: ProgrammedLayer,
    size: TileSize,
    circuitry: Circuitry,
    imperfections: Imperfections | None,
    seed: int,
) -> dict[str, Any]:
    """Say it of a layer's reads on the chips of one seed, its intended states in place.

    Gives, for JSON, what each kind of converter uses, and the energy of a read.
    """
    reads, moved, arrays = [], [0.0], []
    tiles = split(layer.behind(circuitry), size)
    for tile, chip in zip(tiles, chips_of(tiles, imperfections, seed, circuitry), strict=True):
        part = tile.layer
        state = np.asarray(after_pulses(part.initial_state, part.pulses, part.device))
        asked = np.asarray(voltage_from_input(part.inputs, part.device))
        volts = chip.drive(asked)
        arrays.append((chip, circuitry, chip.start(state), volts))
        settled = circuitry.settled(chip.crossbar, chip.start(state), chip.device)
        reads.append((chip, asked, settled.currents(volts)))
        moved.append(moved_by_a_read(state, volts, chip.device))
    used = uses(reads)
    say_of_reads(used, float(np.max(moved)), np.concatenate([asked.ravel() for _, asked, _ in reads]))
    energy = read_energy(arrays, slices=arrays[0][0].slices.count)
    console.say(energy.said())
    return {"converters": [use.to_dict() for use in used], "read_energy": energy.to_dict()}
