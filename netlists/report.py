"""What a verification shows: a table for the terminal, a page and a plot for the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from netlists.verify import CURRENT_LIMIT, STATE_LIMIT, Verification

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def summary_rows(result: Verification) -> list[tuple[str, str, str]]:
    """(quantity, value, limit) of everything that a reader of the result wants first."""
    return [
        ("column currents, worst relative error", f"{result.max_relative_current_error:.1e}",
         f"{CURRENT_LIMIT:.0e}"),
        ("final states, worst error", f"{result.max_state_error:.1e}", f"{STATE_LIMIT:.0e}"),
        ("same prediction", _percent(result.prediction_agreement), "100.0 %"),
        ("accuracy, ideal wires", _percent(result.accuracy_ideal), ""),
        ("accuracy, surrogate", _percent(result.accuracy_surrogate), ""),
        ("accuracy, ngspice", _percent(result.accuracy_spice), ""),
        (f"{result.ngspice_version}, write and reads", f"{result.spice_seconds:.1f} s", ""),
        ("surrogate, write and reads", f"{result.surrogate_seconds:.3g} s", ""),
        ("surrogate faster by", f"{result.speedup:,.0f} x", ""),
        ("surrogate faster by, reads alone", f"{result.read_speedup:,.0f} x", ""),
    ]  # fmt: skip


def headline(result: Verification) -> str:
    """What was verified, in one line."""
    return (
        f"Layer {result.layer}: {result.rows} x {result.columns} cells, "
        f"{result.pulses} pulses, {result.reads} reads"
    )


def page(result: Verification) -> str:
    """The report as Markdown."""
    verdict = "passed" if result.passed else "FAILED"
    rows = [f"| {name} | {value} | {limit} |" for name, value, limit in summary_rows(result)]
    lines = [
        f"# {headline(result)}: {verdict}",
        "",
        "The layer's in-situ write and its reads, simulated as full transients of the whole array",
        "with its wires (`write.cir`, `read.cir`), against the surrogate.",
        "",
        "| | value | limit |",
        "|---|---|---|",
        *rows,
        "",
        "Current errors are relative to each current itself, the surrogate reading the states that",
        f"ngspice wrote; on its own states it is {result.end_to_end_current_error:.1e} off.",
        "",
        "![Currents, states and errors](verify.png)",
        "",
    ]
    return "\n".join(lines)


def save_plot(result: Verification, file: BinaryIO) -> None:
    """Write the plot as PNG: currents and their error; states before, after, and their error."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    # Long arrays lie on their side, so that a row of maps stays readable.
    grid = figure.add_gridspec(2, 1, height_ratios=(1, 1))
    _plot_currents(figure.add_subfigure(grid[0]), result)
    _plot_states(figure.add_subfigure(grid[1]), result)
    figure.suptitle(f"{headline(result)}: {'passed' if result.passed else 'FAILED'}", fontsize=11)
    figure.savefig(file, format="png", dpi=120)


def _plot_currents(figure: Any, result: Verification) -> None:
    left, right = figure.subplots(1, 2)
    spice, surrogate = result.spice_currents * 1e6, result.surrogate_currents * 1e6
    for column in range(result.columns):
        name = "reference" if column == result.columns - 1 else f"column {column}"
        left.plot(surrogate[:, column], spice[:, column], ".", ms=5, label=name)
    ends = [float(surrogate.min()), float(surrogate.max())]
    left.plot(ends, ends, color="0.6", lw=0.8, zorder=0)
    left.set(xlabel="surrogate [µA]", ylabel="ngspice [µA]", title="sensed currents")
    if result.columns <= 12:
        left.legend(fontsize=8, frameon=False)
    scale = np.where(surrogate == 0, 1.0, np.abs(surrogate))
    errors = np.maximum(np.abs(spice - surrogate) / scale, 1e-17).max(axis=1)
    right.semilogy(np.arange(result.reads), errors, ".", ms=5, label="worst column")
    right.axhline(CURRENT_LIMIT, color="tab:red", lw=1, ls="--", label="limit")
    right.set(xlabel="read", ylabel="relative error", title="current error of each read")
    right.legend(fontsize=8, frameon=False)


def _plot_states(figure: Any, result: Verification) -> None:
    shape = (3, 1) if result.rows > 3 * result.columns else (1, 3)
    before, after, error = np.ravel(figure.subplots(*shape))
    for axes, state, title in (
        (before, result.initial_state, "state ω before the write"),
        (after, result.spice_state, "after, in ngspice"),
    ):
        _map(figure, axes, state, title, "viridis", 0.0, 1.0)
    deviation = np.abs(result.spice_state - result.surrogate_state)
    _map(figure, error, deviation, "|ω ngspice − ω surrogate|", "magma", 0.0, None)


def _map(
    figure: Figure, axes: Axes, values: Any, title: str, colours: str, low: float, high: float | None
) -> None:
    tall = values.shape[0] > values.shape[1]
    image = axes.imshow(values.T if tall else values, cmap=colours, vmin=low, vmax=high, aspect="auto")
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("row" if tall else "column", fontsize=8)
    axes.set_ylabel("column" if tall else "row", fontsize=8)
    figure.colorbar(image, ax=axes, aspect=8, pad=0.01, fraction=0.05)


def _percent(share: float | None) -> str:
    return "no labels" if share is None else f"{100 * share:.1f} %"
