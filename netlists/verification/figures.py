"""Figures of a verification: currents and states, and the errors of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netlists.simulation.recordings import Recording
from netlists.verification import plots
from netlists.verification.plots import Cells, Currents, bands_of, slices_of
from netlists.verification.result import CURRENT_LIMIT, Verification, column_errors, state_limit
from roa_circuit.basics.units import counted, prefix_for
from roa_circuit.presentation.drawing import (
    BLUE,
    FAINT,
    RED,
    VIOLET,
    Drawing,
    decades,
    dots,
    draw,
    limits,
)
from roa_circuit.presentation.map_drawings import drawings as map_drawings
from roa_circuit.presentation.plots import MOST_CELLS, Axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_SMALLEST_CURRENT_ERROR = 1e-17  # where a perfect match is drawn on a logarithmic axis
_SMALLEST_STATE_ERROR = 1e-12
_MOVED = 1e-3  # of a state: what is drawn as written


def drawings(result: Verification) -> list[Drawing]:
    """All figures of the phase; their names are the layer, '--' and what they show."""
    done = []
    if result.phase != "write":
        done += [_currents(result), _current_errors(result)]
    cells = Cells(result=result)
    done.append(_states(result, cells))
    if result.phase != "read" and not result.is_sampled:
        done += [_state_scatter(result, cells), _state_errors(result)]
    writes = [one for one in result.recordings if one.pulses is not None]
    done += [_waveforms(result.layer, one) for one in writes[:1]]
    return done + (map_drawings(result.map) if result.map else [])


def _simulated(values: Floats) -> Floats:
    """The values of the tiles that were not left out."""
    return values[np.isfinite(values)]


def _currents(result: Verification) -> Drawing:
    spice, surrogate = map(_simulated, (result.spice_currents, result.surrogate_currents))
    size, prefix = prefix_for(float(np.abs(surrogate).max(initial=0.0)))
    both = limits(np.concatenate([surrogate, spice]) / size)
    currents = Currents(result=result)
    theirs, ours = result.spice_currents[currents.chosen], result.surrogate_currents[currents.chosen]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(both, both, "-", lw=0.8, color=FAINT)
        dots(axes, ours / size, theirs / size, colour=BLUE, size=3.5, alpha=0.6)
        axes.set(
            xlim=both, ylim=both, xlabel=f"surrogate [{prefix}A]", ylabel=f"{result.engine} [{prefix}A]"
        )

    columns, bands = result.spice_currents.shape[1], bands_of(result)
    of = f"{counted(result.reads, 'read')} of {counted(columns, 'column')}"
    of += f" in {bands} bands of tiles" if bands > 1 else ""
    of += f", {slices} slices of each input" if (slices := slices_of(result)) > 1 else ""
    caption = (
        f"Sensed currents of {of}: {result.engine} against the surrogate; on the line they are equal."
        f"{currents.thinned}"
    )
    plot = currents.plot(f"{prefix}A", size, both)
    return draw(f"{result.layer}--currents", caption, paint, plot=plot)


def _current_errors(result: Verification) -> Drawing:
    found = column_errors(result)
    errors = np.maximum(found, _SMALLEST_CURRENT_ERROR)
    span = float(errors.min() / 5), float(5 * max(errors.max(), CURRENT_LIMIT))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_yscale("log")
        dots(axes, np.arange(len(errors)), errors, colour=BLUE, size=4.5)
        axes.axhline(CURRENT_LIMIT, color=RED, lw=1, ls="--", label="limit")
        axes.legend(loc="center right")
        axes.set_ylim(span)
        decades(axes.yaxis)
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel="column", ylabel="relative error")

    caption = "The worst relative error of each column's current, over all reads." + _at_least(
        found, _SMALLEST_CURRENT_ERROR
    )
    plot = plots.current_errors(result, errors, span)
    return draw(f"{result.layer}--current-error", caption, paint, plot=plot)


def _at_least(errors: Floats, least: float) -> str:
    """What a caption says of errors that a logarithmic axis cannot show as they are."""
    few = int((errors < least).sum())
    return f" {few:,} below {least:.0e} are drawn there." if few else ""


def _states(result: Verification, cells: Cells) -> Drawing:
    """Maps of the array before, after, and of the error; a long array lies on its side."""
    written = result.phase != "read"
    named = {"simulator": ("state ω", "viridis", 1.0)}
    values = {"simulator": result.spice_state}
    if result.is_sampled:
        named = {
            "before": ("ω before", "viridis", 1.0),
            "surrogate": ("ω after, surrogate", "viridis", 1.0),
        }
        values = {"before": result.initial_state, "surrogate": result.surrogate_state}
    elif written:
        error = np.abs(result.spice_state - result.surrogate_state)
        named = {
            "before": ("ω before", "viridis", 1.0),
            "simulator": (f"ω after, {result.engine}", "viridis", 1.0),
            "error": (
                f"|ω {result.engine} − ω surrogate|",
                "magma",
                max(float(np.nanmax(error)), 1e-12),
            ),
        }
        values = {"before": result.initial_state, "simulator": result.spice_state, "error": error}
    maps = [(named[name][0], values[name], *named[name][1:]) for name in named]
    tall = result.spice_state.shape[0] > result.spice_state.shape[1]
    long = max(result.spice_state.shape) > 3 * min(result.spice_state.shape)

    def paint(figure: Figure) -> None:
        shape = (len(maps), 1) if long else (1, len(maps))
        grid = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True)
        for index, (axes, (title, values, colours, high)) in enumerate(
            zip(grid.ravel(), maps, strict=True)
        ):
            turned = values.T if tall else values
            image = axes.imshow(
                turned, cmap=colours, vmin=0.0, vmax=high, aspect="auto", interpolation="none"
            )
            axes.set_title(title)
            axes.grid(visible=False)
            axes.locator_params(integer=True)
            if not long or index == len(maps) - 1:
                axes.set_xlabel("row" if tall else "column")
            if long or index == 0:
                axes.set_ylabel("column" if tall else "row")
            bar = figure.colorbar(image, ax=axes, aspect=12, pad=0.015, fraction=0.04)
            bar.outline.set_visible(False)

    caption = "The states that were read, as the tiles lie."
    if result.is_sampled:
        caption = "States before the write, and after it in the surrogate."
    elif written:
        caption = "States before and after the write, and how far the engines are apart."
    if tall:
        caption += " A tall array lies on its side: its word lines run up and down."
    height = (1.3 * len(maps) + 0.9) if long else 3.6
    caption += "" if cells.whole else f" Pointing tells cells of arrays up to {MOST_CELLS:,} cells."
    return draw(
        f"{result.layer}--states", caption, paint, size=(9.6, height), top=0.35, gap=0.45,
        plot=cells.maps(named, turned=tall, long=long),
    )  # fmt: skip


def _state_scatter(result: Verification, cells: Cells) -> Drawing:
    moved = np.abs(result.spice_state - result.initial_state) > _MOVED
    written = moved.ravel()[cells.chosen]
    spice, surrogate = (
        one.ravel()[cells.chosen] for one in (result.spice_state, result.surrogate_state)
    )

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], "-", lw=0.8, color=FAINT)
        for chosen, colour, name in ((~written, FAINT, "hardly moved"), (written, BLUE, "written")):
            dots(axes, surrogate[chosen], spice[chosen], colour=colour, size=3.5, label=name)
        axes.set(
            xlabel="ω, surrogate", ylabel=f"ω, {result.engine}", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03)
        )
        axes.legend(loc="upper left")

    caption = (
        f"The states of {counted(len(cells.simulated), 'cell')} after the write; grey ones moved by"
        f" {_MOVED:g} at the most. On the line the engines agree.{cells.thinned}"
    )
    return draw(f"{result.layer}--state-scatter", caption, paint, plot=cells.scatter(moved))


def _state_errors(result: Verification) -> Drawing:
    found = _simulated(np.abs(result.spice_state - result.surrogate_state))
    errors = np.maximum(found, _SMALLEST_STATE_ERROR)
    limit = state_limit(result.max_state_change)
    low, high = np.log10(errors.min()) - 0.1, np.log10(max(float(errors.max()), limit)) + 0.3
    cells, edges = np.histogram(errors, bins=np.logspace(low, high, 40))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.stairs(cells, edges, fill=True, color=BLUE, alpha=0.6)
        axes.axvline(limit, color=RED, lw=1, ls="--", label="limit")
        axes.legend(loc="upper left")
        axes.set(xscale="log", yscale="symlog", xlabel="|Δω|", ylabel="cells")
        axes.set_ylim(0, 2.0 * cells.max())
        decades(axes.xaxis)
        axes.yaxis.set_major_formatter("{x:g}")

    caption = "How the errors of the states are spread over the cells." + _at_least(
        found, _SMALLEST_STATE_ERROR
    )
    return draw(f"{result.layer}--state-error", caption, paint)


def _waveforms(layer: str, write: Recording) -> Drawing:
    """Voltage and state of three cells: the most potentiated, the most depressed, the most disturbed."""
    across = write["te_voltage"] - write["be_voltage"]
    size, prefix = prefix_for(float(write.scale[2][-1]))
    time = write.scale[2] / size
    cells = _telling_cells(write)

    def paint(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True)
        for (name, (i, j)), colour in zip(cells.items(), (BLUE, RED, VIOLET), strict=False):
            label = f"{name}: row {i}, column {j}"
            above.plot(time, across[:, i, j], "-", lw=1.0, color=colour)
            below.plot(time, write["state"][:, i, j], "-", lw=1.4, color=colour, label=label)
        above.set_ylabel("voltage across [V]")
        below.set(xlabel=f"time [{prefix}s]", ylabel="state ω")
        below.margins(x=0.01)
        above.legend(*below.get_legend_handles_labels(), loc="lower left", ncols=3,
                     bbox_to_anchor=(0.0, 1.02), borderaxespad=0.0, borderpad=0.0)  # fmt: skip

    caption = "Three cells during the write: what is across them behind the wires, and their state."
    plot = plots.waveforms(layer, write, cells, Axis(title=f"time [{prefix}s]", size=size))
    return draw(f"{layer}--waveforms", caption, paint, size=(9.6, 4.8), top=0.4, plot=plot)


def _telling_cells(write: Recording) -> dict[str, tuple[int, int]]:
    """(row, column) of the cells to look at, by why."""
    assert write.pulses is not None
    moved = write["state"][-1] - write["state"][0]
    kinds = {
        "most potentiated": np.where(write.pulses > 0, moved, 0.0),
        "most depressed": np.where(write.pulses < 0, -moved, 0.0),
        "most disturbed": np.where(write.pulses == 0, np.abs(moved), 0.0),
    }
    found = {}
    for name, size in kinds.items():
        row, column = np.unravel_index(int(np.argmax(size)), size.shape)
        if size[row, column] > 0:
            found[name] = int(row), int(column)
    return found
