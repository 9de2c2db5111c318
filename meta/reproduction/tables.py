"""Tables: a study's entries beside the paper's own numbers, as Markdown and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from meta.paper import reported
from meta.reproduction.budgets import EPOCHS, ITERATIONS
from meta.reproduction.plans import Entry, Plan

PAPER_BATCH = 8
BUDGET = ("tasks", "training tasks")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a study's CSV; accuracies in [0, 1], `paper` what Table 2 has there.

    tasks, tuned_on, training_tasks : the budget: test tasks, validation tasks that scored each
        relative rate, and tasks that the network's outer loop saw
    missing : the command that trains the network, where there is none
    """

    dataset: str
    method: str
    ways: int
    reading: str
    sigma_wn: float
    relative_rate: float | None
    split: str | None
    accuracy: float | None
    ci95: float | None
    paper: float | None
    tasks: int | None
    tuned_on: int
    training_tasks: int | None
    training_seed: int | None
    network: str | None
    pulses_per_weight: float | None
    write_energy: float | None
    write_seconds: float | None
    missing: str | None


def lines(plan: Plan, entries: Iterable[Entry]) -> list[Line]:
    """The rows of the CSV, one an entry."""
    return [_line(plan, entry) for entry in entries]


def paper_accuracy(dataset: str, entry: Entry) -> float | None:
    """What Table 2 has for a place, in [0, 1]."""
    place = entry.place
    return reported(dataset, place.method, place.ways, 1, place.sigma_wn)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table: of one reading of Eq. 7 and number of ways; `budgets` are columns of their own."""

    title: str
    header: list[str]
    rows: list[list[str]]
    budgets: list[list[str]]
    note: str = ""


def grids(plan: Plan, entries: Sequence[Entry]) -> list[Grid]:
    """The study's tables, in order."""
    make = _heatmap if plan.study.heatmap else _methods
    return [
        make(plan, f"{ways}-way 1-shot, `{reading}` reading of Eq. 7",
             [e for e in entries if (e.place.reading, e.place.ways) == (reading, ways)])
        for reading in plan.readings
        for ways in plan.study.ways
    ]  # fmt: skip


def markdown(plan: Plan, entries: Sequence[Entry], command: str) -> str:
    """The study as Markdown: its tables, the paper's orderings, what is missing."""
    text = [f"# {plan.study.title}", "", f"`{command}`", "", _preamble(plan), ""]
    for grid in grids(plan, entries):
        header = [*grid.header, *BUDGET]
        rows = [[*row, *budget] for row, budget in zip(grid.rows, grid.budgets, strict=True)]
        lines = [header, ["---"] * len(header), *rows]
        text += [f"## {grid.title}", "", *("| " + " | ".join(line) + " |" for line in lines), ""]
        text += [grid.note, ""] if grid.note else []
    for title, listed in (("The paper's orderings", orderings(entries)), ("Missing", missing(entries))):
        text += [f"## {title}", "", *(f"- {one}" for one in listed), ""] if listed else []
    return "\n".join(text)


def percent(entry: Entry) -> str:
    """'97.9 ± 0.5', or a dash."""
    r = entry.result
    return "–" if r is None else f"{100 * r.accuracy:.1f} ± {100 * r.ci95:.1f}"


def _preamble(plan: Plan) -> str:
    scored = "validation" if plan.study.heatmap else "test"
    return (
        f"Accuracy [%] on {scored} classes of {plan.dataset}, mean ± 95 % interval over tasks, and × "
        "the relative rate where validation classes chose it; σ is σ_WN. One write in whole pulses, 15 "
        f"queries a class, device {plan.device.name}, seed {plan.seed}. Each row is one network; the "
        "paper averages four."
    )


def _methods(plan: Plan, title: str, entries: Sequence[Entry]) -> Grid:
    rows, budgets = [], []
    for method in plan.study.methods:
        mine = [entry for entry in entries if entry.place.method == method]
        rows.append([method, *map(_cell, mine)])
        budgets.append(_budget(mine))
        paper = [paper_accuracy(plan.dataset, entry) for entry in mine]
        if any(paper):
            rows.append(["… paper", *("" if p is None else f"{100 * p:.2f}" for p in paper)])
            budgets.append(["", f"{EPOCHS * ITERATIONS * PAPER_BATCH:,}"])
    header = ["method", *(f"σ {sigma:g}" for sigma in plan.study.sigmas)]
    return Grid(title=title, header=header, rows=rows, budgets=budgets)


def _cell(entry: Entry) -> str:
    return percent(entry) + (
        f" ×{entry.result.cell.relative_rate:g}" if entry.result and entry.tuned_on else ""
    )


def _budget(entries: Sequence[Entry]) -> list[str]:
    """BUDGET of one row."""
    tasks = sorted({entry.result.tasks for entry in entries if entry.result})
    source = entries[0].source
    return [
        " to ".join(f"{n}" for n in dict.fromkeys(tasks[:1] + tasks[-1:])) or "–",
        "no network" if source is None else f"{source.training_tasks:,}",
    ]


def _heatmap(plan: Plan, title: str, entries: Sequence[Entry]) -> Grid:
    rates = sorted({r.cell.relative_rate for e in entries if (r := e.result)}, reverse=True)
    rows, budgets = [], []
    for rate in rates:
        mine = [entry for entry in entries if entry.result and entry.result.cell.relative_rate == rate]
        rows.append([f"{rate:g}", *map(percent, mine)])
        budgets.append(_budget(mine))
    return Grid(
        title=title,
        header=["rate", *(f"σ {sigma:g}" for sigma in plan.study.sigmas)],
        rows=rows,
        budgets=budgets,
        note="The paper: best about 2 under acceptable noise.",
    )


ORDERINGS = (
    ("roa", "five-step", 2.0, "one step over five"),
    ("roa", "five-step", 4.0, "one step over five"),
    ("roa", "roa-wc", 4.0, "with the constraint over without"),
    ("roa", "roa-flr", 4.0, "a chosen rate over a fixed one"),
    ("roa", "offline", 0.3, "adapted in one write over written offline"),
)
"""(better, worse, sigma_WN, in words): what the paper's text claims."""


def orderings(entries: Sequence[Entry]) -> list[str]:
    """What of ORDERINGS the entries decide, a line each."""
    at = {entry.place: entry for entry in entries if entry.result}
    text = []
    for place, entry in at.items():
        for better, worse, sigma, words in ORDERINGS:
            other = at.get(replace(place, method=worse))
            if (place.method, place.sigma_wn) == (better, sigma) and other is not None:
                text.append(
                    f"{place.ways}-way, `{place.reading}`, σ_WN {sigma:g}, {words}: "
                    f"{percent(entry)} against {percent(other)}: {_verdict(entry, other)}"
                )
    return text


def _verdict(better: Entry, worse: Entry) -> str:
    assert better.result is not None
    assert worse.result is not None
    gap = better.result.accuracy - worse.result.accuracy
    reach = better.result.ci95 + worse.result.ci95
    if abs(gap) <= reach:
        return "the intervals overlap"
    return "holds" if gap > 0 else "reversed"


def missing(entries: Iterable[Entry]) -> list[str]:
    """The networks that cells lack, and the commands that train them."""
    commands = dict.fromkeys(entry.missing for entry in entries if entry.missing)
    return [f"no network; train it with `{command}`" for command in commands]


def _line(plan: Plan, entry: Entry) -> Line:
    place, result, source = entry.place, entry.result, entry.source
    return Line(
        dataset=plan.dataset,
        method=place.method,
        ways=place.ways,
        reading=place.reading,
        sigma_wn=place.sigma_wn,
        relative_rate=result.cell.relative_rate if result else None,
        split=result.cell.split if result else None,
        accuracy=result.accuracy if result else None,
        ci95=result.ci95 if result else None,
        paper=paper_accuracy(plan.dataset, entry),
        tasks=result.tasks if result else None,
        tuned_on=entry.tuned_on,
        training_tasks=source.training_tasks if source else None,
        training_seed=source.seed if source else None,
        network=source.path.name if source else None,
        pulses_per_weight=result.pulses_per_weight if result else None,
        write_energy=result.write_energy if result else None,
        write_seconds=result.write_seconds if result else None,
        missing=entry.missing,
    )
