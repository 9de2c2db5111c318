"""Measurements: pulse trains and I-V sweeps as read from a file, checked and in SI units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitting.readers._columns import UNITS, title
from fitting.readers._forms import read_table
from fitting.readers._table import Table
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import counted, engineering

FloatArray = NDArray[np.float64]

_NO_VOLTAGE = 1e-12  # [V]: where a sweep passes through 0, some instruments write 5e-17

# The smallest (but for 0) and the largest size an instrument can mean; else the unit is wrong.
LIMITS = {
    "voltage": (0.0, 100.0), "read_voltage": (1e-9, 100.0), "width": (1e-18, 1e4),
    "conductance": (1e-18, 1e6), "read_current": (1e-24, 1e6), "current": (0.0, 1e6),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, repr=False)
class Measurements(Shown):
    """Every reading of a file, in order of train, then of the file. Arrays are (rows,).

    A row is one pulse (none if `width` is 0) and then one reading: the current at
    `read_voltage`. A conductance is kept as the current it was read with, and a point of an
    I-V sweep (`sweep`) is a reading at a voltage of its own, so all rows are alike; that of a slow
    sweep, which moves the state, is the pulse, too.
    """

    source: str
    labels: tuple[str, ...]  # one a train
    train: NDArray[np.int64]  # index into labels
    voltage: FloatArray  # [V] of the pulse, < 0 potentiates, 0 without a pulse
    width: FloatArray  # [s] of the pulse, 0 without a pulse
    read_voltage: FloatArray  # [V]
    current: FloatArray  # [A]
    sweep: NDArray[np.bool_]
    ignored: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()  # one a train; empty where a file names none

    def __post_init__(self) -> None:
        for array in (self.train, self.voltage, self.width, self.read_voltage, self.current, self.sweep):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.train)

    def facts(self) -> Facts:
        """Its trains, each with its readings and pulses."""
        rows = []
        for index, label in enumerate(self.labels):
            of_it = self.train == index
            sweep = int(self.sweep[of_it].sum())
            rows.append((label, str(of_it.sum()), str((self.width[of_it] > 0).sum()), str(sweep)))
        head = ("train", "readings", "pulses", "I-V points")
        return Facts(title=f"{self.source}: {counted(len(self), 'reading')}", head=head, rows=rows)

    @property
    def still(self) -> NDArray[np.bool_]:
        """Points of I-V sweeps that leave the state alone, (rows,)."""
        result: NDArray[np.bool_] = self.sweep & (self.width == 0)
        return result

    @property
    def conductance(self) -> FloatArray:
        """current / read_voltage [S], (rows,); NaN where a sweep passes through 0 V."""
        safe = np.where(np.abs(self.read_voltage) < _NO_VOLTAGE, np.nan, self.read_voltage)
        return self.current / safe

    def of_trains(self, chosen: Sequence[int]) -> Measurements:
        """The readings of some trains alone, numbered anew in the given order."""
        edges = np.searchsorted(self.train, np.arange(len(self.labels) + 1))
        rows = np.concatenate([np.arange(edges[index], edges[index + 1]) for index in chosen])
        number = np.full(len(self.labels), -1)
        number[list(chosen)] = np.arange(len(chosen))
        return Measurements(
            source=self.source, labels=tuple(self.labels[i] for i in chosen),
            train=number[self.train[rows]], voltage=self.voltage[rows], width=self.width[rows],
            read_voltage=self.read_voltage[rows], current=self.current[rows], sweep=self.sweep[rows],
            ignored=self.ignored, devices=tuple(self.devices[i] for i in chosen if self.devices),
        )  # fmt: skip


def read_measurements(
    paths: str | Path | Sequence[str | Path], how: Conventions | Sequence[Conventions] = Conventions()
) -> Measurements:
    """Read pulses and I-V sweeps from one file or several (CSV, TSV, XLSX).

    Columns, in any order, SI prefixes in the units or in the cells: `train` (may be left out),
    `voltage [V]`, `width [s]`, `read_voltage [V]`, and one of `conductance [S]`,
    `resistance [Ohm]`, `read_current [A]`: a pulse and the reading after it; without a width
    (or at 0 V) a reading alone. `R_before [Ohm]` beside `R_after [Ohm]` is one pulse between
    two readings. A row with `current [A]` and neither width nor reading is a point of an I-V
    sweep at `voltage [V]`, quick enough to leave the state of its train as it is. A table of
    nothing but readings has one train a column. '#' begins a comment line.

    `how` says what the files leave unsaid, once for all or once for each. Trains of several
    files are named after their file.

    Raises
    ------
    InputError : names the file, the line, the column, the limit, and what to do.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    each = [how] * len(files) if isinstance(how, Conventions) else list(how)
    if not files or len(each) != len(files):
        raise InputError(f"{len(files)} files with {len(each)} conventions; give one for each")
    parts = [_read_one(path, one) for path, one in zip(files, each, strict=True)]
    return parts[0] if len(parts) == 1 else joined(files, parts)


def _read_one(path: Path, how: Conventions) -> Measurements:
    table = read_table(path, how)
    sweep = _kinds(table)
    _check_ranges(table)
    _check_pulses(table, sweep)
    read_voltage = np.where(sweep, table.column("voltage"), table.column("read_voltage"))
    sign = -1.0 if how.positive_sets else 1.0
    current = sign * _currents(table, sweep, read_voltage, how.scale)
    pulse = ~sweep & (np.nan_to_num(table.column("voltage")) != 0)
    width = table.column("width")
    if how.dwell is not None:
        moves = sweep & (np.abs(table.column("voltage")) > _NO_VOLTAGE)
        pulse, width = pulse | moves, np.where(moves, how.dwell, width)
    labels = tuple(dict.fromkeys(table.label))
    number = {label: index for index, label in enumerate(labels)}
    train = np.array([number[label] for label in table.label], dtype=np.int64)
    order = np.argsort(train, kind="stable")
    first = np.searchsorted(train[order], np.arange(len(labels)))
    return Measurements(
        source=table.source,
        labels=labels,
        train=train[order],
        voltage=np.where(pulse, sign * table.column("voltage"), 0.0)[order],
        width=np.where(pulse, width, 0.0)[order],
        read_voltage=sign * read_voltage[order],
        current=current[order],
        sweep=sweep[order],
        ignored=table.ignored,
        devices=tuple(table.device[row] for row in order[first]) if any(table.device) else (),
    )


def joined(files: Sequence[Path], parts: Sequence[Measurements]) -> Measurements:
    """The parts of several files as one set; a train is named after its file and its label there."""
    stems = [path.stem for path in files]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in files]
    labels = [
        name if m.labels == (stem,) else f"{name} {label}"
        for name, stem, m in zip(names, stems, parts, strict=True) for label in m.labels
    ]  # fmt: skip
    offset = np.cumsum([0, *(len(m.labels) for m in parts)])
    named = any(m.devices for m in parts)

    def stacked(name: str) -> FloatArray:
        return np.concatenate([getattr(m, name) for m in parts])

    return Measurements(
        source=", ".join(m.source for m in parts), labels=tuple(labels),
        train=np.concatenate([m.train + start for m, start in zip(parts, offset, strict=False)]),
        voltage=stacked("voltage"), width=stacked("width"), read_voltage=stacked("read_voltage"),
        current=stacked("current"), sweep=np.concatenate([m.sweep for m in parts]),
        ignored=tuple(dict.fromkeys(text for m in parts for text in m.ignored)),
        devices=tuple(d for m in parts for d in m.devices or m.labels) if named else (),
    )  # fmt: skip


def _kinds(table: Table) -> NDArray[np.bool_]:
    """Which rows are I-V points; every row must be one thing."""
    names = ("conductance", "read_current", "current")
    has = {name: ~np.isnan(table.column(name)) for name in names}
    count = np.sum(list(has.values()), axis=0)
    if (count == 0).any():
        present = [title(name) for name in names if name in table.columns]
        _refuse_first(table, count == 0, next(n for n in names if n in table.columns),
                      f"is empty; every row needs one reading ({' or '.join(present)})")  # fmt: skip
    if (count > 1).any():
        row = int(np.argmax(count > 1))
        both = [table.headers[name] for name in names if has[name][row]]
        table.refuse(row, next(n for n in names if has[n][row]),
                     f"the row has {len(both)} readings ({', '.join(both)}); keep one")  # fmt: skip
    return has["current"]


def _check_ranges(table: Table) -> None:
    """Every size within what an instrument can mean; no negative width or conductance."""
    _refuse_first(table, table.column("width") < 0, "width", "is {value} s; a width cannot be negative")
    _refuse_first(table, table.column("conductance") <= 0, "conductance",
                  "is {value} S; a conductance must be greater than 0")  # fmt: skip
    for name, (smallest, largest) in LIMITS.items():
        size, unit = np.abs(table.column(name)), UNITS[name]
        _refuse_first(table, size > largest, name, f"is {{value}} {unit}, beyond {largest:g} {unit}; "
                      "is the header's unit right? Leave the cell of an overflow empty")  # fmt: skip
        _refuse_first(table, (size < smallest) & (size > 0), name, f"is {{value}} {unit}, less than "
                      f"{smallest:g} {unit}; is the header's unit right?")  # fmt: skip


def _check_pulses(table: Table, sweep: NDArray[np.bool_]) -> None:
    """A sweep point has a voltage and no width; a pulse has a voltage, a width and a read."""
    voltage, width = table.column("voltage"), table.column("width")
    read_voltage = table.column("read_voltage")
    no_width = np.isnan(width) | (width == 0)
    no_pulse = np.isnan(voltage) | (voltage == 0)
    _refuse_first(table, sweep & np.isnan(voltage), "voltage", "is empty in a row of an I-V sweep; "
                  "give the voltage at which the current was read")  # fmt: skip
    _refuse_first(table, sweep & ~no_width, "width", "is {value} s in a row of an I-V sweep; a sweep "
                  "leaves the state alone, so leave the width empty")  # fmt: skip
    _refuse_first(table, ~sweep & no_width & ~no_pulse, "width", "is empty or 0 although the row has a "
                  "pulse; give its width, or a voltage of 0 for a reading without a pulse")  # fmt: skip
    _refuse_first(table, ~sweep & ~no_width & np.isnan(voltage), "voltage",
                  "is empty although the row has a width; give the pulse's voltage")  # fmt: skip
    _refuse_first(table, ~sweep & (np.isnan(read_voltage) | (read_voltage == 0)), "read_voltage",
                  "is empty or 0; give the voltage of the reading, such as 0.05")  # fmt: skip


def _currents(
    table: Table, sweep: NDArray[np.bool_], read_voltage: FloatArray, scale: float
) -> FloatArray:
    """Every reading, times `scale`, as a current [A] at its read voltage; conductances above 0."""
    conductance, read_current = table.column("conductance"), table.column("read_current")
    wrong_sign = ~sweep & (scale * read_current * read_voltage <= 0)
    _refuse_first(table, wrong_sign, "read_current", "is {value} A, a conductance of 0 or less; the "
                  "current must have the sign of the read voltage; --scale -1 turns all")  # fmt: skip
    _refuse_first(table, ~sweep & (scale * conductance < 0), "conductance",
                  "is {value} S, and --scale makes it negative; give a scale above 0")  # fmt: skip
    measured = np.where(np.isnan(conductance), read_current, conductance * read_voltage)
    return scale * np.where(sweep, table.column("current"), measured)


def _refuse_first(table: Table, wrong: NDArray[np.bool_], name: str, complaint: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        table.refuse(row, name, complaint.replace("{value}", f"{table.column(name)[row]:g}"))


def describe(m: Measurements) -> str:
    """One line on what was read: '1,024 readings; 9 trains, pulses of -3.8 V to 3.5 V, 3 µs'."""
    pulses, widths = m.voltage[m.voltage != 0], m.width[m.width > 0]
    span = f", pulses of {_span(pulses, 'V')}, {_span(widths, 's')}" if pulses.size else ", no pulses"
    sweeps = f", {int(m.sweep.sum()):,} of them I-V points" if m.sweep.any() else ""
    return f"{counted(len(m), 'reading')}{sweeps}; {counted(len(m.labels), 'train')}{span}"


def _span(values: FloatArray, unit: str) -> str:
    ends = (values.min(), values.max())
    return " to ".join(dict.fromkeys(f"{v:g} V" if unit == "V" else engineering(v, unit) for v in ends))
