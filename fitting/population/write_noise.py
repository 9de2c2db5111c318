"""Write noise: sigma_WN of Eq. 7 told apart from the noise of a reading, by restricted likelihood."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fitting.model.residuals import NAMES
from fitting.population.devices import Grouped
from fitting.population.tracking import Noise
from fitting.readers.measurements import FloatArray

_LEAST, _MOST = 1e-5, 1.0  # noise below or beyond is none, or no measurement
_SIMPLEX = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.3]])
_SHIFT = 0.03  # of the read noise's logarithm
_FURTHEST = 0.3  # of the same: a parabola that hardly bends has its lowest point nowhere
_CHI2 = 3.841  # 95 % of one degree of freedom


def restricted_deviance(g: Grouped, logs: FloatArray, noise: Noise, free: Sequence[str]) -> float:
    """-2 log likelihood of the noise, with every device's free constants integrated out around `logs`.

    With constants at their best instead, a random walk would pass for a slightly different law.
    """
    places = [NAMES.index(name) for name in free]
    missed, J, log_variance = g.slopes(logs, noise, places)
    normal = g.normal(J)
    downhill = g.sums(J * missed[:, None])
    gained = np.sum(downhill * np.linalg.solve(normal, downhill[:, :, None])[:, :, 0])
    return float(np.sum(missed**2 + log_variance) - gained + np.linalg.slogdet(normal)[1].sum())


def estimate(
    g: Grouped, logs: FloatArray, guess: Noise, free: Sequence[str]
) -> tuple[Noise, Callable[[], tuple[float, float]]]:
    """(the likeliest noise of devices with constants near `logs`, a function that gives its interval).

    The interval is that of `write` at 95 %, by profile likelihood; it begins at 0 if no write noise
    shows.
    """
    from scipy.optimize import brentq, minimize

    def cost(write: float, read: float) -> float:
        return restricted_deviance(
            g, logs, Noise(write=float(np.exp(write)), read=float(np.exp(read))), free
        )

    start = np.log(np.clip([guess.write, guess.read], _LEAST, _MOST))
    box = np.log([_LEAST, _MOST])
    found = minimize(
        lambda x: cost(*x), start, method="Nelder-Mead", bounds=[tuple(box)] * 2,
        options={"xatol": 1e-2, "fatol": 1e-2, "initial_simplex": np.clip(start + _SIMPLEX, *box)},
    )  # fmt: skip
    write, read = found.x

    def excess(other: float) -> float:
        """How much worse another write noise is, with the read noise at its best, by a parabola."""
        below, here, above = (cost(other, read + shift) for shift in (-_SHIFT, 0.0, _SHIFT))
        slope, bend = (above - below) / (2 * _SHIFT), max(above + below - 2 * here, 1e-12) / _SHIFT**2
        step = float(np.clip(slope / bend, -_FURTHEST, _FURTHEST))
        return here - slope * step + bend * step**2 / 2 - float(found.fun) - _CHI2

    def interval() -> tuple[float, float]:
        def end(step: float) -> float:
            inside, outside = write, write + step
            while box[0] < outside < box[1] and excess(outside) < 0:
                inside, outside = outside, outside + step
            if not box[0] < outside < box[1]:
                return 0.0 if step < 0 else _MOST
            return float(np.exp(brentq(excess, inside, outside, xtol=1e-2)))

        return end(-0.7), end(0.35)

    return Noise(write=float(np.exp(write)), read=float(np.exp(read))), interval
