"""Plots of a verification: each current and state by both engines, on a page that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from netlists.simulation.recordings import Recording
from netlists.verification.result import CURRENT_LIMIT, Verification, relative_errors
from roa_circuit.presentation.drawing import stops
from roa_circuit.presentation.plots import (
    MOST_CELLS,
    Axis,
    Column,
    Mark,
    Panel,
    Plot,
    Table,
    Trace,
    grid,
    telling,
    thinned,
    thinned_line,
)

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_MOST_STEPS = 2000  # of a waveform


@dataclass(frozen=True, kw_only=True)
class Currents:
    """The currents of every read and column, by both engines; of very many the worst and others."""

    result: Verification

    @cached_property
    def simulated(self) -> tuple[Indices, Indices]:
        """(reads, columns) of the tiles that were not left out."""
        reads, columns = np.nonzero(np.isfinite(relative_errors(self.result)))
        return reads, columns

    @cached_property
    def chosen(self) -> tuple[Indices, Indices]:
        """(reads, columns) of those that are drawn."""
        reads, columns = self.simulated
        rows = telling(relative_errors(self.result)[reads, columns])
        return reads[rows], columns[rows]

    @property
    def thinned(self) -> str:
        """What a caption says where these are not all."""
        return thinned(len(self.simulated[0]), len(self.chosen[0]), "currents", "errors")

    def plot(self, unit: str, size: float, span: tuple[float, float]) -> Plot:
        """Simulator against surrogate; `unit` stands on the axes, whose numbers are over `size`."""
        table = _of_currents(self.result, f"{self.result.layer}--currents", *self.chosen)
        y = Axis(title=f"{self.result.engine} [{unit}]", size=size, span=span)
        dots = Trace(table=table, x="surrogate", y="simulator", alpha=0.6)
        equal = Mark(kind="equal", at=max(map(abs, span)))
        return Plot(
            x=Axis(title=f"surrogate [{unit}]", size=size, span=span),
            panels=[Panel(y=y, traces=[dots], marks=[equal])],
        )


def current_errors(result: Verification, drawn: Floats, span: tuple[float, float]) -> Plot:
    """The worst read of every column; `drawn` (columns,) are its errors, as the axis can show them."""
    errors = np.nan_to_num(relative_errors(result), nan=-1.0)
    worst, columns = errors.argmax(axis=0), np.arange(errors.shape[1])
    table = _of_currents(result, f"{result.layer}--columns", worst, columns, drawn=Column(values=drawn))
    limit = Mark(kind="across", at=CURRENT_LIMIT, colour="red", dash="dash", name="limit")
    y = Axis(title="relative error", log=True, span=span)
    dots = Trace(table=table, x="column", y="drawn", size=6)
    return Plot(x=Axis(title="column"), panels=[Panel(y=y, traces=[dots], marks=[limit])])


def _of_currents(
    result: Verification, name: str, rows: Indices, columns: Indices, **more: Column
) -> Table:
    """Some rows of some columns of the currents, as both engines have them."""
    theirs, ours = (one[rows, columns] for one in (result.spice_currents, result.surrogate_currents))
    errors = relative_errors(result)[rows, columns]
    shown = {
        **_whose(result, rows),
        "column": Column(values=columns, title="column", digits=9),
        "surrogate": Column(values=ours, title="surrogate", unit="A"),
        "simulator": Column(values=theirs, title=str(result.engine), unit="A"),
        "difference": Column(values=theirs - ours, title="difference", unit="A", digits=3),
        "error": Column(values=errors, title="relative error", digits=2),
    }
    return Table(name=name, columns={**shown, **more})


def _whose(result: Verification, rows: Indices) -> dict[str, Column]:
    """The read of each row of currents; its slice of the inputs and its band of tiles, where several."""
    slices = slices_of(result)
    a_band = result.reads * slices
    columns = {"read": Column(values=rows % a_band // slices, title="read", digits=9)}
    if slices > 1:
        columns["slice"] = Column(values=rows % slices, title="slice of the input")
    if bands_of(result) > 1:
        columns["band"] = Column(values=rows // a_band, title="band of tiles")
    return columns


def slices_of(result: Verification) -> int:
    """How many reads an input takes, whose currents follow each other."""
    return max(int(result.drawn["imperfections"].get("dac_slices [-]", 1)), 1) if result.drawn else 1


def bands_of(result: Verification) -> int:
    """How many bands of tiles have currents, one after the other."""
    return len(result.spice_currents) // (result.reads * slices_of(result))


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The states of a layer's cells, as both engines leave them."""

    result: Verification

    @cached_property
    def whole(self) -> bool:
        """Whether a page can have every cell."""
        return self.result.spice_state.size <= MOST_CELLS

    @cached_property
    def simulated(self) -> Indices:
        """The cells of tiles that were not left out, counted row by row."""
        return np.flatnonzero(np.isfinite(self.result.spice_state - self.result.surrogate_state))

    @cached_property
    def chosen(self) -> Indices:
        """Those of them that are drawn as dots."""
        apart = np.abs(self.result.spice_state - self.result.surrogate_state)
        return self.simulated[telling(apart.ravel()[self.simulated])]

    @property
    def thinned(self) -> str:
        """What a caption says where these are not all."""
        return thinned(len(self.simulated), len(self.chosen), "cells", "differences")

    @property
    def rows(self) -> Indices:
        """The cells that the table has."""
        return np.arange(self.result.spice_state.size) if self.whole else self.chosen

    @cached_property
    def table(self) -> Table:
        """Of every cell its place, and its state before and after by both engines."""
        r = self.result
        written = r.phase != "read"
        states = {"simulator": (r.spice_state, f"ω, {r.engine}" if written else "ω")}
        before_and_after = {
            "before": (r.initial_state, "ω before"),
            "surrogate": (r.surrogate_state, "ω, surrogate"),
        }
        if r.is_sampled:
            states = before_and_after
        elif written:
            states = {
                **before_and_after,
                **states,
                "difference": (r.spice_state - r.surrogate_state, "difference"),
            }
        columns = {
            name: Column(values=values.ravel()[self.rows], title=title, digits=5)
            for name, (values, title) in states.items()
        }
        if "difference" in states:
            error = Column(values=np.abs(states["difference"][0]).ravel()[self.rows])
            columns |= {"error": error}
        place = {name: one.of(self.rows) for name, one in grid(r.spice_state.shape).items()}
        shape = (r.spice_state.shape[0], r.spice_state.shape[1]) if self.whole else None
        return Table(name=f"{r.layer}--states", columns={**place, **columns}, shape=shape)

    def maps(
        self, titles: Mapping[str, tuple[str, str, float]], *, turned: bool, long: bool
    ) -> Plot | None:
        """Maps of columns, each with title, scale of colours and its end; None of too large arrays."""
        if not self.whole:
            return None
        along, up = ("row", "column") if turned else ("column", "row")
        panels = [
            Panel(
                y=Axis(title=up, span=(0.0, high), down=True),
                traces=[Trace(table=self.table, x="column", y=name, kind="heat", scale=stops(scale),
                              turned=turned)],
                title=title,
            )
            for name, (title, scale, high) in titles.items()
        ]  # fmt: skip
        return Plot(x=Axis(title=along), panels=panels, beside=not long)

    def scatter(self, moved: NDArray[np.bool_]) -> Plot:
        """Simulator against surrogate; `moved` (rows, columns) tells the cells that were written."""
        places = self.chosen if self.whole else np.arange(len(self.chosen))
        written = moved.ravel()[self.chosen]
        kinds = ((~written, "faint", "hardly moved"), (written, "blue", "written"))
        traces = [
            Trace(table=self.table, x="surrogate", y="simulator", colour=colour, name=name, alpha=0.8,
                  rows=places[which])
            for which, colour, name in kinds if which.any()
        ]  # fmt: skip
        span = (-0.03, 1.03)
        y = Axis(title=f"ω, {self.result.engine}", span=span)
        equal = Mark(kind="equal", at=1.0)
        return Plot(
            x=Axis(title="ω, surrogate", span=span),
            panels=[Panel(y=y, traces=traces, marks=[equal])],
        )


def waveforms(layer: str, write: Recording, cells: Mapping[str, tuple[int, int]], axis: Axis) -> Plot:
    """Voltage and state of some cells over time; `cells` are (row, column) by name."""
    time, across = write.scale[2], write["te_voltage"] - write["be_voltage"]
    above, below, kept = [], [], len(time)
    for (name, (i, j)), colour in zip(cells.items(), ("blue", "red", "violet"), strict=False):
        volts, state = across[:, i, j], write["state"][:, i, j]
        rows = thinned_line([volts, state], _MOST_STEPS)
        kept = min(kept, len(rows))
        columns = {
            "cell": Column(values=np.zeros(len(rows), int), title="cell", words=[name]),
            "row": Column(values=np.full(len(rows), i), title="row"),
            "column": Column(values=np.full(len(rows), j), title="column"),
            "time": Column(values=time[rows], title="time", unit="s", digits=6),
            "voltage": Column(values=volts[rows], title="voltage across", unit="V"),
            "state": Column(values=state[rows], title="ω"),
        }
        table = Table(name=f"{layer}--{name.replace(' ', '-')}", columns=columns)
        line = partial(Trace, table=table, x="time", kind="line", colour=colour)
        above.append(line(y="voltage", name=f"{name}: row {i}, column {j}"))
        below.append(line(y="state"))
    note = ""
    if kept < len(time):
        note = (
            f"Of {len(time):,} time steps it has some {kept:,} a cell: in every stretch those where"
            " voltage or state are lowest and highest."
        )
    panels = [
        Panel(y=Axis(title="voltage across [V]"), traces=above),
        Panel(y=Axis(title="state ω"), traces=below),
    ]
    return Plot(x=axis, panels=panels, note=note)
