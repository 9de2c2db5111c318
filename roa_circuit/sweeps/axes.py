"""Axes: which fields a sweep varies, over given levels or over an interval to draw from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.sweeps.fields import Field, Value

MOST_LEVELS = 100_000


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One field and its values.

    levels : in order; none for an interval
    low, high : the ends [SI]; NaN where the levels are words
    log : whether the interval, or the range that gave the levels, is logarithmic

    Raises
    ------
    InputError : no values, the same twice, or a logarithm of what is not positive.
    """

    field: Field
    levels: tuple[Value, ...] = ()
    low: float = math.nan
    high: float = math.nan
    log: bool = False

    def __post_init__(self) -> None:
        numbers = [v for v in self.levels if not isinstance(v, str)]
        if self.levels:
            if len(set(self.levels)) != len(self.levels):
                raise InputError(f"{self.name}: a value occurs twice in {self.said()}")
            if numbers:
                object.__setattr__(self, "low", float(min(numbers)))
                object.__setattr__(self, "high", float(max(numbers)))
        elif not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(f"{self.name}: an interval goes from a number to a larger one")
        if self.log and not self.low > 0:
            raise InputError(f"{self.name}: a logarithmic range must begin above 0, not at {self.low:g}")

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.field.name

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers rather than words."""
        return self.field.kind is not str and not any(isinstance(one, str) for one in self.levels)

    @property
    def spans(self) -> bool:
        """Whether it has two ends with numbers between them."""
        return self.numeric and self.low < self.high

    def at(self, share: float) -> Value:
        """The value at a share in [0, 1) of the way: a level, or a number of the interval."""
        if self.levels:
            return self.levels[min(int(share * len(self.levels)), len(self.levels) - 1)]
        return self.between(share)

    def between(self, share: float) -> Value:
        """The number at a share in [0, 1] of the way from low to high, whether it is a level or not."""
        if share in (0.0, 1.0):
            number = self.high if share else self.low
        elif self.log:
            number = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        else:
            number = self.low + share * (self.high - self.low)
        return round(number) if self.field.kind is int else number

    def nearest(self, value: Value) -> int:
        """The index of the level nearest to a value; 0 for a word that is no level."""
        if value in self.levels:
            return self.levels.index(value)
        if isinstance(value, str) or not self.numeric:
            return 0
        return int(np.argmin(np.abs(np.array(self.levels, dtype=float) - value)))

    def said(self) -> str:
        """The axis as text that `parse` reads."""
        if self.levels:
            return ",".join(map(str, self.levels))
        return f"{self.low:g}:{self.high:g}" + (":log" if self.log else "")


def parse(field: Field, written: str | float | Sequence[object] | NDArray[Any]) -> Axis:
    """'0:5:11', '0.1:100:7log', '0:5', '0.1:100:log', '0,1,2', one value, a list or an array of them.

    Two numbers are the ends of an interval; a third is a number of evenly spaced levels.

    Raises
    ------
    InputError : text of none of these forms.
    """
    if isinstance(written, np.ndarray):
        written = written.tolist()
    if not isinstance(written, str):
        listed = written if isinstance(written, Sequence) else [written]
        return _levels(field, listed)
    parts = [part.strip() for part in written.split(":")]
    if len(parts) == 1 or field.kind is str:
        return _levels(field, [part.strip() for part in written.split(",")])
    found = re.fullmatch(r"(\d{0,9})(log)?", parts[2]) if len(parts) == 3 else None
    if len(parts) > 3 or (len(parts) == 3 and not (found and parts[2])):
        raise InputError(
            f"{field.name}={written}: expected START:STOP:COUNT, START:STOP:COUNTlog, START:STOP"
            " or A,B,C"
        )
    low, high = (float(field.value(part)) for part in parts[:2])
    log = bool(found and found[2])
    if not (found and found[1]):
        return Axis(field=field, low=low, high=high, log=log)
    count = int(found[1])
    if not 1 <= count <= MOST_LEVELS or (low == high) != (count == 1):
        raise InputError(f"{field.name}={written}: {count} levels from {low:g} to {high:g}")
    if log and not (low > 0 and high > 0):
        raise InputError(f"{field.name}={written}: a logarithmic range must lie above 0")
    even = np.geomspace(low, high, count) if log else np.linspace(low, high, count)
    # Fourteen digits keep 0.1 * 3 from becoming 0.30000000000000004 in every table and command.
    return Axis(field=field, levels=tuple(_rounded(field, v) for v in even), log=log)


def _levels(field: Field, written: Sequence[object]) -> Axis:
    if not written:
        raise InputError(f"{field.name}: no values")
    return Axis(field=field, levels=tuple(field.value(one) for one in written))


def _rounded(field: Field, value: float) -> Value:
    return round(value) if field.kind is int else float(f"{value:.14g}")
