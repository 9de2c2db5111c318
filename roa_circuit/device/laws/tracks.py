"""Tracks: coordinates in which doses add up, tabulated for laws without a closed form.

A track is x(u) = integral of du / speed(u), the dose that leads from the middle of the range to u. It is
known at evenly spaced nodes of t = ln(u / (1 - u)), which come as close to both ends as numbers do, with
its slope there; between nodes it is Hermite's cubic. States before and after a dose use the same cubic,
so doses add up to the last digits. Runs on numpy and torch, with derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.arrays import Array, matching, namespace

Floats = NDArray[np.float64]

_FURTHEST = 30.0  # of t: 1e-13 from an end
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_POINTS, _WEIGHTS = 0.5 * (_POINTS + 1.0), 0.5 * _WEIGHTS
_SLOWEST = 1e-60  # of speeds; what is slower stands
_NEWTON = 3
_FEW = 0.7  # of an array, which moves


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which tracks elements run on: `share` of track `second`, the rest of track `first`."""

    first: Any
    second: Any = None
    share: Any = 0.0

    def part(self, which: Any, shape: tuple[int, ...]) -> Place:
        """Of these elements of an array of `shape`."""
        first, second, share = (
            one if one is None else np.broadcast_to(one, shape)[which]
            for one in (self.first, self.second, self.share)
        )
        return Place(first=first, second=second, share=share)


class Tracks:
    """Several tracks: x and its slope by t (tracks, nodes)."""

    def __init__(self, x: Floats, slope: Floats) -> None:
        self._x, self._slope = x.ravel(), slope.ravel()
        self._nodes = x.shape[1]
        self._step = 2.0 * _FURTHEST / (self._nodes - 1)

    @classmethod
    def of(cls, speed: Callable[[Floats], Floats], nodes: int = 4097) -> Tracks:
        """Tracks of the speeds (tracks, points) at states (points,), which are not negative."""
        t = np.linspace(-_FURTHEST, _FURTHEST, nodes)
        step = t[1] - t[0]
        between = (t[:-1, None] + step * _POINTS).ravel()
        inner = _slope(between, speed).reshape(-1, nodes - 1, len(_POINTS))
        pieces = step * (inner @ _WEIGHTS)
        slope = _slope(t, speed)
        middle = (nodes - 1) // 2
        up = np.cumsum(pieces[:, middle:], axis=1)
        down = np.cumsum(pieces[:, :middle][:, ::-1], axis=1)[:, ::-1]
        return cls(np.concatenate([-down, np.zeros((len(up), 1)), up], axis=1), slope)

    def coordinate(self, u: Array, place: Place) -> Array:
        """x of the states u."""
        return self._at(_logit(u), place)[0]

    def speed(self, u: Array, place: Place) -> Array:
        """du per dose at the states u."""
        return u * (1.0 - u) / self._at(_logit(u), place)[1]

    def after(self, u: Array, dose: Array, place: Place) -> Array:
        """The states after a signed dose; a negative one leads towards 0."""
        xp = namespace(u, dose)
        if xp is np and np.ndim(dose) and np.count_nonzero(dose) < _FEW * np.size(dose):
            return self._after_few(u, dose, place)
        target = self._at(_logit(u), place)[0] + dose
        t = self._found(target, place)
        for _ in range(_NEWTON):
            x, slope = self._at(t, place)
            t = xp.clip(t - (x - target) / slope, -_FURTHEST, _FURTHEST)
        return 1.0 / (1.0 + xp.exp(-t))

    def _after_few(self, u: Floats, dose: Floats, place: Place) -> Floats:
        """The same, where most of an array receives no dose: the rest alone is worked out."""
        moved = np.array(np.broadcast_to(u, dose.shape), dtype=np.float64)
        which = np.nonzero(dose)
        if which[0].size:
            moved[which] = self.after(moved[which], dose[which], place.part(which, dose.shape))
        return moved

    def _at(self, t: Array, place: Place) -> tuple[Array, Array]:
        """(x, dx/dt) at t."""
        x, slope = self._on(t, place.first)
        if place.second is None:
            return x, slope
        other, others = self._on(t, place.second)
        return x + place.share * (other - x), slope + place.share * (others - slope)

    def _on(self, t: Array, track: Any) -> tuple[Array, Array]:
        xp = namespace(t)
        whole = (t + _FURTHEST) / self._step
        node = np.clip(np.floor(_plain(whole)), 0, self._nodes - 2).astype(np.intp)
        here = node + self._nodes * track
        x0, m0, x1, m1 = (
            matching(table[at], t)
            for table, at in (
                (self._x, here),
                (self._slope, here),
                (self._x, here + 1),
                (self._slope, here + 1),
            )
        )
        s, h = whole - matching(node.astype(np.float64), t), self._step
        rise = x1 - x0
        # x0 + s (h m0 + s (3 rise - h (2 m0 + m1) + s (h (m0 + m1) - 2 rise)))
        second, third = 3.0 * rise - h * (2.0 * m0 + m1), h * (m0 + m1) - 2.0 * rise
        x = x0 + s * (h * m0 + s * (second + s * third))
        slope = m0 + s * (2.0 * second + 3.0 * s * third) / h
        return x, xp.clip(slope, 1e-60 if t.dtype == xp.float64 else 1e-30, None)

    def _found(self, target: Array, place: Place) -> Array:
        """t near the target, by bisection between nodes; a plain number to Newton's steps."""
        wanted = _plain(target)
        low, high = np.zeros(wanted.shape, np.intp), np.full(wanted.shape, self._nodes - 1, np.intp)
        for _ in range(int(np.ceil(np.log2(self._nodes)))):
            middle = (low + high) // 2
            x = self._x[middle + self._nodes * place.first]
            if place.second is not None:
                x = x + _plain(place.share) * (self._x[middle + self._nodes * place.second] - x)
            above = x > wanted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return matching(-_FURTHEST + self._step * (low + 0.5), target)


def _slope(t: Floats, speed: Callable[[Floats], Floats]) -> Floats:
    u = 1.0 / (1.0 + np.exp(-t))
    return u / (1.0 + np.exp(t)) / np.maximum(speed(u), _SLOWEST)


def _logit(u: Array) -> Array:
    xp = namespace(u)
    least = float(np.exp(-_FURTHEST)) if u.dtype == xp.float64 else 1e-7
    inside = xp.clip(u, least, 1.0 - least)
    return xp.log(inside) - xp.log1p(-inside)


def _plain(values: Any) -> Floats:
    """As numbers of numpy, without what a library notes for derivatives."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64)
