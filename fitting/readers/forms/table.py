"""A table of readings, whatever its form was: one in each row, in SI, with its line number."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from fitting.readers.titles import title
from roa_circuit.basics.errors import InputError

FloatArray = NDArray[np.float64]

AGAIN, PER_ROW, RISES, AT_LIMIT = "_again", "_count", "_way", "_limited"
"""Columns of a table that no title names: 1 for another reading of the state before; the pulses of
a row; 1 or -1 where a pulse raises or lowers the conductance; 1 for a reading at the compliance."""


_READ = ("conductance", "read_current", "current")


@dataclass(frozen=True, kw_only=True)
class Table:
    """One reading a row, in SI; a cell left empty is NaN.

    `line` (rows,) is the line in the file, `label` the train and `device` the device of each
    row, `headers` the titles as written there, `ignored` the titles that mean nothing here.
    `assumed` says what the file leaves open and how it was taken; `taken` which column is what.
    """

    source: str
    line: NDArray[np.int64]
    label: tuple[str, ...]
    device: tuple[str, ...]
    columns: dict[str, FloatArray]
    headers: dict[str, str]
    ignored: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    normalised: bool = False

    def column(self, name: str) -> FloatArray:
        """The numbers [SI] of one column, (rows,); all NaN if the file does not have it."""
        return self.columns.get(name, np.full(len(self.line), np.nan))

    def has_reading(self) -> NDArray[np.bool_]:
        """Which rows (rows,) have a reading."""
        result: NDArray[np.bool_] = np.any([~np.isnan(self.column(name)) for name in _READ], axis=0)
        return result

    def flags(self, name: str) -> NDArray[np.bool_]:
        """One of the columns that no title names, as flags (rows,)."""
        result: NDArray[np.bool_] = np.nan_to_num(self.column(name)) > 0
        return result

    def trains(self) -> NDArray[np.int64]:
        """The number of the train of each row, (rows,)."""
        number: dict[tuple[str, str], int] = {}
        pasts = zip(self.device, self.label, strict=True)
        return np.array([number.setdefault(past, len(number)) for past in pasts], dtype=np.int64)

    def of_each_train(self) -> list[NDArray[np.int64]]:
        """The rows of every train."""
        train = self.trains()
        order = np.argsort(train, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(train[order])) + 1)

    def refuse(self, row: int, name: str, complaint: str) -> NoReturn:
        """Raise the InputError that names file, line and column."""
        column = self.headers.get(name, title(name))
        raise InputError(f"{self.source}, line {self.line[row]}, column {column!r}: {complaint}")

    def noted(self, *, ignored: Sequence[str] = (), assumed: Sequence[str] = ()) -> Table:
        """The table with more said of it."""
        return dataclasses.replace(
            self, ignored=(*self.ignored, *ignored), assumed=(*self.assumed, *assumed)
        )

    def of_rows(self, rows: NDArray[np.int64]) -> Table:
        """Some of the rows, in the given order, which may take one twice."""
        return dataclasses.replace(
            self, line=self.line[rows], label=tuple(self.label[r] for r in rows),
            device=tuple(self.device[r] for r in rows),
            columns={name: values[rows] for name, values in self.columns.items()},
        )  # fmt: skip


def stacked(tables: Sequence[Table]) -> Table:
    """The tables of one file under one another."""
    if len(tables) == 1:
        return tables[0]
    names = sorted({name for table in tables for name in table.columns})

    def said(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for table in tables for text in getattr(table, name)))

    return Table(
        source=tables[0].source, line=np.concatenate([t.line for t in tables]),
        label=tuple(text for t in tables for text in t.label),
        device=tuple(text for t in tables for text in t.device),
        columns={name: np.concatenate([t.column(name) for t in tables]) for name in names},
        headers={name: text for t in tables for name, text in t.headers.items()},
        ignored=said("ignored"), assumed=said("assumed"), taken=said("taken"),
        normalised=any(t.normalised for t in tables),
    )  # fmt: skip
