"""Cells: numbers with prefixes, units, marks of a compliance and overflows, as SI numbers."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import TIME, UNITS, Column, factor, title
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import parse_quantity

FloatArray = NDArray[np.float64]

_EMPTY = ("nan", "--", "---", "n/a", "ovld", "ovrflw", "overflow", "overload", "open")
_OVERFLOW = (9.8e37, 1.01e38)  # what instruments write for a reading beyond their range
_FLAG = re.compile(r"(?P<flag>[CTX])\s*(?=[-+.\d])|(?<=\d)\s*(?P<behind>\*|\(C\)|,?\s?C)$")
_OHM = re.compile("(\u2126|Ω|ohms|ohm)$", re.IGNORECASE)


def numbers(sheet: Sheet, column: Column) -> FloatArray:
    """One column as SI numbers (rows,); empty cells, 'NaN' and overflows are NaN, anything else must be
    finite. A mark of compliance before a number, as in 'C 800 uA', is left out.
    """
    cells = [_FLAG.sub("", row[column.place]) for row in sheet.cells]
    values = np.array([_bare(cell) for cell in cells])
    size = np.abs(values)
    values[(size >= _OVERFLOW[0]) & (size <= _OVERFLOW[1])] = np.nan
    lost = np.isnan(values) & np.isfinite(size)
    bare = np.isfinite(values)
    if column.factor is None and (bare & (values != 0)).any():
        whole = f"{column.title} [{UNITS[column.name]}]"
        raise InputError(f"{sheet.place}: column {column.title!r} lacks its unit; write {whole!r}, "
                         f"or say --column {column.name}={whole!r}, or --si if every column without "
                         "a unit is in V, A, S, Ohm or s")  # fmt: skip
    with np.errstate(over="ignore"):  # what is too large is refused below
        values = values * (1.0 if column.factor is None else column.factor)
    for row in np.flatnonzero(~np.isfinite(values) & ~lost):
        if cells[row] and cells[row].lower() not in _EMPTY:
            values[row] = _written(sheet, column, int(row), cells[row])
    return values


def limited(sheet: Sheet, column: Column) -> NDArray[np.bool_]:
    """Which cells (rows,) carry a mark of compliance."""
    return np.array([_FLAG.search(row[column.place]) is not None for row in sheet.cells], dtype=bool)


def bare_numbers(sheet: Sheet, place: int) -> FloatArray:
    """The plain numbers of a column, NaN for anything else."""
    return np.array([_bare(row[place]) for row in sheet.cells])


def _bare(cell: str) -> float:
    """A cell that is nothing but a number; NaN for any other, '1_000' and 'NaN' too."""
    try:
        return float(cell) if "_" not in cell else np.nan
    except ValueError:
        return np.nan


def _written(sheet: Sheet, column: Column, row: int, text: str) -> float:
    """The number in a cell with a prefix or a unit of its own, such as 100u, 3 us or -1.1V."""
    where = f"{sheet.source}, line {sheet.line[row]}, column {column.title!r}"
    unit = UNITS[column.name]
    if np.isfinite(_bare(text)):
        raise InputError(f"{where}: {text[:40]!r} is too large")
    words = re.fullmatch(r"\s*(?P<number>[-+.\deE]+)\s*(?P<unit>\D+)", text)
    spelt = factor(words["unit"], unit) if words else None
    try:
        value = (
            float(words["number"]) * spelt if words and spelt is not None
            else parse_quantity(text, what=where, unit=unit)
        )  # fmt: skip
        if not np.isfinite(value):
            raise InputError(f"{where}: {text[:40]!r} is too large")
    except (InputError, ValueError) as error:
        if isinstance(error, InputError) and (" is in " in str(error) or "too large" in str(error)):
            raise
        told = "," in text and any(map(str.isdigit, text))
        how = ("write it with a point and without thousands signs" if told
               else "correct it or leave the cell empty")  # fmt: skip
        raise InputError(f"{where}: {text[:40]!r} is not a finite number; {how}") from None
    if column.factor not in (None, 1.0) and _OHM.sub("Ohm", text.strip())[-len(unit) :] != unit:
        raise InputError(f"{where}: {text[:40]!r} has a prefix and so has the title; write the unit "
                         f"out ({text[:40].strip()}{unit}), or a bare number") from None  # fmt: skip
    return value


def unit_factor(sheet: Sheet, name: str, text: str, unit: str | None) -> float | None:
    """The factor to SI of the unit that a title has, None without one.

    Raises
    ------
    InputError : a unit of another quantity.
    """
    expected = "s" if name == TIME else UNITS.get(name)
    if expected is None or unit is None:
        return None
    result = factor(unit, expected)
    if result is None and name != TIME:
        raise InputError(f"{sheet.place}: column {text!r} is not in {expected} (SI prefixes "
                         f"are welcome); write {title(name)!r}")  # fmt: skip
    return result


def rises(sheet: Sheet, place: int) -> bool:
    """Whether a column is of numbers, each larger than the one before."""
    values = bare_numbers(sheet, place)
    return len(values) > 1 and bool(np.isfinite(values).all() and (np.diff(values) > 0).all())
