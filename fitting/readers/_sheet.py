"""A sheet: whatever a probe station saved (CSV, TSV, XLSX) as lines of plain text cells."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitting.readers._preamble import is_number, records, title_line, with_points
from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError, nearest

SEPARATORS = ",\t; "  # the last: any white space
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ERROR_VALUE = re.compile(r"#(N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!)")
_BLANKS = re.compile(r"\s+(?![\[(/])")  # not that before a unit
_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
_LONGEST_PREAMBLE = 300  # lines
_MOST_ROWS, _MOST_COLUMNS = 2**20, 2**14  # of a workbook

Means = Callable[[str], bool]  # whether a title is one that is known


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The cells of one file. `titles` is the first line; a sheet of bare numbers has none.

    `line` (rows,) is where each row of `cells` (rows, columns) stands in the file; `unused` says
    what of the file is not in it.
    """

    source: str
    title_line: int
    titles: tuple[str, ...]
    line: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    unused: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The file and the line of its titles, for messages."""
        return f"{self.source}, line {self.title_line}" if self.title_line else self.source


def read_sheet(path: Path, means: Means, worksheet: str | None = None) -> Sheet:
    """Read CSV, TSV, semicolon-separated text (decimal commas too) or one sheet of XLSX, its first or
    that of the name `worksheet`.

    '#' begins a comment line; lines before one that names two columns (`means`) are a preamble. Text
    is UTF-8, UTF-16 or what Western instruments write. Short rows of text files are refused.

    Raises
    ------
    InputError : unreadable, not text, empty, ragged, XLSX without openpyxl or without that sheet.
    """
    content = _content(path)
    unused: tuple[str, ...] = ()
    if content[:2] == b"PK":
        lines, unused = _workbook(content, str(path), worksheet)
        begin = title_line([cells for _, cells in lines[:_LONGEST_PREAMBLE]], means)
        if begin:
            unused, lines = (_before(lines[begin][0]), *unused), lines[begin:]
    elif worksheet is not None:
        raise InputError(f"{path}: --sheet {worksheet!r}: is no workbook, and has no sheets")
    else:
        lines, unused = _text(_decoded(content, path), str(path), means)
    return _sheet(records(lines), str(path), unused)


def _content(path: Path) -> bytes:
    try:
        return files.content(path)
    except InputError as error:
        raise InputError(f"{error}; give the path of a CSV file") from None


def _decoded(content: bytes, path: Path) -> str:
    """Text with a mark, or UTF-8, or the one-byte code in which Western instruments write µ."""
    for codec in ("utf-16",) if content[:2] in _MARKS else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" in text or (codec == "cp1252" and _CONTROLS.search(text)):
            break
        return text
    raise InputError(f"{path}: is a binary file, not text; save the table as CSV, UTF-8")


def _text(text: str, source: str, means: Means) -> tuple[list[tuple[int, list[str]]], tuple[str, ...]]:
    """(the lines from the titles on, what was left out before them)."""
    raw = _with_titles(enumerate(io.StringIO(text, newline=None), start=1))
    for separator in SEPARATORS:
        begin = title_line(
            [_split(line.lstrip("# "), separator) for _, line in raw[:_LONGEST_PREAMBLE]], means
        )
        if begin is not None:
            raw[begin] = (raw[begin][0], raw[begin][1].lstrip("# "))
            said = any(not _is_comment(line) for _, line in raw[:begin])
            unused = (_before(raw[begin][0]),) if said else ()
            return with_points(list(_lines(raw[begin:], source, separator)), separator), unused
    raw = [line for line in raw if not _is_comment(line[1])]
    separator = _separator(raw[0][1]) if raw else ","
    return with_points(list(_lines(raw, source, separator)), separator), ()


def _before(number: int) -> str:
    """The lines before that one."""
    return "line 1" if number == 2 else f"lines 1 to {number - 1}"


def _with_titles(lines: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines that are neither blank nor comments. Where the first holds numbers, the comment before
    it is kept, too: numpy writes titles so.
    """
    found: list[tuple[int, str]] = []
    comment: list[tuple[int, str]] = []
    for number, line in lines:
        text = line.strip()
        if not _is_comment(text):
            found += [(number, line)] if text else []
        elif not found:
            comment = [(number, text)]
    bare = found and any(map(is_number, re.split(r"[\s,;]+", found[0][1])))
    return [*comment, *found] if bare else found


def _split(line: str, separator: str) -> list[str]:
    cells = _BLANKS.split(line.strip()) if separator == " " else line.split(separator)
    return [cell.strip().strip('"') for cell in cells]


def _lines(raw: list[tuple[int, str]], source: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that has any."""
    for number, line in raw:
        try:
            if separator == " ":
                rows: Iterable[list[str]] = [_split(line, separator)]
            else:
                rows = csv.reader([line], strict=True, delimiter=separator)
            cells = [cell.strip() for row in rows for cell in row]
        except csv.Error as error:
            raise InputError(f"{source}, line {number}: is not CSV: {error}; check its quotes") from None
        if any(cells):
            yield number, cells


def _separator(line: str) -> str:
    """What parts the columns, told by the first line."""
    plain = re.sub(r'"[^"]*"', "", line)
    return max(SEPARATORS, key=plain.count)


def _workbook(
    content: bytes, source: str, worksheet: str | None
) -> tuple[list[tuple[int, list[str]]], tuple[str, ...]]:
    """(the lines of one sheet, what else is there)."""
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{source}: is an XLSX workbook, which needs openpyxl: pip install 'roa-circuit[xlsx]', "
            "or save the sheet as CSV"
        ) from None
    try:
        lines, unused = _book_lines(openpyxl.load_workbook, content, source, worksheet)
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers meet in a damaged file
        raise InputError(
            f"{source}: is not a readable XLSX workbook ({_one_line(error)}); save it as CSV"
        ) from None
    width = max((len(cells) for _, cells in lines), default=0)
    return [(number, cells + [""] * (width - len(cells))) for number, cells in lines], unused


def _book_lines(
    load: Any, content: bytes, source: str, worksheet: str | None
) -> tuple[list[tuple[int, list[str]]], tuple[str, ...]]:
    """(the lines of one sheet, without empty cells at their ends; the other sheets)."""
    lines = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and fonts
        sheets = load(io.BytesIO(content), read_only=True, data_only=True).worksheets
        names = [sheet.title for sheet in sheets]
        if worksheet is not None and worksheet not in names:
            raise InputError(f"{source}: has no sheet {worksheet!r}; {nearest(worksheet, names)}")
        sheet = sheets[0 if worksheet is None else names.index(worksheet)]
        unused = tuple(f"sheet {name!r}" for name in names if name != sheet.title)
        sheet.reset_dimensions()  # what a file says of its size may be wrong, and rows be lost
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > _MOST_ROWS or len(row) > _MOST_COLUMNS:
                raise InputError(f"{source}: its sheet goes beyond {_MOST_ROWS} rows or "
                                 f"{_MOST_COLUMNS} columns; save the table as CSV")  # fmt: skip
            cells = ["" if value is None else str(value).strip() for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells and not _is_comment(cells[0]):
                lines.append((number, cells))
    return lines, unused


def _is_comment(text: str) -> bool:
    """'#' begins one, unless it is a spreadsheet's word for no number: that is no reading to lose."""
    return text.startswith("#") and not _ERROR_VALUE.match(text)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__


def _sheet(lines: list[tuple[int, list[str]]], source: str, unused: tuple[str, ...]) -> Sheet:
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
                             f"{len(titles)}; leave cells empty, but keep their separators (if line "
                             f"{number} is no header, name two titles of the one that is: --column "
                             "voltage='V1 [V]' --column current='I1 [A]')")  # fmt: skip
    return Sheet(
        source=source, title_line=0 if bare else number, titles=titles,
        line=tuple(line for line, _ in rows), cells=tuple(tuple(cells) for _, cells in rows),
        unused=unused,
    )  # fmt: skip
