"""Distributions: how metrics are spread over the chips of one setup, and how many chips are good.

A Monte Carlo is a sweep in which nothing is varied but the chip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roa_circuit.sweeps.budgets import Target
from roa_circuit.sweeps.findings import Findings
from roa_circuit.sweeps.subject import Metric

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Yield:
    """How many of some chips meet a target, each for itself.

    low, high : 95 % interval of the share, exact after Clopper and Pearson (Biometrika 26, 1934)
    """

    target: Target
    good: int
    chips: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of good chips."""
        return self.good / self.chips

    @classmethod
    def of(cls, target: Target, good: int, chips: int) -> Yield:
        """The yield of so many good ones among so many chips."""
        from scipy.special import betaincinv

        low = float(betaincinv(good, chips - good + 1, 0.025)) if good else 0.0
        high = float(betaincinv(good + 1, chips - good, 0.975)) if good < chips else 1.0
        return cls(target=target, good=good, chips=chips, low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One metric over the chips.

    values, seeds : ascending, with the seed of each chip; chips without a number are left out
    failed : how many those are; none of them meets a target
    goal : the yield, where this is the target's metric
    """

    metric: Metric
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    failed: int
    goal: Yield | None = None

    @property
    def mean(self) -> float:
        """The mean; NaN of no chips."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation over the chips; NaN of fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan

    @property
    def worst(self) -> tuple[float, int]:
        """(the worst chip's value, its seed)."""
        index = 0 if self.metric.more_is_better else -1
        return self.values[index], self.seeds[index]

    @property
    def best(self) -> tuple[float, int]:
        """(the best chip's value, its seed)."""
        index = -1 if self.metric.more_is_better else 0
        return self.values[index], self.seeds[index]

    def quantile(self, share: float) -> float | None:
        """The value of the chip that this share of all lies at or below.

        Half of an even number of chips lie below the middle of two: that is the median. None where the
        chips are too few: at least one must lie in the tail.
        """
        count = len(self.values)
        if count * min(share, 1.0 - share) < 1.0 - 1e-9:
            return None
        if share == 0.5:
            return float(np.median(self.values))
        return self.values[math.ceil(share * count - 1e-9) - 1]

    def to_dict(self) -> dict[str, Any]:
        """As in JSON reports."""
        found: dict[str, Any] = {
            "metric": self.metric.name, "chips": len(self.values), "failed": self.failed,
            "values": list(self.values), "seeds": list(self.seeds),
        }  # fmt: skip
        if self.values:
            found |= {"mean": self.mean, "standard_deviation": _plain(self.deviation)}
            for name in ("worst", "best"):
                value, seed = getattr(self, name)
                found |= {name: value, f"{name}_seed": seed}
            found["quantiles"] = {f"{q:g}": self.quantile(q) for q in QUANTILES}
        if self.goal:
            goal = self.goal
            found["yield"] = {
                "target": str(goal.target), "good": goal.good, "chips": goal.chips,
                "share": goal.share, "low": goal.low, "high": goal.high,
            }  # fmt: skip
        return found


def distributions(found: Findings) -> list[Distribution]:
    """The distribution of every metric over the chips, that of the findings' metric first.

    found : of a sweep that varies nothing
    """
    metrics = sorted(found.study.subject.metrics, key=lambda one: one.name != found.metric.name)
    return [_distribution(found, metric) for metric in metrics]


def _distribution(found: Findings, metric: Metric) -> Distribution:
    seeds, target = np.array(found.sweep.seeds), found.target
    (values,) = found.study.values([{}], metric.name)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    goal = None
    if target and target.metric.name == metric.name:
        goal = Yield.of(target, int(target.met(values[known]).sum()), len(seeds))
    return Distribution(
        metric=metric,
        values=tuple(values[order].tolist()),
        seeds=tuple(seeds[order].tolist()),
        failed=len(seeds) - len(known),
        goal=goal,
    )


def cumulative(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """(values, shares of the chips at or below them) of the cumulative curve of ascending values."""
    at, count = np.unique(values, return_counts=True)
    return at.tolist(), (np.cumsum(count) / max(len(values), 1)).tolist()


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
