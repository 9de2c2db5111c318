"""Options that several commands of `roa-fit` share: files, how to read them, how to weigh them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fitting.readers.conventions import BY_TIME, Conventions
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.text import is_count
from roa_circuit.basics.units import parse_quantity
from roa_circuit.presentation import console
from roa_circuit.presentation.options import flag

if TYPE_CHECKING:
    from fitting.readers.measurements import Measurements
    from fitting.readers.tables import Sheets

POLARITIES = {"negative-sets": False, "positive-sets": True}

_FILES = typer.Argument(
    metavar="FILE...", help="Pulses, readings, I-V sweeps: CSV, TSV, XLSX, XLS, LVM, MAT, HDF5."
)
Files = Annotated[list[Path], _FILES]
FilesIfAny = Annotated[list[Path] | None, _FILES]
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
Law = Annotated[
    str,
    typer.Option(
        metavar="LAW",
        help="zhang2021 (Eq. 1-2), windows (free exponents), table (measured changes), vteam, yakopcic, "
        "a file of formulas, or auto: zhang2021, and if the readings reject or doubt it, the law that "
        "predicts held-out readings best.",
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, metavar="N", help="Of bootstrap and mcmc; default: 0.")]


@dataclass(frozen=True, kw_only=True)
class HowToRead:
    """The options that say what the files themselves leave unsaid; see `options.grouped`."""

    pulse: Annotated[
        list[str] | None,
        typer.Option(
            metavar="V,T[,N]",
            help="Every pulse, such as -1.1V,3us, where no column says it; once, or per file. Twice: of "
            "potentiation and of depression. With N: so many, then the next.",
        ),
    ] = None
    read: Annotated[
        str | None,
        typer.Option(metavar="V", help="The read voltage, such as 0.1V, where no column says it."),
    ] = None
    width: Annotated[
        str | None,
        typer.Option(
            metavar="T", help="Of every pulse, such as 1us, where a column has its voltage alone."
        ),
    ] = None
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="Of readings in a table with one train a column: A, uS, kOhm; 1 if normalised.",
        ),
    ] = None
    si: Annotated[bool, flag("--si", "Columns without a unit are in V, A, S, Ohm and s.")] = False
    layout: Annotated[
        str | None,
        typer.Option(
            help="Of a table of nothing but readings: a train in each of its columns or rows, or "
            "rereads of one state side by side."
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
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="TITLE", help="Leave a column out; once for each.")
    ] = None
    drop_outlier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LINE",
            help="Take the reading in this line for missing (FILE:LINE of several files); its pulse "
            "stays.",
        ),
    ] = None
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="TITLE=VALUE", help="Read only rows with this value, such as V_gate=2.5."),
    ] = None
    dwell: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="I-V sweeps move the state: the time at each point, such as 20ms, or time: since the "
            "row before, by the Time column.",
        ),
    ] = None
    sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which sheet of a workbook; else its first.")
    ] = None

    def of_each(self, files: Sequence[Path]) -> list[Conventions]:
        """The conventions of each of the files.

        Raises
        ------
        InputError : an option that cannot be read, or --pulse given neither once, nor once or twice a
            file, nor with numbers.
        """
        pulses, numbers = _pulses(self.pulse or ()), len(files)
        shared = self._shared()
        dropped = _dropped(self.drop_outlier or (), files)
        if any(number is not None for _, _, number in pulses):
            if any(number is None for _, _, number in pulses):
                raise InputError("--pulse: give N with all of them, or with none: -1V,1us,50 1V,1us,50")
            sequence = tuple((V, T, number or 0) for V, T, number in pulses)
            return [replace(shared, sequence=sequence, dropped=lines) for lines in dropped]
        bare = [(V, T) for V, T, _ in pulses]
        if len(bare) not in (0, 1, numbers, 2 * numbers) and numbers > 1:
            raise InputError(
                f"{len(bare)} times --pulse for {numbers} files; give it once, or once or twice a file"
            )
        a_file = max(len(bare) // numbers, 1)
        result = []
        for index, lines in enumerate(dropped):
            own = tuple(bare) if len(bare) <= 1 else tuple(bare[index * a_file : (index + 1) * a_file])
            one = {"pulse": own[0]} if len(own) == 1 else {"pulses": own}
            result.append(replace(shared, dropped=lines, **one))
        return result

    def _shared(self) -> Conventions:
        """What holds for every file alike: everything but the pulse."""
        if self.polarity not in POLARITIES:
            raise InputError(
                f"--polarity {self.polarity!r} is unknown; {nearest(self.polarity, POLARITIES)}"
            )
        read_voltage = None if self.read is None else parse_quantity(self.read, what="--read", unit="V")
        if read_voltage == 0:
            raise InputError("--read 0: no current flows at 0 V; give the voltage of the reading")
        if self.width is not None and self.pulse:
            raise InputError("--width and --pulse: a pulse has its width; give one of the two")
        return Conventions(
            read_voltage=read_voltage,
            dwell=BY_TIME if self.dwell == "time" else _time("--dwell", self.dwell, "20ms"),
            width=_time("--width", self.width, "1us"),
            unit=self.unit,
            si=self.si,
            layout=self.layout,
            positive_sets=POLARITIES[self.polarity],
            scale=self.scale,
            columns=dict(_pair("--column", text) for text in self.column or ()),
            ignore=tuple(self.ignore or ()),
            where=tuple(_pair("--where", text) for text in self.where or ()),
            sheet=self.sheet,
        )


def given_pulses(how: HowToRead, idle: Sequence[str] = ()) -> list[str]:
    """The options, as typed, that say what pulses are where no column does.

    idle : those that change nothing
    """
    texts = {"--pulse": how.pulse or (), "--width": (how.width,) if how.width else ()}
    return [f"{name} {text}" for name, given in texts.items() if name[2:] not in idle for text in given]


def readings(files: Sequence[Path], how: HowToRead) -> tuple[Measurements, list[str]]:
    """(the files as the options have them read, the options that change nothing of it)."""
    from fitting.readers.measurements import read_measurements

    each = how.of_each(files)
    sheets: Sheets = {}
    read = read_measurements(files, each, sheets=sheets)
    return read, ignored(files, each, read, sheets)


def ignored(
    files: Sequence[Path],
    each: Sequence[Conventions],
    read: Measurements | None = None,
    sheets: Sheets | None = None,
) -> list[str]:
    """The options that change nothing of how files are read, for JSON, with a line on stderr each.

    read : the files as they are read with all options, if that is known; `sheets` has their cells
    """
    from fitting.readers.idle import idle

    why = "the same is read without it"
    found = (console.ignored(option, value, why) for option, value in idle(files, each, read, sheets))
    return list(dict.fromkeys(name for names in found for name in names))


def _time(option: str, text: str | None, example: str) -> float | None:
    value = None if text is None else parse_quantity(text, what=option, unit="s")
    if value is not None and value <= 0:
        raise InputError(f"{option} {text!r}: must be a time above 0, such as {example}")
    return value


def _pulses(texts: Sequence[str]) -> list[tuple[float, float, int | None]]:
    return [_pulse(text) for text in texts]


def _pulse(text: str) -> tuple[float, float, int | None]:
    parts = text.split(",")
    if len(parts) not in (2, 3):
        raise InputError(f"--pulse {text!r}: must be a voltage and a width, such as -1.1V,3us, "
                         "and a number of them if they change: -1.1V,3us,50")  # fmt: skip
    voltage = parse_quantity(parts[0], what="--pulse", unit="V")
    width = parse_quantity(parts[1], what="--pulse", unit="s")
    if voltage == 0 or width <= 0:
        raise InputError(f"--pulse {text!r}: needs a voltage that is not 0 and a width above 0")
    if len(parts) == 2:
        return voltage, width, None
    if not is_count(parts[2].strip()) or int(parts[2]) < 1:
        raise InputError(f"--pulse {text!r}: {parts[2]!r} is no number of pulses; give 1 or more")
    return voltage, width, int(parts[2])


def _dropped(texts: Sequence[str], files: Sequence[Path]) -> list[tuple[int, ...]]:
    """The lines to drop of each file."""
    found: list[list[int]] = [[] for _ in files]
    for text in texts:
        name, _, line = text.rpartition(":")
        named = [n for n, file in enumerate(files) if name in (str(file), file.name, "")]
        if not is_count(line.strip()) or len(named) != 1:
            raise InputError(f"--drop-outlier {text!r}: must be a line of the file, such as 12, and of "
                             "several files FILE:LINE")  # fmt: skip
        found[named[0]].append(int(line))
    return [tuple(lines) for lines in found]


def _pair(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise InputError(f"{option} {text!r}: must be of the form NAME=VALUE")
    return name.strip(), value.strip()


def share_of(option: str, text: str) -> float:
    """'1%' or '0.01' as 0.01.

    Raises
    ------
    InputError : it is no number, or not between 0 and 100 %.
    """
    number = text.strip().removesuffix("%")
    value = parse_quantity(number, what=option) * (0.01 if text.strip().endswith("%") else 1.0)
    if not 0 <= value < 1:
        raise InputError(f"{option} {text!r}: must lie between 0 and 100 %")
    return value
