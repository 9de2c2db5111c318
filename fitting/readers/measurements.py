"""Measurements: pulse trains and I-V sweeps as read from a file, checked and in SI units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.readers.conventions import BY_TIME, Conventions
from fitting.readers.forms.checks import check_pulses, check_ranges, currents, dwells, kinds
from fitting.readers.forms.table import AT_LIMIT, PER_ROW, Table
from fitting.readers.tables import Sheets, read_table
from fitting.readers.titles import TIME
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import counted, engineering

FloatArray = NDArray[np.float64]

_ROWS = ("train", "voltage", "width", "read_voltage", "current", "sweep")
_OPTIONAL_ROWS = ("pulses", "time", "line", "limited")
_NO_VOLTAGE = 1e-12  # [V]: where a sweep passes through 0, some instruments write 5e-17


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
    pulses: FloatArray | None = None  # of each row, which `width` is that of, fractions as they are
    time: FloatArray | None = None  # [s] of each row, NaN where the file does not say
    line: NDArray[np.int64] | None = None  # of each row in its file
    limited: NDArray[np.bool_] | None = None  # points at the compliance: shown, not fitted
    normalised: bool = False  # over some reference: `conductance` has no unit and may be below 0
    shift: float = 0.0  # added to normalised readings, so that they are above 0
    taken: tuple[str, ...] = ()  # which column is what
    assumed: tuple[str, ...] = ()  # what the file leaves open, and how it was taken

    def __post_init__(self) -> None:
        for name in (*_ROWS, *_OPTIONAL_ROWS):
            array = getattr(self, name)
            if array is not None:
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
    def each_width(self) -> FloatArray:
        """Of one pulse of each row [s] but for rounding, 0 without a pulse, (rows,)."""
        count = np.ones(len(self)) if self.pulses is None else np.nan_to_num(self.pulses, nan=1.0)
        met, place = np.unique(self.width / np.where(count > 0, count, 1.0), return_inverse=True)
        return np.array([float(f"{one:.9g}") for one in met.tolist()])[place]

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
        return replace(
            self.of_rows(rows), labels=tuple(self.labels[i] for i in chosen),
            train=number[self.train[rows]],
            devices=tuple(self.devices[i] for i in chosen if self.devices),
        )  # fmt: skip

    def of_rows(self, rows: NDArray[Any]) -> Measurements:
        """Some of the readings; trains keep their numbers, so that some may be empty."""
        arrays = {name: getattr(self, name) for name in (*_ROWS, *_OPTIONAL_ROWS)}
        kept: dict[str, Any] = {n: a if a is None else a[rows] for n, a in arrays.items()}
        return replace(self, **kept)

    def fitted(self) -> Measurements:
        """What can be fitted: without the points that a compliance held.

        Where such points were pulses, too, the train goes on with a state of its own. Normalised
        readings that go below 0 are shifted to above it.

        Raises
        ------
        InputError : nothing but points at the compliance.
        """
        if self.normalised and (self.conductance[~self.sweep] <= 0).any():
            return self._shifted().fitted()
        if self.limited is None or not self.limited.any():
            return self
        kept = np.flatnonzero(~self.limited)
        if not kept.size:
            raise InputError(f"{self.source}: every point is at the compliance; measure below it")
        moved = np.isin(self.train, self.train[self.width > 0])
        part = np.where(moved, np.cumsum(np.diff(self.limited.astype(int), prepend=0) == 1), 0)
        names, train = np.unique(np.stack([self.train[kept], part[kept]]), axis=1, return_inverse=True)
        first = {t: names[1][names[0] == t].min() for t in names[0].tolist()}
        labels, owners = [], names[0].tolist()
        for place, (t, p) in enumerate(zip(owners, names[1].tolist(), strict=True)):
            later = place - owners.index(t)
            labels.append(self.labels[t] if p == first[t] else f"{self.labels[t]} part {later + 1}")
        return replace(
            self.of_rows(kept), train=train.ravel().astype(np.int64), labels=tuple(labels),
            devices=tuple(self.devices[t] for t in owners) if self.devices else (),
        )  # fmt: skip

    def _shifted(self) -> Measurements:
        """Normalised readings above 0, the smallest by a tenth of their range."""
        G = self.conductance[~self.sweep]
        low, high = float(G.min()), float(G.max())
        shift = 0.1 * (high - low) - low
        said = (f"normalised readings go below 0: {shift:.4g} is added to each, misfits are over their"
                f" range of {high - low:.4g}, and the device conducts in those units")  # fmt: skip
        return replace(
            self, current=self.current + shift * self.read_voltage, shift=shift,
            assumed=(*self.assumed, said),
        )  # fmt: skip


def read_measurements(
    paths: str | Path | Sequence[str | Path],
    how: Conventions | Sequence[Conventions] = Conventions(),
    *,
    sheets: Sheets | None = None,
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
    files are named after their file. `sheets` keeps the cells of files that are read several times.

    Raises
    ------
    InputError : names the file, the line, the column, the limit, and what to do.

    Examples
    --------
    >>> from fitting.readers.example import example
    >>> measured = read_measurements(example())
    >>> len(measured), len(measured.labels)
    (1131, 7)
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    each = [how] * len(files) if isinstance(how, Conventions) else list(how)
    if not files or len(each) != len(files):
        raise InputError(f"{len(files)} files with {len(each)} conventions; give one for each")
    parts = [_read_one(path, one, sheets) for path, one in zip(files, each, strict=True)]
    if any(one.dwell is not None for one in each) and not any(part.sweep.any() for part in parts):
        raise InputError(f"{files[0]}: has no I-V sweep, whose points --dwell is about; leave it out")
    return parts[0] if len(parts) == 1 else joined(files, parts)


def _read_one(path: Path, how: Conventions, sheets: Sheets | None) -> Measurements:
    table = read_table(path, how, sheets)
    sweep = kinds(table)
    check_ranges(table)
    check_pulses(table, sweep)
    read_voltage = np.where(sweep, table.column("voltage"), table.column("read_voltage"))
    sign = -1.0 if how.positive_sets else 1.0
    current = sign * currents(table, sweep, read_voltage, how.scale)
    pulse = ~sweep & (np.nan_to_num(table.column("voltage")) != 0)
    width = table.column("width")
    if how.dwell is not None:
        moves = sweep & (np.abs(table.column("voltage")) > _NO_VOLTAGE)
        pulse, width = pulse | moves, np.where(moves, dwells(table, how.dwell), width)
    labels = tuple(dict.fromkeys(table.label))
    number = {label: index for index, label in enumerate(labels)}
    train = np.array([number[label] for label in table.label], dtype=np.int64)
    order = np.argsort(train, kind="stable")
    first = np.searchsorted(train[order], np.arange(len(labels)))
    count = table.columns.get(PER_ROW, np.ones(len(train)))
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
        pulses=np.where(pulse, count, 0.0)[order],
        time=table.columns[TIME][order] if TIME in table.columns else None,
        line=table.line[order],
        limited=table.flags(AT_LIMIT)[order] if AT_LIMIT in table.columns else None,
        normalised=table.normalised,
        taken=table.taken,
        assumed=(*table.assumed, *_timed(table, how), *_turned(how)),
    )


def _timed(table: Table, how: Conventions) -> tuple[str, ...]:
    """A word on what a Time column says of the widths."""
    if how.dwell != BY_TIME:
        return ()
    return (f"{table.headers[TIME]!r} is when each point was read: it is a pulse as long as the time "
            "since the row before, and the first row of a train as long as the second",)  # fmt: skip


def _turned(how: Conventions) -> tuple[str, ...]:
    """A word on voltages that have the other sign than in their file."""
    if not how.positive_sets:
        return ()
    return ("the terminals are exchanged: voltages have the other sign here than in the file and in "
            "--pulse, so that V < 0 potentiates",)  # fmt: skip


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

    def optional(name: str, missing: float) -> Any:
        arrays = [getattr(m, name) for m in parts]
        if all(array is None for array in arrays):
            return None
        return np.concatenate([
            np.full(len(m), missing) if array is None else array
            for m, array in zip(parts, arrays, strict=True)
        ])  # fmt: skip

    def said(name: str) -> tuple[str, ...]:
        return tuple(
            text if len({getattr(other, name) for other in parts}) == 1 else f"{label}: {text}"
            for m, label in zip(parts, names, strict=True) for text in getattr(m, name)
        )  # fmt: skip

    return Measurements(
        source=", ".join(m.source for m in parts), labels=tuple(labels),
        train=np.concatenate([m.train + start for m, start in zip(parts, offset, strict=False)]),
        voltage=stacked("voltage"), width=stacked("width"), read_voltage=stacked("read_voltage"),
        current=stacked("current"), sweep=np.concatenate([m.sweep for m in parts]),
        ignored=tuple(dict.fromkeys(text for m in parts for text in m.ignored)),
        devices=tuple(d for m in parts for d in m.devices or m.labels) if named else (),
        pulses=optional("pulses", np.nan), time=optional("time", np.nan), line=optional("line", 0),
        limited=optional("limited", False), normalised=any(m.normalised for m in parts),
        taken=tuple(dict.fromkeys(said("taken"))), assumed=tuple(dict.fromkeys(said("assumed"))),
    )  # fmt: skip


def describe(m: Measurements) -> str:
    """One line on what was read: '1,024 readings; 9 trains, pulses of -3.8 V to 3.5 V, 3 µs'."""
    pulses, widths = m.voltage[m.voltage != 0], m.each_width[m.width > 0]
    span = f", pulses of {_span(pulses, 'V')}, {_span(widths, 's')}" if pulses.size else ", no pulses"
    sweeps = f", {int(m.sweep.sum()):,} of them I-V points" if m.sweep.any() else ""
    return f"{counted(len(m), 'reading')}{sweeps}; {counted(len(m.labels), 'train')}{span}"


def ways(m: Measurements) -> str:
    """Which trains are of potentiation, which of depression; '' where all are of both, or of one."""
    signs = [set(np.sign(m.voltage[m.train == t]).tolist()) - {0.0} for t in range(len(m.labels))]
    named = {
        kind: [label for label, met in zip(m.labels, signs, strict=True) if met == {sign}]
        for sign, kind in ((-1.0, "potentiation (V < 0)"), (1.0, "depression (V > 0)"))
    }
    if not all(named.values()):
        return ""
    return "; ".join(f"{kind}: {few(labels)}" for kind, labels in named.items())


def few(labels: Sequence[str], most: int = 4) -> str:
    """The first of many names."""
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _span(values: FloatArray, unit: str) -> str:
    """'-1 V', '-1 V and 1 V', or '-3.8 V to 3.5 V' of more."""
    met = np.unique(values)
    ends = dict.fromkeys(f"{v:g} V" if unit == "V" else engineering(v, unit) for v in met[[0, -1]])
    return (" and " if len(met) == 2 else " to ").join(ends)
