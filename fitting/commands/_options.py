"""Options that several commands of `roa-fit` share: files, how to read them, how to weigh them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import parse_quantity

POLARITIES = {"negative-sets": False, "positive-sets": True}

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="CSV, TSV or XLSX: pulses, readings, I-V sweeps.")
]
Polarity = Annotated[
    str,
    typer.Option(help="negative-sets, or positive-sets: the device's terminals are exchanged."),
]
Prior = Annotated[
    str, typer.Option(help="Parameter set (name or TOML file) for what the data leave open.")
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


@dataclass(frozen=True, kw_only=True)
class HowToRead:
    """The options that say what the files themselves leave unsaid; see `options.grouped`."""

    pulse: Annotated[
        list[str] | None,
        typer.Option(
            metavar="V,T",
            help="Every pulse, such as -1.1V,3us, where no column says it; once, or per file.",
        ),
    ] = None
    read: Annotated[
        str | None,
        typer.Option(metavar="V", help="The read voltage, such as 0.1V, where no column says it."),
    ] = None
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT", help="Of readings in a table with one train a column: A, uS, kOhm."
        ),
    ] = None
    polarity: Polarity = "negative-sets"
    scale: Annotated[
        float, typer.Option(help="Multiplies every current and conductance; -1 turns currents round.")
    ] = 1.0
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TITLE", help="What a column is, and its unit if it has none: voltage='AV [V]'."
        ),
    ] = None
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="TITLE=VALUE", help="Read only rows with this value, such as V_gate=2.5."),
    ] = None
    dwell: Annotated[
        str | None,
        typer.Option(
            metavar="T", help="I-V sweeps move the state: the time at each point, such as 20ms."
        ),
    ] = None
    sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which sheet of a workbook; else its first.")
    ] = None

    def of_each(self, files: int) -> list[Conventions]:
        """The conventions of each of so many files.

        Raises
        ------
        InputError : an option that cannot be read, or --pulse given neither once nor once a file.
        """
        pulses = [_pulse(text) for text in self.pulse or ()]
        if len(pulses) not in (0, 1, files):
            raise InputError(
                f"{len(pulses)} times --pulse for {files} files; give it once, or once a file"
            )
        shared = self._shared()
        return [
            replace(shared, pulse=pulses[index % len(pulses)] if pulses else None)
            for index in range(files)
        ]

    def _shared(self) -> Conventions:
        """What holds for every file alike: everything but the pulse."""
        if self.polarity not in POLARITIES:
            raise InputError(
                f"--polarity {self.polarity!r} is unknown; {nearest(self.polarity, POLARITIES)}"
            )
        read_voltage = None if self.read is None else parse_quantity(self.read, what="--read", unit="V")
        if read_voltage == 0:
            raise InputError("--read 0: no current flows at 0 V; give the voltage of the reading")
        dwell = None if self.dwell is None else parse_quantity(self.dwell, what="--dwell", unit="s")
        if dwell is not None and dwell <= 0:
            raise InputError(f"--dwell {self.dwell!r}: must be a time above 0, such as 20ms")
        return Conventions(
            read_voltage=read_voltage,
            dwell=dwell,
            unit=self.unit,
            positive_sets=POLARITIES[self.polarity],
            scale=self.scale,
            columns=dict(_pair("--column", text) for text in self.column or ()),
            where=tuple(_pair("--where", text) for text in self.where or ()),
            sheet=self.sheet,
        )


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
