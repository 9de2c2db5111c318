"""Plots of many points: what a page needs to say each point's numbers, and to zoom.

A plot takes the place of a drawing on the screen, where scripts run; it shows the same points in the
same colours. Its numbers lie in tables, a row a point, with seven digits: differences too small for
that have columns of their own.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roa_circuit.presentation.interaction import Program, script

MOST_POINTS = 8000
"""Of a plot: a browser draws so many in a second or two."""

MOST_CELLS = 16_384
"""Of an array whose map a page has: 128 x 128, some 0.7 MB."""

_WHOLE = 2**31
_KEPT = 0.1  # of them are the most telling ones

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number, or word, of every point.

    title : what the reader is told it is; '' of one that only places points
    unit : a plain one is shown with prefixes, '%' is not
    words : what the values count into, where they are words
    """

    values: ArrayLike
    title: str = ""
    unit: str = ""
    digits: int = 5
    words: Sequence[str] = ()

    def of(self, rows: Indices) -> Column:
        """The same of some points, and the words that these have."""
        values = np.asarray(self.values)[rows]
        if not self.words:
            return replace(self, values=values)
        met, places = np.unique(values, return_inverse=True)
        return replace(self, values=places, words=[self.words[index] for index in met])

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        shown = {"title": self.title, "unit": self.unit, "digits": self.digits}
        words = {"words": list(self.words)} if self.words else {}
        return {**shown, **words, **packed(self.values)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The numbers of many points, which several plots may share; a row is a point.

    name : its own on the page, and that of the file that a reader saves
    shape : (rows, columns) of the array whose cells are the points, row by row
    """

    name: str
    columns: Mapping[str, Column]
    shape: tuple[int, int] | None = None

    @property
    def count(self) -> int:
        """How many points it has."""
        return max(len(np.asarray(one.values)) for one in self.columns.values())

    def to_dict(self) -> dict[str, Any]:
        """As plain values; what no point has is left out."""
        told = {name: one for name, one in self.columns.items() if _says(one)}
        columns = {name: one.to_dict() for name, one in told.items()}
        return {"columns": columns, "shape": self.shape}


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Of a panel, or of all of them.

    size : what its numbers are divided by, such as 1e-6 where its title says µS
    span : where it begins and ends; as far as the points where it is None
    """

    title: str
    size: float = 1.0
    log: bool = False
    span: tuple[float, float] | None = None
    down: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        known = self.span is not None and bool(np.isfinite(self.span).all())
        return {**vars(self), "span": self.span if known else None}


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Some points of a table, as dots, a line, steps, a band or coloured cells.

    x, y : names of columns
    low : of a band, the column of its lower edge; `y` is that of the upper
    colour : a colour of `page.css`
    scale : colours of cells, from the low end of what they show to the high one
    name : in the legend
    rows : of the table; all where it is None
    gaps : the column where another value breaks a line
    dash : '' or one of plotly's
    told : whether pointing at it says the numbers of the point
    turned : of cells, whether the array lies on its side
    """

    table: Table
    x: str
    y: str
    kind: str = "dots"
    low: str = ""
    colour: str = "blue"
    scale: Sequence[str] = ()
    name: str = ""
    rows: Indices | None = None
    gaps: str = ""
    dash: str = ""
    size: float = 4.0
    alpha: float = 1.0
    told: bool = True
    turned: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if name not in ("table", "rows") and value != ()
        }
        every = self.rows is None or np.array_equal(self.rows, np.arange(self.table.count))
        rows = {} if every else {"rows": packed(np.asarray(self.rows))}
        return {**plain, "table": self.table.name, **rows}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A line that is no data: a limit, zero, equality, or a strip between two values.

    kind : 'across', 'up', 'equal' or 'strip'
    at : where; a strip lies as far above 0 as below
    """

    kind: str
    at: float = 0.0
    colour: str = "faint"
    dash: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes; `share` is how much of the height it takes beside the others."""

    y: Axis
    traces: Sequence[Trace]
    marks: Sequence[Mark] = ()
    title: str = ""
    share: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        traces = [one.to_dict() for one in self.traces]
        marks = [vars(one) for one in self.marks if np.isfinite(one.at)]
        return {"y": self.y.to_dict(), "traces": traces, "marks": marks, "title": self.title,
                "share": self.share}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Panels above each other, or beside each other, over one kind of x axis.

    labels : (text, from, to) of stretches of the x axis that have a name
    note : what the reader must know of its points beside the caption
    beside : whether panels stand beside each other where there is room
    """

    x: Axis
    panels: Sequence[Panel]
    labels: Sequence[tuple[str, float, float]] = ()
    note: str = ""
    beside: bool = False
    tables: Sequence[Table] = field(init=False)

    def __post_init__(self) -> None:
        every = [trace.table for panel in self.panels for trace in panel.traces]
        object.__setattr__(self, "tables", list(dict.fromkeys(every)))

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without the tables."""
        return {
            "x": self.x.to_dict(), "panels": [one.to_dict() for one in self.panels],
            "labels": [list(one) for one in self.labels], "note": self.note, "beside": self.beside,
        }  # fmt: skip


class Drawn(Protocol):
    """A figure that may have a plot in its place."""

    @property
    def name(self) -> str: ...

    @property
    def plot(self) -> Plot | None: ...


def program(drawn: Iterable[Drawn]) -> Program | None:
    """The program that puts plots in place of those drawings that have one; None where none has.

    A name that two have is no address: these stay drawings.
    """
    having = [one for one in drawn if one.plot is not None]
    met = Counter(one.name for one in having)
    plots = {one.name: one.plot for one in having if one.plot is not None and met[one.name] == 1}
    if not plots:
        return None
    tables: dict[str, Table] = {}
    for one in (table for plot in plots.values() for table in plot.tables):
        assert tables.setdefault(one.name, one) is one, f"two tables are named {one.name}"
    return Program(
        code=script(__package__, "figures.js", "live.js"),
        data={
            "tables": {name: one.to_dict() for name, one in tables.items()},
            "plots": {name: one.to_dict() for name, one in plots.items()},
        },
        without="Figures can be zoomed, and say the numbers of their points, where JavaScript runs.",
    )


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line of a plot of many: whose it is, in words by title, and its points.

    x, y : (points,); `more` are further columns of the same length
    """

    whose: Mapping[str, str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    more: Mapping[str, Column] = field(default_factory=dict)
    colour: str = "blue"
    dash: str = ""
    label: str = ""
    kind: str = "line"


def curves(name: str, lines: Sequence[Curve], x: Column, y: Column) -> tuple[Table, list[Trace]]:
    """(the points of all lines as one table, a trace of each); `x` and `y` say what numbers are."""
    counts = [len(line.x) for line in lines]
    ends = np.cumsum([0, *counts])
    columns = {}
    for title in lines[0].whose:
        words = list(dict.fromkeys(line.whose[title] for line in lines))
        places = [words.index(line.whose[title]) for line in lines]
        columns[title] = Column(values=np.repeat(places, counts), title=title, words=words)
    columns["x"] = replace(x, values=np.concatenate([line.x for line in lines]))
    columns["y"] = replace(y, values=np.concatenate([line.y for line in lines]))
    for key, one in lines[0].more.items():
        columns[key] = replace(one, values=np.concatenate([line.more[key].values for line in lines]))
    table = Table(name=name, columns=columns)
    return table, [
        Trace(table=table, x="x", y="y", kind=line.kind, colour=line.colour, dash=line.dash,
              name=line.label, rows=np.arange(low, high))
        for line, (low, high) in zip(lines, pairwise(ends.tolist()), strict=True)
    ]  # fmt: skip


def telling(size: ArrayLike, most: int = MOST_POINTS) -> Indices:
    """Which of many points a plot has: all, or those where `size` is largest and others at random."""
    sizes = np.nan_to_num(np.asarray(size, float))
    if len(sizes) <= most:
        return np.arange(len(sizes))
    order = np.argsort(-sizes, kind="stable")
    first, rest = np.split(order, [int(_KEPT * most)])
    others = np.random.default_rng(0).choice(rest, most - len(first), replace=False)
    return np.sort(np.concatenate([first, others]))


def thinned_line(lines: Sequence[NDArray[np.float64]], most: int) -> Indices:
    """Which points lines over one axis have: all, or the least and the most of each in every stretch."""
    count = len(lines[0])
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, most // (2 * len(lines)) + 1).astype(int)
    kept = {0, count - 1}
    for low, high in pairwise(edges.tolist()):
        for line in lines:
            part = line[low:high]
            kept |= {low + int(part.argmin()), low + int(part.argmax())}
    return np.array(sorted(kept))


def grid(shape: tuple[int, ...]) -> dict[str, Column]:
    """The place of every cell of an array, row by row."""
    rows, columns = np.indices(shape).reshape(2, -1)
    return {"row": Column(values=rows, title="row"), "column": Column(values=columns, title="column")}


def thinned(count: int, kept: int, what: str, largest: str) -> str:
    """What a caption says of `telling`; '' where all points are there."""
    if kept == count:
        return ""
    first = int(_KEPT * kept)
    return (
        f" Of {count:,} {what} {kept:,} are drawn: the {first:,} with the largest {largest}, the others"
        " at random."
    )


def packed(values: ArrayLike) -> dict[str, Any]:
    """Numbers as plotly packs them: their type, and their bytes in base64; one number if all are it."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            whole = (array == array.astype(np.int64)).all() and np.abs(array).max(initial=0) < _WHOLE
            array = array.astype(np.int64 if whole else "<f4")
    if array.dtype.kind != "f":
        kind = np.min_scalar_type(int(array.max(initial=0)))
        array = array.astype("<i4" if array.min(initial=0) < 0 else kind.newbyteorder("<"))
    same = {}
    if len(array) > 1 and (array == array[0]).all():
        same, array = {"same": len(array)}, array[:1]
    kind_and_size = f"{array.dtype.kind}{array.dtype.itemsize}"
    return {"dtype": kind_and_size, "bdata": base64.b64encode(array.tobytes()).decode(), **same}


def _says(column: Column) -> bool:
    """Whether a column has a number for any point."""
    array = np.asarray(column.values)
    return array.dtype.kind != "f" or bool(np.isfinite(array).any())
