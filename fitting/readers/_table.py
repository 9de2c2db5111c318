"""A table of readings, whatever its form was: one in each row, in SI, with its line number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from fitting.readers._columns import title
from roa_circuit.basics.errors import InputError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One reading a row, in SI; a cell left empty is NaN.

    `line` (rows,) is the line in the file, `label` the train and `device` the device of each
    row, `headers` the titles as written there, `ignored` the titles that mean nothing here.
    """

    source: str
    line: NDArray[np.int64]
    label: tuple[str, ...]
    device: tuple[str, ...]
    columns: dict[str, FloatArray]
    headers: dict[str, str]
    ignored: tuple[str, ...]

    def column(self, name: str) -> FloatArray:
        """The numbers [SI] of one column, (rows,); all NaN if the file does not have it."""
        return self.columns.get(name, np.full(len(self.line), np.nan))

    def refuse(self, row: int, name: str, complaint: str) -> NoReturn:
        """Raise the InputError that names file, line and column."""
        column = self.headers.get(name, title(name))
        raise InputError(f"{self.source}, line {self.line[row]}, column {column!r}: {complaint}")
