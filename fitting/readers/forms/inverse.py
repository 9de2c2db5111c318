"""Resistances as conductances, and readings that noise hides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.readers.forms.table import FloatArray
from roa_circuit.basics.errors import InputError

_FLOOR = 1e-2  # of the largest reading: a wrong sign below it is noise
_FEWEST, _MOST = 10, 0.1  # right readings beside the wrong ones, and the share that may be wrong


def conductance_of(
    source: str, title: str, line: NDArray[np.int64], resistance: FloatArray
) -> FloatArray:
    """1 / resistance [S]; a resistance must be greater than 0, unless it is that of a current lost in
    noise, which is missing.
    """
    with np.errstate(over="ignore", divide="ignore"):  # what becomes infinite is refused as too large
        conductance: FloatArray = 1.0 / resistance
    lost = lost_in_noise(np.where(resistance == 0, np.nan, conductance))
    wrong = ~np.isnan(resistance) & (resistance <= 0) & ~lost
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{source}, line {line[row]}, column {title!r}: is "
                         f"{resistance[row]:g} Ohm; a resistance must be greater than 0")  # fmt: skip
    return np.where(np.isnan(resistance), np.nan, conductance)


def lost_in_noise(size: FloatArray) -> NDArray[np.bool_]:
    """Readings (rows,) of 0 or of the wrong sign that noise explains: few, small beside the others."""
    wrong = size <= 0
    right = int((size > 0).sum())
    if not wrong.any() or right < _FEWEST or wrong.sum() > max(1, _MOST * right):
        return np.zeros(len(size), dtype=bool)
    largest = float(np.max(size[np.isfinite(size)]))
    result: NDArray[np.bool_] = wrong & (np.abs(size) <= _FLOOR * largest)
    return result
