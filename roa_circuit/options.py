"""Options that several commands share, declared once; only commands import this module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from roa_circuit import circuitry
from roa_circuit.circuitry import Circuitry
from roa_circuit.crossbar import DRIVES, SENSES
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


def _side(what: str, known: tuple[str, ...]) -> Any:
    text = f"{what}: {', '.join(known)}."
    return typer.Option(metavar="SIDE", rich_help_panel="Circuit", help=text)


Drive = Annotated[str | None, _side("Where word lines are driven", DRIVES)]
Sense = Annotated[str | None, _side("Where bit lines are sensed", SENSES)]

CircuitFile = Annotated[
    Circuitry | None,
    typer.Option(
        "--circuit",
        parser=_circuit,
        metavar="FILE",
        rich_help_panel="Circuit",
        help="TOML of what a circuit has: lines, capacitance, amplifiers, transistors, temperature.",
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


def typed(*, dropping: Collection[str] = ()) -> list[str]:
    """The command as it was typed, without some options and their values, and without its argument."""
    kept, words = [Path(sys.argv[0]).name, *sys.argv[1:2]], iter(sys.argv[2:])
    for word in words:
        if not word.startswith("-"):
            continue
        name, written, value = word.partition("=")
        alone = written or name in FLAGS
        pair = [word] if alone else [word, next(words, value)]
        if name not in dropping:
            kept += pair
    return kept


FLAGS = ("--figures", "--in-situ")
OF_A_SWEEP = (
    "--vary", "--design", "--points", "--repeats", "--seed", "--target", "--metric", "--sensitivity",
    "--samples", "--check", "--workers", "--scheduler", "--output-dir", "--figures", "--json",
)  # fmt: skip
"""What a single point of a sweep does without, or is given anew."""

SweepFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]", help="A sweep as TOML; options have the last word.", show_default=False
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUES",
        help="What to vary, as often as needed: wire_resistance=0:5:11, sense_resistance=1:10k:9log,"
        " sigma_wn=0,1,2,4; of other designs than grids also an interval: sigma_wn=0:4.",
    ),
]
Design = Annotated[str | None, typer.Option(help="grid (default), random or sobol.")]
Points = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Of a random or Sobol' design; default: 256.")
]
Repeats = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Chips at every point, the same at all; default: 1."),
]
SweepSeed = Annotated[
    int | None, typer.Option(min=0, help="Of the first chip, and of the design; default: 0.")
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC=VALUE",
        help="Find the largest imperfections that leave this: accuracy=95%, mac_error=5%.",
        rich_help_panel="Conclusions",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="That sensitivities are of; default: the target's.", rich_help_panel="Conclusions"
    ),
]
Sensitivity = Annotated[
    str,
    typer.Option(help="tornado, sobol (adds Sobol' indices) or none.", rich_help_panel="Conclusions"),
]
Samples = Annotated[
    int,
    typer.Option(
        metavar="N", help="Of Sobol' indices, which take N (axes + 2) points; a power of two.",
        rich_help_panel="Conclusions",
    ),
]  # fmt: skip
CompensationName = Annotated[
    str,
    typer.Option(help="nothing, permuted, predistorted, calibrated, or several joined by +."),
]
Workers = Annotated[int | None, typer.Option(min=1, max=1024, help="Processes; default: one a core.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, such as tcp://host:8786; or slurm, for workers in jobs of SLURM.",
    ),
]
SweepFolder = Annotated[
    Path, typer.Option(help="Folder for points and report; a sweep that was cut off goes on from it.")
]
Figures = Annotated[
    bool, typer.Option("--figures", help="Also write the report's figures as SVG and PNG.")
]
