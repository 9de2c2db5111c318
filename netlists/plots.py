"""The pictures of a verification: currents, their error by column, states and theirs."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from netlists.verify import CURRENT_LIMIT, STATE_LIMIT, Verification

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIGHT = {"ink": "#1c2733", "blue": "#1f6feb", "red": "#c62f2f", "grey": "#8a94a0"}
DARK = {"ink": "#d7dee6", "blue": "#6cb0ff", "red": "#ff7b72", "grey": "#7d8894"}

_SMALLEST_ERROR = 1e-17  # where a perfect match is drawn on a logarithmic axis


def overview(result: Verification, title: str) -> Figure:
    """All panels on one figure."""
    from matplotlib.figure import Figure

    panels = [draw for draw, _ in _panels(result)]
    figure = Figure(figsize=(11, 3.8 * len(panels)), layout="constrained")
    grid = figure.add_gridspec(len(panels), 1)
    for row, draw in enumerate(panels):
        draw(figure.add_subfigure(grid[row]), result, LIGHT)
    figure.suptitle(title, fontsize=11)
    return figure


def pictures(result: Verification, colours: dict[str, str]) -> list[tuple[str, bytes]]:
    """(caption, PNG on a transparent ground) of every panel that the phase has."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    style: Any = {**dict.fromkeys(inked, colours["ink"]), "axes.facecolor": "none", "font.size": 9}
    done = []
    for draw, caption in _panels(result):
        with mpl.rc_context(style):
            figure = Figure(figsize=(9.6, 3.4), layout="constrained")
            draw(figure, result, colours)
            file = io.BytesIO()
            figure.savefig(file, format="png", dpi=120, transparent=True)
        done.append((caption, file.getvalue()))
    return done


def _panels(result: Verification) -> list[tuple[Callable[..., None], str]]:
    panels: list[tuple[Callable[..., None], str]] = []
    if result.phase != "write":
        caption = "Sensed currents of all reads, and the worst error of each column."
        panels.append((_currents, caption))
    if result.phase != "read":
        panels.append((_states, "States before and after the write, and how far the engines are apart."))
        panels.append((_state_scatter, "Every cell's final state, and the errors' distribution."))
    else:
        panels.append((_map_of_read_states, "The states that were read, as the tiles lie."))
    return panels


def _currents(figure: Any, result: Verification, colours: dict[str, str]) -> None:
    left, right = figure.subplots(1, 2)
    spice, surrogate = result.spice_currents * 1e6, result.surrogate_currents * 1e6
    left.plot(surrogate.ravel(), spice.ravel(), ".", ms=4, color=colours["blue"], alpha=0.6)
    ends = [float(surrogate.min()), float(surrogate.max())]
    left.plot(ends, ends, color=colours["grey"], lw=0.8, zorder=0)
    left.set(xlabel="surrogate [µA]", ylabel="ngspice [µA]", title="sensed currents")
    floor = np.maximum(np.abs(surrogate), 1e-6 * np.abs(surrogate).max(initial=1e-30))
    errors = np.maximum(np.abs(spice - surrogate) / floor, _SMALLEST_ERROR).max(axis=0)
    right.semilogy(np.arange(len(errors)), errors, "o", ms=4, color=colours["blue"])
    _limit(right, CURRENT_LIMIT, colours)
    right.set(xlabel="column (each tile's last is its reference)", ylabel="relative error")
    right.set(title="current error, worst of each column")


def _states(figure: Any, result: Verification, colours: dict[str, str]) -> None:
    shape = (3, 1) if result.rows > 3 * result.columns else (1, 3)
    before, after, error = np.ravel(figure.subplots(*shape))
    deviation = np.abs(result.spice_state - result.surrogate_state)
    _map(figure, before, result.initial_state, "state ω before the write", "viridis", 1.0)
    _map(figure, after, result.spice_state, "after, in ngspice", "viridis", 1.0)
    _map(figure, error, deviation, "|ω ngspice − ω surrogate|", "magma", None)


def _state_scatter(figure: Any, result: Verification, colours: dict[str, str]) -> None:
    left, right = figure.subplots(1, 2)
    spice, surrogate = result.spice_state.ravel(), result.surrogate_state.ravel()
    moved = np.abs(spice - result.initial_state.ravel()) > 1e-3
    for chosen, colour, name in (
        (~moved, colours["grey"], "hardly moved"),
        (moved, colours["blue"], "written"),
    ):
        left.plot(surrogate[chosen], spice[chosen], ".", ms=4, color=colour, alpha=0.7, label=name)
    left.set(xlabel="ω, surrogate", ylabel="ω, ngspice", title="final states")
    left.legend(fontsize=8, frameon=False)
    errors = np.maximum(np.abs(spice - surrogate), 1e-12)
    bins = np.logspace(np.log10(errors.min()) - 0.1, np.log10(max(errors.max(), STATE_LIMIT)) + 0.3, 40)
    right.hist(errors, bins=list(bins), color=colours["blue"])
    right.axvline(STATE_LIMIT, color=colours["red"], lw=1, ls="--")
    right.set(xscale="log", yscale="log", xlabel="|Δω|", ylabel="cells", title="state errors")


def _map_of_read_states(figure: Any, result: Verification, colours: dict[str, str]) -> None:
    _map(figure, figure.subplots(), result.spice_state, "state ω", "viridis", 1.0)


def _limit(axes: Axes, limit: float, colours: dict[str, str]) -> None:
    axes.axhline(limit, color=colours["red"], lw=1, ls="--", label="limit")
    axes.legend(fontsize=8, frameon=False)


def _map(figure: Any, axes: Axes, values: Any, title: str, colours: str, high: float | None) -> None:
    """A picture of a matrix; a long array lies on its side."""
    tall = values.shape[0] > values.shape[1]
    image = axes.imshow(values.T if tall else values, cmap=colours, vmin=0.0, vmax=high, aspect="auto")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("row" if tall else "column", fontsize=8)
    axes.set_ylabel("column" if tall else "row", fontsize=8)
    figure.colorbar(image, ax=axes, aspect=12, pad=0.01, fraction=0.05)
