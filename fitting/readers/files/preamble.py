"""Preambles: what instruments and spreadsheets write around a table, and how they write numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

Line = tuple[int, list[str]]  # where it stands in the file, its cells

RECORD = "train"
"""The title of the column that tells tables under one another apart."""

_FEWEST_TITLES = 2
_FEWEST_NUMBERS = 3  # rows of them below a line of titles
_MOST_HEADS = 3  # lines between the titles and the first numbers
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")


def is_number(text: str) -> bool:
    """Whether a cell holds a plain number."""
    return _NUMBER.fullmatch(text) is not None


def title_line(rows: Sequence[Sequence[str]], means: Callable[[str], bool]) -> int | None:
    """The index of the first row that names two columns and has a row as wide after it, or None."""
    for place, (row, following) in enumerate(pairwise(rows)):
        alike = len(row) == len(following) or len(row) == len(_trimmed(following))
        if alike and sum(map(means, row)) >= _FEWEST_TITLES:
            return place
    return None


def line_over_numbers(rows: Sequence[Sequence[str]]) -> int | None:
    """The index of the first row of words above rows as wide of nothing but numbers, or None.

    Lines of units and second titles go with the titles above them; a first line is not looked for.
    """
    for place in range(len(rows) - _FEWEST_NUMBERS):
        row, below = rows[place], rows[place + 1 : place + 1 + _FEWEST_NUMBERS]
        alike = len(row) > 1 and all(len(other) == len(row) for other in below)
        if not alike or not any(row) or any(map(is_number, row)):
            continue
        if all(is_number(cell) or not cell for other in below for cell in other):
            return _first_of_titles(rows, place) or None
    return None


def _first_of_titles(rows: Sequence[Sequence[str]], place: int) -> int:
    """The first line of the titles that end at `place`: those above it have no fewer words."""
    while place:
        above, row = rows[place - 1], rows[place]
        if len(above) != len(row) or _filled(above) < _filled(row):
            break
        place -= 1
    return place


def _filled(row: Sequence[str]) -> int:
    return sum(map(bool, row))


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Cells without the empty ones at their end."""
    kept = list(cells)
    while kept and not kept[-1]:
        kept.pop()
    return kept


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


def grouped(before: Sequence[str], titles: list[str]) -> list[str]:
    """Titles with the word that stands above several of them: 'LTP' over 'Device 1', 'Device 2'.

    As they are, unless the line before leaves cells empty where its words reach on.
    """
    filled = [cell for cell in before if cell]
    if len(before) != len(titles) or len(filled) < _FEWEST_TITLES or len(filled) == len(before):
        return titles
    if any(map(is_number, filled)):
        return titles
    group, result = "", []
    for above, text in zip(before, titles, strict=True):
        group = above or (group if text else "")
        result.append(f"{group} {text}".strip() if text else "")
    return result


def heads(rows: Sequence[Sequence[str]]) -> int:
    """How many rows below the titles hold words alone, with numbers in the one after them."""
    for place, row in enumerate(rows[: _MOST_HEADS + 1]):
        named = place > 0 and not any(map(is_number, row)) and any(cell[:1].isalpha() for cell in row)
        if any(character.isdigit() for cell in row for character in cell) and not named:
            return place
        if all(cell.lower() in ("", "nan") for cell in row):
            return 0
    return 0


def without_empty_ends(lines: list[Line]) -> list[Line]:
    """Without the empty cell that a separator at the end of every row makes."""
    width = len(lines[0][1]) if lines else 0
    longer = [cells for _, cells in lines[1:] if len(cells) != width]
    if not longer or len(longer) != len(lines) - 1:
        return lines
    if any(len(cells) < width or any(cells[width:]) for cells in longer):
        return lines
    return [(number, cells[:width]) for number, cells in lines]


def stacked(lines: list[Line], above: str = "") -> list[Line]:
    """Tables under one another, each with the same titles, as one table with a train for each.

    A lone word over the titles, such as 'LTD', names the train; `above` is that over the first.
    """
    if not lines:
        return lines
    titles = lines[0][1]
    repeated = [cells == titles for _, cells in lines[1:]]
    if not any(repeated) or any(map(is_number, titles)):
        return lines
    found: list[Line] = [(lines[0][0], [RECORD, *titles])]
    names = [above or "record 1"]
    for place, ((number, cells), again) in enumerate(zip(lines[1:], repeated, strict=True), start=1):
        if again:
            names.append(_lone(lines[place - 1][1]) or f"record {len(names) + 1}")
        elif not (place < len(repeated) and repeated[place] and _lone(cells)):
            name, earlier = names[-1], names[:-1].count(names[-1])
            found.append((number, [f"{name} ({earlier + 1})" if earlier else name, *cells]))
    return found


def _lone(cells: Sequence[str]) -> str:
    """The word of a line that has no other cell; '' of any other line."""
    filled = [cell for cell in cells if cell]
    return filled[0] if len(filled) == 1 and filled[0][:1].isalpha() else ""
