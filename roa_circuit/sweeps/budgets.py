"""Budgets: how large each imperfection may be, alone and together, while a target is still met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.fields import Point, Value
from roa_circuit.sweeps.sensitivity import base_point
from roa_circuit.sweeps.study import Study
from roa_circuit.sweeps.subject import Metric

_COARSE, _FINE, _ROUNDS = 8, 8, 2
"""A search looks at 8 steps of the range, then twice at 8 steps of the last one: to 1/512 of it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A metric and the limit of its mean over the chips: a least, or a most where more is worse."""

    metric: Metric
    limit: float

    def __str__(self) -> str:
        return f"{self.metric.name} {'≥' if self.metric.more_is_better else '≤'} {self.limit:g}"

    def met(self, means: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each mean meets the limit; a point that failed does not."""
        better = means >= self.limit if self.metric.more_is_better else means <= self.limit
        return np.asarray(better)

    @classmethod
    def parse(cls, text: str, metrics: Sequence[Metric]) -> Target:
        """Read 'accuracy=0.95' or 'accuracy=95%'.

        Raises
        ------
        InputError : another metric, or no number.
        """
        name, _, written = text.partition("=")
        known = {metric.name: metric for metric in metrics}
        if name.strip() not in known:
            raise InputError(f"--target {text}: no metric {name.strip()!r}; {nearest(name, known)}")
        if not written:
            raise InputError(f"--target {text}: say what it must reach, such as {name.strip()}=95%")
        return cls(metric=known[name.strip()], limit=share(written, what=f"--target {text}"))


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How far one field may go alone, while the others stay as they are.

    best, worst : the ends of its axis, judged by the metric
    allowed : the value furthest from `best` up to which the target is met; None if `best` fails it
    reached, lowest : the metric's mean and its worst chip at that value
    """

    axis: Axis
    best: Value
    worst: Value
    allowed: Value | None
    reached: float
    lowest: float

    @property
    def unlimited(self) -> bool:
        """Whether the whole axis is allowed."""
        return self.allowed == self.worst


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much room a target leaves to all fields.

    at_base : the metric where nothing is varied
    together : values of all fields at once, each the same share of the way from its best end to what
        it is allowed alone; None if there is no such way
    """

    target: Target
    at_base: float
    alone: tuple[Allowance, ...]
    share: float
    together: Mapping[str, Value] | None
    reached: float


@dataclass(frozen=True, kw_only=True)
class _Way:
    """An axis from its better end to its worse one."""

    axis: Axis
    turned: bool

    def at(self, t: float) -> Value:
        return self.axis.between(1.0 - t if self.turned else t)


def budget(axes: Sequence[Axis], study: Study, target: Target) -> Budget:
    """Find each allowance and the joint one by bisection, always on the same chips.

    The metric is taken to be monotonic along every axis.

    Raises
    ------
    InputError : no axis with two ends.
    """
    base, spanning = base_point(axes, study), [axis for axis in axes if axis.spans]
    if not spanning:
        raise InputError("--target needs a varied number with two ends, as in wire_resistance=0:100:11")
    ends = [{**base, a.name: a.between(t)} for a in spanning for t in (0.0, 1.0)]
    at_base, *means = _means([base, *ends], study, target)
    sign = 1.0 if target.metric.more_is_better else -1.0
    ways = [
        _Way(axis=axis, turned=sign * means[2 * i] < sign * means[2 * i + 1])
        for i, axis in enumerate(spanning)
    ]
    found = [_alone(way, base, study, target) for way in ways]
    budget = Budget(
        target=target, at_base=float(at_base), alone=tuple(one for _, one in found), share=0.0,
        together=None, reached=float("nan"),
    )  # fmt: skip
    limits = [t for t, _ in found if t is not None]
    if len(limits) < len(ways):
        return budget

    def along(t: float) -> Point:
        pairs = zip(ways, limits, strict=True)
        return {**base, **{way.axis.name: way.at(t * limit) for way, limit in pairs}}

    joint = _furthest(along, study, target)
    if joint is None:
        return budget
    reached = float(_means([along(joint)], study, target)[0])
    return replace(budget, share=joint, together=along(joint), reached=reached)


def share(text: str, *, what: str) -> float:
    """Read '0.05' or '5%' as a fraction in [0, 1].

    Raises
    ------
    InputError : anything else.
    """
    stripped = text.strip()
    try:
        value = float(stripped.removesuffix("%")) / (100.0 if stripped.endswith("%") else 1.0)
    except ValueError:
        value = float("nan")
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{what}: {stripped!r} is no share, such as 0.05 or 5%")
    return value


def _alone(way: _Way, base: Point, study: Study, target: Target) -> tuple[float | None, Allowance]:
    """(the share of its way that the field may go, the allowance there)."""

    def along(t: float) -> Point:
        return {**base, way.axis.name: way.at(t)}

    found = _furthest(along, study, target)
    values = study.values([along(found or 0.0)], target.metric.name)[0]
    worst = values.min() if target.metric.more_is_better else values.max()
    return found, Allowance(
        axis=way.axis, best=way.at(0.0), worst=way.at(1.0),
        allowed=None if found is None else way.at(found),
        reached=float(values.mean()), lowest=float(worst),
    )  # fmt: skip


def _furthest(along: Callable[[float], Point], study: Study, target: Target) -> float | None:
    """The largest t in [0, 1] up to which the target is met; None if not at 0."""
    shares = np.linspace(0.0, 1.0, _COARSE + 1)
    found: float | None = None
    for _ in range(1 + _ROUNDS):
        met = target.met(_means([along(float(t)) for t in shares], study, target))
        good = int(np.argmin(met)) if not met.all() else len(met)
        if good == 0:
            return found
        found = float(shares[good - 1])
        if good == len(met):
            return found
        shares = np.linspace(found, float(shares[good]), _FINE + 1)[:-1]
    return found


def _means(points: Sequence[Point], study: Study, target: Target) -> NDArray[np.float64]:
    return np.asarray(study.values(points, target.metric.name).mean(axis=1))
