"""The layer that a command works on: which one, how many of its reads, on which lines."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from netlists.layers.shipped import load_layer
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.circuit.crossbar import said
from roa_circuit.circuit.wiring import AS_IT_IS, Wiring
from roa_circuit.device.parameters import Device, load_device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.presentation import console

Layer = Annotated[
    str, typer.Option(metavar="LAYER", help="A shipped layer ('fc') or a layer file (.npz).")
]
Reads = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Only the first N reads of the layer.")
]


def layer_on(
    name: str,
    *,
    reads: int | None = None,
    device: str | None = None,
    wiring: Wiring | None = None,
    circuitry: Circuitry = BARE,
) -> ProgrammedLayer:
    """A layer with its first `reads`, on the lines asked for and at the circuit's temperature.

    Lines that were not asked for are those of the circuit's file, or else those of the layer. So are
    its cells, unless another device is named; its states and pulses stay as they are.

    Raises
    ------
    InputError : no such layer or device, or more reads than it has.
    """
    layer = load_layer(name)
    if device is not None:
        layer = _of_other_cells(layer, load_device(device))
    if reads is not None and reads > len(layer.inputs):
        raise InputError(f"--reads: layer {layer.name!r} has {len(layer.inputs)} reads, not {reads}")
    some = dataclasses.replace(layer, inputs=layer.inputs[:reads], labels=layer.labels[:reads])
    return some.behind(circuitry, wiring)


def _of_other_cells(layer: ProgrammedLayer, other: Device) -> ProgrammedLayer:
    """The layer on other cells, with a line about it where they differ from its own."""
    own = layer.device
    if other.to_dict() != own.to_dict():
        scales = (one.memristor.current_scale for one in (other, own))
        new, old = (f"{scale:g}" for scale in scales)
        console.say(
            f"layer {layer.name}: cells of device {other.name} (current scale {new}), not of its own"
            f" {own.name} ({old}); states and pulses are those that were planned"
        )
    return dataclasses.replace(layer, device=other)


def note(circuitry: Circuitry, asked: Wiring = AS_IT_IS) -> None:
    """Say what a sense resistance is, of lines asked for or the circuit's own, beside amplifiers."""
    resistor = asked.over(circuitry.lines).r_sense
    if circuitry.amplifier and resistor is not None:
        ends = engineering(circuitry.amplifier.input_resistance, "Ohm")
        console.say(
            f"sense resistance: reads end in amplifiers of {ends} instead;"
            f" {said(resistor)} Ohm is in the way of pulses alone"
        )
