"""Drawings of a read: heat maps over the array, and the array itself with the currents it carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.units import prefix_for
from roa_circuit.layers.maps import QUANTITIES, Quantity, ReadMap
from roa_circuit.presentation.drawing import FAINT, INK, SOFT, Drawing, draw
from roa_circuit.solver.operating_point import OperatingPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

SHOWN = ("ir_drop", "cell_voltage", "cell_current", "cell_power")
_ASIDE = 0.1
"""How large currents against the drive may be, of the largest, before a map's colours show the sign."""

_DRAWN_CELLS = 8192
"""Of the largest array that is drawn; its lines lie half a point apart."""


def drawings(found: ReadMap) -> list[Drawing]:
    """The four maps, and the drawing of the array that takes the most power."""
    made = [_maps(found)]
    point = found.points[found.busiest]
    if point.cell_currents[0].size <= _DRAWN_CELLS:
        made.append(_array(found, point))
    return made


def _maps(found: ReadMap) -> Drawing:
    shown = [one for one in QUANTITIES if one.name in SHOWN]
    maps = [found.of(one.name) for one in shown]
    tall = maps[0].shape[0] > 1.5 * maps[0].shape[1]
    long = max(maps[0].shape) > 3 * min(maps[0].shape)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(4, 1, sharex=True) if long else figure.subplots(2, 2)
        for index, (axes, one, values) in enumerate(zip(grid.ravel(), shown, maps, strict=True)):
            _heat(figure, axes, one, values.T if tall else values)
            if not long or index == len(maps) - 1:
                axes.set_xlabel("row" if tall else "column")
            axes.set_ylabel("column" if tall else "row")

    caption = (
        "Over the array: what lines take of each cell's drive; voltage, current and heat of each cell."
        + (" Each tile's last column is its reference." if len(found.tiles) > 1 else "")
    )
    height = 1.25 * len(maps) + 1.1 if long else 6.9
    name = f"{found.layer}--maps-of-read-{found.read}"
    return draw(name, caption, paint, size=(9.6, height), top=0.35, gap=0.8, right=0.35)


def _heat(figure: Figure, axes: Axes, one: Quantity, values: Floats) -> None:
    """One map with its scale in the unit that suits it; round 0 where both signs are large."""
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    size, prefix = prefix_for(max(abs(least), abs(most)))
    limit = max(abs(least), abs(most)) or size
    one_sided = least >= -_ASIDE * most
    colours, low = ("viridis", min(least, 0.0)) if one_sided else ("RdBu", -limit)
    image = axes.imshow(
        values / size, cmap=colours, vmin=low / size, vmax=limit / size, aspect="auto",
        interpolation="none",
    )  # fmt: skip
    axes.set_title(f"{one.title} [{prefix}{one.unit}]")
    axes.grid(visible=False)
    axes.locator_params(integer=True)
    bar: Any = figure.colorbar(image, ax=axes, aspect=14, pad=0.015, fraction=0.04)
    bar.outline.set_visible(False)


def _array(found: ReadMap, point: OperatingPoint) -> Drawing:
    """The lines as they lie on the array, each segment and cell in the colour of its current."""
    rows, columns = point.crossbar.shape
    size, prefix = prefix_for(float(np.abs(point.word_currents).max(initial=0.0)) or 1.0)
    turned = rows > 1.5 * columns

    def paint(figure: Figure) -> None:
        from matplotlib.collections import LineCollection

        axes = figure.subplots()
        groups = _segments(point)
        every = np.concatenate([np.abs(currents) for _, currents, _ in groups]) / size
        scale: Any = None
        for lines, currents, width in groups:
            laid = [[(y, x) for x, y in line] for line in lines] if turned else lines
            scale = LineCollection(laid, cmap="viridis", linewidths=width, capstyle="round")
            scale.set_array(np.abs(currents) / size)
            scale.set_clim(0.0, float(every.max(initial=0.0)) or 1.0)
            axes.add_collection(scale)
        _ends(axes, point, turned)
        axes.autoscale_view()
        axes.set(aspect="equal" if not turned or rows <= 4 * columns else "auto", xticks=[], yticks=[])
        axes.grid(visible=False)
        if not turned:
            axes.invert_yaxis()
        for side in axes.spines.values():
            side.set_visible(False)
        bar: Any = figure.colorbar(scale, ax=axes, aspect=24, pad=0.015, fraction=0.04)
        bar.outline.set_visible(False)
        bar.set_label(f"current [{prefix}A]")

    place = found.tiles[found.busiest]
    which = "" if place.whole else f" from row {place.first_row}, column {place.first_column}"
    lie = " It lies on its side: word lines run upwards." if turned else ""
    caption = (
        f"The array{which} and the current in every segment and cell: triangles are drivers, squares are"
        f" readouts, the short slanted lines are cells.{lie}"
    )
    height = min(
        max(9.0 * (columns if turned else rows) / max(rows if turned else columns, 1), 2.6), 9.0
    )
    return draw(
        f"{found.layer}--array-of-read-{found.read}", caption, paint, size=(9.6, height + 0.4), top=0.2,
        right=0.6,
    )  # fmt: skip


Lines = list[list[tuple[float, float]]]

_CELL = 0.42
"""How far a cell's bit line lies right of and below its word line, in cells."""


def _segments(point: OperatingPoint) -> list[tuple[Lines, Floats, float]]:
    """(lines, currents, width) of bit lines, word lines and cells, in the order of drawing."""
    rows, columns = point.crossbar.shape
    width = 3.0 if rows * columns <= 400 else 1.8
    word, bit, cells = (one[0] for one in (point.word_currents, point.bit_currents, point.cell_currents))
    from_right, from_top = point.crossbar.drive == "right", point.crossbar.sense == "top"
    words: Lines = []
    bits: Lines = []
    across: Lines = []
    for i in range(rows):
        for j in range(columns):
            back = 1.0 if from_right else -1.0
            words.append([(j + back, float(i)), (float(j), float(i))])
            x, y, ahead = j + _CELL, i + _CELL, -1.0 if from_top else 1.0
            bits.append([(x, y), (x, y + ahead)])
            across.append([(float(j), float(i)), (x, y)])
    groups = [(bits, bit.ravel(), width), (words, word.ravel(), width)]
    if point.crossbar.drive == "both":
        far = point.driver_currents[0, :, 1]
        groups.append(
            ([[(columns - 1.0, float(i)), (float(columns), float(i))] for i in range(rows)], far, width)
        )
    return [*groups, (across, cells.ravel(), 0.6 * width)]


def _ends(axes: Axes, point: OperatingPoint, turned: bool) -> None:
    """Drivers and readouts at the ends of their lines."""
    rows, columns = point.crossbar.shape
    size = 5.0 if rows * columns <= 400 else 2.0
    sides = {"left": [-1.0], "right": [float(columns)], "both": [-1.0, float(columns)]}
    for x in sides[point.crossbar.drive]:
        points = [(x, float(i)) for i in range(rows)]
        _marks(axes, points, turned, marker="^" if turned else ">", ms=size, color=INK)
    y = -1.0 + _CELL if point.crossbar.sense == "top" else rows + _CELL
    at = [(j + _CELL, y) for j in range(columns)]
    _marks(axes, at, turned, marker="s", ms=size, color=SOFT)


def _marks(axes: Axes, points: Sequence[tuple[float, float]], turned: bool, **how: Any) -> None:
    x, y = zip(*((b, a) if turned else (a, b) for a, b in points), strict=True)
    axes.plot(x, y, ls="none", mec=FAINT, mew=0.2, zorder=3, **how)
