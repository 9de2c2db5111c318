"""Matrices of numbers parted by commas, semicolons or blanks: no header, one line for each row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError

LARGEST_FILE = 256 * 1024 * 1024
"""In bytes; what is larger is not a matrix that any engine here would solve."""

# float() alone would take 1_000, nan and infinity.
_FEWEST_COUNTED = 3  # of columns: 0, 1 may be a read
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def read_matrix(path: Path, *, what: str, lowest: float, highest: float) -> NDArray[np.float64]:
    """Read a matrix of numbers within [lowest, highest], from text, .npy, or .npz of one array.

    what : the name of a number for messages: 'state omega', 'input [V]'

    Raises
    ------
    InputError : unreadable, empty, not text or ragged, or a cell that is no number within range;
        the message names file, line and column.
    """
    matrix = _array(path) if path.suffix in (".npy", ".npz") else _table(path)
    outside = np.argwhere(~((matrix >= lowest) & (matrix <= highest)))
    if len(outside):
        row_index, column_index = (int(index) for index in outside[0])
        value = matrix[row_index, column_index]
        raise InputError(
            f"{path}, line {row_index + 1}, column {column_index + 1}: {what} = {value:g} lies outside"
            f" [{lowest:g}, {highest:g}]"
        )
    return matrix


def format_matrix(matrix: NDArray[np.float64]) -> str:
    """The matrix as text, twelve significant digits."""
    return "".join(",".join(f"{value + 0.0:.11e}" for value in row) + "\n" for row in matrix)


def _table(path: Path) -> NDArray[np.float64]:
    lines = _text(path).rstrip().split("\n")
    if lines == [""]:
        raise InputError(f"{path}: is empty; expected comma-separated numbers, one line a row")
    apart = _separator(lines[0])
    rows = [_row(line, apart, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise InputError(f"{path}, line {number}: {len(row)} numbers, but line 1 has {len(rows[0])}")
    found = np.array(rows, dtype=np.float64)
    if _counts_columns(found):
        raise InputError(
            f"{path}, line 1: counts 0, 1, 2 ... and others have fractions: pandas heads columns so;"
            " leave it out (index=False, header=False)"
        )
    return found


def _counts_columns(found: NDArray[np.float64]) -> bool:
    """Whether the first line numbers the columns, and no other line has whole numbers alone."""
    first, others = found[0], found[1:]
    if len(first) < _FEWEST_COUNTED or not len(others):
        return False
    return bool((first == np.arange(len(first))).all() and (others % 1 != 0).any(axis=1).all())


def _array(path: Path) -> NDArray[np.float64]:
    """A vector counts as a column."""
    if path.suffix == ".npz":
        named = files.arrays(path, expected="an array that numpy saved")
    else:
        named = {"": files.array(path)}
    if len(named) != 1:
        raise InputError(f"{path}: holds {', '.join(named) or 'nothing'}; save one array alone")
    (array,) = named.values()
    if isinstance(array, np.ndarray) and array.ndim == 4:
        raise InputError(
            f"{path}: holds a kernel of shape {array.shape}; save kernel.reshape(len(kernel), -1).T,"
            " which is inputs of a window x filters"
        )
    if not (isinstance(array, np.ndarray) and array.dtype.kind in "fiu" and array.ndim in (1, 2)):
        raise InputError(f"{path}: must hold a matrix of real numbers")
    if not array.size:
        raise InputError(f"{path}: is empty")
    return np.asarray(array.reshape(len(array), -1), dtype=np.float64)


def _text(path: Path) -> str:
    expected = "comma-separated numbers, one line a row"
    text = files.text(path, expected=expected, most=LARGEST_FILE)
    if "\0" in text:
        raise InputError(f"{path}: not UTF-8 text; expected {expected}")
    return text


def _separator(line: str) -> str | None:
    """What parts the numbers of a line: a semicolon, a comma, or blanks and tabs (None)."""
    return next((mark for mark in (";", ",") if mark in line), None)


def _row(line: str, apart: str | None, where: str) -> list[float]:
    if not line.strip():
        raise InputError(f"{where}: is empty; every line needs the same count of numbers")
    if apart == ";":  # where semicolons part numbers, a comma is a decimal point
        line = line.replace(",", ".")
    return [
        _value(field.strip(), f"{where}, column {number}")
        for number, field in enumerate(line.split(apart), start=1)
    ]


def _value(field: str, where: str) -> float:
    if not _NUMBER.fullmatch(field):
        shown = field if len(field) <= 20 else field[:20] + "..."
        raise InputError(f"{where}: {shown!r} is not a finite number; the files have no header line")
    return float(field)
