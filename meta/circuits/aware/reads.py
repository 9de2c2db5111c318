"""Reads of a network through its circuits: the weights that lines see, and converters where they are."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from meta.circuits.aware.layer import LayerResponse
from meta.circuits.conversion.tile_reader import TileReader
from meta.circuits.conversion.tiles import ChipTile
from meta.network.architecture import HEAD
from meta.network.convolution import windows
from meta.network.convolutional import Network


@dataclass(frozen=True, kw_only=True)
class TiledReads:
    """The tiles of a layer that are read one by one: converters, offsets and noise are their own.

    columns : (rows, lines) [S] of each tile, effective weights of every bit line
    states : (rows, outputs) g of each tile; both at the weights that the responses were taken at
    scale : the input that drives the full voltage
    """

    tiles: tuple[ChipTile, ...]
    columns: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    scale: float

    def __call__(self, x: Tensor, W: Tensor) -> Tensor:
        """Outputs (reads, outputs) of inputs x >= 0 (reads, rows); W (rows, outputs) in units of g."""
        inputs, weights = x.double() / self.scale, W.double()
        y = inputs.new_zeros(len(inputs), W.shape[1])
        for tile, columns, g in zip(self.tiles, self.columns, self.states, strict=True):
            place = tile.tile
            one = copy.copy(tile)
            one.chip = tile.chip.afresh()  # the same noise, in whatever process
            now = columns.clone()
            signal = weights[place.rows, place.columns] / tile.per_ampere
            now[:, tile.plus] = columns[:, tile.minus] + signal
            read = TileReader(one, g, now)(inputs[:, place.rows])
            y = y + F.pad(read, (place.columns.start, W.shape[1] - place.columns.stop))
        return (self.scale * y).to(x.dtype)


@dataclass(frozen=True, kw_only=True)
class CircuitReads:
    """A network whose layers are read through their circuits; see `meta.learning.reads`.

    It holds near the weights that the responses were taken at: a write of 0.2 is off by some 1e-4 of
    its change. The head is read by effective weights as blocks are, without the curve of Eq. 2.

    layers : of every layer, by name
    tiled : how its tiles are read, where a read is more than a product
    """

    layers: Mapping[str, LayerResponse]
    tiled: Mapping[str, TiledReads] = field(default_factory=dict)

    def __call__(
        self, network: Network, images: Tensor, weights: Mapping[str, Tensor], step: int
    ) -> Tensor:
        """(images, ways) logits of weights g by name after so many writes."""
        seen = {name: self._seen(name, weights, step) for name in self.layers}
        if not self.tiled:
            tensors = {k: v for name, W in seen.items() for k, v in tensors_of(name, W, weights).items()}
            logits: Tensor = network(images, tensors, step)
            return logits
        dtype = weights[HEAD].dtype

        def block(name: str, x: Tensor) -> Tensor:
            count, _, height, width = x.shape
            rows = windows(x, network.architecture.convolutions[name].kernel)
            y = self.tiled[name](rows, seen[name]).view(count, height, width, -1).movedim(3, 1)
            return network.normed(name, y, step)

        x = network.embedded(images.to(dtype), block, dtype)
        return self.tiled[HEAD](torch.cat([x, x.new_ones(len(x), 1)], dim=1), seen[HEAD])

    def _seen(self, name: str, weights: Mapping[str, Tensor], step: int) -> Tensor:
        layer, g = self.layers[name], matrix_of(name, weights)
        return layer.started(g) if step == 0 else layer.moved(g)


def matrix_of(name: str, weights: Mapping[str, Tensor]) -> Tensor:
    """A layer's weights as (rows, outputs), the head's bias as last row."""
    matrix = weights[name].flatten(1).T
    return torch.cat([matrix, weights[f"{HEAD}.bias"][None]]) if name == HEAD else matrix


def tensors_of(name: str, matrix: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a layer by name, undoing `matrix_of`."""
    if name != HEAD:
        return {name: matrix.T.reshape(like[name].shape)}
    return {HEAD: matrix[:-1].T, f"{HEAD}.bias": matrix[-1]}
