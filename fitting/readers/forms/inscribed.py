"""Inscribed: the pulse that the title of a train says, such as '-1.1 V' or '2 V, 100 us'."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitting.readers.conventions import Conventions
from fitting.readers.forms.table import FloatArray, Table
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import PREFIXES

_BEFORE = (
    r"(?:(?<![\w.=])|(?<![A-Za-z])(?:V|V_?p(?:ulse|rog)?|V_?(?:re)?set|amp\w*|PW|width)\s*=\s*|(?<=_))"
)
_VOLTS = re.compile(
    rf"{_BEFORE}(?P<number>[-+−]?\d+(?:\.\d+)?)[ _]*(?P<prefix>m?)V(?![A-Za-z0-9])", re.I
)
_WIDTH = re.compile(
    rf"{_BEFORE}(?P<number>\d+(?:\.\d+)?)[ _]*(?P<prefix>[nuµμm]?)s(?:ec)?(?![A-Za-z0-9])"
)
_SAME = 1e-6


def said(text: str) -> tuple[float | None, float | None]:
    """(voltage [V], width [s]) that a title says once, None for what it does not."""
    volts, widths = _VOLTS.findall(text), _WIDTH.findall(text)
    V = float(volts[0][0].replace("−", "-")) * PREFIXES[volts[0][1].lower()] if len(volts) == 1 else None
    T = float(widths[0][0]) * PREFIXES[widths[0][1]] if len(widths) == 1 else None
    return V, T


def tell_voltages(titles: Sequence[str], how: Conventions) -> set[str]:
    """{'voltage', 'width'} as far as every title says them and no option does."""
    told = [said(text) for text in titles]
    if how.pulsed or not told or any(V is None or not V for V, _ in told):
        return set()
    wide = all(T for _, T in told)
    return {"voltage", "width"} if wide else {"voltage"} if how.width is not None else set()


def inscribed(table: Table, how: Conventions) -> tuple[FloatArray, FloatArray] | None:
    """(voltage, width) of every row as its train's name says, where nothing else does."""
    wanted = tell_voltages(list(dict.fromkeys(table.label)), how)
    if not wanted or {"voltage", "width"} & set(table.columns):
        return None
    told = {text: said(text) for text in set(table.label)}
    V = np.array([float(told[text][0] or 0) for text in table.label])
    T = np.array([float(told[text][1] or how.width or 0) for text in table.label])
    return V, T


def check_inscribed(table: Table, voltage: FloatArray, width: FloatArray) -> Table:
    """The table, if no title says another pulse than the options; a file's name is only said.

    Raises
    ------
    InputError : the title of a train says another pulse.
    """
    notes = []
    for text in dict.fromkeys(table.label):
        row = table.label.index(text)
        V, T = said(text)
        pulse = f"{voltage[row]:g} V, {width[row]:g} s"
        apart = T is not None and abs(width[row] - T) > _SAME * T
        if V is not None and not np.isclose(abs(V), table.column("read_voltage")[row], rtol=_SAME):
            size = abs(voltage[row]) if V > 0 else voltage[row]  # a title without a sign says a size
            apart |= abs(size - V) > _SAME * abs(V)
        if not apart:
            continue
        if text == Path(table.source).stem:
            notes.append(f"the pulses are those of --pulse, {pulse}, whatever the file's name says")
            continue
        raise InputError(
            f"{table.source}: {text!r} says another pulse than --pulse, {pulse}: give --pulse once for "
            "each train, or --width alone if titles say the voltages"
        )
    return table.noted(assumed=notes)
