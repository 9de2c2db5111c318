"""The findings of a sweep in words and rows, for terminal, page and JSON alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.budgets import Allowance, Budget, Target
from roa_circuit.sweeps.distribution import Distribution, Yield, distributions
from roa_circuit.sweeps.fields import Field, Point, Value
from roa_circuit.sweeps.findings import Checks, Findings
from roa_circuit.sweeps.sensitivity import Index, Swing
from roa_circuit.sweeps.subject import Metric

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Title, head, rows."""

_SYMBOLS = {"sigma_wn": "σ_WN", "r_feedback": "R_f", "width_over_length": "W/L"}
_MOST_ROWS = 12
_MOST_COLUMNS = 8


def tables(found: Findings) -> list[Table]:
    """All tables of the findings, the points first."""
    shown = chips_tables(found) if found.is_monte_carlo else [points_table(found)]
    if found.swings:
        shown.append(tornado_table(found))
    if found.indices:
        shown.append(indices_table(found))
    if found.budget:
        shown.append(budget_table(found.budget, len(found.study.seeds)))
    if found.checks:
        shown.append(checks_table(found.checks))
    return shown


def chips_tables(found: Findings) -> list[Table]:
    """Of a Monte Carlo: how every metric is spread, and the yield where there is a target."""
    return [_chips(found), *(_yield(one.goal) for one in distributions(found) if one.goal)]


def _chips(found: Findings) -> Table:
    """A row for every metric: how it is spread over the chips."""

    def row(one: Distribution) -> tuple[str, ...]:
        if not one.values:
            return (named(one.metric), *["failed"] * (len(head) - 1))
        tail = one.quantile(0.05 if one.metric.more_is_better else 0.95)
        middle, spread = one.quantile(0.5), one.deviation
        return (
            named(one.metric), number(one.metric, one.mean),
            "–" if math.isnan(spread) else number(one.metric, spread),
            "–" if middle is None else number(one.metric, middle),
            "–" if tail is None else number(one.metric, tail),
            number(one.metric, one.worst[0]), str(one.worst[1]),
        )  # fmt: skip

    head = ("", "mean", "deviation", "median", "worst 5 %", "worst", "its seed")
    chips, lost = counted(len(found.sweep.seeds), "chip"), len(found.failed)
    title = f"{chips} of {found.study.subject.name}" + (f", {lost} failed" if lost else "")
    return title, head, [row(one) for one in distributions(found)]


def _yield(one: Yield) -> Table:
    """How many chips meet the target, and between which shares of all chips ever made that may lie."""
    metric = one.target.metric
    title = f"Yield: {named(metric)} {said_target(one.target)}"
    row = (named(metric), f"{one.good} of {one.chips}", percent(one.share))
    return (
        title,
        ("", "chips", "yield", "95 % interval"),
        [(*row, f"{100 * one.low:.1f} to {percent(one.high)}")],
    )


def points_table(found: Findings) -> Table:
    """A row for every point, or for the best and the worst of many; means over the chips."""
    points, axes, metrics = found.sweep.configurations(), found.sweep.axes, found.study.subject.metrics
    if len(axes) + len(metrics) > _MOST_COLUMNS:
        metrics = [found.metric]
    means = {m.name: found.study.values(points, m.name).mean(axis=1) for m in metrics}
    chosen = np.arange(len(points))
    what = f"{counted(len(points), 'point')} of {found.study.subject.name}"
    title = f"{what}, {counted(len(found.study.seeds), 'chip')} each"
    if len(points) > _MOST_ROWS:
        by = np.round(means[found.metric.name], 12)  # so that rounding does not order what is alike
        order = np.argsort(
            np.nan_to_num(-by if found.metric.more_is_better else by, nan=np.inf), kind="stable"
        )
        chosen = np.concatenate([order[: _MOST_ROWS // 2], order[-_MOST_ROWS // 2 :]])
        title += f"; the best and the worst {_MOST_ROWS // 2} by {named(found.metric)}"
    rows = [
        (
            *(said(axis.field, points[i][axis.name]) for axis in axes),
            *(number(metric, means[metric.name][i]) for metric in metrics),
        )
        for i in chosen
    ]
    head = (*(titled(axis.name) for axis in axes), *(named(metric) for metric in metrics))
    return title, head, rows


def tornado_table(found: Findings) -> Table:
    """A row for every field that was moved alone from end to end."""

    def row(one: Swing) -> tuple[str, ...]:
        low, high = (said(one.axis.field, one.axis.between(end)) for end in (0.0, 1.0))
        return (
            titled(one.axis.name), f"{low} … {high}", said(one.axis.field, one.base),
            number(found.metric, one.at_low, one.low_half),
            number(found.metric, one.at_high, one.high_half),
        )  # fmt: skip

    base = number(found.metric, found.swings[0].at_base)
    title = f"One at a time: {named(found.metric)}, {base} with all at their base"
    head = ("", "from … to", "base", "at the low end", "at the high end")
    return title, head, [row(one) for one in found.swings]


def indices_table(found: Findings) -> Table:
    """A row for every field with its shares of the variance."""

    def row(one: Index) -> tuple[str, ...]:
        return (
            titled(one.axis.name),
            f"{one.first:.3f} ± {one.first_half:.3f}",
            f"{one.total:.3f} ± {one.total_half:.3f}",
        )

    title = f"Sobol' indices: shares of the variance of {named(found.metric)} over the axes' ranges"
    return title, ("", "alone", "with all others"), [row(one) for one in found.indices]


def budget_table(budget: Budget, chips: int) -> Table:
    """What each field may be alone and, if there are several, together."""
    metric, together, several = budget.target.metric, budget.together, len(budget.alone) > 1

    def row(one: Allowance) -> tuple[str, ...]:
        field = one.axis.field
        there = (one.reached, one.lowest) if chips > 1 else (one.reached,)
        joint = "none" if together is None else said(field, together[field.name])
        return (
            titled(field.name),
            f"{said(field, one.best)} … {said(field, one.worst)}",
            allowed(one),
            *("" if one.allowed is None else number(metric, value) for value in there),
            *((joint,) if several else ()),
        )

    there = ("mean there", "worst chip there") if chips > 1 else (f"{named(metric)} there",)
    head = ("", "from best to worst", "allowed alone", *there, *(("all together",) if several else ()))
    return (
        f"Budget for {named(metric)} {said_target(budget.target)}",
        head,
        [row(one) for one in budget.alone],
    )


def checks_table(checks: Checks) -> Table:
    """How far the surrogate and the simulator were apart."""
    rows: list[tuple[str, ...]] = []
    for metric in checks.study.subject.metrics[:3]:
        worst = checks.worst(metric)
        shown = percent(worst) if metric.more_is_better else f"{worst:.1e}"
        rows.append((metric.meaning, shown))
    return f"{checks.study.subject.name}, {counted(len(checks.points), 'point')}", ("", "worst"), rows


def said_target(target: Target) -> str:
    """A target in words: 'of at least 95 %'."""
    side = "of at least" if target.metric.more_is_better else "of at most"
    return f"{side} {percent(target.limit, 6, significant=True)}"


def allowed(one: Allowance) -> str:
    """An allowance in words: '47 Ω', 'all of it', or 'none'."""
    if one.allowed is None:
        return "none"
    return f"{said(one.axis.field, one.allowed)}{' (all)' if one.unlimited else ''}"


def configuration(found: Findings, point: Point) -> str:
    """A point in words: 'wire resistance 3 Ω, sigma wn 1'; of a Monte Carlo the chip, 'seed 3'."""
    if found.is_monte_carlo:
        return f"seed {point['seed']}"
    fields = {axis.name: axis.field for axis in found.sweep.axes}
    return ", ".join(f"{titled(name)} {said(fields[name], value)}" for name, value in point.items())


def said(field: Field, value: Value) -> str:
    """A value with its prefix and unit."""
    if isinstance(value, str):
        return value
    if field.factor:
        return f"×{value:.3g}"
    if field.unit == "-":
        return engineering(value) if abs(value) >= 1000 else f"{value:.3g}"
    if field.unit.startswith("1/"):
        return f"{value:.3g} {field.unit}"
    return engineering(float(value), field.unit.replace("Ohm", "Ω"))


def number(metric: Metric, value: float, half: float = math.nan) -> str:
    """A metric with ± half of its interval, where there is one."""
    if math.isnan(value):
        return "failed"
    digits = 1 if metric.more_is_better else 2
    margin = "" if math.isnan(half) or half == 0.0 else f" ± {100 * half:.{digits}f}"
    return f"{100 * value:.{digits}f}{margin} %"


def titled(name: str) -> str:
    """A field's name as words, and letters where those are shorter."""
    for written, symbol in _SYMBOLS.items():
        if name.endswith(written):
            return name.removesuffix(written).replace("_", " ") + symbol
    return name.replace("_", " ")


def named(metric: Metric) -> str:
    """A metric's name in words."""
    return worded(metric.name)


def worded(name: str) -> str:
    """The same of the name alone."""
    return name.replace("mac_", "MAC ").replace("_", " ")


def to_dict(found: Findings) -> dict[str, Any]:
    """The findings as plain values; the points themselves are in sweep.nc and sweep.csv."""
    budget = found.budget
    return {
        "subject": found.study.subject.describe(),
        "sweep": found.sweep.to_dict(),
        "points": found.sweep.size,
        "metric": found.metric.name,
        "base": dict(found.base),
        "tornado": [_swing(one) for one in found.swings],
        "sobol": [
            {
                "field": one.axis.name, "first": one.first, "first_half": one.first_half,
                "total": one.total, "total_half": one.total_half,
            }
            for one in found.indices
        ],
        "budget": None if budget is None else _budget(budget),
        "distributions": [one.to_dict() for one in distributions(found)] if found.is_monte_carlo else [],
        "checks": None if found.checks is None else _checks(found.checks),
        "failed": [{"point": dict(point), "reason": why} for point, why in found.failed],
    }  # fmt: skip


def _swing(one: Swing) -> dict[str, Any]:
    return {**_of(one.axis), "base": one.base, "at_base": one.at_base,
            "at_low": one.at_low, "at_high": one.at_high,
            "low_half": one.low_half, "high_half": one.high_half}  # fmt: skip


def _budget(budget: Budget) -> dict[str, Any]:
    return {
        "target": str(budget.target), "at_base": budget.at_base, "share": budget.share,
        "together": None if budget.together is None else dict(budget.together),
        "reached": budget.reached,
        "alone": [
            {**_of(one.axis), "allowed": one.allowed, "unlimited": one.unlimited,
             "mean": one.reached, "worst_chip": one.lowest}
            for one in budget.alone
        ],
    }  # fmt: skip


def _checks(checks: Checks) -> dict[str, Any]:
    names = [metric.name for metric in checks.study.subject.metrics]
    columns: Mapping[str, Any] = {name: checks.values(name) for name in names}
    return {
        "subject": checks.study.subject.name,
        "points": [
            {"point": dict(point), **{name: columns[name][i] for name in names},
             "failed": checks.study.reason(point)}
            for i, point in enumerate(checks.points)
        ],
    }  # fmt: skip


def _of(axis: Axis) -> dict[str, Any]:
    return {"field": axis.name, "unit": axis.field.unit, "low": axis.low, "high": axis.high}
