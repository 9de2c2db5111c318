"""The page of a sweep: maps, curves, tornado, budget, and the command of every point, in one file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from roa_circuit.basics.units import counted, percent
from roa_circuit.chips.circuitry import described
from roa_circuit.circuit import footing
from roa_circuit.circuit.crossbar import RESISTANCES
from roa_circuit.circuit.crossbar import said as ohms
from roa_circuit.device.parameters import Device
from roa_circuit.presentation.interaction import Program, script
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import (
    Page,
    Section,
    controls,
    made_by,
    paragraph,
    plot,
    side_by_side,
    table,
)
from roa_circuit.sweeps import summary
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.fields import AMPLIFIER, BESIDE
from roa_circuit.sweeps.findings import Checks, Findings
from roa_circuit.sweeps.readouts import Readout, readouts
from roa_circuit.sweeps.sensitivity import Index, Swing
from roa_circuit.sweeps.tables import half_widths

_MOST_ROWS = 50
_FOOTER = (
    "Means are over the chips; an interval is that of the mean, 95 %, by Student's t. The same chips"
    " stand at every point, so differences between points are surer than each of them. A budget takes"
    " the metric as falling from the better end of a range to the other, and is found to 1/512 of it."
)


def page(found: Findings, command: str, provenance: Mapping[str, Any]) -> Page:
    """The page of a computed sweep.

    command : a command that names the subject, to which the page adds the fields of a point
    provenance : the command of the whole sweep, its files, versions and time
    """
    sections = [_points(found)]
    if found.swings or found.indices:
        sections.append(_sensitivity(found))
    if found.budget:
        sections.append(Section(title="Budget", parts=_budget(found)))
    if found.checks:
        sections.append(checks_section(found, found.checks))
    if warned := readouts(found):
        sections.append(readout_section(found, warned))
    if found.failed:
        sections.append(Section(title="Failed", parts=[failed_table(found)]))
    sections.append(Section(title="How it was made", parts=[made_by(provenance, conditions(found))]))
    return Page(
        command=" ".join(command.split()[:2]),
        title=f"Sweep of {found.study.subject.name}",
        verdict=f"{len(found.failed)} failed" if found.failed else "complete",
        passed=not found.failed,
        lead=_lead(found),
        numbers=_numbers(found),
        sections=sections,
        footer=_FOOTER,
        program=Program(code=script(__package__, "page.js"), data=_data(found, command)),
    )


def _points(found: Findings) -> Section:
    several, chips = len(found.sweep.axes) > 1, len(found.sweep.seeds)
    what = "Mean over the chips and its 95 % interval." if chips > 1 else "The metric of one chip."
    if not found.sweep.is_grid:
        what = "Every point" + (", coloured by the second field." if several else ".")
    what += " Hover over a point for its numbers, or click to choose it."
    plots = [plot("curves", what)]
    if several:
        plots.append(plot("map", "The mean, over two fields. A ring is the point chosen."))
    here = (
        '<div class="point"><p id="chosen" aria-live="polite"></p><code id="command"></code>'
        '<button type="button" id="copy">Copy</button></div>'
    )
    return Section(
        title="Points",
        parts=[
            controls("What the plots show"),
            side_by_side(plots),
            paragraph("The point chosen above, or clicked in a plot, and the command that repeats it:"),
            Markup(here),
            _table(summary.points_table(found)),
        ],
    )


def _sensitivity(found: Findings) -> Section:
    parts: list[Markup] = []
    if found.swings:
        rows = [
            plot(
                "tornado",
                "Each field alone from one end of its range to the other, the rest at their base.",
            )
        ]
        parts.append(side_by_side([*rows, _table(summary.tornado_table(found))]))
    if found.indices:
        drawn = plot("sobol", "Shares of the variance, all fields varied at once over their ranges.")
        parts.append(side_by_side([drawn, _table(summary.indices_table(found))]))
    return Section(title="What hurts most", parts=parts)


def _budget(found: Findings) -> list[Markup]:
    budget = found.budget
    assert budget is not None
    metric = budget.target.metric
    base = summary.number(metric, budget.at_base)
    text = f"Where nothing is varied, {summary.named(metric)} is {base}."
    if len(budget.alone) > 1:
        text += (
            " Alone: the others stay as they are. All together: every field goes the same share of the"
            " way from its best end to what it is allowed alone; "
        )
        text += (
            f"{percent(budget.share, 0)} of the way leaves {summary.number(metric, budget.reached)}."
            if budget.together
            else "there is no such way, because the target is not even met at the best ends."
        )
    return [_table(summary.budget_table(budget, len(found.study.seeds))), paragraph(text)]


def checks_section(found: Findings, checks: Checks) -> Section:
    """What a simulator made of some points, or of one chip of a Monte Carlo."""
    return Section(title="Checked in ngspice", parts=_checks(found, checks))


def _checks(found: Findings, checks: Checks) -> list[Markup]:
    theirs = {metric.name: checks.values(metric.name) for metric in checks.study.subject.metrics}
    metrics = [metric for metric in found.study.subject.metrics if metric.name in theirs][:2]
    ours = {m.name: found.study.values(checks.points, m.name)[:, 0] for m in metrics}
    names = [summary.titled(axis.name) for axis in found.sweep.axes] or ["chip"]
    head = [*names, "current error", "ω error"]
    for metric in metrics:
        head += [f"{summary.named(metric)}, surrogate", "ngspice"]
    rows = []
    for i, point in enumerate(checks.points[:_MOST_ROWS]):
        values = [summary.said(axis.field, point[axis.name]) for axis in found.sweep.axes]
        values = values or [f"seed {found.sweep.seed}"]
        errors = [f"{theirs[name][i]:.1e}" for name in ("spice_error", "state_error")]
        pairs = [summary.number(m, side[m.name][i]) for m in metrics for side in (ours, theirs)]
        rows.append((*values, *errors, *pairs))
    more = len(checks.points) - len(rows)
    caption = "Written and read in ngspice on the chips of the first seed, beside the surrogate"
    caption += f"; {more} points more are in report.json." if more > 0 else "."
    return [_table(summary.checks_table(checks)), table(head, rows, caption=caption)]


def readout_section(found: Findings, warned: Sequence[Readout]) -> Section:
    """The points whose readout does not suit their reads."""
    rows = [
        (summary.configuration(found, point), text)
        for one in warned
        for point, text in one.points[:_MOST_ROWS]
    ]
    caption = "Points whose readout does not suit their reads, of each kind the worst first."
    return Section(
        title="Readout", parts=[table(("point", "readout"), rows, caption=caption, words=(1,))]
    )


def failed_table(found: Findings) -> Markup:
    """The points, or chips, that have no numbers, and why."""
    rows = [(summary.configuration(found, point), why) for point, why in found.failed[:_MOST_ROWS]]
    more = len(found.failed) - len(rows)
    what = "Chips" if found.is_monte_carlo else "Points"
    caption = f"{what} without numbers, and why" + (
        f"; {more} more are in sweep.csv." if more > 0 else "."
    )
    return table((what[:-1].lower(), "reason"), rows, caption=caption, words=(1,))


def _seeds(seeds: range) -> str:
    return str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def _table(content: summary.Table) -> Markup:
    title, head, rows = content
    return table(head, rows, caption=f"{title}.")


def _lead(found: Findings) -> str:
    names = [summary.titled(axis.name) for axis in found.sweep.axes]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    how = {"grid": ": all combinations", "random": ": random points", "sobol": ": a Sobol' sequence"}
    alone = found.sweep.is_grid and len(names) == 1
    text = f"{listed[:1].upper()}{listed[1:]} varied{'' if alone else how[found.sweep.design]}."
    if found.swings:
        first, metric = summary.titled(found.swings[0].axis.name), summary.named(found.metric)
        text += f" What moves {metric} most: {first}."
    return text


def _numbers(found: Findings) -> list[tuple[str, str, str]]:
    metric, points = found.metric, found.sweep.configurations()
    means = found.study.values(points, metric.name).mean(axis=1)
    low, high = np.nanmin(means, initial=np.inf), np.nanmax(means, initial=-np.inf)
    best, worst = (high, low) if metric.more_is_better else (low, high)
    of = "mean over the chips" if len(found.sweep.seeds) > 1 else "of one chip"
    cards = [
        ("points", f"{len(points):,}", f"{counted(len(found.sweep.seeds), 'chip')} each"),
        (f"best {summary.named(metric)}", summary.number(metric, float(best)), metric.meaning),
        (f"worst {summary.named(metric)}", summary.number(metric, float(worst)), of),
    ]
    if found.checks:
        error = found.checks.worst(found.checks.study.subject.metrics[0])
        many = counted(len(found.checks.points), "point")
        cards.append(("surrogate's error", f"{error:.1e}", f"worst current of {many} in ngspice"))
    return cards


def _cells(device: Mapping[str, Any]) -> str:
    """A device and its scale; '' where a subject has none."""
    if not device:
        return ""
    return f"{device['name']}, current scale {device['memristor']['current_scale [-]']:g}"


def conditions(found: Findings) -> list[tuple[str, str]]:
    """On what a sweep stands: its base, device, circuit, seeds and imperfections."""
    document = found.study.subject.describe()
    circuit = document.get("circuit", {})
    beside = circuit.get(BESIDE, {})
    names = [name for name in RESISTANCES if not (name == "r_sense" and AMPLIFIER in beside)]
    said = [f"{name} {ohms(circuit[name])} Ω" for name in names if name in circuit]
    said += [f"{side} {circuit[side]}" for side in ("drive", "sense") if side in circuit]
    said += [described(beside).replace("Ohm", "Ω")] if beside else []
    fields = {axis.name: summary.said(axis.field, found.base[axis.name]) for axis in found.sweep.axes}
    rows = [
        ("base", ", ".join(f"{summary.titled(name)} {value}" for name, value in fields.items())),
        ("device", _cells(document.get("device", {}))),
        ("remarks", "; ".join(_remarks(document.get("device", {})))),
        ("circuit", ", ".join(said)),
        ("seeds", _seeds(found.sweep.seeds)),
        ("imperfections", ", ".join(f"{k} = {v}" for k, v in document.get("imperfections", {}).items())),
    ]
    return [row for row in rows if row[1]]


def _remarks(device: dict[str, Any]) -> list[str]:
    """What the measurement of the device leaves open of a sweep."""
    return footing.remarks(Device.from_dict(device)) if device else []


def _data(found: Findings, command: str) -> dict[str, Any]:
    """What `page.js` draws: every point in per cent, and what each axis does."""
    sweep, study = found.sweep, found.study
    points, metrics = sweep.configurations(), study.subject.metrics
    tables = [study.values(points, metric.name) for metric in metrics]
    worst = [
        t.min(axis=1) if m.more_is_better else t.max(axis=1)
        for m, t in zip(metrics, tables, strict=True)
    ]
    reasons = {i: why for i, point in enumerate(points) if (why := study.reason(point))}
    return {
        "axes": [_axis(axis) for axis in sweep.axes],
        "metrics": [
            {"name": m.name, "title": summary.named(m), "more": m.more_is_better} for m in metrics
        ],
        "metric": [m.name for m in metrics].index(found.metric.name),
        "points": None if sweep.is_grid else [list(point.values()) for point in points],
        "start": [axis.nearest(found.base[axis.name]) if axis.levels else 0 for axis in sweep.axes],
        "mean": [_short(100 * t.mean(axis=1)) for t in tables],
        "half": [_short(100 * half_widths(t)) for t in tables],
        "worst": [_short(100 * w) for w in worst],
        "failed": reasons,
        "chips": len(sweep.seeds),
        "command": command,
        "options": f" --repeats {sweep.repeats} --seed {sweep.seed}",
        "swings": [_swing(one) for one in found.swings if math.isfinite(one.size)],
        "indices": [_index(one) for one in found.indices],
    }


def _swing(one: Swing) -> dict[str, Any]:
    """A bar of the tornado, in per cent."""
    field, axis = one.axis.field, one.axis
    return {
        "title": summary.titled(axis.name),
        "base": 100 * one.at_base,
        "low": 100 * one.at_low,
        "low_half": _number(100 * one.low_half),
        "low_said": summary.said(field, axis.between(0.0)),
        "high": 100 * one.at_high,
        "high_half": _number(100 * one.high_half),
        "high_said": summary.said(field, axis.between(1.0)),
        "covers": one.covers,
    }


def _index(one: Index) -> dict[str, Any]:
    """The Sobol' indices of one field."""
    return {
        "title": summary.titled(one.axis.name),
        "first": one.first,
        "total": one.total,
        "first_half": one.first_half,
        "total_half": one.total_half,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    words = not axis.numeric
    unit = "" if axis.field.unit == "-" else axis.field.unit.replace("Ohm", "Ω")
    positive = not words and axis.low > 0
    return {
        "name": axis.name, "title": summary.titled(axis.name), "unit": unit, "words": words,
        "levels": list(axis.levels) or None,
        "log": axis.log or (positive and axis.high / axis.low >= 100),
    }  # fmt: skip


def _short(values: Sequence[float] | np.ndarray[Any, Any]) -> list[float | None]:
    """Numbers with five digits, as many as a plot can show."""
    return [_number(float(f"{value:.5g}")) for value in values]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
