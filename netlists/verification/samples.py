"""Samples: the tiles of a layer that are verified, each with the chip drawn for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.layers.placement import Placement, placed_tiles
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import chips_of
from roa_circuit.layers.recovery import Compensation, placement_of
from roa_circuit.layers.tiling import Tile, TileSize, chip_of, outputs, sample, split

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The tiles of a layer that are verified: all of them, or some drawn at random.

    in_layer : how many tiles the layer has
    meant : the tiles with their initial states as the network has them; those of `tiles` may be placed
    placement : how they are, where they are
    chips : one for each tile, as the simulator writes and reads it
    believed : the same chips as the surrogate takes them to be, with its own line resistances
    """

    layer: ProgrammedLayer
    size: TileSize
    in_layer: int
    tiles: Sequence[Tile]
    meant: Sequence[Tile]
    placement: Placement | None
    chips: Sequence[Chip]
    believed: Sequence[Chip]

    @property
    def is_whole(self) -> bool:
        """Whether all tiles are here, so that their sum is the layer's output."""
        return len(self.tiles) == self.in_layer

    def outputs(self, sensed: Sequence[Floats]) -> Floats:
        """Outputs y (reads, outputs) of what each tile's readout sensed (reads, channels) [A]."""
        gain = self.placement.gain if self.placement else 1.0
        return outputs(self.tiles, sensed) / gain

    @property
    def pulses(self) -> int:
        """Programming pulses of all cells of all tiles, of either sign."""
        return sum(int(abs(tile.layer.pulses).sum()) for tile in self.tiles)

    def imperfect(self, seed: int) -> dict[str, Any]:
        """The imperfections of all chips and how many cells and lines they hit."""
        counts = [chip.summary() for chip in self.chips]
        total = {name: sum(count[name] for count in counts) for name in counts[0]}
        return {"seed": seed, "imperfections": self.chips[0].imperfections.to_dict(), **total}


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """What a layer stands on while it is verified.

    tile : the largest array; a layer that does not fit is split (`roa_circuit.layers.tiling`)
    tiles : verify only so many tiles, drawn with `seed`; outputs and predictions need all of them and
        are then left out
    circuitry : amplifiers, transistors, capacitance and temperature; the layer must already be what
        `Circuitry.applied` made of it
    imperfections : what the arrays suffer from; both engines write and read the same chips
    seed : draws the imperfections, and the tiles where some are verified
    believed : line resistances that the surrogate works with, to see what a wrong belief costs; by
        default those of the layer
    compensation : `placed`, where initial states are placed for their wires, or nothing

    Raises
    ------
    InputError : fewer than one tile, or another compensation.
    """

    tile: TileSize = field(default_factory=TileSize)
    tiles: int | None = None
    circuitry: Circuitry = BARE
    imperfections: Imperfections | None = None
    seed: int = 0
    believed: Crossbar | None = None
    compensation: Compensation = field(default_factory=Compensation)

    def __post_init__(self) -> None:
        only = replace(self.compensation, placed=False, believed=1.0)
        if only != Compensation():
            raise InputError(
                f"compensation {only.name}: a verification writes and reads arrays, so that placed alone"
                " is for it; `sweep --check` simulates points with any other"
            )
        if self.tiles is not None and self.tiles < 1:
            raise InputError(f"tiles = {self.tiles} must be at least 1; leave it out for all of them")


def draw_sample(layer: ProgrammedLayer, arrays: Arrays) -> Sample:
    """Split the layer into tiles, draw as many of them as are asked for, and a chip for each.

    Raises
    ------
    InputError : what `split` and `chip_of` raise.
    """
    every, drawn_by = split(layer, arrays.tile), (arrays.imperfections, arrays.seed)
    placement = placement_of(every, every, arrays.compensation, arrays.circuitry)
    standing = placed_tiles(every, placement) if placement else every
    chosen = sample(standing, arrays.tiles, arrays.seed)
    chips = chips_of(chosen, *drawn_by, arrays.circuitry, standing)
    believed = [chip_of(_on_lines_of(tile, arrays.believed), *drawn_by) for tile in chosen]
    return Sample(
        layer=layer,
        size=arrays.tile,
        in_layer=len(every),
        tiles=chosen,
        meant=sample(every, arrays.tiles, arrays.seed),
        placement=placement,
        chips=chips,
        believed=[replace(chip, adc=real.adc) for chip, real in zip(believed, chips, strict=True)],
    )


def _on_lines_of(tile: Tile, circuit: Crossbar | None) -> Tile:
    """The tile with the line resistances of another circuit, or as it is without one."""
    if circuit is None:
        return tile
    own = tile.layer.crossbar
    crossbar = replace(circuit, rows=own.rows, columns=own.columns)
    return replace(tile, layer=replace(tile.layer, crossbar=crossbar))
