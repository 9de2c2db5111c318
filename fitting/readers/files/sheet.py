"""A sheet: whatever a probe station saved (text, workbook, arrays) as lines of plain text cells."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fitting.readers.files.arrays import array_lines, is_arrays
from fitting.readers.files.easyexpert import is_export, records
from fitting.readers.files.footers import without_footer
from fitting.readers.files.labview import is_measurement, measurement_lines
from fitting.readers.files.numerals import parted_thousands, plain_numbers
from fitting.readers.files.preamble import (
    Line,
    grouped,
    heads,
    is_number,
    stacked,
    title_line,
    without_empty_ends,
)
from fitting.readers.files.scripts import script_lines
from fitting.readers.files.text import LONGEST_PREAMBLE, Means, before, decoded, plain_lines, table_lines
from fitting.readers.files.workbook import OLD, workbook_lines
from fitting.readers.titles import end, is_counter, is_unit, plain, unit_of, way
from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.text import is_count

_TDMS = b"TDSm"
_ARC_ONE = {"wordline", "bitline", "resistance", "amplitude", "pulsewidth", "readvoltage"}
_FEWEST_NUMBERED = 3
_OF_COUNTS = {"#", "-", "–", "n", "no", "no.", "nr.", "count", "counts", "pulses"}
_ORIGIN_ROWS = {"long name", "name", "units", "unit", "comments", "comment", "f(x)", "f(x)="}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The cells of one file. `titles` is the first line; a sheet of bare numbers has none.

    `line` (rows,) is where each row of `cells` (rows, columns) stands in the file; `unused` says
    what of the file is not in it. What the instrument says of itself: `columns`, titles by meaning;
    `limit`, the compliance [A]; `si`, that titles without a unit are in SI units; `said`, in words.
    """

    source: str
    title_line: int
    titles: tuple[str, ...]
    line: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    unused: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    limit: float | None = None
    si: bool = False
    said: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()  # how its cells were read, in words
    train_lines: tuple[int, ...] = ()  # where each column stood, if it was a row
    above: tuple[str, ...] = ()  # the lines over the titles, comments too

    @property
    def place(self) -> str:
        """The file and the line of its titles, for messages."""
        return f"{self.source}, line {self.title_line}" if self.title_line else self.source

    def of_columns(self, places: list[int]) -> Sheet:
        """Some of the columns alone."""
        return dataclasses.replace(
            self, titles=tuple(self.titles[p] for p in places),
            train_lines=tuple(self.train_lines[p] for p in places) if self.train_lines else (),
            cells=tuple(tuple(row[p] for p in places) for row in self.cells),
        )  # fmt: skip

    def of_rows(self, rows: list[int]) -> Sheet:
        """Some of the rows alone."""
        return dataclasses.replace(
            self, line=tuple(self.line[r] for r in rows), cells=tuple(self.cells[r] for r in rows)
        )


def read_sheet(path: Path, means: Means, worksheet: str | None = None) -> Sheet:
    """Read CSV, TSV, semicolon-separated text (decimal commas too), a sheet of XLSX or XLS, LVM, an
    EasyEXPERT export, or the arrays of MAT, HDF5, NPZ and NPY; `worksheet` names the sheet or variable.

    '#' begins a comment line; lines before one that names two columns (`means`) are a preamble. Text
    is UTF-8, UTF-16 or what Western instruments write. Short rows of text files are refused.

    Raises
    ------
    InputError : unreadable, not text, empty, ragged, a package that is missing, no such sheet.
    """
    content, source = _content(path), str(path)
    if is_arrays(content):
        lines, unused = array_lines(content, source, worksheet)
        return _sheet(lines, source, unused)
    if content[:2] == b"PK" or content[:4] == OLD:
        lines, unused = workbook_lines(content, source, worksheet)
        table, unused = _after_preamble(lines, unused, means)
        table, numbers = plain_numbers(table, ",", source, pointed=False)
        over = [",".join(cells) for number, cells in lines if table and number < table[0][0]]
        sheet = dataclasses.replace(_of_lines(table, unused, source, over), noted=numbers)
        return _with_above(sheet, ((number, ",".join(cells)) for number, cells in lines))
    if worksheet is not None:
        raise InputError(f"{path}: --sheet {worksheet!r}: is no workbook, and has no sheets")
    if content[:4] == _TDMS:
        raise InputError(f"{path}: is a TDMS file of NI; export the table as CSV from DIAdem or Excel")
    text = decoded(content, path)
    if is_measurement(text):
        lines, unused = measurement_lines(text)
        return _sheet(lines, source, unused)
    if is_export([line.split(",", 1)[0].strip().strip('"') for line in text.splitlines()]):
        return _exported(plain_lines(text, source), source)
    script = script_lines(text)
    if script is not None:
        return _sheet(script, source, ())
    parted, unused, numbers = table_lines(text, source, means)
    over = text.splitlines()[: parted[0][0] - 1] if parted else []
    sheet = dataclasses.replace(_of_lines(parted, unused, source, over), noted=numbers)
    return _with_above(sheet, enumerate(text.splitlines()[:LONGEST_PREAMBLE], start=1))


def _with_above(sheet: Sheet, lines: Iterable[tuple[int, str]]) -> Sheet:
    first = sheet.title_line or min(sheet.line)
    return dataclasses.replace(sheet, above=tuple(line for number, line in lines if number < first))


def _content(path: Path) -> bytes:
    try:
        return files.content(path)
    except InputError as error:
        raise InputError(f"{error}; give the path of a CSV file") from None


def _after_preamble(
    lines: list[Line], unused: tuple[str, ...], means: Means
) -> tuple[list[Line], tuple[str, ...]]:
    """The lines of a workbook from its titles on."""
    begin = title_line([cells for _, cells in lines[:LONGEST_PREAMBLE]], means)
    if not begin:
        return lines, unused
    number, titles = lines[begin]
    with_groups = grouped(lines[begin - 1][1], titles)
    if begin > 1 or with_groups == titles:
        unused = (before(number), *unused)
    return [(number, with_groups), *lines[begin + 1 :]], unused


def _exported(lines: list[Line], source: str) -> Sheet:
    """The records of EasyEXPERT."""
    found = records([(n, [c.strip("\ufeff") for c in cells]) for n, cells in lines], source)
    number = found.lines[0][0] if found.lines else 1
    unused = (before(number),) if number > 1 else ()
    sheet = _sheet(found.lines, source, unused)
    return dataclasses.replace(sheet, columns=found.columns, limit=found.limit, si=True, said=found.said)


def _of_lines(lines: list[Line], unused: tuple[str, ...], source: str, over: Sequence[str]) -> Sheet:
    """The sheet of lines, `over` whose titles stand those words."""
    lines, left = without_footer(without_empty_ends(lines))
    named = [text.strip(" #%,;:\t") for text in over if text.strip()][-1:]
    above = named[0] if named and re.fullmatch(r"[^\W\d][\w .-]{0,39}", named[0]) else ""
    sheet = _with_heads(_sheet(stacked(lines, above), source, (*unused, *left)))
    if {plain(text) for text in sheet.titles} >= _ARC_ONE:
        sheet = dataclasses.replace(sheet, si=True)
    return sheet


def _sheet(lines: list[Line], source: str, unused: tuple[str, ...]) -> Sheet:
    if not lines:
        raise InputError(f"{source}: holds no table; its first line must name the columns, such as "
                         "'train,voltage [V],width [s],read_voltage [V],conductance [S]'")  # fmt: skip
    number, first = lines[0]
    bare = all(is_number(cell) for cell in first if cell)
    titles = tuple(f"column {i}" for i in range(1, len(first) + 1)) if bare else tuple(first)
    rows = lines[1:] if not bare or _numbers_columns(lines) else lines
    if not rows:
        raise InputError(f"{source}: has a header but no rows; add one row per reading")
    for line, cells in rows:
        if len(cells) > len(titles) and (parted := parted_thousands(cells)):
            raise InputError(f"{source}, line {line}: has {len(cells)} cells where the header has "
                             f"{len(titles)}; is {parted} one number? Write it without thousands signs, "
                             "or in quotes")  # fmt: skip
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


def _without_row_names(sheet: Sheet) -> Sheet:
    """Without a first column that only names the lines above the numbers, as Origin writes it."""
    named = [sheet.titles[0].strip(" :").lower(), *(row[0].strip(" :").lower() for row in sheet.cells)]
    words_ = [text for text in named if text]
    if len(words_) < 2 or not set(words_) <= _ORIGIN_ROWS or any(named[len(words_) :]):
        return sheet
    return sheet.of_columns(list(range(1, len(sheet.titles))))


def _numbers_columns(lines: list[Line]) -> bool:
    """Whether the first line is 0, 1, 2 … where the second is not: titles as programs make them up."""
    first = [cell for cell in lines[0][1] if cell]
    if len(first) < _FEWEST_NUMBERED or len(lines) < 2 or not all(map(is_count, first)):
        return False
    numbers = [int(cell) for cell in first]
    counted = numbers == list(range(numbers[0], numbers[0] + len(first))) and numbers[0] in (0, 1)
    return counted and any(not cell.isdigit() for cell in lines[1][1][-len(first) :])


def _unit(cell: str, text: str) -> str:
    """The unit in a line of units; that of a count is none, whatever stands there."""
    unit = cell.strip("[]() ")
    return "" if is_counter(text) and unit.lower() in _OF_COUNTS else unit


def _with_heads(sheet: Sheet) -> Sheet:
    """The sheet with lines of units and of second titles below the first, as LabVIEW and Origin write
    them, in its titles.
    """
    sheet = _without_row_names(sheet)
    count = heads(sheet.cells)
    if not sheet.title_line or not count or count == len(sheet.cells):
        return sheet
    titles, unused = list(sheet.titles), list(sheet.unused)
    for line, row in zip(sheet.line[:count], sheet.cells[:count], strict=True):
        units = [_unit(cell, text) for cell, text in zip(row, titles, strict=True)]
        if any(units) and all(is_unit(unit) for unit in units if unit):
            titles = [f"{text} [{unit}]" if unit and not unit_of(text) else text
                      for text, unit in zip(titles, units, strict=True)]  # fmt: skip
        elif any(way(cell) or end(cell) for cell in row):
            titles = [f"{cell} {text}".strip() for cell, text in zip(row, titles, strict=True)]
        elif grouped(titles, list(row)) != list(row):
            titles = grouped(titles, list(row))
        else:
            unused.append(f"line {line}")
    kept = dataclasses.replace(sheet, titles=tuple(titles), unused=tuple(unused))
    return kept.of_rows(list(range(count, len(sheet.cells))))
