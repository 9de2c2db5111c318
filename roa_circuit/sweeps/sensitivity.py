"""Sensitivity: which field moves a metric, one at a time (tornado) and all at once (Sobol')."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.fields import Value
from roa_circuit.sweeps.study import Study
from roa_circuit.sweeps.tables import half_widths


@dataclass(frozen=True, kw_only=True)
class Swing:
    """What one field does alone: the metric's mean over the chips at both ends of its axis.

    at_base : the mean with this field and all others at their base
    low_half, high_half : half widths of the means' 95 % intervals; NaN for a single chip
    """

    axis: Axis
    base: Value
    at_base: float
    at_low: float
    at_high: float
    low_half: float
    high_half: float

    @property
    def size(self) -> float:
        """The largest difference between the three means; NaN where one failed."""
        return float(np.ptp([self.at_base, self.at_low, self.at_high]))

    @property
    def covers(self) -> bool:
        """Whether a bar from the base to the high end would cover the one to the low end."""
        low, high = self.at_low - self.at_base, self.at_high - self.at_base
        return low * high > 0 and abs(high) > abs(low)


@dataclass(frozen=True, kw_only=True)
class Index:
    """Sobol' indices of one field: its share of the metric's variance over the axes' ranges.

    first : by itself; total : including all that it does together with others; each with half
        the width of its 95 % interval
    """

    axis: Axis
    first: float
    first_half: float
    total: float
    total_half: float


def base_point(axes: Sequence[Axis], study: Study) -> dict[str, Value]:
    """The base value of every varied field, or its first value where it has no base."""
    point = {}
    for axis in axes:
        value = study.subject.base(axis.field)
        first = axis.levels[0] if axis.levels else axis.between(0.0)
        point[axis.name] = first if value is None else axis.field.value(value)
    return point


def tornado(axes: Sequence[Axis], study: Study, metric: str) -> list[Swing]:
    """The swings of all axes that have two ends, the largest first."""
    base, spanning = base_point(axes, study), [axis for axis in axes if axis.spans]
    ends = [{**base, a.name: a.between(share)} for a in spanning for share in (0.0, 1.0)]
    values = study.values([base, *ends], metric)
    means, halves = values.mean(axis=1), half_widths(values)
    swings = [
        Swing(
            axis=axis, base=base[axis.name], at_base=float(means[0]),
            at_low=float(means[2 * i + 1]), at_high=float(means[2 * i + 2]),
            low_half=float(halves[2 * i + 1]), high_half=float(halves[2 * i + 2]),
        )
        for i, axis in enumerate(spanning)
    ]  # fmt: skip
    return sorted(swings, key=lambda one: -one.size if np.isfinite(one.size) else 0.0)


def sobol_indices(
    axes: Sequence[Axis], study: Study, metric: str, *, samples: int, seed: int
) -> list[Index]:
    """Sobol' indices of all axes with two ends, by Saltelli's design of samples (axes + 2) points.

    Between its ends an axis is sampled evenly (or log-evenly), whatever its levels. The metric is the
    mean over the study's chips. The largest total comes first.

    samples : a power of two

    Raises
    ------
    InputError : fewer than two such axes, samples that are no power of two, or points that failed.
    """
    spanning = [axis for axis in axes if axis.spans]
    if len(spanning) < 2:
        raise InputError("Sobol' indices need two varied numbers or more, each with two ends")
    if samples < 8 or samples & (samples - 1):
        raise InputError(f"--samples {samples}: Sobol' indices need a power of two from 8 on")
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as design

    count = len(spanning)
    problem: dict[str, Any] = {
        "num_vars": count, "names": [axis.name for axis in spanning], "bounds": [[0.0, 1.0]] * count,
    }  # fmt: skip
    shares = design.sample(problem, samples, calc_second_order=False, seed=seed)
    base = base_point(axes, study)
    points = [
        {**base, **{a.name: a.between(float(s)) for a, s in zip(spanning, row, strict=True)}}
        for row in shares
    ]
    means = study.values(points, metric).mean(axis=1)
    if np.isnan(means).any():
        raise InputError(
            f"Sobol' indices: {np.isnan(means).sum()} of {len(means)} points failed; vary less, or"
            " choose --sensitivity tornado"
        )
    if np.ptp(means) == 0.0:
        zero = {"first": 0.0, "first_half": 0.0, "total": 0.0, "total_half": 0.0}
        return [Index(axis=axis, **zero) for axis in spanning]
    found = analysis.analyze(problem, means, calc_second_order=False, seed=seed)
    rows = zip(spanning, *(found[key] for key in ("S1", "S1_conf", "ST", "ST_conf")), strict=True)
    indices = [
        Index(axis=a, first=float(s), first_half=float(c), total=float(t), total_half=float(d))
        for a, s, c, t, d in rows
    ]
    return sorted(indices, key=lambda one: -one.total)
