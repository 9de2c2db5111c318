"""The report: one figure that shows whether the fit can be believed, and its JSON document."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fitting.fit import Fit
from fitting.measurements import FloatArray, Measurements
from roa_circuit.units import engineering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

SYMBOLS = {"k": "k", "mu1": "μ₁", "mu2": "μ₂", "gamma": "γ", "delta": "δ", "alpha": "α", "beta": "β"}

_MEASURED, _FITTED, _FAINT = "#3b75af", "#d1495b", "#9aa0a6"
_STYLE: Any = {
    "font.size": 9.0, "axes.titlesize": 10.0, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#5f6368",
    "axes.labelcolor": "#3c4043", "xtick.color": "#3c4043", "ytick.color": "#3c4043",
    "axes.grid": True, "grid.color": "#e8eaed", "axes.axisbelow": True, "legend.frameon": False,
    "svg.hashsalt": "roa-fit", "svg.fonttype": "none",
}  # fmt: skip
_LETTER = 0.0055  # of the width: a label longer than its train is left out


def document(f: Fit, m: Measurements) -> dict[str, Any]:
    """What `--json` writes: parameters with errors, relative_rmse, n_points, seconds, and more."""
    parameters = {
        name: {"value": e.value, "unit": e.unit, "stderr": e.stderr, "ci95": e.ci95,
               "identifiable": e.identifiable, "basis": e.basis, "prior": e.prior}
        for name, e in f.estimates.items()
    }  # fmt: skip
    return {
        "parameters": parameters,
        "relative_rmse": f.relative_rmse,
        "n_points": len(m),
        "seconds": f.seconds,
        "converged": f.converged,
        "passed": f.describes,
        "message": f.message,
        "starting_states": dict(zip(m.labels, f.start.tolist(), strict=True)),
        "source": m.source,
    }


def render(f: Fit, m: Measurements) -> dict[str, bytes]:
    """The figure as {'png': ..., 'svg': ...}; the same fit gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    png, svg = io.BytesIO(), io.BytesIO()
    agg, vector = cast(Any, FigureCanvasAgg), cast(Any, FigureCanvasSVG)  # untyped there
    with mpl.rc_context(_STYLE):  # the canvases themselves: savefig would draw everything twice
        drawing = figure(f, m)
        agg(drawing).print_png(png, metadata={"Software": "roa-fit"})
        drawing.set_layout_engine("none")  # laid out once; the second file keeps it
        vector(drawing).print_svg(svg, metadata={"Date": None})
    return {"png": png.getvalue(), "svg": svg.getvalue()}


def figure(f: Fit, m: Measurements) -> Figure:
    """Trains and their misfit on top; below the I-V sweeps, the constants, the misfit's shape."""
    from matplotlib.figure import Figure

    result = Figure(figsize=(12.0, 8.4), dpi=140, layout="constrained")
    above, below = cast("list[SubFigure]", result.subfigures(2, 1, height_ratios=[4.1, 2.6]))
    place = _places(m)
    trains, misfit = above.subplots(2, 1, sharex=True, height_ratios=[3.0, 1.1])
    _plot_trains(trains, f, m, place)
    _plot_residuals(misfit, f, m, place)
    panels = below.subplots(1, 3 if m.sweep.any() else 2)
    if m.sweep.any():
        _plot_sweeps(panels[0], f, m)
    _plot_constants(panels[-2], f)
    _plot_distribution(panels[-1], f)
    return result


def _places(m: Measurements) -> FloatArray:
    """Where each reading stands on the x axis, (rows,): in order, trains a little apart."""
    gap = max(2.0, 0.012 * len(m))
    return np.arange(len(m)) + gap * m.train


def _plot_trains(axes: Axes, f: Fit, m: Measurements, place: FloatArray) -> None:
    fitted = np.divide(f.predicted, m.read_voltage, where=~m.sweep, out=np.full(len(m), np.nan))
    measured = np.where(m.sweep, np.nan, m.conductance)
    axes.plot(place, measured * 1e3, ".", ms=4, color=_MEASURED, alpha=0.75, label="measured")
    for index, label in enumerate(m.labels):
        rows = (m.train == index) & ~m.sweep
        if not rows.any():
            continue
        axes.plot(place[rows], fitted[rows] * 1e3, "-", lw=1.1, color=_FITTED,
                  label="fitted" if index == 0 else None)  # fmt: skip
        if np.ptp(place[rows]) > _LETTER * len(_short(label)) * np.ptp(place):
            axes.annotate(_short(label), (float(np.mean(place[rows])), 1.0), (0, 4), va="bottom",
                          xycoords=("data", "axes fraction"), textcoords="offset points",
                          ha="center", color="#5f6368", annotation_clip=False)  # fmt: skip
    axes.set_ylabel("conductance [mS]")
    misfit = f"relative rms misfit {f.relative_rmse:.2%}"
    axes.set_title(f"{_short(m.source, 60)}: {len(m)} readings, {misfit}", pad=20)
    axes.tick_params(labelbottom=False)
    axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1.0, 1.17), borderaxespad=0.0)


def _plot_residuals(axes: Axes, f: Fit, m: Measurements, place: FloatArray) -> None:
    percent = 100.0 * f.residual
    band = 200.0 * f.relative_rmse
    axes.axhspan(-band, band, color="#f1f3f4", label="± 2 rms", zorder=0)
    axes.plot(place[~m.sweep], percent[~m.sweep], ".", ms=3, color=_MEASURED, label="trains")
    if m.sweep.any():
        axes.plot(place[m.sweep], percent[m.sweep], ".", ms=3, color=_FITTED, label="I–V")
    axes.axhline(0.0, color="#5f6368", lw=0.8)
    axes.margins(x=0.01)
    axes.legend(loc="lower right", ncols=3, bbox_to_anchor=(1.0, 0.98), borderaxespad=0.0,
                fontsize=8, markerscale=2.0)  # fmt: skip
    axes.set_ylabel("misfit [%]")
    axes.set_xlabel("reading, in order of train (gaps part the trains)")
    axes.grid(visible=False, axis="x")


def _plot_sweeps(axes: Axes, f: Fit, m: Measurements) -> None:
    import matplotlib as mpl

    tones = mpl.colormaps["viridis"](np.linspace(0.1, 0.8, len(m.labels)))
    for index, label in enumerate(m.labels):
        rows = np.flatnonzero((m.train == index) & m.sweep)
        if not rows.size:
            continue
        rows = rows[np.argsort(m.read_voltage[rows], kind="stable")]
        axes.plot(m.read_voltage[rows], m.current[rows] * 1e3, ".", ms=5, color=tones[index],
                  label=_short(label))  # fmt: skip
        axes.plot(m.read_voltage[rows], f.predicted[rows] * 1e3, "-", lw=1.1, color=_FITTED)
    axes.axhline(0.0, color=_FAINT, lw=0.6)
    axes.axvline(0.0, color=_FAINT, lw=0.6)
    axes.set_xlabel("voltage [V]")
    axes.set_ylabel("current [mA]")
    axes.set_title("I–V sweeps (line: fitted)")
    if sum(bool(((m.train == i) & m.sweep).any()) for i in range(len(m.labels))) <= 6:
        axes.legend(loc="best")


def _plot_constants(axes: Axes, f: Fit) -> None:
    """Each constant against its prior value; a hollow mark where the data do not tell."""
    names = list(f.estimates)[::-1]
    for height, name in enumerate(names):
        e = f.estimates[name]
        ratio = e.value / e.prior
        if e.ci95 is not None:
            axes.plot([e.ci95[0] / e.prior, e.ci95[1] / e.prior], [height, height], "-", lw=2.2,
                      color=_MEASURED, solid_capstyle="butt")  # fmt: skip
        axes.plot(ratio, height, "o", ms=6, color=_MEASURED if e.identifiable else _FAINT,
                  mfc=_MEASURED if e.identifiable else "white")  # fmt: skip
        text = engineering(e.value, "A", 4) if e.unit == "A" else f"{e.value:.4g} {e.unit}"
        axes.annotate(text if e.identifiable else f"{text}  ({e.basis})", (1.02, height),
                      xycoords=("axes fraction", "data"), va="center", fontsize=8,
                      color="#3c4043" if e.identifiable else _FAINT, annotation_clip=False)  # fmt: skip
    axes.axvline(1.0, color="#5f6368", lw=0.8, ls="--")
    axes.set_yticks(range(len(names)), [SYMBOLS[name] for name in names], fontsize=11)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel("fitted / prior, bars: 95 %")
    axes.set_title("Constants")
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.grid(visible=False, axis="y")


def _plot_distribution(axes: Axes, f: Fit) -> None:
    """The misfit's histogram and the normal curve of the same width."""
    percent, width = 100.0 * f.residual, max(100.0 * f.relative_rmse, 1e-12)
    reach = 4.0 * width
    bins = int(np.clip(1.3 * np.sqrt(len(percent)), 8, 41))
    axes.hist(np.clip(percent, -reach, reach), bins=bins, range=(-reach, reach), density=True,
              color=_MEASURED, alpha=0.55)  # fmt: skip
    x = np.linspace(-reach, reach, 201)
    axes.plot(x, np.exp(-0.5 * (x / width) ** 2) / (width * np.sqrt(2 * np.pi)), "-", lw=1.3,
              color=_FITTED, label="normal, same rms")  # fmt: skip
    axes.set_xlabel("misfit [%] (beyond 4 rms: in the outer bins)")
    axes.set_yticks([])
    axes.set_ylim(0.0, axes.get_ylim()[1] * 1.18)
    axes.spines["left"].set_visible(False)
    axes.set_title("Distribution of the misfit")
    axes.legend(loc="upper right")


def _short(text: str, limit: int = 24) -> str:
    """`text` cut to `limit`; '$' would start a formula."""
    cut = text if len(text) <= limit else "…" + text[-limit + 1 :]
    return cut.replace("$", r"\$")
