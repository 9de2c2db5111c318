"""The layers that a command works on: which, how many of their reads, behind which wires."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from netlists.shipped import load_layer
from roa_circuit import console
from roa_circuit.circuitry import BARE, Circuitry
from roa_circuit.errors import InputError
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.units import engineering

Reads = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Only the first N reads of the layer.")
]


def layer_on(
    name: str,
    *,
    reads: int | None = None,
    wires: float | None = None,
    source: float | None = None,
    sense: float | None = None,
    circuitry: Circuitry = BARE,
) -> ProgrammedLayer:
    """A layer with its first `reads`, on an array with these resistances [Ohm] at its temperature.

    What is None stays as the layer's file has it.

    Raises
    ------
    InputError : no such layer, or more reads than it has.
    """
    layer = load_layer(name)
    if reads is not None and reads > len(layer.inputs):
        raise InputError(f"--reads: layer {layer.name!r} has {len(layer.inputs)} reads, not {reads}")
    asked = {"r_word": wires, "r_bit": wires, "r_source": source, "r_sense": sense}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    crossbar, device = circuitry.applied(dataclasses.replace(layer.crossbar, **given), layer.device)
    return dataclasses.replace(
        layer,
        crossbar=crossbar,
        device=device,
        inputs=layer.inputs[:reads],
        labels=layer.labels[:reads],
    )


def note(circuitry: Circuitry) -> None:
    """Say what the surrogate cannot follow of it, if there is anything."""
    if circuitry.transistor:
        ohms = circuitry.transistor.on_resistance(circuitry.temperature)
        console.say(
            f"access transistors: in reads the surrogate takes each for {engineering(ohms, 'Ohm')} in"
            " series with its cell, in writes for none"
        )
