"""The log of SPICE in the loop: surrogate and ngspice side by side, as a table and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError, RoaError, nearest
from roa_circuit.basics.results import write_bytes, write_table
from roa_circuit.presentation.drawing import BLUE, FAINT, RED, Drawing, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIONS = ("warn", "stop")
TABLE, PICTURE = "spice.csv", "spice.png"


class Divergence(RoaError):
    """Raised when surrogate and simulator are further apart than the run allows."""

    exit_code = 1


@dataclass(frozen=True, kw_only=True)
class Tolerances:
    """How far surrogate and ngspice may be apart, and what happens beyond that.

    current : worst |I_spice - I| / |I| of a read, the surrogate reading the states of ngspice
    state : worst |omega_spice - omega| of a cell after the write
    action : 'stop' ends the training with a Divergence, 'warn' marks the row and goes on
    """

    current: float = 1e-5
    state: float = 5e-3
    action: str = "warn"

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise InputError(
                f"on divergence {self.action!r} is unknown; {nearest(self.action, ACTIONS)}"
            )
        for name in ("current", "state"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} tolerance {getattr(self, name)} must be above 0")

    def exceeded(self, current_error: float, state_error: float) -> bool:
        """Whether either error is beyond its tolerance."""
        return current_error > self.current or state_error > self.state


@dataclass(frozen=True, kw_only=True)
class SpiceRow:
    """One row of spice.csv: one episode's head, surrogate and ngspice side by side."""

    epoch: int
    episode: int
    accuracy_ideal: float
    accuracy_surrogate: float
    accuracy_spice: float
    prediction_agreement: float
    current_error: float
    state_error: float
    spice_seconds: float
    diverged: bool


def read_rows(folder: Path) -> list[SpiceRow]:
    """The rows that the table in a run's folder has so far."""
    path = folder / TABLE
    if not path.exists():
        return []
    lines = csv.DictReader(files.text(path, expected="the table of the run's checks").splitlines())
    try:
        return [_row(line) for line in lines]
    except (KeyError, TypeError, ValueError, csv.Error):
        raise InputError(f"{path}: damaged table of the run's checks; move it away to go on") from None


def write_rows(folder: Path, rows: Sequence[SpiceRow], tolerances: Tolerances) -> None:
    """Write the table and the picture, each whole or not at all."""
    write_table(folder / TABLE, rows)
    write_bytes(folder / PICTURE, picture(rows, tolerances).png())


def picture(rows: Sequence[SpiceRow], tolerances: Tolerances) -> Drawing:
    """The picture: accuracies over the epochs above, errors and their tolerances below."""
    epochs = sorted({row.epoch for row in rows})

    def values(name: str, of: Any) -> list[float]:
        return [float(of([getattr(r, name) for r in rows if r.epoch == epoch])) for epoch in epochs]

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        x = [epoch + 1 for epoch in epochs]
        for name, label, style in (
            ("accuracy_ideal", "ideal wires", {"color": FAINT, "ls": "--"}),
            ("accuracy_surrogate", "surrogate", {"color": BLUE, "lw": 4, "alpha": 0.35}),
            ("accuracy_spice", "ngspice", {"color": RED, "marker": "o", "ms": 3.5}),
        ):
            upper.plot(x, [100 * value for value in values(name, np.mean)], label=label, **style)
        upper.set_ylabel("accuracy [%]")
        for name, label, colour, limit in (
            ("current_error", "current, relative", BLUE, tolerances.current),
            ("state_error", "state ω", RED, tolerances.state),
        ):
            lower.semilogy(x, np.maximum(values(name, np.max), 1e-16), color=colour, marker="o", ms=3.5,
                           label=label)  # fmt: skip
            lower.axhline(limit, color=colour, ls=":", lw=1)
        lower.set_ylabel("worst error (dotted: tolerance)")
        lower.set_xlabel("epoch")
        lower.xaxis.get_major_locator().set_params(integer=True)
        for axes in (upper, lower):
            axes.legend(loc="best")

    caption = "Adapted heads of validation episodes: ngspice beside the surrogate"
    return draw("spice", caption, paint, size=(6.0, 5.2))


def _row(line: dict[str, str]) -> SpiceRow:
    kinds: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": "True".__eq__}
    return SpiceRow(**{f.name: kinds[str(f.type)](line[f.name]) for f in fields(SpiceRow)})
