"""Swept: the voltage and the current of the one channel that a sweep was of."""

from __future__ import annotations

import dataclasses
import re

from fitting.readers.columns.cells import rises, unit_factor
from fitting.readers.columns.channels import Channel, by_instrument, channels, paired
from fitting.readers.columns.gated import check_transfer
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import TIME, UNITS, Column, factor, is_absolute, parts, unit_of
from roa_circuit.basics.errors import InputError

_SPANNED = 2  # different voltages: fewer are a bias, not a sweep
_MANY_EACH = 5  # points of a sweep at one bias


def take_swept(
    sheet: Sheet, known: dict[str, Column], others: list[int], assumed: list[str], si: bool
) -> frozenset[str]:
    """Take the voltage and the current of the channel that was swept; gives which is a size alone."""
    if any(name in known for name in ("width", "read_voltage", "read_current", "conductance")):
        return frozenset()
    pair = (
        _told(sheet, others) or _swept(sheet, known, others) or _by_unit(sheet, known, others, assumed)
    )
    if pair is None:
        return frozenset()
    for channel in pair:
        if channel.quantity in known:
            continue
        text = sheet.titles[channel.place]
        scale = unit_factor(sheet, channel.quantity, text, unit_of(text))
        assume = scale is None and (sheet.si or channel.si or si)
        known[channel.quantity] = Column(
            name=channel.quantity, place=channel.place, title=text, factor=1.0 if assume else scale
        )
        others.remove(channel.place)
        if assume and not si:
            assumed.append(f"{text!r} is in {UNITS[channel.quantity]}, as such instruments write it")
    if any(channel.si for channel in pair):
        _take_seconds(known)
    check_transfer(sheet, sheet.titles[pair[1].place], others)
    check_bias(sheet, others)
    _take_time(sheet, known, others, pair[0], si)
    return frozenset(c.quantity for c in pair if c.absolute)


def _told(sheet: Sheet, others: list[int]) -> tuple[Channel, Channel] | None:
    """The pair that the instrument names itself."""
    if set(sheet.columns) != {"voltage", "current"}:
        return None
    found = []
    for quantity, text in sheet.columns.items():
        places = [p for p in others if sheet.titles[p] == text]
        if not places:
            return None
        found.append(Channel(place=places[0], quantity=quantity, key="", absolute=False, si=True))
    return found[0], found[1]


def _swept(sheet: Sheet, known: dict[str, Column], others: list[int]) -> tuple[Channel, Channel] | None:
    """The one pair of a voltage that takes several values and its current.

    Raises
    ------
    InputError : several of them; --column says which.
    """
    found = channels(sheet.titles, others)
    for name in ("voltage", "current"):
        if name in known:
            found = [c for c in found if c.quantity != name]
            found.append(
                Channel(place=known[name].place, quantity=name, key="r", absolute=False, si=False)
            )
    pairs = paired([_electrode(c) for c in found] if {"voltage", "current"} & set(known) else found)
    swept = [pair for pair in pairs if _values(sheet, pair[0].place) >= _SPANNED]
    if len(swept) > 1:
        names = " and ".join(repr(sheet.titles[v.place]) for v, _ in swept)
        voltage, current = (sheet.titles[channel.place] for channel in swept[0])
        raise InputError(
            f"{sheet.place}: {names} were swept; --column voltage={voltage!r} "
            f"--column current={current!r} says which channel is the device's"
        )
    return swept[0] if swept else None


def _by_unit(
    sheet: Sheet, known: dict[str, Column], others: list[int], assumed: list[str]
) -> tuple[Channel, Channel] | None:
    """The one column in volts and the one in amperes, whatever they are called."""
    found = []
    for quantity in ("voltage", "current"):
        places = [known[quantity].place] if quantity in known else [
            p for p in others if factor(unit_of(sheet.titles[p]) or "", UNITS[quantity]) is not None
        ]  # fmt: skip
        if len(places) != 1 or _values(sheet, places[0]) < _SPANNED:
            return None
        found.append(Channel(
            place=places[0], quantity=quantity, key="", si=False,
            absolute=is_absolute(sheet.titles[places[0]]),
        ))  # fmt: skip
    names = " and ".join(repr(sheet.titles[c.place]) for c in found)
    assumed.append(f"{names} are taken for voltage and current, by their units")
    return found[0], found[1]


def check_bias(sheet: Sheet, others: list[int]) -> None:
    """Refuse sweeps that another voltage parts into several, as a gate does.

    Raises
    ------
    InputError : --where says which of them to read, --ignore that it does not matter.
    """
    for channel in channels(sheet.titles, others):
        cells = [row[channel.place] for row in sheet.cells]
        several = len(set(cells))
        if channel.quantity == "voltage" and 1 < several <= len(cells) // _MANY_EACH:
            text = sheet.titles[channel.place]
            raise InputError(
                f"{sheet.place}: {text!r} takes {several} values, so there are as many sweeps: "
                f"--where {text!r}={cells[0]} reads one, --ignore {text!r} all as one"
            )


def _electrode(channel: Channel) -> Channel:
    """Beside a plain 'Voltage' or 'Current' any one channel's other quantity is a partner."""
    return Channel(**{**channel.__dict__, "key": "r"})


def _values(sheet: Sheet, place: int) -> int:
    return len({row[place] for row in sheet.cells if row[place]})


def _take_time(
    sheet: Sheet, known: dict[str, Column], others: list[int], voltage: Channel, si: bool
) -> None:
    """The time of the same channel, such as Smu1.Time[1][1]."""
    for place in list(others):
        text = sheet.titles[place]
        name = re.sub(r"(\[\d+\])+$", "", parts(text)[0]).strip().lower()
        if TIME not in known and name.endswith("time") and rises(sheet, place):
            unit = unit_of(text)
            scale = 1.0 if unit is None and (voltage.si or sheet.si or si) else factor(unit or "", "s")
            known[TIME] = Column(name=TIME, place=place, title=text, factor=scale)
            others.remove(place)


def take_instruments(known: dict[str, Column], assumed: list[str]) -> None:
    """Take SI units for columns without one whose titles instruments and simulators write."""
    for name in ("voltage", "current"):
        column = known.get(name)
        if column is not None and column.factor is None and by_instrument(column.title):
            known[name] = dataclasses.replace(column, factor=1.0)
            assumed.append(f"{column.title!r} is in {UNITS[name]}, as such instruments write it")
            _take_seconds(known)


def _take_seconds(known: dict[str, Column]) -> None:
    """Take seconds for a time without a unit, where instruments wrote the others."""
    time = known.get(TIME)
    if time is not None and time.factor is None and unit_of(time.title) is None:
        known[TIME] = dataclasses.replace(time, factor=1.0)
