"""Tables: a study's entries beside the paper's own numbers, as Markdown and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from meta.evaluation.paper import reported
from meta.network.methods import NOISE_LEVELS
from meta.reproduction.budgets import EPOCHS, ITERATIONS
from meta.reproduction.plans import Entry, Plan

PAPER_BATCH = 8
BUDGET = ("networks", "tasks", "training tasks")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a study's CSV; accuracies in [0, 1], `paper` what Table 2 has there.

    relative_rate and what a write took : means over the repeats
    repeats, tasks, tuned_on, training_tasks : the budget: networks, test tasks of each, validation
        tasks that scored each relative rate, and tasks that a network's outer loop saw
    training_seeds, networks : of the repeats, separated by spaces
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
    repeats: int
    tasks: int | None
    tuned_on: int
    training_tasks: int | None
    training_seeds: str
    networks: str
    pulses_per_weight: float | None
    write_energy: float | None
    write_seconds: float | None
    missing: str | None


def lines(plan: Plan, entries: Iterable[Entry]) -> list[Line]:
    """The rows of the CSV, one for each entry."""
    return [_line(plan, entry) for entry in entries]


def paper_accuracy(dataset: str, entry: Entry) -> float | None:
    """The accuracy of Table 2 for a place, in [0, 1]."""
    place = entry.place
    return reported(dataset, place.method, place.ways, 1, place.sigma_wn)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table, for one reading of Eq. 7 and one number of ways; `budgets` are columns of their own.

    empty : whether no cell has a network
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    budgets: list[list[str]]
    empty: bool
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
    """The study as Markdown: its tables, the paper's orderings, and what is missing."""
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


def percent(entry: Entry, digits: int = 2) -> str:
    """'97.91 ± 0.52', or a dash."""
    score = entry.score
    if score is None:
        return "–"
    return f"{100 * score.accuracy:.{digits}f} ± {100 * score.ci95:.{digits}f}"


def _preamble(plan: Plan) -> str:
    scored = "validation" if plan.study.heatmap else "test"
    return (
        f"Accuracy [%] on {scored} classes of {plan.dataset}, mean ± 95 % interval, and × the relative "
        "rate where validation classes chose it; σ is σ_WN. Writes in whole pulses, 15 queries a class, "
        f"device {plan.device.name}, seed {plan.seed}. Several networks of a row differ in the seeds of "
        "training, tasks and noise: their interval is the wider of Student's t over the networks and "
        "that over all tasks. The paper averages four."
    )


def _methods(plan: Plan, title: str, entries: Sequence[Entry]) -> Grid:
    rows, budgets, digits = [], [], _digits(plan)
    for method in plan.study.methods:
        mine = [entry for entry in entries if entry.place.method == method]
        rows.append([method, *(_cell(entry, digits) for entry in mine)])
        budgets.append(_budget(mine))
        paper = [paper_accuracy(plan.dataset, entry) for entry in mine]
        if any(paper):
            rows.append(["… paper", *("" if p is None else f"{100 * p:.{digits}f}" for p in paper)])
            budgets.append(["", f"{EPOCHS * ITERATIONS * PAPER_BATCH:,}"])
    header = ["method", *(f"σ {sigma:g}" for sigma in plan.study.sigmas)]
    empty = not any(entry.score for entry in entries)
    return Grid(title=title, header=header, rows=rows, budgets=budgets, empty=empty)


def _digits(plan: Plan) -> int:
    """Digits of percentages: the many columns of a figure leave room for one."""
    return 2 if len(plan.study.sigmas) <= len(NOISE_LEVELS) else 1


def _cell(entry: Entry, digits: int) -> str:
    return percent(entry, digits) + (
        f" ×{_span(entry.score.rates)}" if entry.score and entry.tuned_on else ""
    )


def _budget(entries: Sequence[Entry]) -> list[str]:
    """BUDGET of one row."""
    tasks = [entry.score.tasks for entry in entries if entry.score]
    sources = entries[0].sources
    return [
        str(len(sources)) if sources else "none",
        _span(tasks, " to ") if tasks else "–",
        _span([source.training_tasks for source in sources], " to ") if sources else "–",
    ]


def _span(values: Sequence[float], to: str = "–") -> str:
    """'3', or '1.5–3'."""
    return to.join(f"{n:,}".removesuffix(".0") for n in dict.fromkeys([min(values), max(values)]))


def _heatmap(plan: Plan, title: str, entries: Sequence[Entry]) -> Grid:
    rates = sorted({e.score.relative_rate for e in entries if e.score}, reverse=True)
    rows, budgets = [], []
    for rate in rates:
        mine = [entry for entry in entries if entry.score and entry.score.relative_rate == rate]
        rows.append([f"{rate:g}", *(percent(entry, _digits(plan)) for entry in mine)])
        budgets.append(_budget(mine))
    return Grid(
        title=title,
        header=["rate", *(f"σ {sigma:g}" for sigma in plan.study.sigmas)],
        rows=rows,
        budgets=budgets,
        empty=not rows,
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
    """A line for each of the ORDERINGS that the entries decide.

    Methods that use the same networks are compared network by network, as both share their differences.
    """
    at = {entry.place: entry for entry in entries if entry.score}
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
    assert better.score is not None
    assert worse.score is not None
    gap = better.score.accuracy - worse.score.accuracy
    paired = len(better.sources) > 1 and better.sources == worse.sources
    reach = better.score.gap95(worse.score) if paired else better.score.ci95 + worse.score.ci95
    if abs(gap) <= reach:
        return "the networks do not agree" if paired else "the intervals overlap"
    return ("holds" if gap > 0 else "reversed") + (", network by network" if paired else "")


def missing(entries: Iterable[Entry]) -> list[str]:
    """Lines on the networks that cells lack, with the commands that train them."""
    commands = dict.fromkeys(entry.missing for entry in entries if entry.missing)
    return [f"no network; train it with `{command}`" for command in commands]


def _line(plan: Plan, entry: Entry) -> Line:
    place, score, sources = entry.place, entry.score, entry.sources
    return Line(
        dataset=plan.dataset,
        method=place.method,
        ways=place.ways,
        reading=place.reading,
        sigma_wn=place.sigma_wn,
        relative_rate=score.relative_rate if score else None,
        split=score.results[0].cell.split if score else None,
        accuracy=score.accuracy if score else None,
        ci95=score.ci95 if score else None,
        paper=paper_accuracy(plan.dataset, entry),
        repeats=len(sources),
        tasks=score.tasks if score else None,
        tuned_on=entry.tuned_on,
        training_tasks=max((source.training_tasks for source in sources), default=None),
        training_seeds=" ".join(str(source.seed) for source in sources),
        networks=" ".join(source.digest for source in sources),
        pulses_per_weight=score.mean(lambda one: one.pulses_per_weight) if score else None,
        write_energy=score.mean(lambda one: one.write_energy) if score else None,
        write_seconds=score.mean(lambda one: one.write_seconds) if score else None,
        missing=entry.missing,
    )
