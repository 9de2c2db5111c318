"""Drawings of a read: heat maps over the array, and the array itself with the currents it carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.units import prefix_for
from roa_circuit.layers.maps import QUANTITIES, Quantity, ReadMap
from roa_circuit.layers.tiling import assemble
from roa_circuit.presentation.drawing import FAINT, INK, SOFT, Drawing, draw, stops
from roa_circuit.presentation.plots import (
    MOST_CELLS,
    Axis,
    Column,
    Panel,
    Plot,
    Table,
    Trace,
    grid,
)
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
    scales = [_Scale.of(one, values) for one, values in zip(shown, maps, strict=True)]

    def paint(figure: Figure) -> None:
        grid = figure.subplots(4, 1, sharex=True) if long else figure.subplots(2, 2)
        for index, (axes, scale, values) in enumerate(zip(grid.ravel(), scales, maps, strict=True)):
            _heat(figure, axes, scale, values.T if tall else values)
            if not long or index == len(maps) - 1:
                axes.set_xlabel("row" if tall else "column")
            axes.set_ylabel("column" if tall else "row")

    caption = (
        "Over the array: what lines take of each cell's drive; voltage, current and heat of each cell."
    )
    if len(found.tiles) > 1:
        caption += f" In each tile: {found.tiles[0].layer.mapping.said}."
    whole = maps[0].size <= MOST_CELLS
    if not whole:
        caption += f" Pointing tells cells of arrays up to {MOST_CELLS:,} cells; map.csv has every cell."
    height = 1.25 * len(maps) + 1.1 if long else 6.9
    name = f"{found.layer}--maps-of-read-{found.read}"
    laid = {one.name: scale for one, scale in zip(shown, scales, strict=True)}
    plot = replace(_plot(found, laid, turned=tall), beside=not long) if whole else None
    return draw(name, caption, paint, size=(9.6, height), top=0.35, gap=0.8, right=0.35, plot=plot)


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """A map's title and the ends of its colours, in the unit that suits it; round 0 for both signs."""

    title: str
    size: float
    colours: str
    low: float
    high: float

    @classmethod
    def of(cls, one: Quantity, values: Floats) -> _Scale:
        """The scale of a quantity."""
        least, most = float(np.nanmin(values)), float(np.nanmax(values))
        size, prefix = prefix_for(max(abs(least), abs(most)))
        limit = max(abs(least), abs(most)) or size
        one_sided = least >= -_ASIDE * most
        colours, low = ("viridis", min(least, 0.0)) if one_sided else ("RdBu", -limit)
        title = f"{one.title} [{prefix}{one.unit}]"
        return cls(title=title, size=size, colours=colours, low=low / size, high=limit / size)


def _heat(figure: Figure, axes: Axes, scale: _Scale, values: Floats) -> None:
    """One map with its scale."""
    image = axes.imshow(
        values / scale.size, cmap=scale.colours, vmin=scale.low, vmax=scale.high, aspect="auto",
        interpolation="none",
    )  # fmt: skip
    axes.set_title(scale.title)
    axes.grid(visible=False)
    axes.locator_params(integer=True)
    bar: Any = figure.colorbar(image, ax=axes, aspect=14, pad=0.015, fraction=0.04)
    bar.outline.set_visible(False)


def _plot(found: ReadMap, scales: dict[str, _Scale], *, turned: bool) -> Plot:
    """The same maps; pointing at a cell tells all that is known of it."""
    states = assemble(found.tiles, found.states)
    columns = grid(states.shape) | {"omega": Column(values=states.ravel(), title="ω", digits=4)}
    drives = [
        np.broadcast_to(point.drives[0][:, None], state.shape)
        for point, state in zip(found.points, found.states, strict=True)
    ]
    columns["drive"] = Column(
        values=assemble(found.tiles, drives).ravel(), title="drive", unit="V", digits=4
    )
    for one in QUANTITIES:
        values = found.of(one.name).ravel()
        columns[one.name] = Column(values=values, title=one.title, unit=one.unit, digits=4)
    table = Table(
        name=f"{found.layer}--cells", columns=columns, shape=(states.shape[0], states.shape[1])
    )
    along, up = ("row", "column") if turned else ("column", "row")
    panels = [
        Panel(
            y=Axis(title=up, size=scale.size, span=(scale.low, scale.high), down=True),
            traces=[Trace(table=table, x="column", y=name, kind="heat", scale=stops(scale.colours),
                          turned=turned)],
            title=scale.title,
        )
        for name, scale in scales.items()
    ]  # fmt: skip
    return Plot(x=Axis(title=along), panels=panels)


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
