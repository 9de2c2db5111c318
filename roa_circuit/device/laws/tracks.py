"""Tracks: coordinates in which doses add up, tabulated for laws without a closed form.

A track is x(u) = integral of du / speed(u), the dose that leads from the middle of the range to u, or
from where the motion is fastest if there is none in the middle. It is known at evenly spaced nodes of
t = ln(u / (1 - u)), which come as close to both ends as numbers do, with its slope there; between nodes
it is Hermite's cubic, whose slopes are held where it would turn back. States before and after a dose use
the same cubic, so doses add up to the last digits. Runs on numpy and torch, with derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.arrays import Array, matching, namespace

Floats = NDArray[np.float64]

NODES = 4097
"""Of a track that cells run on."""

_FURTHEST = 30.0  # of t: 1e-13 from an end
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_POINTS, _WEIGHTS = 0.5 * (_POINTS + 1.0), 0.5 * _WEIGHTS
_SLOWEST = 1e-60  # of speeds; what is slower stands
_STANDS = 1e50  # a slope in the middle of the range from which x would drown all others
_FLATTEST = 1e-25  # a slope at an end, to divide by
_NEWTON = 3
_CLOSE, _CLOSE_IN_SINGLE = 1e-5, 1e-3  # of a node's width: a last step of Newton's that met the state
_HALVINGS = 50  # of a node's width, where Newton's steps have not met it
_STEEPEST = 3.0  # times the rise beside a node: a cubic of steeper ends turns back (Fritsch and Carlson)
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
        self._x = x.ravel()
        begins = np.array([self._x, slope.ravel()])
        self._ends = np.concatenate([begins, np.roll(begins, -1, axis=1)])  # (4, nodes) of each piece
        self._nodes = x.shape[1]
        self._step = 2.0 * _FURTHEST / (self._nodes - 1)

    @classmethod
    def of(cls, speed: Callable[[Floats], Floats], nodes: int = NODES) -> Tracks:
        """Tracks of the speeds (tracks, points) at states (points,), which are not negative."""
        t = np.linspace(-_FURTHEST, _FURTHEST, nodes)
        step = t[1] - t[0]
        between = (t[:-1, None] + step * _POINTS).ravel()
        inner = _slope(between, speed).reshape(-1, nodes - 1, len(_POINTS))
        pieces = step * (inner @ _WEIGHTS)
        rise = np.concatenate([pieces[:, :1], pieces, pieces[:, -1:]], axis=1) / step
        slope = np.minimum(_slope(t, speed), _STEEPEST * np.minimum(rise[:, :-1], rise[:, 1:]))
        middle = (nodes - 1) // 2
        x = _summed(pieces, middle)
        for still in np.flatnonzero(slope[:, middle] > _STANDS):
            x[still] = _summed(pieces[[still]], int(np.argmin(slope[still])))[0]
        return cls(x, slope)

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
        node = self._found(target, place)
        t = last = matching(node + 0.5 * self._step, target)
        low, high = (matching(node + share * self._step, target) for share in (-0.5, 1.5))
        for _ in range(_NEWTON):
            last, t = t, self._nearer(t, target, place, low, high)
        missed = _plain(xp.abs(t - last)) > self._step * (
            _CLOSE if t.dtype == xp.float64 else _CLOSE_IN_SINGLE
        )
        if missed.any():
            t = self._where_missed(missed, t, target, place, node)
        if hasattr(t, "detach"):
            t = self._beyond(t, target, place)
        return 1.0 / (1.0 + xp.exp(-t))

    def _beyond(self, t: Array, target: Array, place: Place) -> Array:
        """t, where the target lies beyond the last node along its slope there: slopes then go on."""
        xp = namespace(t)
        for sign in (-1.0, 1.0):
            x, slope = self._at(sign * _FURTHEST + 0.0 * t.detach(), place)
            further = sign * _FURTHEST + (target - x) / xp.clip(slope, _FLATTEST, None)
            further = xp.clip(further, -2.0 * _FURTHEST, 2.0 * _FURTHEST)
            t = xp.where(sign * (target - x) > 0, further, t)
        return t

    def _nearer(self, t: Array, target: Array, place: Place, low: Array, high: Array) -> Array:
        """One of Newton's steps, which stays about the nodes that have the target between them."""
        xp = namespace(t)
        x, slope = self._at(t, place)
        moved = xp.clip(t - (x - target) / slope, low, high)
        return xp.clip(moved, -_FURTHEST, _FURTHEST)

    def _where_missed(
        self, missed: NDArray[np.bool_], t: Array, target: Array, place: Place, node: Floats
    ) -> Array:
        """t, by bisection where Newton's steps have not met it, and then one more step for slopes."""
        wanted, own = _plain(target)[missed], place.part(missed, missed.shape)
        low = np.broadcast_to(node, missed.shape)[missed]
        high = low + self._step
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = self._at(middle, own)[0] > wanted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        xp, found = namespace(t), np.zeros(missed.shape)
        found[missed] = 0.5 * (low + high)
        begun = matching(found, t)
        x, slope = self._at(begun, place)
        step = xp.clip((x - target) / slope, -self._step * _CLOSE, self._step * _CLOSE)
        return xp.where(matching(missed.astype(np.float64), t) > 0, begun - step, t)

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
        x0, m0, x1, m1 = (matching(one, t) for one in self._ends[:, node + self._nodes * track])
        s, h = whole - matching(node.astype(np.float64), t), self._step
        rise = x1 - x0
        # x0 + s (h m0 + s (3 rise - h (2 m0 + m1) + s (h (m0 + m1) - 2 rise)))
        second, third = 3.0 * rise - h * (2.0 * m0 + m1), h * (m0 + m1) - 2.0 * rise
        x = x0 + s * (h * m0 + s * (second + s * third))
        slope = m0 + s * (2.0 * second + 3.0 * s * third) / h
        return x, xp.clip(slope, 1e-60 if t.dtype == xp.float64 else 1e-30, None)

    def _found(self, target: Array, place: Place) -> Floats:
        """t of the node below the target, by bisection; a plain number to Newton's steps."""
        wanted, tracks = _plain(target), np.ravel(place.first)
        if place.second is None and (tracks == tracks[0]).all():
            own = self._x[self._nodes * tracks[0] :][: self._nodes]
            below = np.searchsorted(own, wanted, side="right") - 1
            return np.asarray(-_FURTHEST + self._step * np.clip(below, 0, self._nodes - 2))
        low, high = np.zeros(wanted.shape, np.intp), np.full(wanted.shape, self._nodes - 1, np.intp)
        for _ in range(int(np.ceil(np.log2(self._nodes)))):
            middle = (low + high) // 2
            x = self._x[middle + self._nodes * place.first]
            if place.second is not None:
                x = x + _plain(place.share) * (self._x[middle + self._nodes * place.second] - x)
            above = x > wanted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(-_FURTHEST + self._step * low)


def of_few(law: Any, omega: Array, dose: Array, V: Array | None) -> Floats | None:
    """`law.after_dose` of those cells alone that receive a dose; None unless most of an array receives
    none.
    """
    if not (isinstance(omega, np.ndarray) and isinstance(dose, np.ndarray) and dose.ndim):
        return None
    if np.count_nonzero(dose) >= _FEW * dose.size:
        return None
    shape = np.broadcast_shapes(omega.shape, dose.shape)
    moved = np.array(np.broadcast_to(omega, shape), dtype=np.float64)
    which = np.nonzero(np.broadcast_to(dose, shape))
    if which[0].size:
        own = None if V is None else np.broadcast_to(V, shape)[which]
        moved[which] = law.after_dose(moved[which], np.broadcast_to(dose, shape)[which], own)
    return moved


def _summed(pieces: Floats, origin: int) -> Floats:
    """x (tracks, nodes), from its rise (tracks, nodes - 1) between them; 0 at the node `origin`."""
    up = np.cumsum(pieces[:, origin:], axis=1)
    down = np.cumsum(pieces[:, :origin][:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([-down, np.zeros((len(up), 1)), up], axis=1)


def _slope(t: Floats, speed: Callable[[Floats], Floats]) -> Floats:
    u = 1.0 / (1.0 + np.exp(-t))
    return u / (1.0 + np.exp(t)) / np.maximum(speed(u), _SLOWEST)


def _logit(u: Array) -> Array:
    xp = namespace(u)
    least = float(np.exp(-_FURTHEST)) if u.dtype == xp.float64 else 1e-7
    inside = xp.clip(u, least, 1.0 - least)
    if hasattr(u, "detach"):
        inside = u + (inside - u).detach()  # at an end, slopes are those just inside
    return xp.log(inside) - xp.log1p(-inside)


def _plain(values: Any) -> Floats:
    """As numbers of numpy, without what a library notes for derivatives."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64)
