"""Missing columns: what a table lacks, and the options that say it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fitting.readers.columns.cells import bare_numbers
from fitting.readers.columns.gated import is_gate_current
from fitting.readers.conventions import Conventions
from fitting.readers.files.preamble import is_number
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import READINGS, TIME, UNITS, factor, is_derived, plain, title, unit_of
from roa_circuit.basics.errors import InputError, nearest

_NORMALISED = 10.0
_HINTS = (
    ("voltage", "--pulse -1.1V,3us"),
    ("read_voltage", "--read 0.1V"),
    ("conductance", "--unit A, if every other column is a train"),
)


def require(
    sheet: Sheet, known: set[str], others: Sequence[int], how: Conventions, *, timed: bool,
    both: bool = False,
) -> None:  # fmt: skip
    """Refuse a table that lacks columns which no convention replaces.

    `timed` says that readings stand against time, `both` that pulses of both signs are needed.
    """
    texts = [sheet.titles[place] for place in others]
    if any(is_number(text) for text in texts):
        raise InputError(f"{sheet.place}: holds numbers where the titles should be; the first line must "
                         "name the columns, such as 'train,voltage [V],width [s],...'")  # fmt: skip
    _check_twice(sheet, known, how)
    missing = _missing(known, how)
    if both and not missing and len(how.pulses) < 2 and "voltage" not in known:
        raise InputError(f"{sheet.place}: HRS and LRS are made by pulses of both signs: "
                         "give --pulse twice, such as --pulse=-1V,1us --pulse 1V,1us")  # fmt: skip
    if missing:
        columns = ", ".join(repr(title(name)) for name in missing)
        which = f"columns {columns} are" if len(missing) > 1 else f"column {columns} is"
        hints = [_hint(name, both) for name in missing if _hint(name, both)]
        if "conductance" in missing:
            hints[-1:] = _of_readings(sheet, others)
        if "width" in missing and "voltage" not in missing:
            hints.insert(0, "--width 1us")
        if timed and missing == ["read_voltage"]:
            hints.append("and --pulse V,T if a pulse came before each reading")
        hint = f" (or give {' '.join(hints)})" if hints else ""
        wanted = title(missing[0])
        if (times := texts.count(wanted)) > 1:
            raise InputError(f"{sheet.place}: column {wanted!r} appears {times} times; leave one,"
                             " or give the others titles of their own")  # fmt: skip
        found = _which(texts, missing) + _worked_out(sheet, missing) + _of_gates(sheet, known, missing)
        raise InputError(f"{sheet.place}: {which} missing{hint}{found}")


def _of_readings(sheet: Sheet, others: Sequence[int]) -> list[str]:
    """What reads a table without a reading that is known; nothing where no column is left for one."""
    sourced = [sheet.titles[p] for p in others if re.match(r"source|force", plain(sheet.titles[p]))]
    measured = [sheet.titles[p] for p in others if re.match(r"reading|meas", plain(sheet.titles[p]))]
    if sourced and measured:
        return [f"--column 'voltage={sourced[0]} [V]' --column 'current={measured[0]} [A]' of a sweep"]
    if _of_both_signs(sheet, others):
        return ["--unit 1, as readings of both signs are normalised ones"]
    return [dict(_HINTS)["conductance"]] if others else []


def _of_both_signs(sheet: Sheet, others: Sequence[int]) -> bool:
    if any(unit_of(sheet.titles[place]) for place in others):
        return False
    values = np.concatenate([bare_numbers(sheet, place) for place in others] or [np.empty(0)])
    return bool((values < 0).any() and (values > 0).any() and np.nanmax(np.abs(values)) < _NORMALISED)


def _which(texts: Sequence[str], missing: list[str]) -> str:
    """Which columns may be the first of those that are missing."""
    may_be = [text for text in texts if _may_be(text, missing[0])]
    near = nearest(title(missing[0]), may_be) if may_be else ""
    return f"; --column {missing[0]}=TITLE says which it is: {near}" if near else ""


def _worked_out(sheet: Sheet, missing: list[str]) -> str:
    """A word on columns that are no reading, as they were worked out from some."""
    derived = [text for text in sheet.titles if is_derived(text)]
    if "conductance" not in missing or not derived:
        return ""
    return f"; {derived[0]!r} is worked out from readings: give these"


def _of_gates(sheet: Sheet, known: set[str], missing: list[str]) -> str:
    """A word on pulses of a gate's current, which no law takes."""
    gates = [text for text in sheet.titles if is_gate_current(text)]
    if "voltage" not in missing or not gates:
        return ""
    without = ", and --ignore the column of widths" * ("width" in known)
    return (f"; {gates[0]!r} is a gate's current: let a voltage stand in its place, as in "
            f"--pulse=-1V,1s,50 --pulse 1V,1s,50{without}; only the dose of one is told")  # fmt: skip


def _may_be(text: str, name: str) -> bool:
    """Whether a column may have this meaning, by its unit."""
    unit = unit_of(text)
    return unit is None or factor(unit, UNITS[name]) is not None


def _hint(name: str, both: bool) -> str:
    if name == "voltage" and both:
        return "--pulse=-1V,1us --pulse 1V,1us"
    return dict(_HINTS).get(name, "")


def _check_twice(sheet: Sheet, known: set[str], how: Conventions) -> None:
    if how.pulsed and TIME not in known and {"voltage", "width"} & known:
        own = "voltage" if "voltage" in known else "width"
        above = "; a line above the table, such as 'Pulse amplitude (V), -1', gives all their voltage"
        above = above if own == "width" else ""
        raise InputError(f"{sheet.place}: has a column for the {own} of each pulse, so --pulse is "
                         f"one too many; leave it out, or --ignore that column{above}")  # fmt: skip
    if how.width is not None and "width" in known:
        raise InputError(f"{sheet.place}: has a column for the width of each pulse, so --width is one "
                         "too many; leave it out")  # fmt: skip
    if how.read_voltage is not None and "read_voltage" in known:
        raise InputError(f"{sheet.place}: has a column for the voltage of each read, so --read is one "
                         "too many; leave it out")  # fmt: skip


def _missing(known: set[str], how: Conventions) -> list[str]:
    readings = [name for name in READINGS if name in known]
    needed = [] if how.pulsed or how.voltage is not None else ["voltage"]
    if readings or "current" not in known:
        needed += [] if how.pulsed or how.width is not None else ["width"]
        needed += [] if how.read_voltage else ["read_voltage"]
        needed += [] if readings else ["conductance"]
    needed += [name for name in READINGS if f"{name}_before" in known and name not in known]
    return [name for name in dict.fromkeys(needed) if name not in known]
