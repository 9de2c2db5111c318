"""Text: CSV, TSV, semicolons or spaces, in any code that instruments write, as lines of cells."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from fitting.readers.files.numerals import plain_numbers
from fitting.readers.files.preamble import (
    Line,
    grouped,
    is_number,
    line_over_numbers,
    title_line,
    with_points,
)
from roa_circuit.basics.errors import InputError

SEPARATORS = ",\t; "  # the last: any white space
LONGEST_PREAMBLE = 300  # lines

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ERROR_VALUE = re.compile(r"#(N/A|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!)")
_BLANKS = re.compile(r"\s+(?![\[(/])")  # not that before a unit
_OPENED = re.compile(r'(^|[,;\t])\s*"[^"]*[^\W\d][^"]*$')  # a word's quote, left open
_MOST_BREAKS = 3  # within a title
_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
_SAMPLED = 50  # lines that tell what parts the columns
_REMARK = re.compile(r"(?<=[\d.,;\t])\s*(#|//)\s.*$")  # behind the numbers of a line
_WIDE_BLANKS = re.compile(r"\s{2,}|\t")

Means = Callable[[str], bool]  # whether a title is one that is known


def decoded(content: bytes, path: Path) -> str:
    """Text with a mark, or UTF-8, or the one-byte code in which Western instruments write µ."""
    for codec in ("utf-16",) if content[:2] in _MARKS else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" in text or (codec == "cp1252" and _CONTROLS.search(text)):
            break
        return text.replace("\u2212", "-")  # the sign that typesetting makes of it
    raise InputError(f"{path}: is a binary file, not text; save the table as CSV, UTF-8")


def plain_lines(text: str, source: str) -> list[Line]:
    """Every line with cells, parted by commas, comments and all."""
    raw = [(n, line) for n, line in enumerate(io.StringIO(text, newline=None), start=1) if line.strip()]
    return list(_cells(raw, source, ","))


def table_lines(
    text: str, source: str, means: Means
) -> tuple[list[Line], tuple[str, ...], tuple[str, ...]]:
    """(the lines from the titles on, what was left out before them, how numbers were read)."""
    whole = _with_whole_cells(list(enumerate(io.StringIO(text, newline=None), start=1)))
    raw, remarks = _without_remarks(_with_titles(whole))
    for found in (partial(title_line, means=means), line_over_numbers):
        for separator in SEPARATORS:
            rows = _rows([line.lstrip("#% ") for _, line in raw[:LONGEST_PREAMBLE]], separator)
            begin = found([cells for _, cells in with_points(list(enumerate(rows)), separator)])
            if begin is not None:
                lines, unused, said = _from_titles(raw, rows, begin, separator, source)
                return lines, (*unused, *remarks), said
    raw = [line for line in raw if not is_comment(line[1])]
    separator = _separator([line for _, line in raw[:_SAMPLED]])
    lines, said = plain_numbers(list(_cells(raw, source, separator)), separator, source)
    return lines, remarks, said


def _from_titles(
    raw: list[tuple[int, str]], rows: list[list[str]], begin: int, separator: str, source: str
) -> tuple[list[Line], tuple[str, ...], tuple[str, ...]]:
    """(the lines from `begin` on, with the words above; what was left out; how numbers were read)."""
    raw[begin] = (raw[begin][0], raw[begin][1].lstrip("#% "))
    said = any(not is_comment(line) for _, line in raw[:begin])
    unused = (before(raw[begin][0]),) if said else ()
    lines, numbers = plain_numbers(list(_cells(raw[begin:], source, separator)), separator, source)
    if separator == " " and lines:
        lines[0] = (lines[0][0], rows[begin])
    if begin and lines:
        titles = grouped(rows[begin - 1], lines[0][1])
        unused = () if begin == 1 and titles != lines[0][1] else unused
        lines[0] = (lines[0][0], titles)
    return lines, unused, numbers


def _with_whole_cells(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines, with titles in one that go on in the next lines, in quotes, as Excel writes them."""
    result: list[tuple[int, str]] = []
    place = 0
    while place < len(lines):
        number, line = lines[place]
        behind = 0
        if _OPENED.search(line) and line.count('"') % 2:
            closed = [n for n in range(1, _MOST_BREAKS + 1) if _closes(lines, place, n)]
            behind = closed[0] if closed else 0
        parts = [line, *(line for _, line in lines[place + 1 : place + 1 + behind])]
        result.append((number, " ".join(part.strip() for part in parts) if behind else line))
        place += 1 + behind
    return result


def _closes(lines: list[tuple[int, str]], place: int, behind: int) -> bool:
    """Whether quotes that a line opens are closed so many lines behind it, and none between."""
    between = lines[place + 1 : place + 1 + behind]
    odd = [line.count('"') % 2 == 1 for _, line in between]
    return len(between) == behind and odd[-1] and not any(odd[:-1])


def _without_remarks(
    raw: list[tuple[int, str]],
) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    """(the lines without what is said behind their numbers, where that was)."""
    kept = [(number, _REMARK.sub("", line) if line[:1] not in "#%" else line) for number, line in raw]
    gone = [number for (number, line), (_, old) in zip(kept, raw, strict=True) if line != old]
    lines = ", ".join(map(str, gone[:4])) + (" …" if len(gone) > 4 else "")
    return kept, (f"remarks behind numbers (line {lines})",) if gone else ()


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    """Every line's cells; titles of several words may be parted by wide blanks alone."""
    rows = [_split(line, separator) for line in lines]
    if separator != " ":
        return rows
    for place in range(len(rows) - 1):
        apart = [cell.strip() for cell in _WIDE_BLANKS.split(lines[place].strip())]
        if len(rows[place]) != len(rows[place + 1]) == len(apart) > 1:
            rows[place] = apart
    return rows


def before(number: int) -> str:
    """The lines before that one."""
    return "line 1" if number == 2 else f"lines 1 to {number - 1}"


def _with_titles(lines: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines that are neither blank nor comments. Where the first holds numbers, the comment before
    it is kept, too: numpy writes titles so. A '#' that heads a column is no comment.
    """
    found: list[tuple[int, str]] = []
    comment: list[tuple[int, str]] = []
    for number, line in lines:
        text = line.strip()
        if not is_comment(text):
            found += [(number, line)] if text else []
        elif not found:
            comment = [(number, text)]
    bare = found and any(map(is_number, re.split(r"[\s,;]+", found[0][1])))
    return [*comment, *found] if bare else found


def _split(line: str, separator: str) -> list[str]:
    if separator != " " and '"' in line:
        with contextlib.suppress(csv.Error, StopIteration):
            return [cell.strip() for cell in next(_parted(line, separator))]
    cells = _BLANKS.split(line.strip()) if separator == " " else line.split(separator)
    return [cell.strip().strip('"') for cell in cells]


def _parted(line: str, separator: str) -> Iterator[list[str]]:
    return csv.reader([line], strict=True, delimiter=separator, skipinitialspace=True)


def _cells(raw: list[tuple[int, str]], source: str, separator: str) -> Iterator[Line]:
    """(line number, stripped cells) of every line that has any."""
    for number, line in raw:
        try:
            if separator == " ":
                rows: Iterable[list[str]] = [_split(line, separator)]
            else:
                rows = _parted(line, separator)
            cells = [cell.strip() for row in rows for cell in row]
        except csv.Error as error:
            raise InputError(f"{source}, line {number}: is not CSV: {error}; check its quotes") from None
        if any(cells):
            yield number, cells


def _separator(lines: list[str]) -> str:
    """What parts every line alike; semicolons and tabs before commas, which may be decimal."""
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines]
    for separator in ";\t, ":
        counts = {len(_split(line, separator)) for line in bare}
        if len(counts) == 1 and counts.pop() > 1:
            return separator
    first = re.sub(r"\s+(?=[\[(])", "", bare[0]) if bare else ""
    return max(SEPARATORS, key=first.count)


def is_comment(text: str) -> bool:
    """'#' or MATLAB's '%' begins one, unless it is a spreadsheet's word for no number or a whole title:
    no reading is to be lost.
    """
    text = text.lstrip()
    if re.match(r"%+[ \t]*\w|%+\s*$", text):
        return True
    return text.startswith("#") and not _ERROR_VALUE.match(text) and not re.match(r"#\s*[,;\t]", text)
