"""Terminals: pulses that stand in two columns, one for each terminal or polarity."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from fitting.readers.columns.cells import bare_numbers
from fitting.readers.columns.roles import Found
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import UNITS, WAY, factor, is_absolute, is_derived, unit_of, words
from roa_circuit.basics.errors import InputError

_FILLING = re.compile(r"voltage|volts|amplitude|pulses?|line|electrode|terminal|^v|v$|spannung")
_NAMES = (
    "te t top be b bot bottom bl bit sl s source row col column anode cathode set reset write prog"
    " program erase pos neg positive negative ltp ltd pot dep"
)
_PULSED = frozenset(_NAMES.split())
_NO_PULSE = re.compile(
    r".*(read|meas|sens|gate|word|compliance|limit|offset|threshold|supply|temp)|([grw]|gs|wl|th|cc|dd|ds)$"
)
_CLEARLY = 0.05  # of the largest voltage of the pulses


def check_terminals(sheet: Sheet, found: Found) -> None:
    """Refuse a table whose pulses stand in another column, too, as rows would lose theirs.

    Raises
    ------
    InputError : names the columns, and the options that read the table.
    """
    own = found.known["voltage"]
    V = np.nan_to_num(bare_numbers(sheet, own.place))
    others = [place for place in found.others if _may_pulse(sheet, place)]
    both = [sheet.titles[place] for place in others if _pulses_too(sheet, place, V)]
    if not both:
        return
    columns = [own.title, *both, *(c.title for n, c in found.known.items() if n == "width")]
    without = " ".join(f"--ignore {text!r}" for text in columns)
    ways = "which a column of SET and RESET tells apart" if WAY in found.known else (
        "as a column of SET and RESET, or N as in --pulse V,T,N, tells them apart")  # fmt: skip
    raise InputError(
        f"{sheet.place}: {own.title!r} and {' and '.join(map(repr, both))} have voltages of pulses: "
        f"{without} with --pulse twice, {ways}; {' '.join(f'--ignore {text!r}' for text in both)} if "
        f"{own.title!r} has all pulses"
    )


def _may_pulse(sheet: Sheet, place: int) -> bool:
    """Whether a column is in volts, and no read, no gate, no size of another."""
    text = sheet.titles[place]
    if factor(unit_of(text) or "", UNITS["voltage"]) is None and not _is_named(text):
        return False
    return not (is_derived(text) or is_absolute(text) or _NO_PULSE.match(_bare(text)))


def _pulses_too(sheet: Sheet, place: int, V: NDArray[np.float64]) -> bool:
    """Whether a column has voltages where the pulses' own has none, or other ones by its name."""
    other = np.nan_to_num(bare_numbers(sheet, place))
    largest = max(float(np.abs(V).max(initial=0.0)), float(np.abs(other).max(initial=0.0)))
    on = np.abs(other) > _CLEARLY * largest
    if len(np.unique(other)) < 2 or not on.any():
        return False
    return bool((on & (V == 0)).any()) or _is_named(sheet.titles[place])


def _is_named(text: str) -> bool:
    """Whether a title is that of a terminal's or a polarity's pulses: 'VSL', 'V_reset', 'Bottom V'."""
    return _bare(text) in _PULSED and _bare(text) != "".join(words(text))


def _bare(text: str) -> str:
    """What a title names without the words that say a voltage: 'sl' of 'V_SL', 'reset' of 'Reset V'."""
    return _FILLING.sub("", "".join(words(text)))
