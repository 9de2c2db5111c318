"""Drawings: figures in one style, as SVG that takes on the colours of the page around it.

matplotlib is loaded when a figure is drawn, not before.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roa_circuit.basics.later import put_off

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from roa_circuit.presentation.plots import Plot

INK, SOFT, FAINT, GRID = "#1c2733", "#586573", "#8a94a0", "#e4e8ec"
BLUE, RED, GREEN, VIOLET = "#0b63b0", "#c8461e", "#18794e", "#7b4fb8"
PAPER = "#ffffff"
"""The colours of the light page. In a page's SVG each becomes the variable of `page.css` named below."""

_VARIABLES = {
    INK: "ink", SOFT: "soft", FAINT: "faint", GRID: "grid", BLUE: "blue", RED: "red",
    GREEN: "green", VIOLET: "violet", PAPER: "card",
}  # fmt: skip
_STYLE: Any = {
    "font.size": 9.0, "axes.titlesize": 9.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": FAINT, "axes.linewidth": 0.8,
    "axes.labelcolor": SOFT, "xtick.color": SOFT, "ytick.color": SOFT, "text.color": INK,
    "axes.titlecolor": INK, "axes.grid": True, "grid.color": GRID, "axes.axisbelow": True,
    "axes.facecolor": "none", "figure.facecolor": PAPER, "axes.unicode_minus": True,
    "legend.frameon": False, "legend.fontsize": 8.5, "lines.solid_capstyle": "round",
    "svg.fonttype": "none", "svg.hashsalt": "roa-circuit",
}  # fmt: skip
_MOST_DOTS = 20_000

_SELDOM = ("mpl_toolkits.mplot3d", "matplotlib.dviread")  # three dimensions, and formulas by TeX
_KNOWN = {"mpl_toolkits.mplot3d": {"Axes3D": {"name": "3d"}}}  # matplotlib asks its projections for it


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One figure: the `name` of its file, its caption and its SVG; a `wide` one has a row to itself.

    plot : the same points for a page's program to draw, where they are many
    """

    name: str
    caption: str
    svg: str
    wide: bool
    figure: Figure
    plot: Plot | None = None

    def inline(self) -> str:
        """The SVG as part of a page: in the page's colours, with identifiers no other drawing has."""
        body = self.svg[self.svg.index("<svg") :]
        body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
        body = re.sub(r'(?<=\bid=")|(?<=xlink:href="#)|(?<=url\(#)', f"{self.name}-", body)
        body = re.sub(r"#[0-9a-f]{6}\b", lambda found: _variable(found[0]), body)
        return re.sub(r"<svg ", f'<svg role="img" aria-label="{self.name}" ', body, count=1)

    def png(self, dpi: int = 150) -> bytes:
        """The figure as PNG."""
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=dpi, metadata={"Software": "roa-circuit"})
        return file.getvalue()


def draw(
    name: str,
    caption: str,
    paint: Callable[[Figure], object],
    *,
    size: tuple[float, float] = (5.2, 3.4),
    right: float = 0.15,
    top: float = 0.15,
    gap: float = 0.1,
    plot: Plot | None = None,
) -> Drawing:
    """Let `paint` fill a figure of `size` [inch], wide above 7; the same data give the same bytes.

    name : any text; it becomes the name of a file
    right, top, gap : room left free at the sides and between stacked panels [inch]. They are given,
        as a layout that measures all text first takes as long as the drawing.
    plot : takes the place of the drawing on a page that runs
    """
    with _quick_start():
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size)
        canvas: Any = FigureCanvasSVG(figure)
        width, height = size
        figure.subplots_adjust(left=0.68 / width, bottom=0.5 / height, right=1 - right / width,
                               top=1 - top / height, hspace=3 * gap / height)  # fmt: skip
        paint(figure)
        file = io.StringIO()
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})  # savefig would draw it twice
    plain_name = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return Drawing(
        name=plain_name, caption=caption, svg=file.getvalue(), wide=size[0] > 7, figure=figure, plot=plot
    )


@contextmanager
def _quick_start() -> Iterator[None]:
    """Let matplotlib load without what is seldom used and, where nobody can ask for help, undocumented.

    It works out the documentation of all its properties at each start, for half of its time.
    """
    import matplotlib.artist as documented

    write, asked = documented.kwdoc, hasattr(sys, "ps1") or "IPython" in sys.modules
    try:
        if not asked and "matplotlib.figure" not in sys.modules:
            documented.kwdoc = lambda artist: ""
        with put_off(*_SELDOM, known=_KNOWN):
            yield
    finally:
        documented.kwdoc = write


def dots(
    axes: Axes, x: ArrayLike, y: ArrayLike, *, colour: str, size: float = 3.0, label: str = "",
    alpha: float = 1.0,
) -> None:  # fmt: skip
    """Draw points as one path of round dots: a tenth of the size and time of markers in SVG.

    Of more than 20 000 points only so many are drawn, at random: every n-th of a train that
    repeats would be the same few states again and again.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = np.stack(np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float)), axis=-1)
    points = points[np.isfinite(points).all(axis=-1)]
    if len(points) > _MOST_DOTS:
        chosen = np.random.default_rng(0).choice(len(points), _MOST_DOTS, replace=False)
        points = points[np.sort(chosen)]
    if not len(points):
        return
    # Not quite points: matplotlib drops lines without length.
    linear = axes.get_xscale() == "linear"
    step = 1e-4 * (np.ptp(points[:, 0]) or 1.0) if linear else 1e-4 * points[:, 0]
    ends = np.repeat(points, 2, axis=0)
    ends[1::2, 0] += step
    codes = np.tile([Path.MOVETO, Path.LINETO], len(points))
    # add_patch would look for the limits in every dot as if it were a curve.
    axes.add_artist(PathPatch(
        Path(ends, codes), lw=size, edgecolor=colour, facecolor="none", capstyle="round", alpha=alpha,
        snap=False,  # to whole pixels in a PNG, which leaves a line without length
    ))  # fmt: skip
    axes.update_datalim(points)
    axes.autoscale_view()
    if label:
        # A patch's own key in a legend would be a box.
        axes.add_line(Line2D([], [], ls="none", marker="o", ms=size, color=colour, label=label))


def decades(axis: Axis) -> None:
    """Label a logarithmic axis in plain text, 10⁻³; matplotlib's own labels are slow formulas."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    axis.set_major_formatter(
        FuncFormatter(lambda v, _: f"10{f'{np.log10(v):.0f}'.translate(raised)}" if v > 0 else "")
    )
    axis.set_minor_formatter(NullFormatter())


def limits(values: ArrayLike, margin: float = 0.05) -> tuple[float, float]:
    """The range of an axis around the values, with some room."""
    low, high = float(np.min(values)), float(np.max(values))
    spare = margin * ((high - low) or abs(high) or 1.0)
    return low - spare, high + spare


def plain(text: str, longest: int = 60) -> str:
    """A name from a file as a label: cut to `longest`, never read as a formula."""
    return shortened(text, longest).replace("$", r"\$")


def shortened(text: str, longest: int = 60) -> str:
    """A name from a file, cut to `longest`."""
    return text if len(text) <= longest else "…" + text[1 - longest :]


def stops(scale: str, count: int = 17) -> list[str]:
    """Colours of a scale of matplotlib from its low end to its high one, as a plot has them."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(one) for one in colormaps[scale](np.linspace(0.0, 1.0, count))]


def files(drawings: Sequence[Drawing]) -> dict[str, bytes]:
    """Every drawing by file name, as SVG and as PNG."""
    both = [(f"{one.name}.svg", one.svg.encode()) for one in drawings]
    return dict(both + [(f"{one.name}.png", one.png()) for one in drawings])


def _variable(colour: str) -> str:
    name = _VARIABLES.get(colour)
    return f"var(--{name})" if name else colour
