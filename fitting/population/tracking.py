"""Tracking: the state followed from reading to reading, with write noise in between.

Eq. 7 adds a normal error of omega to every pulse, with sd sqrt(|d omega|) sigma_WN. This error stays
in the state, a random walk along the train, while the noise of a reading does not. A Kalman filter
(extended: Eq. 1 is linearised at the tracked state) tells the two apart, reading by reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fitting.model.noise import weighting
from fitting.model.residuals import moved
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import current, pulse_strength

_FAR = 5.0  # standard deviations from an end


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard deviations: `write` is sigma_WN of Eq. 7, `read` that of one reading, relative."""

    write: float
    read: float


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """Measurements in the order of tracking: all trains in step, the longest first.

    `order` (rows,) sorts by the place in the train, then by train; `edges[i]` is where the i-th step
    begins. The trains that still have a reading at that step come first.
    """

    measurements: Measurements
    scale: FloatArray
    order: NDArray[np.int64]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, m: Measurements) -> Tracker:
        """The tracker of these measurements."""
        number = np.arange(len(m)) - np.searchsorted(m.train, m.train)
        length = np.bincount(m.train)
        rank = np.argsort(np.argsort(-length, kind="stable"))
        order = np.lexsort((rank[m.train], number))
        edges = np.searchsorted(number[order], np.arange(number.max() + 2))
        relative = weighting(m, "relative").scale
        return cls(measurements=m, scale=relative, order=order, edges=tuple(edges.tolist()))

    def surprise(self, p: Memristor, noise: Noise) -> tuple[FloatArray, FloatArray]:
        """(measured - expected current [A], its variance [A^2]), (..., rows), given all readings before.

        The constants of `p` are numbers or arrays (..., rows). All that is assumed of the state before a
        train is that it lies in [0, 1].
        """
        m, order = self.measurements, self.order
        barrier = current(0.0, m.read_voltage, p)
        slope = current(1.0, m.read_voltage, p) - barrier
        dose = pulse_strength(m.voltage, m.width, p) + 0.0 * slope
        dose, slope = dose[..., order], slope[..., order]
        above = (m.current - barrier)[..., order]
        reading = ((noise.read * self.scale) ** 2)[order]
        missed, variance = np.empty_like(dose), np.empty_like(dose)
        omega = P = np.empty(0)
        for turn, (low, high) in enumerate(pairwise(self.edges)):
            here = slice(low, high)
            A, H = dose[..., here], slope[..., here]
            if turn == 0:
                omega, P = _unknown(A, noise)
            else:
                before, count = omega[..., : high - low], high - low
                omega, _, shrink = moved(before, A)
                P = shrink**4 * P[..., :count] + noise.write**2 * np.abs(omega - before)
            if noise.write > 0:
                _clip(omega, P)
            e = above[..., here] - H * omega
            S = H**2 * P + reading[here]
            gain = P * H / S
            omega = np.clip(omega + gain * e, 0.0, 1.0)
            P = np.maximum(P - gain * H * P, 0.0)
            missed[..., here], variance[..., here] = e, S
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return missed[..., back], variance[..., back]


def _unknown(dose: FloatArray, noise: Noise) -> tuple[FloatArray, FloatArray]:
    """(mean, variance) of the state after the first pulse of a train: from anywhere in [0, 1]."""
    low, high = moved(np.zeros_like(dose), dose)[0], moved(np.ones_like(dose), dose)[0]
    step = (low + 1.0 - high) / 2.0  # from 0 and from 1: the mean
    return (low + high) / 2.0, ((high - low) / 2.0) ** 2 + noise.write**2 * step


def _clip(mean: FloatArray, variance: FloatArray) -> None:
    """Apply `clipped` in place to the states near an end; others have nothing to clip."""
    near = np.minimum(mean, 1.0 - mean) ** 2 < _FAR**2 * variance
    if near.any():
        mean[near], variance[near] = clipped(mean[near], variance[near])


def clipped(mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(mean, variance) of a normal variable clipped to [0, 1], as a written state is."""
    from scipy.special import ndtr

    sd = np.sqrt(np.maximum(variance, 1e-24))
    a, b = -mean / sd, (1.0 - mean) / sd
    at_a, at_b = (np.exp(-0.5 * np.minimum(x * x, 1400.0)) / np.sqrt(2.0 * np.pi) for x in (a, b))
    inside, above = ndtr(b) - ndtr(a), ndtr(-b)
    first = mean * inside + sd * (at_a - at_b) + above
    # Round 'first', so that a small variance is not the difference of large numbers.
    off = mean - first
    second = (off**2 + sd**2) * inside + 2.0 * off * sd * (at_a - at_b) + sd**2 * (a * at_a - b * at_b)
    second += first**2 * ndtr(a) + (1.0 - first) ** 2 * above
    return first, np.maximum(second, 0.0)
