"""Figures of a fit: measured against fitted, what is left over, and how well each law is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fitting.judgement.bands import current_error, rate_error
from fitting.judgement.wording import with_unit
from fitting.presentation import plots
from fitting.presentation.plots import End, Readings, conductance, kind_of, unit_of
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.fit import Fit
from roa_circuit.basics.units import counted, prefix_for
from roa_circuit.device.memristor import current, rate
from roa_circuit.presentation.drawing import (
    BLUE,
    FAINT,
    GRID,
    INK,
    PAPER,
    RED,
    SOFT,
    Drawing,
    decades,
    dots,
    draw,
    limits,
    plain,
    shortened,
)
from roa_circuit.presentation.plots import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fitting.judgement.laws import Contest

SYMBOLS = {"k": "k", "mu1": "μ₁", "mu2": "μ₂", "gamma": "γ", "delta": "δ", "alpha": "α", "beta": "β",
           "p": "p", "q": "q"}  # fmt: skip

_LINES = ((RED, "-"), (INK, "--"), (SOFT, ":"))
_LETTER = 0.0062  # of the width: a label longer than its train is left out
_MOST_TRAINS = 60  # beyond that, or of single pulses, the order of readings says nothing
_MOST_READINGS = 8000  # beyond that they cover each other
_FAR = 10.0  # ratios of constants to their priors that differ so much need a logarithmic axis
_MOST_CONSTANTS = 20  # of a figure: the knots of a table are more
_SIGMAS = 1.96  # of a band of 95 %
_SEEN = 0.01  # of the height: what of a band shows beside its line
_ANYTHING = np.log(1e6)  # the widest band of a rate


def drawings(f: Fit, m: Measurements) -> list[Drawing]:
    """All figures of a fit, the widest first."""
    readings = Readings(fit=f, measured=m, place=_places(m))
    result = []
    if (~m.sweep).any():
        in_order = len(m.labels) <= _MOST_TRAINS and len(m) <= _MOST_READINGS
        result.append((_trains if in_order else _parity)(readings))
    result.append(_distribution(f))
    result.append(_sweeps(readings))
    if (m.voltage != 0).any() and f.objective.form.has_rate:
        result.append(_rates(f, m))
    if len(f.estimates) <= _MOST_CONSTANTS:
        result.append(_constants(f))
    return result


# --- measured against fitted --------------------------------------------------------------------


def _trains(r: Readings) -> Drawing:
    f, m, place = r.fit, r.measured, r.place
    size, title = _conductances(m)

    def paint(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.0, 1.3])
        _plot_trains(above, r, size)
        above.set_ylabel(title)
        _plot_misfit(below, f, m, place)

    swept = " (blue; orange: points of I–V sweeps)" if m.sweep.any() else ""
    kind = kind_of(m)
    caption = (
        f"{kind[:1].upper()}{kind[1:]} after each pulse, measured (dots) and fitted (line). Below, each"
        f" reading's misfit{swept}, in a band of twice the rms."
    )
    plot = plots.trains(r, _labels(m, place), size, title)
    return draw("trains", caption, paint, size=(9.6, 5.2), top=0.5, plot=plot)


def contest_drawing(found: Contest, m: Measurements) -> Drawing | None:
    """The best three laws over the readings; None where there are too many to show in order."""
    rows = ~m.sweep
    if len(m.labels) > _MOST_TRAINS or len(m) > _MOST_READINGS or not rows.any():
        return None
    place, ends = _places(m), np.flatnonzero(np.diff(m.train)) + 1
    size, title = _conductances(m)
    fitted = {
        one.form.title: conductance(one.form.predict(one.solution.x, m, one.form.schedule(m)), m)
        for one in found.contenders[: len(_LINES)]
    }

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        dots(axes, place[rows], m.conductance[rows] / size, colour=BLUE, label="measured")
        for (name, values), (colour, style) in zip(fitted.items(), _LINES, strict=False):
            x, y = np.insert(place, ends, np.nan), np.insert(values / size, ends, np.nan)
            axes.plot(x, y, style, lw=1.2, color=colour, label=name)
        axes.set_ylabel(title)
        axes.set_xlabel("reading, in order")
        axes.margins(x=0.01)
        axes.legend(loc="lower left", ncols=4, bbox_to_anchor=(0.0, 1.02), borderaxespad=0.0)

    plot = plots.laws(m, place, fitted, Axis(title=title, size=size))
    caption = "The laws that do best (lines), over the same readings (dots)."
    return draw("laws", caption, paint, size=(9.6, 3.6), top=0.5, plot=plot)


def _places(m: Measurements) -> FloatArray:
    """The place (rows,) of each reading on the x axis: in order, with trains a little apart."""
    gap = max(2.0, 0.012 * len(m))
    return np.arange(len(m)) + gap * m.train


def _conductances(m: Measurements) -> tuple[float, str]:
    """(what the numbers of their axis are divided by, its title)."""
    size, prefix = prefix_for(float(np.median(m.conductance[~m.sweep])))
    unit = unit_of(m)
    return (size, f"{kind_of(m)} [{prefix}{unit}]") if unit else (1.0, kind_of(m))


def _plot_trains(axes: Axes, r: Readings, size: float) -> None:
    m, place, rows = r.measured, r.place, ~r.measured.sweep
    dots(axes, place[rows], m.conductance[rows] / size, colour=BLUE, label="measured")
    fitted = conductance(r.fit.predicted, m) / size
    # A gap between trains: a line through all of them is one path.
    ends = np.flatnonzero(np.diff(m.train)) + 1
    x, y = np.insert(place, ends, np.nan), np.insert(fitted, ends, np.nan)
    axes.plot(x, y, "-", lw=1.2, color=RED, label="fitted")
    _name_trains(axes, m, place)
    axes.margins(x=0.01)
    axes.legend(loc="lower left", ncols=2, bbox_to_anchor=(0.0, 1.07), borderaxespad=0.0, borderpad=0.0)


def _labels(m: Measurements, place: FloatArray) -> list[tuple[str, float, float]]:
    """The names of trains of pulses, and from where to where they lie."""
    edges = np.searchsorted(m.train, np.arange(len(m.labels) + 1))
    return [
        (shortened(label, 24), float(place[low]), float(place[high - 1]))
        for label, low, high in zip(m.labels, edges[:-1], edges[1:], strict=True)
        if not m.sweep[low:high].all()
    ]


def _name_trains(axes: Axes, m: Measurements, place: FloatArray) -> None:
    """Write names above the trains that are wide enough."""
    for label, low, high in _labels(m, place):
        text = plain(label)
        if high - low > _LETTER * len(text) * np.ptp(place):
            axes.annotate(text, (0.5 * (low + high), 1.0), (0, 3), va="bottom", ha="center",
                          xycoords=("data", "axes fraction"), textcoords="offset points",
                          fontsize=8, color=SOFT, annotation_clip=False)  # fmt: skip


def _plot_misfit(axes: Axes, f: Fit, m: Measurements, place: FloatArray) -> None:
    percent, band = 100.0 * f.residual, 200.0 * f.relative_rmse
    axes.axhspan(-band, band, color=GRID, lw=0, zorder=0)
    dots(axes, place[~m.sweep], percent[~m.sweep], colour=BLUE, size=2.4, label="trains")
    if m.sweep.any():
        dots(axes, place[m.sweep], percent[m.sweep], colour=RED, size=2.4, label="points of I–V sweeps")
    axes.axhline(0.0, color=FAINT, lw=0.8)
    axes.margins(x=0.01)
    axes.set_ylabel("misfit [%]")
    axes.set_xlabel("reading, in order; band: ± 2 rms")
    axes.grid(visible=False, axis="x")


def _parity(r: Readings) -> Drawing:
    m = r.measured
    measured, fitted = m.conductance, conductance(r.fit.predicted, m)
    size, title = _conductances(m)
    both = limits(np.concatenate([measured[~m.sweep], fitted[~m.sweep]]) / size)
    rows = r.rows[r.of_trains]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        dots(axes, measured[rows] / size, fitted[rows] / size, colour=BLUE, size=2.0, alpha=0.35)
        axes.plot(both, both, "-", lw=1.2, color=RED)
        axes.set(xlim=both, ylim=both)
        axes.set_xlabel(f"measured {title}")
        axes.set_ylabel(f"fitted {title}")

    caption = (
        f"Fitted against measured {kind_of(m)} of {counted(int((~m.sweep).sum()), 'reading')} in "
        f"{counted(len(m.labels), 'train')}; on the line they are equal.{r.thinned}"
    )
    return draw("parity", caption, paint, plot=plots.parity(r, size, title, both))


def _distribution(f: Fit) -> Drawing:
    percent, width = 100.0 * f.residual, max(100.0 * f.relative_rmse, 1e-12)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        reach = 4.0 * width
        bins = int(np.clip(1.3 * np.sqrt(len(percent)), 8, 41))
        share, edges = np.histogram(
            np.clip(percent, -reach, reach), bins=bins, range=(-reach, reach), density=True
        )
        axes.stairs(share, edges, fill=True, color=BLUE, alpha=0.45)
        x = np.linspace(-reach, reach, 121)
        axes.plot(x, np.exp(-0.5 * (x / width) ** 2) / (width * np.sqrt(2 * np.pi)), "-", lw=1.4,
                  color=RED, label="normal, same rms")  # fmt: skip
        axes.set_xlabel("misfit [%]")
        axes.set_yticks([])
        axes.set_ylim(0.0, axes.get_ylim()[1] * 1.15)
        axes.spines["left"].set_visible(False)
        axes.legend(loc="upper right")

    caption = "Distribution of the misfit. What lies beyond 4 rms is counted in the outer bins."
    return draw("misfit", caption, paint)


# --- how far the laws are known -----------------------------------------------------------------


def _sweeps(r: Readings) -> Drawing:
    f, m = r.fit, r.measured
    reach = float(np.abs(m.read_voltage[m.sweep]).max()) if m.sweep.any() else 1.0
    V = np.linspace(-reach, reach, 121)
    ends = {omega: np.asarray(current(omega, V, f.memristor)) for omega in (1.0, 0.0)}
    shown = m.current[m.sweep] if m.sweep.any() else np.concatenate([*ends.values()])
    most = float(np.abs(shown).max())
    size, prefix = prefix_for(most)
    visible = limits(np.array([-most, most]) / size)
    reaches = {omega: _SIGMAS * current_error(f, omega, V) for omega in ends}
    rows = r.rows[r.of_sweeps]
    widest = 2 * max(float(one.max()) for one in reaches.values()) / size / (visible[1] - visible[0])

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0.0, color=FAINT, lw=0.6)
        axes.axvline(0.0, color=FAINT, lw=0.6)
        for (omega, line), style in zip(ends.items(), ("-", "--"), strict=True):
            band = np.clip(
                np.stack([line - reaches[omega], line + reaches[omega]]) / size, *_beyond(visible)
            )
            axes.fill_between(V, *band, color=RED, alpha=0.18, lw=0)
            axes.plot(V, line / size, style, lw=1.3, color=RED, label=f"fitted, ω = {omega:g}")
        if rows.size:
            ends_of = np.flatnonzero(np.diff(m.train[rows])) + 1
            x, y = (
                np.insert(one, ends_of, np.nan)
                for one in (m.read_voltage[rows], f.predicted[rows] / size)
            )
            axes.plot(x, y, "-", lw=0.9, color=SOFT, zorder=3, label="fitted, as swept")
        dots(axes, m.read_voltage[rows], m.current[rows] / size, colour=BLUE, label="measured")
        axes.set_ylim(visible)
        axes.set_xlabel("voltage [V]")
        axes.set_ylabel(f"current [{prefix}A]")
        axes.legend(loc="upper left")

    measured = (
        "Measured sweeps (dots), the same fitted (grey, over orange at an end of the state), and the"
        if m.sweep.any()
        else "No sweep was measured: the"
    )
    caption = (
        f"I–V. {measured} law at its two ends (orange), {_band(widest > _SEEN)}."
        f"{r.thinned if rows.size else ''}"
    )
    law = [End(omega=w, voltage=V, current=line, reach=reaches[w]) for w, line in ends.items()]
    plot = plots.sweeps(r, law, Axis(title=f"current [{prefix}A]", size=size, span=visible))
    return draw("current-voltage", caption, paint, plot=plot)


def _band(seen: bool) -> str:
    """What a caption says of a band of confidence, which may hide behind its line."""
    return "with its 95 % band" if seen else "whose 95 % band is narrower than a line"


def _beyond(visible: tuple[float, float]) -> tuple[float, float]:
    """Limits beyond the axes that are still numbers an SVG can hold."""
    low, high = visible
    return 2 * low - high, 2 * high - low


def _rates(f: Fit, m: Measurements) -> Drawing:
    there = np.unique(m.voltage[m.voltage != 0])
    sides = [-np.linspace(_furthest(-there), 0.02, 80), np.linspace(0.02, _furthest(there), 80)]
    speeds = [np.abs(np.asarray(rate(V, f.memristor))) for V in sides]
    factors = [np.exp(np.minimum(_SIGMAS * rate_error(f, V), _ANYTHING)) for V in sides]
    height = np.ptp(np.log(np.concatenate(speeds)))
    seen = 2 * max(float(np.log(one).max()) for one in factors) > _SEEN * height

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for V, speed, factor in zip(sides, speeds, factors, strict=True):
            axes.fill_between(V, speed / factor, speed * factor, color=RED, alpha=0.18, lw=0)
            axes.semilogy(V, speed, "-", lw=1.3, color=RED)
        decades(axes.yaxis)
        axes.plot(there, np.full(len(there), 0.0), "|", ms=9, color=BLUE, clip_on=False,
                  transform=axes.get_xaxis_transform(), label="measured amplitudes")  # fmt: skip
        axes.set_xlabel("pulse amplitude [V]")
        axes.set_ylabel("rate of the state [1/s]")
        axes.legend(loc="upper center")

    caption = (
        "How fast a pulse moves the state where its window is 1, |k (exp(−μ₁V) − exp(μ₂V))|, "
        f"{_band(seen)}."
    )
    return draw("switching", caption, paint)


def _furthest(there: FloatArray) -> float:
    """How far the axis goes on one side: as far as was measured, or to 1 V."""
    return float(there.max()) if (there > 0).any() else 1.0


def _constants(f: Fit) -> Drawing:
    """Draw each constant over its prior value, hollow where the data do not tell it."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        names = [name for name, e in f.estimates.items() if e.step is None][::-1]
        for height, name in enumerate(names):
            e = f.estimates[name]
            if e.ci95 is not None:
                bounds: Any = [e.ci95[0] / e.prior, e.ci95[1] / e.prior]
                axes.plot(bounds, [height, height], "-", lw=2.4, color=BLUE, solid_capstyle="butt")
            axes.plot(e.value / e.prior, height, "o", ms=6, color=BLUE if e.told else FAINT,
                      mfc=BLUE if e.told else PAPER)  # fmt: skip
            axes.annotate(with_unit(e), (1.02, height),
                          xycoords=("axes fraction", "data"), va="center", fontsize=8,
                          color=INK if e.told else FAINT, annotation_clip=False)  # fmt: skip
        axes.axvline(1.0, color=FAINT, lw=0.8, ls="--")
        axes.set_yticks(range(len(names)), [SYMBOLS.get(name, name) for name in names], fontsize=11)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel("fitted / prior")
        ratios = [f.estimates[name].value / f.estimates[name].prior for name in names]
        if max(ratios) > _FAR * min(ratios):
            axes.set_xscale("log")
            decades(axes.xaxis)
        else:
            axes.ticklabel_format(axis="x", useOffset=False)
            axes.locator_params(axis="x", nbins=5)
        axes.grid(visible=False, axis="y")

    caption = (
        "The constants over their prior values, which are at 1 (dashed); bars: 95 %. Hollow: not told by"
        " these data."
    )
    return draw("constants", caption, paint, right=1.3)
