"""Agreed: options that say what the columns of a file say anyhow; only others are contradictions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.readers.columns.roles import Found, values_of
from fitting.readers.conventions import Conventions
from fitting.readers.files.sheet import Sheet
from fitting.readers.forms.table import FloatArray

NOT_NEEDED = " is not needed, as "
"""In what is said of an option that columns repeat."""

_SAME = 1e-6


def without_agreed(sheet: Sheet, found: Found, how: Conventions) -> tuple[Conventions, list[str]]:
    """(the conventions without those that columns repeat, what to say of it)."""
    said = []
    given = [how.pulse] if how.pulse is not None else list(how.pulses)
    if given and {"voltage", "width"} <= set(found.known):
        values = values_of(sheet, found)
        V, T = values["voltage"], values["width"]
        if all((_near(V, volts) & _near(T, width)).any() for volts, width in given):
            how = dataclasses.replace(how, pulse=None, pulses=())
            said.append(f"--pulse{NOT_NEEDED}columns have the pulses")
    for name, option in (("width", "--width"), ("read_voltage", "--read")):
        value = getattr(how, name)
        if value is None or name not in found.known:
            continue
        if _everywhere(values_of(sheet, found)[name], value):
            left: dict[str, Any] = {name: None}
            how = dataclasses.replace(how, **left)
            said.append(f"{option}{NOT_NEEDED}a column has it")
    return how, said


def _near(values: FloatArray, value: float) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = np.isclose(values, value, rtol=_SAME, atol=0.0)
    return result


def _everywhere(values: FloatArray, value: float) -> bool:
    """Whether a column says one value alone, that one."""
    told = values[np.isfinite(values) & (values != 0)]
    return bool(told.size and _near(told, value).all())
