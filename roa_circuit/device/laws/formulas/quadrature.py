"""Means over a ramp of the voltage, by Gauss's rule on panels: formulas have no closed form of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.arrays import Array, matching

Floats = NDArray[np.float64]

_PANELS = 16  # with four points each
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_AT_ONCE = 2**16  # elements


def mean_over_ramp(
    of: Callable[[Array], Array], start: Array, end: Array, panels: int = _PANELS
) -> Array:
    """The mean of `of`, a function of voltages [V] element by element, over ramps from start to end."""
    total = 0.0 * (start + end)
    for shares, weights in _nodes(math.prod(total.shape), panels):
        axes = (len(shares), *(1,) * total.ndim)
        V = start + matching(shares.reshape(axes), total) * (end - start)
        total = total + (matching(weights.reshape(axes), total) * of(V)).sum(0)
    return total


def short_ramps(start: Floats, end: Floats) -> NDArray[np.bool_]:
    """Ramps no longer than a panel of one from 0 to the highest voltage: one panel will do for them."""
    highest = max(np.abs(start).max(initial=0.0), np.abs(end).max(initial=0.0))
    short: NDArray[np.bool_] = np.abs(end - start) <= highest / _PANELS
    return short


def _nodes(size: int, panels: int) -> Iterator[tuple[Floats, Floats]]:
    """(shares of a ramp, weights that add up to 1), as many at once as `size` leaves room for."""
    shares = ((np.arange(panels)[:, None] + 0.5 * (_POINTS + 1.0)) / panels).ravel()
    weights = np.tile(_WEIGHTS / (2 * panels), panels)
    parts = min(len(shares), max(1, len(shares) * size // _AT_ONCE))
    yield from zip(np.array_split(shares, parts), np.array_split(weights, parts), strict=True)
