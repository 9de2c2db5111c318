"""Conventions: what a table of measurements does not say of itself, said by its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fitting.readers.titles import (
    DEVICE,
    LABEL,
    NORMALISED,
    NUMBER,
    READINGS,
    TIME,
    UNITS,
    factor,
    is_normalised,
)
from roa_circuit.basics.errors import InputError, nearest

LAYOUTS = ("columns", "rows", "rereads")
BY_TIME = np.inf
"""The dwell of points that a Time column gives, each its own."""

_BY_UNIT = {UNITS[name]: name for name in READINGS}


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What a file leaves unsaid. All of it optional; a column of the file is never overruled.

    pulse : (voltage [V], width [s]) of every pulse. pulses : of several, those of potentiation and of
    depression, or one a train. sequence : (voltage [V], width [s], number) given in turn, over and over.
    width : [s] of every pulse whose voltage has a column. voltage : [V] of every pulse whose width has
    one. read_voltage : [V] of every reading.
    unit : of the readings in a table with one train a column ('A', 'uS', 'kOhm', '1' if normalised).
    si : columns without a unit are in SI units.
    layout : of a table of nothing but readings: a train in each of its 'columns' or 'rows', or
    'rereads', readings of one state side by side.
    positive_sets : a positive voltage raises the conductance: both terminals are exchanged.
    scale : multiplies every current, -1 where it is counted the other way. columns : a column's title
    by its meaning, with the unit that it lacks. ignore : titles to leave out. dropped : lines whose
    reading is taken for missing. dwell : the time [s] at each point of an I-V sweep that
    moves the state, or BY_TIME; without it a sweep is quick enough to leave it. sheet : which one of
    a workbook, else the first. where : (title, value) pairs that a row must have to be read.
    """

    pulse: tuple[float, float] | None = None
    pulses: tuple[tuple[float, float], ...] = ()
    sequence: tuple[tuple[float, float, int], ...] = ()
    width: float | None = None
    voltage: float | None = None
    read_voltage: float | None = None
    unit: str | None = None
    si: bool = False
    layout: str | None = None
    positive_sets: bool = False
    scale: float = 1.0
    columns: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    dwell: float | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        for name in self.columns:
            known = [*UNITS, LABEL, DEVICE, NUMBER.replace(" ", "_"), TIME]
            if name not in known:
                raise InputError(f"--column {name}: is no quantity; {nearest(name, known)}")
        if self.unit is not None and reading(self.unit) is None:
            raise InputError(f"--unit {self.unit!r}: must be A, S or Ohm, with an SI prefix if need be, "
                             "or 1 of normalised readings")  # fmt: skip
        if self.layout is not None and self.layout not in LAYOUTS:
            raise InputError(f"--layout {self.layout!r} is unknown; {nearest(self.layout, LAYOUTS)}")
        if not np.isfinite(self.scale) or self.scale == 0:
            raise InputError(
                f"--scale {self.scale:g}: must be a number that is not 0, such as 0.01 or -1"
            )

    @property
    def pulsed(self) -> bool:
        """Whether it says what the pulses are."""
        return self.pulse is not None or bool(self.pulses) or bool(self.sequence)


def reading(unit: str) -> tuple[str, float] | None:
    """('conductance', 1e-6) for 'uS'; None for what is no unit of a reading."""
    if is_normalised(unit):
        return NORMALISED, 1.0
    for expected, name in _BY_UNIT.items():
        scale = factor(unit, expected)
        if scale is not None:
            return name, scale
    return None
