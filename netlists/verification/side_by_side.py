"""Verifications side by side: what differs between their runs, and what each found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.presentation.drawing import BLUE, GREEN, RED, Drawing, draw, plain
from roa_circuit.presentation.page import Page, Section, figure, made_by, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 9
_EXPECTED = "the folder, or the report.json, that `roa-spice verify` leaves"
_SETTINGS = ("layer", "device", "current_scale [-]", "phase", "tile", "compensation", "engine_version")
_PARTS = ("lines", "crossbar", "circuit", "drawn", "options")
_ENGINES = (("accuracy_ideal", "ideal", BLUE), ("accuracy_surrogate", "surrogate", GREEN),
            ("accuracy_spice", "simulator", RED))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verification as its report.json has it, under a name of its own."""

    name: str
    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Run:
        """The run of a folder, or of its report.json.

        Raises
        ------
        InputError : no such file, or one that no verification of a single layer wrote.
        """
        source = path / "report.json" if path.is_dir() else path
        try:
            found = files.from_json(files.text(source, expected=_EXPECTED))
        except ValueError as error:
            raise InputError(f"{source}: is no JSON ({error}); expected {_EXPECTED}") from None
        if not isinstance(found, dict) or "max_relative_current_error" not in found:
            raise InputError(f"{source}: is of no verification of one layer; expected {_EXPECTED}")
        home = source.parent if source.name == "report.json" else source.with_suffix("")
        return cls(name=home.name or str(path), document=found)

    @property
    def settings(self) -> dict[str, str]:
        """What was asked for, flat: `lines: r_word [Ohm]` and the like."""
        document = self.document
        flat = {name: _said(document[name]) for name in _SETTINGS if name in document}
        for part in _PARTS:
            if isinstance(document.get(part), dict):
                flat |= dict(_flat(document[part], part))
        return flat


def _flat(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}: {name}")
        else:
            yield f"{above}: {name}", _said(value)


def _said(value: Any) -> str:
    return "–" if value is None or value == [] else plain(str(value), 60)


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
    every = [run.settings for run in runs]
    names = dict.fromkeys(name for one in every for name in one)
    rows = [[name, *(one.get(name, "–") for one in every)] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def head(runs: Sequence[Run]) -> list[str]:
    """The head of both tables."""
    return ["", *(plain(run.name, 24) for run in runs)]


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
    apart = differing(runs)
    return Page(
        command="roa-spice compare",
        title=f"{counted(len(runs), 'verification')} side by side",
        verdict="all passed" if passed else "not all passed",
        passed=passed,
        lead="What differs between the runs, and what each of them found.",
        numbers=[("runs", str(len(runs)), ""), ("settings that differ", str(len(apart)), "")],
        sections=[
            Section(title="What differs", parts=[
                table(head(runs), apart or [["nothing", *("–" for _ in runs)]],
                      caption="Settings that are not the same in all runs; – stands for none."),
            ]),
            Section(title="What was found", parts=[
                *(figure(one.inline(), one.caption, wide=one.wide) for one in drawings(runs)),
                table(head(runs), found(runs), caption="A quantity a row; – where a run has none."),
            ]),
            Section(title="How it was made", parts=[made_by(made["provenance"], [
                ("runs", ", ".join(made["files"])),
            ])]),
        ],
        footer="Numbers are those of each run's report.json; its own page explains them.",
    )  # fmt: skip
