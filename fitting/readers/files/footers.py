"""Footers: words and statistics below a table, which are no rows of it."""

from __future__ import annotations

import re

from fitting.readers.files.preamble import Line, is_number

_LONGEST = 10  # lines
_SENTENCE = re.compile(r"[^\W\d]{2,}.*[ :=]")  # words, which may have numbers in them
_WORDS = (
    "mean average avg std stdev stddev stdv stdabw stabw sd sigma deviation variance var median min max"
    " minimum maximum sum total ratio range cv rsd sem percentile quantile kurtosis skewness mittelwert"
    " mittel durchschnitt standardabweichung summe moyenne medianwert ecart écart media promedio suma"
    " somme"
)
_STATISTICS = frozenset(_WORDS.split())


_BESIDE = re.compile(r"count|n|\d+ ?%", re.IGNORECASE)  # what stands with statistics


def without_footer(lines: list[Line]) -> tuple[list[Line], tuple[str, ...]]:
    """(without the words and statistics that stand below a table, where they stood)."""
    width, kept = len(lines[0][1]) if lines else 0, list(lines)
    while len(kept) > 2:
        cells = kept[-1][1]
        digits = any(character.isdigit() for cell in cells for character in cell)
        sentence = len(cells) == 1 and _SENTENCE.match(cells[0]) is not None
        if len(cells) == width or (digits and not sentence):
            break
        kept.pop()
    kept = _without_last_block(_without_statistics(kept))
    unused = tuple(f"line {number} (below the table)" for number, _ in lines[len(kept) :])
    return kept, unused


def _without_statistics(lines: list[Line]) -> list[Line]:
    """Without rows such as 'Mean,50' at the end, each of which has a name of its own."""
    begin = len(lines)
    while begin > 2 and _names_statistic(_label(lines[begin - 1][1]), beside=True):
        begin -= 1
    labels = [_label(cells) for _, cells in lines[begin:]]
    above = {cell for _, cells in lines[1:begin] for cell in cells}
    told = any(_names_statistic(label) for label in labels) and not above & set(labels)
    alone = len(set(labels)) == len(labels) <= _LONGEST
    return lines[:begin] if told and alone else lines


def _label(cells: list[str]) -> str:
    """What a row is called: its first cell that is not empty."""
    return next((cell for cell in cells if cell), "")


def _names_statistic(label: str, *, beside: bool = False) -> bool:
    if beside and _BESIDE.fullmatch(label.strip(" :=")):
        return True
    return bool(_STATISTICS & set(re.findall(r"[^\W\d_]+", label.lower())))


def _without_last_block(lines: list[Line]) -> list[Line]:
    """Without a few lines of words first, such as statistics, that an empty line parts from a table."""
    width = len(lines[0][1]) if lines else 0
    for place in range(max(2, len(lines) - _LONGEST), len(lines)):
        (above, before), (number, _) = lines[place - 1], lines[place]
        apart = number > above + 1 and len(before) == width and is_number(before[0])
        if apart and all(_is_apart(cells, width) for _, cells in lines[place:]):
            return lines[:place]
    return lines


def _is_apart(cells: list[str], width: int) -> bool:
    """Whether a line below a table is no row of it: it has fewer cells, or a word first."""
    named = re.match(r"[^\W\d_]{2}", cells[0]) is not None
    return not is_number(cells[0]) and (len(cells) < width or named)
