"""A sheet: whatever a probe station saved (CSV, TSV, XLSX) as lines of plain text cells."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roa_circuit.errors import InputError

SEPARATORS = ",\t;"
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_ERROR_VALUE = re.compile(r"#(N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!)")
_MOST_ROWS, _MOST_COLUMNS = 2**20, 2**14  # of a workbook
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The cells of one file. `titles` is the first line; a sheet of bare numbers has none.

    `line` (rows,) is where each row of `cells` (rows, columns) stands in the file.
    """

    source: str
    title_line: int
    titles: tuple[str, ...]
    line: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def place(self) -> str:
        """The file and the line of its titles, for messages."""
        return f"{self.source}, line {self.title_line}" if self.title_line else self.source


def read_sheet(path: Path) -> Sheet:
    """Read CSV, TSV, semicolon-separated text (decimal commas too) or the first sheet of XLSX.

    '#' begins a comment line. Short rows of text files are refused, not padded.

    Raises
    ------
    InputError : unreadable, not UTF-8, empty, ragged, or XLSX without openpyxl.
    """
    content = _content(path)
    if content[:2] == b"PK":
        lines = _workbook(content, str(path))
    else:
        lines = list(_lines(_decoded(content, path), str(path)))
    return _sheet(lines, str(path))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}; give the path of a CSV file") from None


def _decoded(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not UTF-8 text (byte {error.start}); save it as CSV, UTF-8"
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: is a binary file; save the table as CSV, UTF-8")
    return text


def _lines(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that is neither blank nor a comment."""
    separator = ""
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if _is_comment(line.lstrip()):
            continue
        separator = separator or _separator(line)
        try:
            rows = csv.reader([line], strict=True, delimiter=separator or ",")
            cells = [cell.strip() for row in rows for cell in row]
        except csv.Error as error:
            raise InputError(f"{source}, line {number}: is not CSV: {error}; check its quotes") from None
        if any(cells):
            yield number, [_point(cell) for cell in cells] if separator == ";" else cells


def _separator(line: str) -> str:
    """What parts the columns, told by the first line; '' while that is blank."""
    if not line.strip():
        return ""
    plain = re.sub(r'"[^"]*"', "", line)
    return max(SEPARATORS, key=plain.count)


def _point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell


def _workbook(content: bytes, source: str) -> list[tuple[int, list[str]]]:
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{source}: is an XLSX workbook, which needs openpyxl: pip install 'roa-circuit[xlsx]', "
            "or save the sheet as CSV"
        ) from None
    try:
        lines = list(_book_lines(openpyxl.load_workbook, content, source))
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers meet in a damaged file
        raise InputError(
            f"{source}: is not a readable XLSX workbook ({_one_line(error)}); save it as CSV"
        ) from None
    width = max((len(cells) for _, cells in lines), default=0)
    return [(number, cells + [""] * (width - len(cells))) for number, cells in lines]


def _book_lines(load: Any, content: bytes, source: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of the first sheet, without empty cells at their ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and fonts
        sheet = load(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
        sheet.reset_dimensions()  # what a file says of its size may be wrong, and rows be lost
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > _MOST_ROWS or len(row) > _MOST_COLUMNS:
                raise InputError(f"{source}: its first sheet goes beyond {_MOST_ROWS} rows or "
                                 f"{_MOST_COLUMNS} columns; save the table as CSV")  # fmt: skip
            cells = ["" if value is None else str(value).strip() for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells and not _is_comment(cells[0]):
                yield number, cells


def is_number(text: str) -> bool:
    """Whether a cell holds a plain number."""
    return _NUMBER.fullmatch(text) is not None


def _is_comment(text: str) -> bool:
    """'#' begins one, unless it is a spreadsheet's word for no number: that is no reading to lose."""
    return text.startswith("#") and not _ERROR_VALUE.match(text)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__


def _sheet(lines: list[tuple[int, list[str]]], source: str) -> Sheet:
    if not lines:
        raise InputError(f"{source}: holds no table; its first line must name the columns, such as "
                         "'train,voltage [V],width [s],read_voltage [V],conductance [S]'")  # fmt: skip
    number, first = lines[0]
    bare = all(is_number(cell) for cell in first if cell)
    titles = tuple(f"column {i}" for i in range(1, len(first) + 1)) if bare else tuple(first)
    rows = lines if bare else lines[1:]
    if not rows:
        raise InputError(f"{source}: has a header but no rows; add one row per reading")
    for line, cells in rows:
        if len(cells) != len(titles):
            raise InputError(f"{source}, line {line}: has {len(cells)} cells where the header has "
                             f"{len(titles)}; leave cells empty, but keep their separators")  # fmt: skip
    return Sheet(
        source=source, title_line=0 if bare else number, titles=titles,
        line=tuple(line for line, _ in rows), cells=tuple(tuple(cells) for _, cells in rows),
    )  # fmt: skip
