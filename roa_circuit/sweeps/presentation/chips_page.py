"""The page of a Monte Carlo: how the chips' metrics are spread, the worst chips, and the yield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roa_circuit.basics.units import counted, percent
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import (
    Page,
    Section,
    figure,
    made_by,
    paragraph,
    table,
)
from roa_circuit.sweeps import summary
from roa_circuit.sweeps.distribution import Distribution, distributions
from roa_circuit.sweeps.findings import Findings
from roa_circuit.sweeps.presentation.page import checks_section, conditions, failed_table
from roa_circuit.sweeps.readouts import readouts

_WORST = 10
_FOOTER = (
    "A quantile other than the median is the value of a chip, not one between two. It is left out where"
    " fewer than one chip would lie beyond it. The interval of a yield is exact (Clopper and Pearson),"
    " at 95 %. A chip that failed does not meet a target."
)


def page(found: Findings, command: str, provenance: Mapping[str, Any]) -> Page:
    """The page of a computed Monte Carlo; arguments as of `report.page`."""
    from roa_circuit.sweeps.presentation.figures import chips_drawings

    spread = distributions(found)
    drawn = [figure(one.inline(), one.caption, wide=one.wide) for one in chips_drawings(spread)]
    tables = [
        table(head, rows, caption=f"{title}.") for title, head, rows in summary.chips_tables(found)
    ]
    sections = [Section(title="Distribution", parts=[*drawn, *tables])]
    if spread[0].values:
        sections.append(Section(title="The worst chips", parts=_worst(found, spread[0])))
    if warned := readouts(found):
        said = [paragraph(f"On the chip that it suits least: {one.said(found)}.") for one in warned]
        sections.append(Section(title="Readout", parts=said))
    if found.checks:
        sections.append(checks_section(found, found.checks))
    if found.failed:
        sections.append(Section(title="Failed", parts=[failed_table(found)]))
    sections.append(Section(title="How it was made", parts=[made_by(provenance, conditions(found))]))
    return Page(
        command=" ".join(command.split()[:2]),
        title=f"Chips of {found.study.subject.name}",
        verdict=f"{len(found.failed)} failed" if found.failed else "complete",
        passed=not found.failed,
        lead=f"{counted(len(found.sweep.seeds), 'chip')}, each by its own seed. {_lead(spread[0])}",
        numbers=_numbers(found, spread),
        sections=sections,
        footer=_FOOTER,
    )


def _lead(one: Distribution) -> str:
    if not one.values:
        return "None of them could be computed."
    low, high = (summary.number(one.metric, value) for value in (one.values[0], one.values[-1]))
    if low == high:
        return f"All have the same {summary.named(one.metric)}: {low}."
    return f"Their {summary.named(one.metric)} lies between {low} and {high}."


def _numbers(found: Findings, spread: list[Distribution]) -> list[tuple[str, str, str]]:
    """The key numbers: yield, mean, worst and median of the metric asked for."""
    first, cards = spread[0], list[tuple[str, str, str]]()
    if first.goal:
        goal = first.goal
        cards.append(
            ("yield", percent(goal.share), f"{goal.good} of {goal.chips}: {summary.named(first.metric)}"
             f" {summary.said_target(goal.target)}")
        )  # fmt: skip
    if first.values:
        name, middle = summary.named(first.metric), first.quantile(0.5)
        cards += [
            (f"mean {name}", summary.number(first.metric, first.mean), first.metric.meaning),
            (f"worst {name}", summary.number(first.metric, first.worst[0]), f"seed {first.worst[1]}"),
        ]
        if middle is not None:
            cards.append((f"median {name}", summary.number(first.metric, middle), "half of the chips"))
    return [*cards, ("chips", f"{len(found.sweep.seeds):,}", f"{len(found.failed)} failed")]


def _worst(found: Findings, one: Distribution) -> list[Markup]:
    """The worst chips of the first metric, all metrics of each, and how one is had again."""
    order = one.seeds if one.metric.more_is_better else one.seeds[::-1]
    chosen = order[:_WORST]
    metrics = [one.metric, *(m for m in found.study.subject.metrics if m.name != one.metric.name)]
    columns = {m.name: found.study.values([{}], m.name)[0] for m in metrics}
    first = found.sweep.seed
    rows = [
        (f"seed {seed}", *(summary.number(m, columns[m.name][seed - first]) for m in metrics))
        for seed in chosen
    ]
    head = ["", *map(summary.named, metrics)]
    caption = f"The {len(rows)} worst by {summary.named(one.metric)}; every chip is in sweep.csv."
    return [
        table(head, rows, caption=caption),
        paragraph(
            "The same command with --seed of the chip and --chips 2 draws it again, as the first."
        ),
    ]
