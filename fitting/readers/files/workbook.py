"""Workbooks: one sheet of an XLSX or of an old XLS file as lines of cells."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fitting.readers.files.preamble import Line, is_number
from fitting.readers.files.text import is_comment
from fitting.readers.titles import is_counter
from roa_circuit.basics.errors import InputError, nearest

_MOST_ROWS, _MOST_COLUMNS = 2**20, 2**14
OLD = b"\xd0\xcf\x11\xe0"  # the beginning of XLS


def workbook_lines(
    content: bytes, source: str, worksheet: str | None
) -> tuple[list[Line], tuple[str, ...]]:
    """(the lines of one sheet, its first or that of the name `worksheet`, and what else is there).

    Raises
    ------
    InputError : no such sheet, a damaged file, or openpyxl or xlrd is missing.
    """
    kind, extra, package = ("XLS", "xls", "xlrd") if content[:4] == OLD else ("XLSX", "xlsx", "openpyxl")
    try:
        names, rows = _old_rows(content) if kind == "XLS" else _new_rows(content)
        if worksheet is not None and worksheet not in names:
            raise InputError(f"{source}: has no sheet {worksheet!r}; {nearest(worksheet, names)}")
        place = 0 if worksheet is None else names.index(worksheet)
        lines = _lines(rows(place), source)
        if worksheet is None and not _is_table(lines):  # notes before the data
            place = next((p for p in range(1, len(names)) if _is_table(_lines(rows(p), source))), 0)
            lines = _lines(rows(place), source)
    except InputError:
        raise
    except ImportError:
        raise InputError(
            f"{source}: is an {kind} workbook, which needs {package}: pip install "
            f"'roa-circuit[{extra}]', or save the sheet as CSV"
        ) from None
    except Exception as error:  # both raise whatever their parsers meet in a damaged file
        raise InputError(
            f"{source}: is not a readable {kind} workbook ({_one_line(error)}); save it as CSV"
        ) from None
    unused = tuple(f"sheet {name!r}" for name in names if name != names[place])
    width = max((len(cells) for _, cells in lines), default=0)
    return [(number, cells + [""] * (width - len(cells))) for number, cells in lines], unused


def _is_table(lines: list[Line]) -> bool:
    """Whether a sheet has rows of two cells, numbers among them."""
    rows = [cells for _, cells in lines if len(cells) > 1]
    return len(rows) > 1 and any(is_number(cell) for cells in rows for cell in cells)


def _new_rows(content: bytes) -> tuple[list[str], Any]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and fonts
        sheets = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets

    def rows(place: int) -> Iterator[Sequence[Any]]:
        sheets[place].reset_dimensions()  # what a file says of its size may be wrong, and rows be lost
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from sheets[place].iter_rows(values_only=True)

    return [sheet.title for sheet in sheets], rows


def _old_rows(content: bytes) -> tuple[list[str], Any]:
    import xlrd

    book = xlrd.open_workbook(file_contents=content, logfile=io.StringIO())
    return book.sheet_names(), lambda place: book.sheet_by_index(place).get_rows()


def _lines(rows: Iterable[Sequence[Any]], source: str) -> list[Line]:
    """The rows without empty cells at their ends."""
    lines = []
    for number, row in enumerate(rows, start=1):
        if number > _MOST_ROWS or len(row) > _MOST_COLUMNS:
            raise InputError(f"{source}: its sheet goes beyond {_MOST_ROWS} rows or "
                             f"{_MOST_COLUMNS} columns; save the table as CSV")  # fmt: skip
        values = [getattr(cell, "value", cell) for cell in row]
        cells = ["" if value is None else " ".join(str(value).split()) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        counts = len(cells) > 1 and is_counter(cells[0])  # '# pulses' heads a column
        if cells and (counts or not is_comment(cells[0])):
            lines.append((number, cells))
    return lines


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
