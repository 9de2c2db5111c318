"""Figures of a sweep: curves, map, tornado, Sobol' indices; of a Monte Carlo its distributions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.presentation import drawing
from roa_circuit.presentation.drawing import BLUE, INK, RED, VIOLET, Drawing, draw
from roa_circuit.sweeps import summary
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.distribution import Distribution, cumulative, distributions
from roa_circuit.sweeps.fields import Value
from roa_circuit.sweeps.findings import Findings
from roa_circuit.sweeps.subject import Metric
from roa_circuit.sweeps.tables import half_widths

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_MOST_LINES = 8
_BARS = {"elinewidth": 0.8, "capsize": 2, "ecolor": INK}


def drawings(found: Findings) -> list[Drawing]:
    """The figures that the sweep has numbers for; fields that are not on an axis are at their base."""
    if found.is_monte_carlo:
        return chips_drawings(distributions(found))
    drawn = []
    if found.sweep.is_grid:
        drawn.append(draw("curves", _where(found, 2), lambda figure: _curves(figure, found)))
        if len(found.sweep.axes) > 1:
            drawn.append(draw("map", _where(found, 2), lambda figure: _map(figure, found)))
    if found.swings:
        height = 1.2 + 0.45 * len(found.swings)
        caption = "Each field alone, from one end of its range to the other."
        drawn.append(
            draw("tornado", caption, lambda figure: _tornado(figure, found), size=(5.2, height))
        )
    if found.indices:
        height = 1.0 + 0.55 * len(found.indices)
        text = "Sobol' indices: shares of the variance."
        drawn.append(draw("sobol", text, lambda figure: _sobol(figure, found), size=(5.2, height)))
    return drawn


def chips_drawings(spread: Sequence[Distribution]) -> list[Drawing]:
    """Histogram and cumulative curve of every metric that has numbers."""
    return [
        draw(
            f"chips-{one.metric.name}", _of_chips(one), partial(_distribution, one=one), size=(9.6, 3.0)
        )
        for one in spread
        if one.values
    ]


def _of_chips(one: Distribution) -> str:
    name = summary.named(one.metric)
    text = f"{name[0].upper()}{name[1:]} of {len(one.values)} chips: {one.metric.meaning}."
    return text + (" The dashed line is the target." if one.goal else "")


def _distribution(figure: Figure, one: Distribution) -> None:
    """How many chips have a value, and which share of them lies at or below it."""
    left, right = figure.subplots(1, 2)
    counts, edges = np.histogram(one.values, bins=_edges(np.array(one.values)))
    left.stairs(counts, edges, fill=True, color=BLUE, alpha=0.6)
    left.set_ylabel("chips")
    left.yaxis.get_major_locator().set_params(integer=True)
    at, share = cumulative(one.values)
    right.step([edges[0], *at, edges[-1]], [0.0, *share, 1.0], where="post", color=BLUE, lw=1.5)
    right.set(ylabel="share of chips at or below", ylim=(0.0, 1.03))
    for axes in (left, right):
        _in_per_cent(axes.xaxis, one.metric)
        axes.set_xlim(edges[0], edges[-1])
        if one.goal:
            axes.axvline(one.goal.target.limit, color=RED, lw=1.2, ls="--")


def _edges(values: Floats) -> Floats:
    """Bins after Freedman and Diaconis, 8 to 40 of them; a little wider than the values reach."""
    spread = float(np.ptp(values)) or 0.01 * max(float(np.abs(values).max()), 1e-6)
    least, most = float(values.min()), float(values.max())
    wide = len(np.histogram_bin_edges(values, bins="fd")) - 1 if np.ptp(values) else 1
    count = min(max(wide, 8), 40)
    return np.linspace(least - spread / count, most + spread / count, count + 3)


def _curves(figure: Figure, found: Findings) -> None:
    along, by = found.sweep.axes[0], found.sweep.axes[1] if len(found.sweep.axes) > 1 else None
    axes: Axes = figure.subplots()
    lines: list[Value | None] = [None] if by is None else list(by.levels)
    lines = lines[:: -(-len(lines) // _MOST_LINES)]
    places = _places(along)
    for line, colour in zip(lines, hues(len(lines)), strict=True):
        fixed = {} if by is None or line is None else {by.name: line}
        points = [{**_base(found), **fixed, along.name: level} for level in along.levels]
        values = found.study.values(points, found.metric.name)
        mean, half = values.mean(axis=1), np.nan_to_num(half_widths(values))
        label = (
            ""
            if by is None or line is None
            else f"{summary.titled(by.name)} {summary.said(by.field, line)}"
        )
        axes.plot(places, mean, "-o", ms=3, lw=1.5, color=colour, label=label)
        below, above = _within(found.metric, mean, half)
        axes.fill_between(places, mean - below, mean + above, color=colour, alpha=0.13, lw=0)
    _scale(axes.xaxis, axes, along, places)
    axes.set_xlabel(_title(along))
    _in_per_cent(axes.yaxis, found.metric)
    if by is not None:
        axes.legend()


def _within(metric: Metric, mean: Floats, half: Floats) -> tuple[Floats, Floats]:
    """How far an interval reaches below and above its mean; shares of answers end at 0 and 1."""
    above = np.clip(1.0 - mean, 0.0, half) if metric.more_is_better else half
    return np.clip(mean, 0.0, half), above


def _in_per_cent(axis: XAxis | YAxis, metric: Metric) -> None:
    """Label an axis of shares in per cent, with the unit beside the metric's name."""
    axis.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    axis.set_label_text(f"{summary.named(metric)} [%]")


def _map(figure: Figure, found: Findings) -> None:
    along, up = found.sweep.axes[:2]
    axes: Axes = figure.subplots()
    points = [{**_base(found), along.name: x, up.name: y} for y in up.levels for x in along.levels]
    means = found.study.values(points, found.metric.name).mean(axis=1)
    grid = 100 * means.reshape(len(up.levels), len(along.levels))
    scale = "viridis" if found.metric.more_is_better else "viridis_r"
    image = axes.pcolormesh(np.arange(len(along.levels)), np.arange(len(up.levels)), grid, cmap=scale)
    for axis, field, set_ticks in (
        (along, axes.xaxis, axes.set_xticks),
        (up, axes.yaxis, axes.set_yticks),
    ):
        kept = range(0, len(axis.levels), -(-len(axis.levels) // 8))
        set_ticks(list(kept), [summary.said(axis.field, axis.levels[i]) for i in kept], fontsize=8)
        field.set_label_text(summary.titled(axis.name))
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, label=f"{summary.named(found.metric)} [%]")


def _tornado(figure: Figure, found: Findings) -> None:
    axes: Axes = figure.subplots()
    figure.subplots_adjust(left=0.3, top=1.0 - 0.3 / figure.get_figheight())
    rows = list(reversed(found.swings))
    heights = [0.25 if row.covers else 0.6 for row in rows]
    for end, colour, at, half, height in (
        ("low", BLUE, [r.at_low for r in rows], [r.low_half for r in rows], 0.6),
        ("high", RED, [r.at_high for r in rows], [r.high_half for r in rows], heights),
    ):
        lengths = [value - row.at_base for value, row in zip(at, rows, strict=True)]
        bars = _within(found.metric, np.array(at), np.nan_to_num(half))
        axes.barh(
            range(len(rows)), lengths, left=[row.at_base for row in rows], height=height, color=colour,
            xerr=bars, error_kw=_BARS, label=f"at the {end} end",
        )  # fmt: skip
    names = [
        f"{summary.titled(r.axis.name)}\n{summary.said(r.axis.field, r.axis.between(0.0))} …"
        f" {summary.said(r.axis.field, r.axis.between(1.0))}"
        for r in rows
    ]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.axvline(rows[0].at_base, color=INK, lw=0.8, ls=":")
    _in_per_cent(axes.xaxis, found.metric)
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)


def _sobol(figure: Figure, found: Findings) -> None:
    axes: Axes = figure.subplots()
    figure.subplots_adjust(left=0.3)
    rows, places = list(reversed(found.indices)), np.arange(len(found.indices))
    for shift, colour, label, value, half in (
        (-0.2, VIOLET, "with all others", [r.total for r in rows], [r.total_half for r in rows]),
        (0.2, BLUE, "alone", [r.first for r in rows], [r.first_half for r in rows]),
    ):
        axes.barh(
            places + shift, value, height=0.36, color=colour, xerr=half, label=label, error_kw=_BARS
        )
    axes.set_yticks(places, [summary.titled(row.axis.name) for row in rows], fontsize=8)
    axes.set_xlabel(f"share of the variance of {summary.named(found.metric)}")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower right")


def _base(found: Findings) -> dict[str, Value]:
    """The level of every axis that is nearest to its base."""
    return {axis.name: axis.levels[axis.nearest(found.base[axis.name])] for axis in found.sweep.axes}


def _where(found: Findings, drawn: int) -> str:
    rest = found.sweep.axes[drawn:]
    at = ", ".join(
        f"{summary.titled(a.name)} {summary.said(a.field, _base(found)[a.name])}" for a in rest
    )
    return f"{summary.named(found.metric)}: means over the chips{' at ' + at if at else ''}."


def _places(axis: Axis) -> list[float]:
    return [float(v) if not isinstance(v, str) else float(i) for i, v in enumerate(axis.levels)]


def _scale(side: Any, axes: Axes, axis: Axis, places: list[float]) -> None:
    if not axis.numeric:
        axes.set_xticks(places, [str(level) for level in axis.levels])
    elif axis.low > 0 and axis.high / axis.low >= 100:
        axes.set_xscale("log")
        drawing.decades(side)


def _title(axis: Axis) -> str:
    unit = axis.field.unit.replace("Ohm", "Ω")
    return summary.titled(axis.name) + (f" [{unit}]" if unit not in ("", "-") else "")


def hues(count: int) -> list[Any]:
    """Colours from blue over violet to red."""
    from matplotlib.colors import LinearSegmentedColormap

    if count == 1:
        return [BLUE]
    return list(LinearSegmentedColormap.from_list("page", [BLUE, VIOLET, RED])(np.linspace(0, 1, count)))
