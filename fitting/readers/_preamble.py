"""Preambles: what instruments and spreadsheets write around a table, and how they write numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

Line = tuple[int, list[str]]  # where it stands in the file, its cells

_FEWEST_TITLES = 2
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")


def is_number(text: str) -> bool:
    """Whether a cell holds a plain number."""
    return _NUMBER.fullmatch(text) is not None


def title_line(rows: Sequence[Sequence[str]], means: Callable[[str], bool]) -> int | None:
    """The index of the first row that names two columns and has a row as wide after it, or None."""
    for place, (row, following) in enumerate(pairwise(rows)):
        if len(row) == len(following) and sum(map(means, row)) >= _FEWEST_TITLES:
            return place
    return None


def with_points(lines: list[Line], separator: str) -> list[Line]:
    """Decimal commas as points. Between tabs 1,234 may be thousands: only where all else says no."""
    if separator == ",":
        return lines
    if separator == "\t":
        numbers = [cell for _, cells in lines for cell in cells if _DECIMAL_COMMA.fullmatch(cell)]
        points = any("." in cell and is_number(cell) for _, cells in lines for cell in cells)
        if points or all(_THOUSANDS.fullmatch(cell) for cell in numbers):
            return lines
    return [(number, [_point(cell) for cell in cells]) for number, cells in lines]


def _point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell


def records(lines: list[Line]) -> list[Line]:
    """Read records of Keysight's EasyEXPERT, titles after DataName, rows after DataValue, as trains."""
    if not lines or lines[0][1][0] != "DataName":
        return lines
    number, titles = lines[0]
    found: list[Line] = [(number, ["train", *titles[1:]])]
    record = 0
    for number, cells in lines:
        record += cells[0] == "DataName"
        if cells[0] == "DataValue":
            found.append((number, [f"record {record}", *cells[1:]]))
    return found
