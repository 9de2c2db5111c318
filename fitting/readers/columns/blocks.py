"""Blocks: tables side by side on one sheet, each with columns of its own."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise

from fitting.readers.columns.channels import channels, paired
from fitting.readers.columns.counters import is_count
from fitting.readers.columns.gated import is_gate_current
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import (
    MEANING,
    NUMBER,
    TIME,
    UNITS,
    factor,
    is_absolute,
    is_derived,
    plain,
    unit_of,
    way,
    words,
)

_GROUP = re.compile(
    r"(?P<group>(?:cycle|run|loop|sweep|device|dev|cell|sample|dut|trace|chip)[ _#.-]*\w+?)[ _:,-]+"
    r"(?P<rest>\D.*)",
    re.IGNORECASE,
)
_LEADS = {NUMBER, TIME, "voltage", "current"}


def blocks(sheet: Sheet) -> list[tuple[str, Sheet]]:
    """(what sets it apart, the block) of every table on a sheet; ('', the sheet) if it is one.

    A block begins behind an empty column, or where the first column's title comes again, or where all
    titles repeat: a pulse number and its readings twice; V, I, V, I.
    """
    groups = _by_group(sheet)
    if groups:
        return groups
    currents = _of_one_voltage(sheet)
    if currents:
        return currents
    begins = _behind_gaps(sheet) or _by_leads(sheet) or _by_period(sheet)
    if len(begins) < 2:
        return [("", _without_empty(sheet, range(len(sheet.titles))))]
    parts = [
        _without_empty(sheet, range(low, high)) for low, high in pairwise([*begins, len(sheet.titles)])
    ]
    names = [_said(part) for part in parts]
    if len(set(names)) < len(names):
        names = [f"block {number}" for number in range(1, len(parts) + 1)]
    return list(zip(names, parts, strict=True))


def _by_group(sheet: Sheet) -> list[tuple[str, Sheet]]:
    """A block for every cycle or device that the titles begin with, as in 'Cycle 1 Voltage'."""
    found = [_GROUP.fullmatch(text) for text in sheet.titles]
    if any(match is None and text for match, text in zip(found, sheet.titles, strict=True)):
        return []
    groups = list(dict.fromkeys(match["group"] for match in found if match))
    parts = []
    for group in groups:
        places = [p for p, match in enumerate(found) if match and match["group"] == group]
        part = sheet.of_columns(places)
        titles = tuple((found[p] or {"rest": ""})["rest"] for p in places)
        parts.append(
            (group, _without_empty(dataclasses.replace(part, titles=titles), range(len(places))))
        )
    wide = len(parts) > 1 and all(len(part.titles) > 1 for _, part in parts)
    return parts if wide else []


def _of_one_voltage(sheet: Sheet) -> list[tuple[str, Sheet]]:
    """A sweep for each of several currents beside one voltage; none where one is that of its channel."""
    places = range(len(sheet.titles))
    volts = [p for p in places if _is_of(sheet, p, "voltage")]
    amps = [p for p in places if _is_of(sheet, p, "current") and not is_gate_current(sheet.titles[p])]
    known = {MEANING.get(plain(text)) for text in sheet.titles}
    if len(volts) != 1 or len(amps) < 2 or {"width", "read_voltage", "current"} & known:
        return []
    if paired([c for c in channels(sheet.titles, places) if c.key]):
        same = {c.key for c in channels(sheet.titles, volts)} & {
            c.key for c in channels(sheet.titles, amps)
        }
        if same:
            return []
    beside = [p for p in places if p not in amps]
    parts = [sheet.of_columns(sorted((*beside, place))) for place in amps]
    names = [sheet.titles[place] for place in amps]
    every = range(len(beside) + 1)
    return [(name, _without_empty(part, every)) for name, part in zip(names, parts, strict=True)]


def _is_of(sheet: Sheet, place: int, quantity: str) -> bool:
    text = sheet.titles[place]
    if is_absolute(text) or is_derived(text):
        return False
    unit = factor(unit_of(text) or "", UNITS[quantity]) is not None
    return unit and MEANING.get(plain(text)) in (None, quantity)


def _without_empty(sheet: Sheet, places: range) -> Sheet:
    """Without columns and rows that hold nothing."""
    kept = [p for p in places if not _is_empty(sheet, p)]
    part = sheet.of_columns(kept) if len(kept) < len(sheet.titles) else sheet
    rows = [number for number, row in enumerate(part.cells) if any(row)]
    return part.of_rows(rows) if len(rows) < len(part.cells) else part


def _is_empty(sheet: Sheet, place: int) -> bool:
    return not sheet.titles[place] and not any(row[place] for row in sheet.cells)


def _behind_gaps(sheet: Sheet) -> list[int]:
    """Where blocks begin that empty columns part; none unless each has a lead or the same titles."""
    empty = [_is_empty(sheet, place) for place in range(len(sheet.titles))]
    begins = [p for p, gap in enumerate(empty) if not gap and (p == 0 or empty[p - 1])]
    if len(begins) < 2 or begins[0] != 0:
        return []
    ends = [*begins[1:], len(empty)]
    titles = [[_key(sheet, p) for p in range(low, high) if not empty[p]]
              for low, high in zip(begins, ends, strict=True)]  # fmt: skip
    led = all(_leads(sheet, place) for place in begins)
    return begins if led or all(one == titles[0] for one in titles) else []


def _by_leads(sheet: Sheet) -> list[int]:
    """Where the kind of the first column comes again, if every block then has a second column."""
    first = _key(sheet, 0)
    if not _leads(sheet, 0):
        return []
    begins = [p for p in range(len(sheet.titles)) if _leads(sheet, p) and _key(sheet, p) == first]
    wide = all(high - low > 1 for low, high in pairwise([*begins, len(sheet.titles)]))
    return begins if wide else []


def _by_period(sheet: Sheet) -> list[int]:
    """Where the titles begin anew, if all of them do."""
    if not sheet.title_line:
        return []
    keys = [_key(sheet, place) for place in range(len(sheet.titles))]
    for period in range(2, len(keys) // 2 + 1):
        apart = len(keys) % period == 0 and len(set(keys[:period])) == period
        if apart and all(key == keys[place % period] for place, key in enumerate(keys)):
            return list(range(0, len(keys), period))
    return []


def _key(sheet: Sheet, place: int) -> str:
    """A title without the words that tell potentiation from depression; '#' for a count."""
    text = sheet.titles[place]
    if _counts(sheet, place):
        return "#"
    return "".join(word for word in words(text) if not way(word)) or plain(text)


def _counts(sheet: Sheet, place: int) -> bool:
    text = sheet.titles[place]
    if is_count(sheet, place) or MEANING.get(plain(text)) == NUMBER:
        return True
    named = [word for word in words(text) if not way(word)]
    return MEANING.get("".join(named)) == NUMBER


def _leads(sheet: Sheet, place: int) -> bool:
    """Whether a column may be the first of a table: a count, a time, a voltage."""
    return _counts(sheet, place) or MEANING.get(plain(sheet.titles[place])) in _LEADS


def _said(part: Sheet) -> str:
    """'LTP' or 'LTD', if the titles of a block say which it is."""
    for text in part.titles:
        for word in words(text):
            if way(word):
                return word.upper() if len(word) == 3 else word
    return ""
