"""Readings: which columns of a table with a train a column are some, and what to do with the others."""

from __future__ import annotations

import dataclasses
import re

from fitting.readers.columns.channels import channels
from fitting.readers.columns.counters import is_x
from fitting.readers.columns.gated import is_gate_current
from fitting.readers.columns.roles import Found
from fitting.readers.conventions import reading
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import MEANING, READINGS, UNITS, factor, plain, unit_of, way
from roa_circuit.basics.errors import InputError

_DURING = re.compile(r"(i|current)(pulse|write|prog|program)|(pulse|write|program)(i|current)")


def only_readings(sheet: Sheet, found: Found) -> Found:
    """Without the columns that are none: of another quantity, or without a unit where others have one.

    Raises
    ------
    InputError : a column in volts, which may be that of the pulses; a reading that lacks its unit.
    """
    units = {place: unit_of(sheet.titles[place]) for place in found.others}
    some = any(reading(unit or "") for unit in units.values())
    kept, left = [], list(found.ignored)
    for place in found.others:
        text, unit = sheet.titles[place], units[place]
        if is_gate_current(text):
            left.append(f"{text} (a gate's current, no reading)")
            continue
        check_during(sheet, text)
        if is_x(text) and len(found.others) > 1:
            raise InputError(f"{sheet.place}: {text!r} is the x of points, but its numbers do not rise "
                             f"from row to row: sort the rows, or --ignore {text!r} if every row is one "
                             "pulse")  # fmt: skip
        if _is_voltage(sheet, place):
            raise InputError(f"{sheet.place}: {text!r} is a voltage, no reading: "
                             f"--column voltage={text!r} if it is that of the pulses, "
                             f"--ignore {text!r} if not")  # fmt: skip
        if reading(unit or ""):
            kept.append(place)
        elif unit:
            left.append(f"{text} (no reading)")
        elif not some:
            kept.append(place)
        elif MEANING.get(plain(text)) in (*READINGS, "current") or way(text):
            raise InputError(f"{sheet.place}: column {text!r} lacks its unit, which other columns have; "
                             f"write it into the title, or --ignore {text!r}")  # fmt: skip
        else:
            left.append(f"{text} (has no unit, as readings here do)")
    if not kept:
        raise InputError(f"{sheet.place}: no column is of readings, in S, Ohm or A; "
                         "--column conductance=TITLE says which is")  # fmt: skip
    return dataclasses.replace(found, others=tuple(kept), ignored=tuple(left))


def check_during(sheet: Sheet, text: str) -> None:
    """Refuse the current during pulses as a reading.

    Raises
    ------
    InputError : --column says that it is one, --ignore that it is not.
    """
    if _DURING.fullmatch(plain(text)):
        raise InputError(
            f"{sheet.place}: {text!r} flows during the pulses, and tells no state at a read voltage: "
            f"--column read_current={text!r} if it was read after them, --ignore {text!r} if not"
        )


def _is_voltage(sheet: Sheet, place: int) -> bool:
    text, unit = sheet.titles[place], unit_of(sheet.titles[place])
    if unit:
        return factor(unit, UNITS["voltage"]) is not None
    found = channels([text], [0]) if len(text) > 1 else []
    return bool(found) and found[0].quantity == "voltage"
