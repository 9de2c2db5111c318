"""Options of the command line that say how files are to be read, as `Conventions`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fitting.conventions import Conventions
from roa_circuit.errors import InputError, nearest
from roa_circuit.units import parse_quantity

POLARITIES = {"negative-sets": False, "positive-sets": True}

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="CSV, TSV or XLSX: pulses, readings, I-V sweeps.")
]
Pulse = Annotated[
    list[str] | None,
    typer.Option(
        metavar="V,T", help="Every pulse, such as -1.1V,3us, where no column says it; once, or per file."
    ),
]
Read = Annotated[
    str | None,
    typer.Option(metavar="V", help="The read voltage, such as 0.1V, where no column says it."),
]
Unit = Annotated[
    str | None,
    typer.Option(metavar="UNIT", help="Of readings in a table with one train a column: A, uS, kOhm."),
]
Polarity = Annotated[
    str,
    typer.Option(help="negative-sets, or positive-sets: the device's terminals are exchanged."),
]
Scale = Annotated[float, typer.Option(help="Multiplies every current and conductance.")]
Column = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=TITLE", help="What a column is, such as voltage='V_bitline [V]'."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(metavar="TITLE=VALUE", help="Read only rows with this value, such as V_gate=2.5."),
]
Weighting = Annotated[
    str,
    typer.Option(
        help="What a reading's error is taken for: relative, absolute (all alike), reads (the noise of "
        "states that were read again), or auto: reads if there are ten, else relative."
    ),
]
Loss = Annotated[
    str, typer.Option(help="linear, or soft_l1, huber, cauchy: outliers count less, in this order.")
]
Intervals = Annotated[
    str,
    typer.Option(
        help="covariance, profile (likelihood), bootstrap, or mcmc (an extra; with corner plot)."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of bootstrap and mcmc.")]


def conventions(
    files: int,
    pulse: Sequence[str] | None,
    read: str | None,
    unit: str | None,
    polarity: str,
    scale: float,
    column: Sequence[str] | None,
    where: Sequence[str] | None,
) -> list[Conventions]:
    """One `Conventions` for each of so many files.

    Raises
    ------
    InputError : an option that cannot be read, or as many --pulse as fit neither once nor each.
    """
    if polarity not in POLARITIES:
        raise InputError(f"--polarity {polarity!r} is unknown; {nearest(polarity, POLARITIES)}")
    pulses = [_pulse(text) for text in pulse or ()]
    if len(pulses) not in (0, 1, files):
        raise InputError(f"{len(pulses)} times --pulse for {files} files; give it once, or once a file")
    read_voltage = None if read is None else parse_quantity(read, what="--read", unit="V")
    if read_voltage == 0:
        raise InputError("--read 0: no current flows at 0 V; give the voltage of the reading")
    return [
        Conventions(
            pulse=pulses[index % len(pulses)] if pulses else None, read_voltage=read_voltage,
            unit=unit, positive_sets=POLARITIES[polarity], scale=scale,
            columns=dict(_pair("--column", text) for text in column or ()),
            where=tuple(_pair("--where", text) for text in where or ()),
        )
        for index in range(files)
    ]  # fmt: skip


def _pulse(text: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError(f"--pulse {text!r}: must be a voltage and a width, such as -1.1V,3us")
    voltage = parse_quantity(parts[0], what="--pulse", unit="V")
    width = parse_quantity(parts[1], what="--pulse", unit="s")
    if voltage == 0 or width <= 0:
        raise InputError(f"--pulse {text!r}: needs a voltage that is not 0 and a width above 0")
    return voltage, width


def _pair(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise InputError(f"{option} {text!r}: must be of the form NAME=VALUE")
    return name.strip(), value.strip()
