"""Samples: the tiles of a layer that are verified, each with the chip drawn for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from roa_circuit.chips.chip import Chip
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import Tile, TileSize, chip_of, sample, split


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The tiles of a layer that are verified: all of them, or some drawn at random.

    in_layer : how many tiles the layer has
    chips : one for each tile, as the simulator writes and reads it
    believed : the same chips as the surrogate takes them to be, with its own line resistances
    """

    layer: ProgrammedLayer
    size: TileSize
    in_layer: int
    tiles: Sequence[Tile]
    chips: Sequence[Chip]
    believed: Sequence[Chip]

    @property
    def is_whole(self) -> bool:
        """Whether all tiles are here, so that their sum is the layer's output."""
        return len(self.tiles) == self.in_layer

    @property
    def pulses(self) -> int:
        """Programming pulses of all cells of all tiles, of either sign."""
        return sum(int(abs(tile.layer.pulses).sum()) for tile in self.tiles)

    def imperfect(self, seed: int) -> dict[str, Any]:
        """The imperfections of all chips and how many cells and lines they hit."""
        counts = [chip.summary() for chip in self.chips]
        total = {name: sum(count[name] for count in counts) for name in counts[0]}
        return {"seed": seed, "imperfections": self.chips[0].imperfections.to_dict(), **total}


def draw_sample(
    layer: ProgrammedLayer,
    *,
    size: TileSize,
    tiles: int | None,
    imperfections: Imperfections | None,
    believed: Crossbar | None,
    seed: int,
) -> Sample:
    """Split the layer into tiles of this size, draw so many of them, and a chip for each.

    Parameters
    ----------
    tiles : None takes all.
    believed : line resistances that the surrogate works with; None takes the layer's own.

    Raises
    ------
    InputError : what `split` and `chip_of` raise.
    """
    every = split(layer, size)
    chosen = sample(every, tiles, seed)
    return Sample(
        layer=layer,
        size=size,
        in_layer=len(every),
        tiles=chosen,
        chips=[chip_of(tile, imperfections, seed) for tile in chosen],
        believed=[chip_of(_on_lines_of(tile, believed), imperfections, seed) for tile in chosen],
    )


def _on_lines_of(tile: Tile, circuit: Crossbar | None) -> Tile:
    """The tile with the line resistances of another circuit, or as it is without one."""
    if circuit is None:
        return tile
    own = tile.layer.crossbar
    crossbar = replace(circuit, rows=own.rows, columns=own.columns)
    return replace(tile, layer=replace(tile.layer, crossbar=crossbar))
