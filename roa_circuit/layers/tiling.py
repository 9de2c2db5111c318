"""Tiling: a layer larger than one array, split over tiles whose outputs are added digitally.

                 outputs 0..63      64..127
               +------------+--+ +------------+--+
    rows 0..63 |  weights   |rf| |  weights   |rf|       rf: each tile's own reference column,
               +------------+--+ +------------+--+           a copy of the layer's
    64..127    |            |rf| |            |rf|
               +------------+--+ +------------+--+
               y of one output: the sum over its tiles of a (I - I_rf) / V, Eq. 11

Every tile is an array of its own, with drivers, wires and sense resistors. Its reference column
feels the wires of its own tile, so that each partial sum is differential before it is added. Other
mappings are cut alike: 64 outputs in pairs are 128 bit lines, and 68 with a reference every 16.
A tile has a spare word line beside its `rows`, for the always-on row of a head's bias.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.layers.programmed import ProgrammedLayer

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TileSize:
    """Weights on one array: `rows` word lines (and a spare) by `columns` outputs.

    How many bit lines these take is up to the layer's mapping.
    """

    rows: int = 64
    columns: int = 64

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"tile {name} = {value!r} must be a whole number of at least 1")

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"

    @classmethod
    def parse(cls, text: str) -> TileSize:
        """'64x64': word lines x bit lines.

        Raises
        ------
        InputError : anything else.
        """
        found = re.fullmatch(r"\s*(\d{1,6})\s*[x×]\s*(\d{1,6})\s*", text)
        if not found:
            raise InputError(f"tile {text!r} is not ROWSxCOLUMNS, as in 64x64")
        return cls(rows=int(found[1]), columns=int(found[2]))


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One array of a tiled layer.

    first_row, first_column : where its weights begin in the layer
    layer : the tile's own states, pulses and inputs, mapped as the whole layer is
    """

    first_row: int
    first_column: int
    layer: ProgrammedLayer
    whole: bool  # nothing was split

    @property
    def columns(self) -> slice:
        """The layer's outputs that this tile contributes to."""
        return slice(self.first_column, self.first_column + self.layer.output_count)

    @property
    def rows(self) -> slice:
        """The layer's inputs that this tile takes."""
        return slice(self.first_row, self.first_row + self.layer.crossbar.rows)


def split(layer: ProgrammedLayer, size: TileSize | None = None) -> tuple[Tile, ...]:
    """Split a layer into tiles, one band of rows after another, each from left to right.

    A layer that fits one tile is that tile, unchanged. Otherwise every tile takes `size` weights, and
    the last of a row or column takes what is left; a single row left over goes onto the spare word
    line of the tile above. Tiles carry no labels, as only the sum of all is an answer.
    """
    size = size or TileSize()
    rows = _starts(layer.crossbar.rows, size.rows, spare=1)
    columns = _starts(layer.output_count, size.columns, spare=0)
    if len(rows) == len(columns) == 1:
        return (Tile(first_row=0, first_column=0, layer=layer, whole=True),)
    bands, fields = _spans(rows, layer.crossbar.rows), _spans(columns, layer.output_count)
    return tuple(_tile(layer, band, field) for band in bands for field in fields)


def sample(tiles: Sequence[Tile], count: int | None, seed: int) -> tuple[Tile, ...]:
    """Draw `count` of the tiles without repetition, in their order; all if there are no more."""
    if count is None or count >= len(tiles):
        return tuple(tiles)
    drawn = np.random.default_rng(seed).choice(len(tiles), count, replace=False)
    return tuple(tiles[index] for index in sorted(drawn))


def outputs(tiles: Sequence[Tile], currents: Sequence[Floats]) -> Floats:
    """The layer's outputs y (reads, outputs) by Eq. 11, from each tile's currents.

    currents : for each tile (reads, its channels) [A], or (reads, its columns)
    """
    width = max(tile.columns.stop for tile in tiles)
    y = np.zeros((len(currents[0]), width))
    for tile, sensed in zip(tiles, currents, strict=True):
        y[:, tile.columns] += tile.layer.outputs(sensed)
    return y


def assemble(tiles: Sequence[Tile], arrays: Sequence[Floats]) -> Floats:
    """Join the tiles' arrays (rows, columns), all bit lines of each, laid out as the tiles lie.

    Where tiles are only a sample, bands of rows or columns without any are left out, and NaN fills
    the place of a tile that is missing within a band.
    """
    laid = {(tile.first_row, tile.first_column): a for tile, a in zip(tiles, arrays, strict=True)}
    heights = sorted({row: len(a) for (row, _), a in laid.items()}.items())
    widths = sorted({column: a.shape[1] for (_, column), a in laid.items()}.items())
    return np.block(
        [
            [laid.get((row, column), np.full((height, width), np.nan)) for column, width in widths]
            for row, height in heights
        ]
    )


def chip_of(tile: Tile, imperfections: Imperfections | None, seed: int) -> Chip:
    """The chip of a tile; the seed covers where the tile lies in its layer."""
    layer = tile.layer
    rng = np.random.default_rng([seed, tile.first_row, tile.first_column])
    return draw(imperfections, layer.crossbar, layer.device, rng, mapping=layer.mapping)


def _starts(length: int, step: int, *, spare: int) -> list[int]:
    """Where the tiles along one side begin; the last takes up to `spare` more lines."""
    return list(range(0, max(length - spare, 1), step))


def _spans(starts: Sequence[int], end: int) -> list[slice]:
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], end], strict=True)]


def _tile(layer: ProgrammedLayer, rows: slice, columns: slice) -> Tile:
    kept = layer.mapping.part(columns, layer.crossbar.columns)
    crossbar = layer.crossbar.part(range(rows.start, rows.stop), kept)
    part = dataclasses.replace(
        layer,
        name=f"{layer.name}, tile at row {rows.start}, column {columns.start}",
        crossbar=crossbar,
        initial_state=layer.initial_state[rows][:, kept],
        pulses=layer.pulses[rows][:, kept],
        inputs=layer.inputs[:, rows],
        labels=layer.labels[:0],
    )
    return Tile(first_row=rows.start, first_column=columns.start, layer=part, whole=False)
