"""Verifications side by side: what differs between their runs, and what each found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.presentation.drawing import BLUE, GREEN, RED, Drawing, draw, plain
from roa_circuit.presentation.page import Page, Section, bullets, figure, made_by, table
from roa_circuit.presentation.runs import Run, differences, head, remarks
from roa_circuit.presentation.runs import differing as apart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTINGS = ("layer", "device", "current_scale [-]", "phase", "tile", "compensation", "engine_version")
_PARTS = ("lines", "crossbar", "circuit", "drawn", "options")
_ENGINES = (("accuracy_ideal", "ideal", BLUE), ("accuracy_surrogate", "surrogate", GREEN),
            ("accuracy_spice", "simulator", RED))  # fmt: skip


def is_one(run: Run) -> bool:
    """Whether a run is the verification of one layer."""
    return "max_relative_current_error" in run.document


def _share(value: float) -> str:
    return percent(value, 2, significant=True)


_FOUND: Sequence[tuple[str, str, Callable[[float], str]]] = (
    ("accuracy_ideal", "accuracy, ideal", percent),
    ("accuracy_surrogate", "accuracy, surrogate", percent),
    ("accuracy_spice", "accuracy, simulator", percent),
    ("ideal_agreement", "answers that are the ideal's", percent),
    ("ideal_mac_error", "outputs off the ideal's, rms over rms", _share),
    ("max_relative_current_error", "currents of both engines apart, worst", "{:.1e}".format),
    ("max_state_error", "states of both engines apart, worst", "{:.1e}".format),
    ("write_energy_spice", "energy of the write", lambda value: engineering(value, "J")),
)


def found(runs: Sequence[Run]) -> list[list[str]]:
    """What the runs found, a quantity a row; one that none has is left out."""
    rows = []
    for key, title, shown in _FOUND:
        values = [run.document.get(key) for run in runs]
        if any(value is not None for value in values):
            rows.append([title, *("–" if value is None else shown(float(value)) for value in values)])
    rows.append(["passed", *("yes" if run.document.get("passed") else "no" for run in runs)])
    return rows


def differing(runs: Sequence[Run]) -> list[list[str]]:
    """The settings that are not the same in all runs."""
    return apart([run.settings(_SETTINGS, _PARTS) for run in runs])


def drawings(runs: Sequence[Run]) -> list[Drawing]:
    """Accuracies as bars; none where no run has labels."""
    shown = [run for run in runs if run.document.get("accuracy_spice") is not None]
    if not shown:
        return []

    def paint(figure: Figure) -> None:
        axes, places = figure.subplots(), np.arange(len(shown))
        for shift, (key, title, colour) in zip((-0.27, 0.0, 0.27), _ENGINES, strict=True):
            heights = [100 * float(run.document.get(key) or 0.0) for run in shown]
            axes.bar(places + shift, heights, 0.25, color=colour, label=title)
        axes.set_xticks(places, [plain(run.name, 16) for run in shown])
        axes.set_ylabel("right answers [%]")
        axes.legend(loc="lower left", ncols=3, bbox_to_anchor=(0.0, 1.02), borderaxespad=0.0)

    caption = "Right answers of each run: ideal array (blue), surrogate (green), simulator (orange)."
    return [draw("accuracy", caption, paint, top=0.5)]


def page(runs: Sequence[Run], made: dict[str, Any]) -> Page:
    """The report."""
    passed = all(run.document.get("passed") for run in runs)
    rows = differing(runs)
    return Page(
        command="roa-spice compare",
        title=f"{counted(len(runs), 'verification')} side by side",
        verdict="all passed" if passed else "not all passed",
        passed=passed,
        lead="What differs between the runs, and what each of them found.",
        numbers=[("runs", str(len(runs)), ""), ("settings that differ", str(len(rows)), "")],
        sections=[
            Section(title="What differs", parts=[differences(runs, rows)]),
            Section(title="What was found", parts=[
                *(figure(one.inline(), one.caption, wide=one.wide) for one in drawings(runs)),
                table(head(runs), found(runs), caption="A quantity a row; – where a run has none."),
                *([bullets(told)] if (told := remarks(runs)) else []),
            ]),
            Section(title="How it was made", parts=[made_by(made["provenance"], [
                ("runs", ", ".join(made["files"])),
            ])]),
        ],
        footer="Numbers are those of each run's report.json; its own page explains them.",
    )  # fmt: skip
