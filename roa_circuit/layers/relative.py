"""Relative errors: the rms of a deviation over that of what it is of; none where that is nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roa_circuit.layers.tiling import Tile

Floats = NDArray[np.float64]

_ROUNDED = 1e-14  # of the largest output that a row of cells could make


def rms(arrays: Sequence[Floats]) -> float:
    """Root mean square of all numbers of all arrays."""
    return float(np.sqrt(np.mean(np.concatenate([array.ravel() for array in arrays]) ** 2)))


def over(error: float, whole: float) -> float:
    """An error over what it is of; NaN where that is 0."""
    return error / whole if whole else math.nan


def are_nothing(tiles: Sequence[Tile], y: Floats) -> bool:
    """Whether a layer's outputs y (reads, outputs) are all 0, but for rounding."""
    rows = max(tile.rows.stop for tile in tiles)
    most = rows * max(tile.layer.input_scale for tile in tiles)
    return bool(np.abs(y).max(initial=0.0) <= _ROUNDED * most)


def compared(tiles: Sequence[Tile], y: Floats, ideal: Floats) -> tuple[float, float]:
    """(rms of y - ideal over that of the ideal, share of reads whose largest output is the ideal's).

    Both are NaN where the ideal outputs are all 0: no error is a share of them, and none is the largest.
    """
    if are_nothing(tiles, ideal):
        return math.nan, math.nan
    same = np.argmax(y, axis=1) == np.argmax(ideal, axis=1)
    return over(rms([y - ideal]), rms([ideal])), float(np.mean(same))
