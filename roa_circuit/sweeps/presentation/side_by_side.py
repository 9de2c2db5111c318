"""Sweeps side by side: what differs in their settings, and what each found at the same points."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.presentation import drawing
from roa_circuit.presentation.drawing import Drawing, draw, plain, shortened
from roa_circuit.presentation.page import (
    Page,
    Section,
    bullets,
    made_by,
    paragraph,
    shown,
    side_by_side,
    table,
)
from roa_circuit.presentation.plots import Axis, Column, Curve, Panel, Plot, curves, program
from roa_circuit.presentation.runs import Run, differences, head, remarks
from roa_circuit.presentation.runs import differing as apart
from roa_circuit.sweeps import summary
from roa_circuit.sweeps.distribution import cumulative
from roa_circuit.sweeps.presentation.figures import hues

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_SETTINGS = ("metric", "reversed")
_PARTS = ("subject", "lines", "sweep")
_HALF = " ±95 %"
_MOST_ROWS = 50
_SHOWN = {"arrays": 12}  # characters of a digest


@dataclass(frozen=True, kw_only=True)
class Swept:
    """A sweep as its report.json and the sweep.csv beside it have it.

    rows : where a point lies, as sweep.csv writes it, to its cells by title; a chip's seed is a point
    """

    run: Run
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: Mapping[tuple[str, ...], Mapping[str, str]]

    @classmethod
    def of(cls, run: Run) -> Swept:
        """The sweep of a run.

        Raises
        ------
        InputError : no sweep.csv beside the report, or either of them damaged.
        """
        path = run.source.with_name("sweep.csv")
        text = files.text(path, expected="the sweep.csv that `sweep` leaves beside its report.json")
        lines = csv.DictReader(io.StringIO(text))
        titles = list(lines.fieldnames or ())
        varied = run.document["sweep"].get("vary")
        count = len(varied) if isinstance(varied, dict) and varied else 1
        rows = {tuple(str(line[one]) for one in titles[:count]): line for line in lines}
        metrics = tuple(
            one for one in titles[count:] if not one.endswith((_HALF, " worst")) and one != "failed"
        )
        if run.document.get("metric") not in metrics or "failed" not in titles:
            raise InputError(f"{path}: is not the table of {run.source}; run the sweep again")
        return cls(run=run, axes=tuple(titles[:count]), metrics=metrics, rows=rows)

    @property
    def settings(self) -> dict[str, str]:
        """What was asked for, flat."""
        flat = self.run.settings(_SETTINGS, _PARTS)
        return {name: text[: _SHOWN.get(name.rsplit(": ", 1)[-1])] for name, text in flat.items()}

    @property
    def of_chips(self) -> bool:
        """Whether it is a Monte Carlo, whose points are chips."""
        return self.axes == ("seed",)

    def value(self, point: tuple[str, ...], title: str) -> float | None:
        """A number of a point; None where it failed, or is none."""
        try:
            return float(self.rows[point][title])
        except (KeyError, TypeError, ValueError):
            return None

    def numbers(self) -> dict[str, str]:
        """What it concluded, by name."""
        try:
            concluded = dict(_concluded(self.run.document))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{self.run.source}: is damaged ({error!r}); run the sweep again") from None
        failed = sum(bool(row["failed"]) for row in self.rows.values())
        return {"points": str(len(self.rows)), **concluded, "failed": str(failed)}


def _concluded(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, text) of what a report.json concludes."""
    metric = summary.worded(document["metric"])
    for one in document["tornado"]:
        ends = f"{percent(one['at_low'])} … {percent(one['at_high'])}"
        yield f"{metric}, {summary.titled(one['field'])} from end to end", ends
    for one in (document["budget"] or {"alone": []})["alone"]:
        name = f"{summary.titled(one['field'])} allowed for {document['budget']['target']}"
        yield name, _quantity(one["allowed"], one["unit"])
    for one in document["distributions"]:
        name = summary.worded(one["metric"])
        if one["values"]:
            yield f"{name}, mean of the chips", percent(one["mean"])
            yield f"{name}, worst of the chips", percent(one["worst"])
        if "yield" in one:
            yield f"yield, {one['yield']['target']}", percent(one["yield"]["share"])


def is_one(run: Run) -> bool:
    """Whether a run is a sweep."""
    return isinstance(run.document.get("sweep"), dict) and "point_command" in run.document


def _quantity(value: float | str | None, unit: str) -> str:
    if value is None or isinstance(value, str):
        return value or "none"
    return f"{value:.3g}" if unit in ("", "-") else engineering(value, unit.replace("Ohm", "Ω"))


def _worded(metric: str) -> str:
    """A metric's name in words, at the beginning of a caption."""
    words = summary.worded(metric)
    return words[:1].upper() + words[1:]


def differing(sweeps: Sequence[Swept]) -> list[list[str]]:
    """The settings that are not the same in all sweeps."""
    return apart([one.settings for one in sweeps])


def found(sweeps: Sequence[Swept]) -> list[list[str]]:
    """What the sweeps concluded, a quantity a row."""
    every = [one.numbers() for one in sweeps]
    names = dict.fromkeys(name for one in every for name in one)
    return [[name, *(one.get(name, "–") for one in every)] for name in names]


def shared(sweeps: Sequence[Swept]) -> dict[str, list[list[str]]]:
    """By metric that all have, a row for each point that all have; empty where the axes differ."""
    first, *others = sweeps
    if any(one.axes != first.axes for one in others):
        return {}
    points = [point for point in first.rows if all(point in one.rows for one in others)]
    metrics = [name for name in first.metrics if all(name in one.metrics for one in others)]
    metrics.sort(key=lambda name: name != first.run.document["metric"])
    return {
        metric: [
            [_where(first.axes, point), *(_shown(one.value(point, metric)) for one in sweeps)]
            for point in points
        ]
        for metric in metrics
        if points
    }


def _where(axes: Sequence[str], point: Sequence[str]) -> str:
    """A point in words: 'wire resistance 10 Ω'."""
    return ", ".join(_place(axis, value) for axis, value in zip(axes, point, strict=True))


def _place(axis: str, value: str) -> str:
    name, _, unit = axis.partition(" [")
    try:
        return f"{summary.titled(name)} {_quantity(float(value), unit.rstrip(']'))}"
    except ValueError:
        return f"{summary.titled(name)} {value}"


def _shown(value: float | None) -> str:
    return "failed" if value is None else percent(value, 2)


def drawings(sweeps: Sequence[Swept]) -> list[Drawing]:
    """The metric along the one axis that all vary, or over the chips of Monte Carlos; else nothing."""
    first = sweeps[0]
    metric = str(first.run.document["metric"])
    same = all(one.axes == first.axes and metric in one.metrics for one in sweeps)
    if not same or len(first.axes) > 1:
        return []
    if first.of_chips:
        caption = f"Share of each sweep's chips whose {summary.worded(metric)} lies at or below a value."
        plot = _chips_plot(sweeps, metric)
        return [draw("chips", caption, lambda figure: _chips(figure, sweeps, metric), plot=plot)]
    if any(_level(point) is None for one in sweeps for point in one.rows):
        return []
    caption = f"{_worded(metric)} of each sweep; means over the chips"
    banded = any(one.value(point, metric + _HALF) for one in sweeps for point in one.rows)
    caption += ", and their 95 % intervals as bands." if banded else "."
    plot = _curves_plot(sweeps, metric)
    return [draw("curves", caption, lambda figure: _curves(figure, sweeps, metric), plot=plot)]


def _level(point: Sequence[str]) -> float | None:
    try:
        return float(point[0])
    except ValueError:
        return None


def _known(one: Swept, metric: str) -> tuple[Floats, Floats, Floats]:
    """(places, values, half widths of intervals) of the points that have a value."""
    found = [
        (float(point[0]), value, one.value(point, metric + _HALF) or 0.0)
        for point in one.rows
        if (value := one.value(point, metric)) is not None
    ]
    places, values, halves = np.array(found).reshape(-1, 3).T
    return places, values, halves


def _along(sweeps: Sequence[Swept], metric: str) -> tuple[str, str, bool]:
    """(name, unit, whether it is logarithmic) of the one axis."""
    name, _, unit = sweeps[0].axes[0].partition(" [")
    unit = unit.rstrip("]").replace("Ohm", "Ω")
    places = np.concatenate([_known(one, metric)[0] for one in sweeps])
    log = bool(places.size and places.min() > 0 and places.max() / places.min() >= 100)
    return summary.titled(name), "" if unit == "-" else unit, log


def _curves(figure: Figure, sweeps: Sequence[Swept], metric: str) -> None:
    axes = figure.subplots()
    for one, colour in zip(sweeps, hues(len(sweeps)), strict=True):
        places, values, halves = _known(one, metric)
        axes.plot(places, values, "-o", ms=3, lw=1.5, color=colour, label=plain(one.run.name, 24))
        axes.fill_between(places, values - halves, values + halves, color=colour, alpha=0.13, lw=0)
    name, unit, log = _along(sweeps, metric)
    if log:
        axes.set_xscale("log")
        drawing.decades(axes.xaxis)
    axes.set_xlabel(name + (f" [{unit}]" if unit else ""))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    axes.set_ylabel(f"{summary.worded(metric)} [%]")
    axes.legend()


def _curves_plot(sweeps: Sequence[Swept], metric: str) -> Plot:
    """The same curves; pointing tells a point's mean and its interval."""
    name, unit, log = _along(sweeps, metric)
    lines, percent_of = [], Column(values=[], title=_worded(metric), unit="%", digits=4)
    for one, colour in zip(sweeps, _colours(len(sweeps)), strict=True):
        places, values, halves = (np.asarray(each) for each in _known(one, metric))
        half = Column(values=np.where(halves > 0, 100 * halves, np.nan), title="±", unit="%", digits=3)
        ends = {
            "low": Column(values=100 * (values - halves)),
            "high": Column(values=100 * (values + halves)),
        }
        label = shortened(one.run.name, 24)
        lines.append(Curve(whose={"sweep": label}, x=places, y=100 * values, more={"half": half, **ends},
                           colour=colour, label=label, kind="both"))  # fmt: skip
    _, traces = curves("curves", lines, Column(values=[], title=name, unit=unit), percent_of)
    bands = [replace(one, kind="band", y="high", low="low", name="", told=False) for one in traces]
    y = Axis(title=f"{summary.worded(metric)} [%]")
    along = Axis(title=name + (f" [{unit}]" if unit else ""), log=log)
    return Plot(x=along, panels=[Panel(y=y, traces=[*bands, *traces])])


def _colours(count: int) -> list[str]:
    """`hues`, as a page writes them."""
    from matplotlib.colors import to_hex

    return [to_hex(one) for one in hues(count)]


def _chips(figure: Figure, sweeps: Sequence[Swept], metric: str) -> None:
    axes = figure.subplots()
    for one, colour in zip(sweeps, hues(len(sweeps)), strict=True):
        values = [value for point in one.rows if (value := one.value(point, metric)) is not None]
        if values:
            at, share = cumulative(values)
            axes.step([at[0], *at], [0.0, *share], where="post", lw=1.5, color=colour,
                      label=plain(one.run.name, 24))  # fmt: skip
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g}")
    axes.set(
        xlabel=f"{summary.worded(metric)} [%]", ylabel="share of chips at or below", ylim=(0.0, 1.03)
    )
    axes.legend()


def _chips_plot(sweeps: Sequence[Swept], metric: str) -> Plot | None:
    """The same curves; pointing tells a value and how many chips are at or below it."""
    lines = []
    for one, colour in zip(sweeps, _colours(len(sweeps)), strict=True):
        values = [value for point in one.rows if (value := one.value(point, metric)) is not None]
        if values:
            at, share = (np.asarray(each) for each in cumulative(values))
            label = shortened(one.run.name, 24)
            lines.append(Curve(whose={"sweep": label}, x=100 * at, y=share, colour=colour, label=label,
                               kind="steps"))  # fmt: skip
    if not lines:
        return None
    x = Column(values=[], title=_worded(metric), unit="%", digits=4)
    y = Column(values=[], title="share of chips at or below", digits=4)
    _, traces = curves("chips", lines, x, y)
    upward = Axis(title="share of chips at or below", span=(0.0, 1.03))
    return Plot(x=Axis(title=f"{summary.worded(metric)} [%]"), panels=[Panel(y=upward, traces=traces)])


def page(sweeps: Sequence[Swept], made: dict[str, Any]) -> Page:
    """The report."""
    runs, rows, alike = [one.run for one in sweeps], differing(sweeps), shared(sweeps)
    drawn = drawings(sweeps)
    failed = sum(bool(row["failed"]) for one in sweeps for row in one.rows.values())
    points = len(next(iter(alike.values()), []))
    return Page(
        command="roa-spice compare",
        title=f"{counted(len(sweeps), 'sweep')} side by side",
        verdict=f"{failed} failed" if failed else "complete",
        passed=not failed,
        lead="What differs between the sweeps, and what each of them found.",
        numbers=[("sweeps", str(len(sweeps)), ""), ("settings that differ", str(len(rows)), ""),
                 ("points that all have", str(points), "")],
        sections=[
            Section(title="What differs", parts=[differences(runs, rows)]),
            Section(title="What was found", parts=[
                side_by_side([
                    *(shown(one) for one in drawn),
                    table(head(runs), found(sweeps), caption="A quantity a row; – for none."),
                ]),
                *([bullets(told)] if (told := remarks(runs)) else []),
            ]),
            Section(title="At the same points", parts=[
                side_by_side([table(head(runs), lines[:_MOST_ROWS], caption=_titled(metric, len(lines)))
                              for metric, lines in alike.items()]),
                *([] if alike else [paragraph("The sweeps have no point in common.")]),
            ]),
            Section(title="How it was made", parts=[made_by(made["provenance"], [
                ("sweeps", ", ".join(made["files"])),
            ])]),
        ],
        footer="Numbers are those of each sweep's report.json and sweep.csv; its page explains them.",
        program=program(drawn),
    )  # fmt: skip


def _titled(metric: str, count: int) -> str:
    more = count - _MOST_ROWS
    return f"{_worded(metric)}{f'; {more} points more are in compare.json' if more > 0 else ''}."
