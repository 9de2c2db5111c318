"""Options that several commands share, declared once; only commands import this module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from roa_circuit import circuitry
from roa_circuit.circuitry import Circuitry
from roa_circuit.errors import InputError, RoaError
from roa_circuit.imperfections import Imperfections, load
from roa_circuit.units import parse_quantity


def _ohms(option: str) -> Callable[[str], float]:
    """Reads '4.7k' or '10 Ohm' as a resistance [Ohm]."""

    def parse(text: str) -> float:
        try:
            value = parse_quantity(text, what=option, unit="Ohm")
        except InputError as error:
            # Typer would take a ValueError for its own, and wrap its line in another.
            raise RoaError(str(error)) from None
        if value < 0:
            raise RoaError(f"{option}: {text!r} must be 0 Ohm or more")
        return value

    return parse


def _imperfections(text: str) -> Imperfections:
    try:
        return load(text)
    except InputError as error:
        raise RoaError(str(error)) from None


def _circuit(text: str) -> Circuitry:
    try:
        return circuitry.load(text)
    except InputError as error:
        raise RoaError(str(error)) from None


Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the result here, as JSON.")
]


def _resistance(what: str, text: str) -> Any:
    option = f"--{what}-resistance"
    return typer.Option(
        option, parser=_ohms(option), metavar="OHM", rich_help_panel="Circuit", help=text
    )


WireResistance = Annotated[
    float | None, _resistance("wire", "Of both lines, a segment; 0 is a perfect wire.")
]
WordResistance = Annotated[float | None, _resistance("word", "Of a word line, a segment.")]
BitResistance = Annotated[float | None, _resistance("bit", "Of a bit line, a segment.")]
SourceResistance = Annotated[float | None, _resistance("source", "Of a word line's driver.")]
SenseResistance = Annotated[float | None, _resistance("sense", "Of a bit line's readout.")]

CircuitFile = Annotated[
    Circuitry | None,
    typer.Option(
        "--circuit",
        parser=_circuit,
        metavar="FILE",
        rich_help_panel="Circuit",
        help="TOML of what else a circuit has: capacitance, amplifiers, transistors, temperature.",
    ),
]
ImperfectionsFile = Annotated[
    Imperfections | None,
    typer.Option(
        "--imperfections",
        parser=_imperfections,
        metavar="FILE",
        rich_help_panel="Circuit",
        help="TOML of what real arrays have: spread, faults, offsets, noise, converters.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Draws the imperfections.", rich_help_panel="Circuit")]
