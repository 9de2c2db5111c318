"""Beside: units and fractions of a second in columns of their own, as Keithley's buffers have them.

A 2450, a DMM6500 and KickStart save 'Reading, Unit, …, Value, Unit, …, Time, Fractional Seconds', with
'Amp DC' in every row.
"""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal, InvalidOperation

from fitting.readers.conventions import reading
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import DEVICE, MEANING, READINGS, UNITS, factor, is_unit, plain, unit_of

_OF_UNITS = re.compile(r"(?P<of>.*?)[ _]*units?[ ._]*\d*", re.IGNORECASE)
_KIND = re.compile(r"[ _]*(dc|ac)$", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2}(\.\d*)?)")
_KEPT = {
    "rangedigits", "dispdigits", "digits", "math", "startgroup", "limit1high", "limit1low", "limit2high",
    "limit2low", "terminal", "questionable", "origin", "output", "sense", "overtemp", "date",
}  # fmt: skip
_MAY_DIFFER = {"channel", "run", "slot", "range", "function"}
_DAY = 86_400
_MANY = 4


def with_units_beside(sheet: Sheet) -> Sheet:
    """The sheet with units in titles where a column of its own has them, and times in seconds.

    Where a column has several units, its numbers are written in the one without a prefix.
    """
    units = _columns_of_units(sheet)
    if not units:
        return sheet
    titles, columns = list(sheet.titles), [list(column) for column in zip(*sheet.cells, strict=True)]
    for place, of in units.items():
        titles[of], columns[of] = _with_unit(titles[of], columns[of], columns[place])
    pair = _pair(titles, units)
    gone = set(units) | _clock(titles, columns)
    kept = [p for p, text in enumerate(titles) if _is_kept(text, columns[p]) and p not in units.values()]
    noted = []
    for p, text in enumerate(titles):
        if plain(text) == "channel" and p not in kept:
            noted.append(f"{text!r} names the device")
            titles[p] = DEVICE
    unused = [titles[p] for p in kept]
    if len(kept) > _MANY:
        unused = [f"{len(kept)} columns of the instrument ({unused[0]} … {unused[-1]})"]
    sheet = dataclasses.replace(
        sheet, titles=tuple(titles), cells=tuple(zip(*columns, strict=True)), columns=pair,
        unused=(*sheet.unused, *unused), noted=(*sheet.noted, *noted),
    )  # fmt: skip
    return sheet.of_columns([p for p in range(len(titles)) if p not in {*gone, *kept}])


def _is_kept(text: str, cells: list[str]) -> bool:
    """Whether a column is what the instrument says of itself: settings are, if they stay the same."""
    return plain(text) in _KEPT or (plain(text) in _MAY_DIFFER and len(set(cells)) <= 1)


def _columns_of_units(sheet: Sheet) -> dict[int, int]:
    """The places of columns of units, each with the column that it is of: by its name, or before it."""
    found: dict[int, int] = {}
    keys = [plain(text) for text in sheet.titles]
    for place, text in enumerate(sheet.titles):
        match = _OF_UNITS.fullmatch(text.strip())
        cells = {row[place] for row in sheet.cells if row[place]}
        if match is None or not cells or not all(is_unit(_bare(cell)) for cell in cells):
            continue
        named = plain(match["of"])
        of = keys.index(named) if named and named in keys else place - 1
        if of >= 0 and of not in found.values() and not unit_of(sheet.titles[of]):
            found[place] = of
    return found


def _bare(cell: str) -> str:
    return _KIND.sub("", cell.strip())


def _with_unit(text: str, cells: list[str], units: list[str]) -> tuple[str, list[str]]:
    """(the title with its unit, the cells in it)."""
    met = {_bare(unit) for unit in units if unit}
    if len(met) == 1:
        return f"{text} [{met.pop()}]", cells
    one = next(iter(met))
    base = next(unit for unit in set(UNITS.values()) if factor(one, unit) is not None)
    scaled = [_scaled(cell, factor(_bare(unit), base)) for cell, unit in zip(cells, units, strict=True)]
    return f"{text} [{base}]", scaled


def _scaled(cell: str, size: float | None) -> str:
    try:
        return cell if not size else str(Decimal(cell) * Decimal(f"{size:g}"))
    except InvalidOperation:  # an overflow, a word
        return cell


def _clock(titles: list[str], columns: list[list[str]]) -> set[int]:
    """Make a clock and its fractions of a second a time [s]; gives the place that is needed no more."""
    keys = [plain(text) for text in titles]
    if "time" not in keys or "fractionalseconds" not in keys:
        return set()
    time, fraction = keys.index("time"), keys.index("fractionalseconds")
    matches = [_CLOCK.fullmatch(cell) for cell in columns[time]]
    if not all(matches):
        return set()
    seconds, day, before = list[Decimal](), 0, Decimal(0)
    for match, part in zip(matches, columns[fraction], strict=True):
        if match is None or not re.fullmatch(r"0?\.\d+|0", part):
            return set()
        clock = 3600 * int(match["hours"]) + 60 * int(match["minutes"]) + Decimal(match["seconds"])
        now = clock + Decimal(part) + day
        if now < before - _DAY // 2:
            now, day = now + _DAY, day + _DAY
        seconds.append(now)
        before = now
    titles[time], columns[time] = "Time [s]", [str(one - seconds[0]) for one in seconds]
    return {fraction}


def _pair(titles: list[str], units: dict[int, int]) -> dict[str, str]:
    """The one voltage and the one current that have units, if titles do not say; or what is read."""
    found: dict[str, list[str]] = {"voltage": [], "current": []}
    for of in units.values():
        for name, texts in found.items():
            if factor(unit_of(titles[of]) or "", UNITS[name]) is not None:
                texts.append(titles[of])
    unnamed = all(plain(text) not in MEANING for texts in found.values() for text in texts)
    if unnamed and all(len(texts) == 1 for texts in found.values()):
        return {name: texts[0] for name, texts in found.items()}
    alone = [titles[of] for of in units.values() if plain(titles[of]) == "reading"]
    told = reading(unit_of(alone[0]) or "") if len(alone) == 1 else None
    return {told[0]: alone[0]} if told and told[0] in READINGS else {}
