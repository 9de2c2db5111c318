"""Plots of a fit: what its figures of many points say of each reading, on a page that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.fit import Fit
from roa_circuit.presentation.drawing import shortened
from roa_circuit.presentation.plots import (
    Axis,
    Column,
    Mark,
    Panel,
    Plot,
    Table,
    Trace,
    telling,
    thinned,
)

Labels = Sequence[tuple[str, float, float]]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The readings of a fit as a table; of very many a part, those with the largest misfits in it.

    place : (rows,) on the axis of readings in order
    """

    fit: Fit
    measured: Measurements
    place: FloatArray

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The readings that the table has."""
        return telling(np.abs(self.fit.residual))

    @cached_property
    def thinned(self) -> str:
        """What a caption says where the table has not all of them."""
        return thinned(len(self.measured), len(self.rows), "readings", "misfits")

    @cached_property
    def of_sweeps(self) -> NDArray[np.int64]:
        """The rows of the table that are points of I-V sweeps; by voltage where these move nothing."""
        m, rows = self.measured, np.flatnonzero(self.measured.sweep[self.rows])
        chosen = self.rows[rows]
        moved = np.isin(m.train[chosen], m.train[m.sweep & ~m.still])
        return rows[np.lexsort((np.where(moved, chosen, m.read_voltage[chosen]), m.train[chosen]))]

    @cached_property
    def of_trains(self) -> NDArray[np.int64]:
        """The other rows."""
        return np.flatnonzero(~self.measured.sweep[self.rows])

    @cached_property
    def table(self) -> Table:
        """Whose each reading is, after which pulse, and its measured and fitted value."""
        f, m = self.fit, self.measured
        swept = {
            "current": (m.current, "measured current"),
            "fitted_current": (f.predicted, "fitted current"),
        }
        columns = whose(m) | {
            "measured": Column(values=conductance(m.current, m), title="measured", unit=unit_of(m)),
            "fitted": Column(values=conductance(f.predicted, m), title="fitted", unit=unit_of(m)),
            **{
                name: Column(values=np.where(m.sweep, values, np.nan), title=title, unit="A")
                for name, (values, title) in swept.items()
            },
            "misfit": Column(values=100.0 * f.residual, title="misfit", unit="%", digits=3),
            "place": Column(values=self.place),
        }
        if m.line is not None:
            columns["line"] = Column(values=m.line, title="line of the file", digits=9)
        return Table(name="readings", columns={n: one.of(self.rows) for n, one in columns.items()})


@dataclass(frozen=True, kw_only=True)
class End:
    """The law at one end of the state: its current over voltage, and how far off that may be."""

    omega: float
    voltage: FloatArray
    current: FloatArray
    reach: FloatArray

    def traces(self, dash: str) -> list[Trace]:
        """Its band and its line."""
        name = f"fitted, ω = {self.omega:g}"
        columns = {
            "law": Column(values=np.zeros(len(self.voltage), int), title="law", words=[name]),
            "x": Column(values=self.voltage, title="voltage", unit="V"),
            "y": Column(values=self.current, title="current", unit="A"),
            "low": Column(values=self.current - self.reach, title="95 % from", unit="A"),
            "high": Column(values=self.current + self.reach, title="to", unit="A"),
        }
        table = Table(name=f"law-at-{self.omega:g}", columns=columns)
        return [
            Trace(table=table, x="x", y="high", low="low", kind="band", colour="red"),
            Trace(table=table, x="x", y="y", kind="line", colour="red", dash=dash, name=name),
        ]


def trains(r: Readings, labels: Labels, size: float, title: str) -> Plot:
    """Readings in order above their misfits; the upper axis has this title, over `size`."""
    upper = [
        Trace(table=r.table, x="place", y="fitted", kind="line", colour="red", name="fitted",
              rows=r.of_trains, gaps="train"),
        Trace(table=r.table, x="place", y="measured", name="measured", rows=r.of_trains),
    ]  # fmt: skip
    lower = [
        Trace(table=r.table, x="place", y="misfit", colour=colour, size=3, rows=rows)
        for colour, rows in (("blue", r.of_trains), ("red", r.of_sweeps))
        if rows.size
    ]
    strip = Mark(kind="strip", at=200.0 * r.fit.relative_rmse, colour="grid")
    below = Panel(
        y=Axis(title="misfit [%]"), traces=lower, marks=[strip, Mark(kind="across")], share=1.3
    )
    return Plot(
        x=Axis(title="reading, in order; band: ± 2 rms"),
        panels=[Panel(y=Axis(title=title, size=size), traces=upper, share=3.0), below],
        labels=labels,
    )


def parity(r: Readings, size: float, title: str, span: tuple[float, float]) -> Plot:
    """Fitted against measured; equal ones lie on the line."""
    dots = Trace(table=r.table, x="measured", y="fitted", rows=r.of_trains, size=3, alpha=0.5)
    equal = Mark(kind="equal", at=max(map(abs, span)), colour="red")
    y = Axis(title=f"fitted {title}", size=size, span=span)
    return Plot(
        x=Axis(title=f"measured {title}", size=size, span=span),
        panels=[Panel(y=y, traces=[dots], marks=[equal])],
    )


def sweeps(r: Readings, ends: Sequence[End], axis: Axis) -> Plot:
    """Points of I-V sweeps, the same fitted, and the law at its two ends."""
    traces = [one for end, dash in zip(ends, ("", "dash"), strict=True) for one in end.traces(dash)]
    if r.of_sweeps.size:
        traces += [
            Trace(table=r.table, x="read_voltage", y="fitted_current", kind="line", colour="soft",
                  name="fitted, as swept", rows=r.of_sweeps, gaps="train"),
            Trace(table=r.table, x="read_voltage", y="current", name="measured", rows=r.of_sweeps),
        ]  # fmt: skip
    panel = Panel(y=axis, traces=traces, marks=[Mark(kind="across")])
    return Plot(x=Axis(title="voltage [V]"), panels=[panel])


def laws(m: Measurements, place: FloatArray, fitted: dict[str, FloatArray], axis: Axis) -> Plot:
    """Several laws over the same readings; `fitted` are conductances (rows,) by a law's title."""
    rows = np.flatnonzero(~m.sweep)
    columns = whose(m) | {
        "place": Column(values=place),
        "measured": Column(values=conductance(m.current, m), title="measured", unit=unit_of(m)),
        **{
            f"law {title}": Column(values=values, title=title, unit=unit_of(m))
            for title, values in fitted.items()
        },
    }
    table = Table(name="laws", columns=columns)
    styles = (("red", ""), ("ink", "dash"), ("soft", "dot"))
    lines = [
        Trace(table=table, x="place", y=f"law {title}", kind="line", colour=colour, dash=dash,
              name=title, rows=rows, gaps="train")
        for title, (colour, dash) in zip(fitted, styles, strict=False)
    ]  # fmt: skip
    dots = Trace(table=table, x="place", y="measured", rows=rows, name="measured")
    return Plot(x=Axis(title="reading, in order"), panels=[Panel(y=axis, traces=[dots, *lines])])


def whose(m: Measurements) -> dict[str, Column]:
    """Of every reading: its train, its number there, and the pulse before it."""
    first = np.searchsorted(m.train, np.arange(len(m.labels)))[m.train]
    pulsed = m.width > 0
    counts = np.cumsum(np.where(pulsed, 1.0 if m.pulses is None else m.pulses, 0.0))
    before = np.concatenate([[0.0], counts])[first]
    volts, width = (np.where(pulsed, values, np.nan) for values in (m.voltage, m.width))
    return {
        "train": Column(values=m.train, title="train", words=[shortened(one) for one in m.labels]),
        "reading": Column(values=np.arange(len(m)) - first + 1, title="reading", digits=9),
        "pulse": Column(values=counts - before, title="after pulse", digits=7),
        "pulse_voltage": Column(values=volts, title="pulse voltage", unit="V"),
        "pulse_width": Column(values=width, title="pulse width", unit="s"),
        "read_voltage": Column(values=m.read_voltage, title="read at", unit="V"),
    }


def conductance(current: FloatArray, m: Measurements) -> FloatArray:
    """Of readings that are no points of sweeps, (rows,); NaN of those."""
    return np.where(m.sweep, np.nan, current / np.where(m.sweep, 1.0, m.read_voltage))


def unit_of(m: Measurements) -> str:
    """Of a reading: siemens; none where it is over some reference."""
    return "" if m.normalised else "S"


def kind_of(m: Measurements) -> str:
    """What a reading is, as an axis says it."""
    if not m.normalised:
        return "conductance"
    return "normalised reading" + (f" + {m.shift:.3g}" if m.shift else "")
