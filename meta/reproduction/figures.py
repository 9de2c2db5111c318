"""Figures: a study's entries as curves over the write noise, or as a map of rate and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from meta.evaluation.evaluate import RELATIVE_RATES
from meta.reproduction.plans import Entry, Plan
from meta.reproduction.tables import paper_accuracy
from roa_circuit.presentation.drawing import BLUE, FAINT, GREEN, INK, RED, SOFT, VIOLET, Drawing, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "roa": BLUE, "five-step": RED, "offline": RED, "roa-wc": GREEN, "roa-flr": VIOLET,
    "roa-wc-flr": SOFT, "ideal": FAINT, "roa-robust": INK,
}  # fmt: skip

LINES = ("ideal weights", "chance")


def figure(plan: Plan, entries: Sequence[Entry], reading: str) -> Drawing | None:
    """The picture of a study under one reading of Eq. 7; None if it has no results."""
    here = [entry for entry in entries if entry.place.reading == reading and entry.score]
    if not here:
        return None
    ways = [w for w in plan.study.ways if any(entry.place.ways == w for entry in here)]
    rates = plan.study.name == "figure3"
    name = f"{plan.study.name}_{reading}"

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1 + rates, len(ways), squeeze=False, sharex=True)
        figure.subplots_adjust(wspace=0.28, hspace=0.22)
        for column, count in enumerate(ways):
            ours = [entry for entry in here if entry.place.ways == count]
            upper = panels[0, column]
            upper.set_title(f"{count}-way 1-shot, {reading}")
            if plan.study.heatmap:
                _paint_map(upper, ours)
                continue
            _paint_curves(upper, plan, ours)
            if rates:
                _paint_rates(panels[1, column], ours)
                panels[1, 0].set_ylabel("best relative rate")
            panels[-1, column].set_xlabel("write noise σ_WN")
            panels[0, 0].set_ylabel("accuracy [%]")
        if not plan.study.heatmap:
            _explain(panels[0, 0])

    size = (1.0 + 3.7 * len(ways), 3.4 + 2.4 * rates)
    return draw(name, plan.study.title, paint, size=size, top=0.3)


def _paint_curves(axes: Axes, plan: Plan, entries: Sequence[Entry]) -> None:
    """Draw our results with 95 % intervals, and the paper's as open circles of the same colour."""
    for method in plan.study.methods:
        mine = [entry for entry in entries if entry.place.method == method]
        if not mine:
            continue
        colour = COLOURS.get(method, SOFT)
        x = [entry.place.sigma_wn for entry in mine]
        y = [100 * entry.score.accuracy for entry in mine if entry.score]
        if method == "ideal":
            axes.axhline(y[0], color=colour, ls="--", lw=1, label=LINES[0])
            continue
        ci95 = [100 * entry.score.ci95 for entry in mine if entry.score]
        axes.errorbar(x, y, ci95, color=colour, marker="o", ms=3.5, lw=1.4, capsize=2, label=method)
        paper = [(s, p) for s, entry in zip(x, mine, strict=True)
                 if (p := paper_accuracy(plan.dataset, entry)) is not None]  # fmt: skip
        if paper:
            axes.plot(*zip(*[(s, 100 * p) for s, p in paper], strict=True), ls=":", lw=1, marker="o",
                      ms=6, mfc="none", color=colour, label=f"{method}, paper")  # fmt: skip
    axes.axhline(100 / entries[0].place.ways, color=FAINT, ls=":", lw=1, label=LINES[1])
    axes.set_ylim(0, 103)


def _explain(axes: Axes) -> None:
    """Add a legend, with the paper's curves after ours."""
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: (labels[i] in LINES, labels[i].endswith("paper")))
    chosen = [handles[i] for i in order], [labels[i] for i in order]
    axes.legend(*chosen, loc="best", frameon=True, framealpha=0.85, edgecolor="none")


def _paint_rates(axes: Axes, entries: Sequence[Entry]) -> None:
    """Draw the relative rates that validation chose."""
    for method in dict.fromkeys(entry.place.method for entry in entries if entry.tuned_on):
        mine = [entry for entry in entries if entry.place.method == method]
        rates = [entry.score.relative_rate for entry in mine if entry.score]
        x = [entry.place.sigma_wn for entry in mine]
        axes.plot(x, rates, color=COLOURS.get(method, SOFT), marker="o", ms=3.5, lw=1.4, label=method)
    axes.set_ylim(0, 1.08 * max(RELATIVE_RATES))


def _paint_map(axes: Axes, entries: Sequence[Entry]) -> None:
    scored = [entry.score for entry in entries if entry.score]
    rates = sorted({score.relative_rate for score in scored})
    sigmas = sorted({entry.place.sigma_wn for entry in entries})
    scores = np.full((len(rates), len(sigmas)), np.nan)
    for entry, score in zip(entries, scored, strict=True):
        row, column = rates.index(score.relative_rate), sigmas.index(entry.place.sigma_wn)
        scores[row, column] = 100 * score.accuracy
    axes.imshow(scores, origin="lower", aspect="auto", cmap="viridis", vmin=20, vmax=100)
    for (row, column), score in np.ndenumerate(scores):
        colour = "white" if score < 70 else "black"
        axes.text(column, row, f"{score:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.grid(False)
    axes.set_xticks(range(len(sigmas)), [f"{sigma:g}" for sigma in sigmas])
    axes.set_yticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_xlabel("write noise σ_WN")
    axes.set_ylabel("relative rate")
