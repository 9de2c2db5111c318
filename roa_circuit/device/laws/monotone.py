"""Monotone curves through points: cubics that never overshoot (Fritsch and Butland 1984).

The same as `scipy.interpolate.PchipInterpolator`, whose package takes as long to load as a fit to run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Monotone:
    """Curves through the values (rows, knots) at the `knots` (knots,), two or more, that increase.

    pieces : (4, rows, knots - 1), the cubic's coefficients over the distance to the knot below, the
        highest power first
    """

    knots: Floats
    pieces: Floats

    @classmethod
    def through(cls, knots: Floats, values: Floats) -> Monotone:
        """The curves through these values."""
        width = np.diff(knots)
        rise = np.diff(values, axis=1) / width
        slope = _slopes(width, rise)
        bend = (slope[:, :-1] + slope[:, 1:] - 2.0 * rise) / width
        pieces = [bend / width, (rise - slope[:, :-1]) / width - bend, slope[:, :-1], values[:, :-1]]
        return cls(knots, np.array(pieces))

    def __call__(self, points: Floats) -> Floats:
        """The curves (rows, points) at points between the first knot and the last."""
        piece = np.clip(np.searchsorted(self.knots, points, side="right") - 1, 0, len(self.knots) - 2)
        s = points - self.knots[piece]
        third, second, first, value = self.pieces[:, :, piece]
        found: Floats = value + s * (first + s * (second + s * third))
        return found


def _slopes(width: Floats, rise: Floats) -> Floats:
    """The slopes (rows, knots): weighted harmonic means, and 0 where the rise changes its sign."""
    if rise.shape[1] == 1:
        return np.repeat(rise, 2, axis=1)
    before, after = rise[:, :-1], rise[:, 1:]
    turns = before * after <= 0
    w1, w2 = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (w1 / before + w2 / after) / (w1 + w2)
        inner = np.where(turns, 0.0, 1.0 / mean)
    first = _end(width[0], width[1], rise[:, 0], rise[:, 1])
    last = _end(width[-1], width[-2], rise[:, -1], rise[:, -2])
    return np.concatenate([first[:, None], inner, last[:, None]], axis=1)


def _end(width: float, next_width: float, rise: Floats, next_rise: Floats) -> Floats:
    """The slopes (rows,) at an end, from its piece and the next, of the shape of the piece."""
    slope = ((2.0 * width + next_width) * rise - width * next_rise) / (width + next_width)
    turned = np.sign(slope) != np.sign(rise)
    steep = (np.sign(rise) != np.sign(next_rise)) & (np.abs(slope) > 3.0 * np.abs(rise))
    found: Floats = np.where(turned, 0.0, np.where(steep, 3.0 * rise, slope))
    return found
