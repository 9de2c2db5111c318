"""The full cycle of an adaptation, as commands ask for it and show it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roa_circuit.basics.errors import InputError, RoaError
from roa_circuit.basics.units import engineering
from roa_circuit.chips import consumption
from roa_circuit.chips.consumption import Consumption
from roa_circuit.presentation import console

if TYPE_CHECKING:
    from meta.data.tasks import Tasks
    from meta.evaluation.cycle import Cycle
    from meta.evaluation.head_fit import HeadFit
    from meta.learning.writing import Writing
    from meta.network.convolutional import Network


def _consumption(text: str) -> Consumption:
    try:
        return consumption.load(text)
    except InputError as error:
        raise RoaError(str(error)) from None


ConsumptionFile = Annotated[
    Consumption | None,
    typer.Option(
        "--consumption",
        parser=_consumption,
        metavar="FILE",
        help="TOML of what converters, drivers and digital circuits take, over the published figures.",
    ),
]


def cycle_of(
    network: Network, tasks: Tasks, writing: Writing, rate: float, given: Consumption | None
) -> tuple[Cycle, Consumption]:
    """(the full cycle of the tasks' first task, the figures that it is worked out with).

    rate : the relative rate that it is written with
    """
    from meta.evaluation.cycle import full_cycle
    from meta.evaluation.draws import Draws

    figures, network = given or consumption.published(), network.to("cpu")
    (task,) = Draws(tasks, ways=network.architecture.ways, count=1)
    return full_cycle(network, task, replace(writing, relative_rate=rate), figures), figures


def head_fit_of(network: Network, tasks: Tasks, writing: Writing, rate: float) -> HeadFit | None:
    """How an own head's changes for the first task fit its cells; None without one."""
    from meta.evaluation.draws import Draws
    from meta.evaluation.head_fit import head_fit

    if network.rules.head is None:
        return None
    (task,) = Draws(tasks, ways=network.architecture.ways, count=1)
    return head_fit(network.to("cpu"), task, replace(writing, relative_rate=rate))


def head_fit_to_dict(fit: HeadFit | None) -> dict[str, Any]:
    """As in JSON; empty without an own head."""
    return {} if fit is None else {"head": fit.to_dict()}


def say_head_fit(fit: HeadFit | None) -> None:
    """Say what the write of an own head leaves out, if anything."""
    if fit is not None and fit.said:
        console.say(fit.said)


def show_cycle(cycle: Cycle) -> None:
    """Print every item, and the sums that matter."""
    from meta.evaluation.cycle import ADAPTATION, NEXT, QUERY

    rows = []
    for part in (ADAPTATION, NEXT, QUERY):
        own = [item for item in cycle.items if item.part == part]
        if not own:
            continue
        name = {ADAPTATION: "one adaptation", NEXT: "back to the start", QUERY: "a query"}[part]
        for index, item in enumerate(own):
            rows.append((name if not index else "", item.name, *_said(item.energy, item.seconds)))
        rows.append(("", "sum", *_said(*cycle.total(part))))
    rows.append(("a cycle", "adaptation and back", *_said(*cycle.total(ADAPTATION, NEXT))))
    console.out.print(
        console.table("The full cycle of one task, without wires", ("", "", "energy", "time"), rows)
    )
    if cycle.left is not None:
        console.say(f"undoing the write in whole pulses misses the start by {cycle.left:.2g} rms of g")


def cycle_to_dict(cycle: Cycle, figures: Consumption) -> dict[str, Any]:
    """The cycle and its figures, for JSON."""
    return {**cycle.to_dict(), "consumption": figures.to_dict()}


def _said(energy: float, seconds: float) -> tuple[str, str]:
    return engineering(energy, "J") if energy else "–", engineering(seconds, "s") if seconds else "–"
