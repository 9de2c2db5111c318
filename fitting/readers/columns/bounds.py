"""Bounds: columns of the smallest and the largest of some readings, which are no readings of a pulse."""

from __future__ import annotations

import dataclasses
import re

from fitting.readers.columns.roles import Found
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import words
from roa_circuit.basics.errors import InputError

_BOUND = re.compile(r"(?P<of>.*?)(?P<side>min|max)(imum|imal)?|(?P<word>lowest|highest)")


def without_bounds(sheet: Sheet, found: Found) -> Found:
    """Without 'G_min' and 'G_max' beside the reading that lies between them.

    Raises
    ------
    InputError : there is no reading beside them, so that each of them would be a train.
    """
    keys = {place: _side(sheet.titles[place]) for place in found.others}
    sides = {side for side in keys.values() if side}
    bounds = [p for p, side in keys.items() if side and (side[0], not side[1]) in sides]
    if not bounds:
        return found
    titles = [sheet.titles[place] for place in bounds]
    if len(bounds) == len(found.others):
        raise InputError(
            f"{sheet.place}: {titles[0]!r} and {titles[1]!r} are bounds of one reading, not trains:"
            f" --ignore {titles[0]!r} reads the other, and HRS and LRS in their titles make them cycles"
        )
    return dataclasses.replace(
        found, others=tuple(p for p in found.others if p not in bounds),
        ignored=(*found.ignored, *(f"{text} (a bound of readings)" for text in titles)),
    )  # fmt: skip


def _side(text: str) -> tuple[str, bool] | None:
    """(what a title is the smallest or largest of, whether the largest); None if it is neither."""
    rest, sides = [], []
    for word in words(text):
        match = _BOUND.fullmatch(word)
        if match is None:
            rest.append(word)
            continue
        sides.append(match["side"] == "max" or match["word"] == "highest")
        rest.append(match["of"] or "")
    return (" ".join(filter(None, rest)), sides[0]) if len(sides) == 1 else None
