"""Findings: everything that one sweep found; a sweep that was cut off is continued."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.sweeps.budgets import Budget, Target, budget
from roa_circuit.sweeps.description import Sweep
from roa_circuit.sweeps.fields import Point
from roa_circuit.sweeps.sensitivity import Index, Swing, base_point, sobol_indices, tornado
from roa_circuit.sweeps.study import Floats, Study
from roa_circuit.sweeps.subject import Metric, Subject

SENSITIVITIES = ("none", "tornado", "sobol")


@dataclass(frozen=True, kw_only=True)
class Question:
    """The questions to a sweep beside its points.

    metric : the metric of sensitivities; None takes that of the target, or the subject's first
    sensitivity : 'none', 'tornado', or 'sobol', which adds indices from samples (axes + 2) points
    """

    target: Target | None = None
    metric: Metric | None = None
    sensitivity: str = "tornado"
    samples: int = 64

    def __post_init__(self) -> None:
        if self.sensitivity not in SENSITIVITIES:
            raise InputError(
                f"--sensitivity {self.sensitivity!r} is unknown;"
                f" {nearest(self.sensitivity, SENSITIVITIES)}"
            )


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check in a simulator: the subject that runs it, and the share of the points that it is for."""

    subject: Subject
    share: float


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Some points of a sweep as a simulator has them, on the chips of the first seed.

    study : of the simulator's subject, whose first three metrics are errors of the surrogate
    """

    points: Sequence[Point]
    study: Study

    def values(self, metric: str) -> Floats:
        """The metric (points,) as the simulator has it; NaN where it failed."""
        return np.asarray(self.study.values(self.points, metric)[:, 0])

    def worst(self, metric: Metric) -> float:
        """The worst value of the points that did not fail; NaN if all did."""
        values = self.values(metric.name)
        values = values[np.isfinite(values)]
        if not len(values):
            return math.nan
        return float(values.min() if metric.more_is_better else values.max())


@dataclass(frozen=True, kw_only=True)
class Findings:
    """A computed sweep; `study` has the numbers of every point.

    base : the value of every varied field where it is not varied
    metric : the metric of swings and indices
    target : what was asked for; of a sweep that varies nothing it is one of every chip
    """

    sweep: Sweep
    study: Study
    base: Mapping[str, Any]
    metric: Metric
    swings: Sequence[Swing]
    indices: Sequence[Index]
    budget: Budget | None
    target: Target | None = None
    checks: Checks | None = None

    @property
    def is_monte_carlo(self) -> bool:
        """Whether nothing differs but the chips."""
        return not self.sweep.axes

    @property
    def failed(self) -> list[tuple[Point, str]]:
        """The points without numbers, and the reason; of a sweep that varies nothing, the chips."""
        if self.is_monte_carlo:
            reasons = ((seed, self.study.reason({}, seed)) for seed in self.sweep.seeds)
            return [({"seed": seed}, why) for seed, why in reasons if why]
        points = self.sweep.configurations()
        return [(point, why) for point in points if (why := self.study.reason(point))]


def spot_checks(found: Findings, study: Study, share: float) -> Checks:
    """Simulate a share of the points that have numbers, drawn with the sweep's seed."""
    points = [point for point in found.sweep.configurations() if not found.study.reason(point)]
    rng = np.random.default_rng([found.sweep.seed, len(points)])
    picked = rng.choice(len(points), size=math.ceil(share * len(points)), replace=False)
    chosen = [points[index] for index in sorted(picked)]
    study.compute(chosen)
    return Checks(points=chosen, study=study)


def find(sweep: Sweep, study: Study, question: Question) -> Findings:
    """Compute the points that the study does not know yet, and draw the conclusions asked for.

    Raises
    ------
    InputError : a question that these axes cannot answer.
    """
    axes = sweep.axes
    metric = question.metric or (question.target.metric if question.target else study.subject.metrics[0])
    if question.sensitivity == "sobol" and not axes:
        raise InputError("--sensitivity sobol: nothing is varied; add --vary, or leave it out")
    study.compute(sweep.configurations())
    several = sum(axis.spans for axis in axes) > 1
    if question.sensitivity == "sobol":
        how = {"samples": question.samples, "seed": sweep.seed}
        indices = sobol_indices(axes, study, metric.name, **how)
    else:
        indices = []
    return Findings(
        sweep=sweep,
        study=study,
        base=base_point(axes, study),
        metric=metric,
        swings=tornado(axes, study, metric.name) if several and question.sensitivity != "none" else [],
        indices=indices,
        budget=budget(axes, study, question.target) if question.target and axes else None,
        target=question.target,
    )
