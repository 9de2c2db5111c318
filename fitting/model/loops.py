"""Loops: whether a sweep came back on the branch that it went out on, for each polarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray, Measurements

_LOWEST, _FEWEST = 0.05, 4  # of the largest voltage, from which branches are compared; points of each
_SIGMAS = 3.0


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How far the branch on which |V| falls lies above that on which it rises: the median of
    ln |I|, and whether more of the points say so than chance would.
    """

    size: float
    certain: bool


def opening(V: FloatArray, current: FloatArray, sign: float) -> Opening:
    """Of the points (rows,) of one sweep at voltages of that `sign`, in the order they were taken."""
    size, step = np.abs(V), np.diff(np.abs(V))
    rising = np.append(step, step[-1:]) > 0
    rising[1:][step != 0] = (step > 0)[step != 0]  # a point belongs to the step that led to it
    usable = (sign * V > _LOWEST * size.max(initial=0.0)) & (current != 0)
    branches = [_branch(size[rows], current[rows]) for rows in (usable & rising, usable & ~rising)]
    if min(len(x) for x, _ in branches) < _FEWEST:
        return Opening(size=0.0, certain=False)
    (x, up), (other, down) = branches
    inside = (x >= other[0]) & (x <= other[-1])
    apart = np.interp(x[inside], other, down) - up[inside]
    balance = abs(int((apart > 0).sum()) - int((apart < 0).sum()))
    if len(apart) < _FEWEST:
        return Opening(size=0.0, certain=False)
    return Opening(size=float(np.median(apart)), certain=bool(balance > _SIGMAS * np.sqrt(len(apart))))


def _branch(size: FloatArray, current: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(voltages, rising, mean ln |I| at each)."""
    x, place = np.unique(size, return_inverse=True)
    logs = np.bincount(place, weights=np.log(np.abs(current))) / np.maximum(np.bincount(place), 1)
    return x, logs


def moved(m: Measurements) -> NDArray[np.bool_]:
    """Points (rows,) of sweeps whose branches differ: they read no state twice."""
    result = np.zeros(len(m), dtype=bool)
    rows = np.flatnonzero(m.sweep)
    for part in np.split(rows, np.flatnonzero(np.diff(m.train[rows])) + 1):
        if len(part) and any(
            opening(m.read_voltage[part], m.current[part], s).certain for s in (1.0, -1.0)
        ):
            result[part] = True
    return result
