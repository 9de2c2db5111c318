"""Counters: which columns count pulses, by their title or by their numbers."""

from __future__ import annotations

import re

import numpy as np

from fitting.readers.columns.cells import bare_numbers
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import MEANING, NUMBER, end, is_counter, plain, unit_of, way, words

COUNTED = 3  # numbers in a row: 1, 2, 3
EITHER = {"npulses", "numpulses", "pulsecount", "numberofpulses", "pulses", "count", "pulsenum"}
"""Titles of a count since the start if its numbers rise, else of the pulses of each row."""

_MOST = 0.5  # of a column, which must be numbers where its title says that it counts
_BELOW = -0.5  # what rounds to a number below 0: points off a figure may lie a little below
_ABSCISSAS = {"x", "xaxis", "xdata", "xvalue", "xvalues"}
_NORMALISED = re.compile(r"norm(ali[sz]ed)?\.?[ _]", re.IGNORECASE)


def is_count(sheet: Sheet, place: int) -> bool:
    """Whether a column counts: by its title, or as a first column of 0, 1, 2 … or 1, 2, 3 …"""
    filled = [row[place] for row in sheet.cells]
    while is_abscissa(sheet, place) and filled and not filled[-1]:
        filled.pop()
    values = bare_numbers(sheet.of_rows(list(range(len(filled)))), place)
    text = sheet.titles[place]
    named = sheet.title_line and (is_counter(text) or plain(text) in EITHER)
    if named and np.isfinite(values).sum() >= _MOST * len(values):
        values = values[np.isfinite(values)]  # a word among its numbers is refused later
    if not len(values) or not np.isfinite(values).all() or (values <= _BELOW).any():
        return False
    if sheet.title_line and plain(text) in EITHER:
        return True
    if sheet.title_line and is_counter(text):
        return not is_share(sheet, place)
    if is_abscissa(sheet, place):
        return bool((np.diff(values) > 0).all()) and not is_share(sheet, place)
    steps = np.diff(values)
    if way(text) or end(text):
        return False
    return bool(place == 0 and not unit_of(text) and len(values) >= COUNTED and values[0] in (0, 1)
                and (steps == 1).all())  # fmt: skip


def is_abscissa(sheet: Sheet, place: int) -> bool:
    """Whether a column is the x of points that were taken off a figure: X, Y, X, Y or X, LTP, X, LTD."""
    if place + 1 == len(sheet.titles):
        return False
    return is_x(sheet.titles[place]) and not is_x(sheet.titles[place + 1])


def is_x(text: str) -> bool:
    """Whether a title is that of an x: 'X', 'LTP X', 'x2', 'X-Axis'."""
    named = [word for word in words(text) if not way(word) and not word.isdigit()]
    return "".join(named) in _ABSCISSAS and not unit_of(text)


def is_share(sheet: Sheet, place: int) -> bool:
    """Whether a column counts pulses over their number, evenly to 1: NeuroSim's x, or by its title."""
    text = sheet.titles[place]
    named = [word for word in words(text) if not way(word)]
    values = bare_numbers(sheet, place)
    values = values[np.isfinite(values)]
    bare = _NORMALISED.sub("", text)
    counts = sheet.title_line and (is_counter(bare) or MEANING.get(plain(bare)) == NUMBER)
    titled = named in (["x"], ["xf"], ["xdata"]) or counts
    if unit_of(bare) or not titled or len(values) < COUNTED:
        return False
    steps = np.diff(values)
    return bool(np.isclose(values[-1], 1.0) and values[0] >= 0 and (steps > 0).all()
                and np.ptp(steps) < 0.1 * steps.mean())  # fmt: skip
