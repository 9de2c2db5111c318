"""A matrix of a network on chips: inputs times weights, as the tiles of its crossbars compute it.

Where reads are linear, and the gains of all parts are known, a product is one matrix product with
effective weights. Otherwise every tile is read: converters, noise and offsets are the chip's own,
and gradients go straight through them, as they do through Eq. 2 at every cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.port import Port
from meta.circuits.conversion.tile_reader import TileReader
from meta.circuits.conversion.tiles import (
    ChipTile,
    empty_layer,
    not_in_file,
    ranged_tiles,
    scale_of,
    tiles_on_chips,
)
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.converter_use import Usage
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.read_model import ReadModel

Floats = NDArray[np.float64]


class Matrix:
    """Weights (rows, outputs) on the chips that hardware and seed give; the weights come with each call.

    name : as in `chips.layers`
    port : which inputs it takes
    usage : what reads without gradients asked of converters since they were calibrated
    """

    def __init__(
        self, name: str, shape: tuple[int, int], hardware: Hardware, seed: int, port: Port | None = None
    ) -> None:
        self.name, self.shape, self.hardware = name, shape, hardware
        self.port = port or Port()
        self._empty = empty_layer(name, *shape, hardware)
        self.tiles: list[ChipTile] = tiles_on_chips(self._empty, hardware, seed)
        self.usage = Usage()
        self._known: tuple[Tensor, Tensor] | None = None

    @property
    def linear(self) -> bool:
        """Whether a read is one matrix product."""
        by_weights = self._empty.read_model is ReadModel.weights
        return by_weights and all(tile.linear for tile in self.tiles)

    def reader(self, weights: Tensor) -> Callable[[Tensor], Tensor]:
        """A product with weights (rows, outputs): inputs (..., rows) to outputs (..., outputs)."""
        if self.port.observing:
            return lambda x: self._observed(x, weights)
        if self.linear:
            effective = self.effective(weights).to(weights)
            return lambda x: self.port.limited(x) @ effective
        return self._read_by_tiles(weights)

    def effective(self, weights: Tensor) -> Tensor:
        """The matrix (rows, outputs), float64 on the CPU, that linear reads multiply by, gains included.

        It is worked out anew where gradients are wanted, and else once for all equal weights.
        """
        if torch.is_grad_enabled() and weights.requires_grad:
            return self._effective(weights)
        if self._known is None or not _same(self._known[0], weights):
            with torch.inference_mode(False), torch.no_grad():  # a later call may want gradients
                kept = weights.detach().clone()
                self._known = kept, self._effective(kept)
        return self._known[1]

    def _effective(self, weights: Tensor) -> Tensor:
        g, scale = self._scaled(weights)
        W = [tile.signals(tile.matrix(tile.states(part))) for tile, part in self._parts(g)]
        return self._joined(W) * scale

    def layer(self, weights: Tensor) -> ProgrammedLayer:
        """The matrix as a programmed layer, with the reads that its port kept.

        Negative inputs are reads of their own, which follow those of the positive ones. Outputs of the
        layer are in units of `column_scale`, which is in its provenance.
        """
        return self._layer(weights, self.port.kept)

    def _layer(self, weights: Tensor, kept: Floats) -> ProgrammedLayer:
        g, scale = self._scaled(weights.detach())
        x = kept / (self.port.scale or 1.0)
        x = x if x.size else np.zeros((0, self.shape[0]))
        passes = [x.clip(0, 1), (-x).clip(0, 1)] if self.port.signed else [x.clip(0, 1)]
        return replace(
            self._empty,
            crossbar=self.hardware.circuitry.lines.on(self._empty.crossbar),
            initial_state=self._empty.mapping.states_of(g.numpy()),
            inputs=np.vstack(passes),
            input_scale=self.port.scale or 1.0,
            provenance={
                "made_by": "meta.convert",
                "column_scale": scale.tolist(),
                "not_in_file": list(not_in_file(self.hardware)),
            },
        )

    def find_ranges(self, weights: Tensor) -> None:
        """Give converters the ranges that the kept reads tell, where these are to be found."""
        if self.port.reads and self.port.scale:
            sample = self._layer(weights, self.port.ranging)
            self.tiles = ranged_tiles(self.tiles, sample, self.hardware)
        self.port.settle()
        self.usage = Usage()

    def digital(self, weights: Tensor, x: Floats) -> Floats:
        """What floating point gives (reads, outputs) of inputs (reads, rows)."""
        return np.asarray(x @ weights.detach().double().cpu().numpy())

    @torch.no_grad()
    def analog(self, weights: Tensor, x: Floats) -> Floats:
        """What the chips give of the same, without being counted."""
        port, usage, tiles = self.port, self.usage, self.tiles
        before = port.seen, port.beyond
        self.usage, self.tiles = Usage(), [tile.afresh() for tile in tiles]
        y = self.reader(weights.detach().double().cpu())(torch.from_numpy(x)).numpy()
        port.seen, port.beyond = before
        self.usage, self.tiles = usage, tiles
        return np.asarray(y)

    def observe(self, x: Tensor, count: int | None = None) -> None:
        """As its port, whose complaint names the layer."""
        try:
            self.port.observe(x, count)
        except InputError as error:
            raise InputError(f"layer {self.name!r}: {error}") from None

    def _observed(self, x: Tensor, weights: Tensor) -> Tensor:
        self.observe(x)
        return x @ weights

    def _scaled(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """(g (rows, outputs), scale (outputs,)), float64 on the CPU."""
        exact = weights.double().cpu()
        if not torch.isfinite(exact.detach()).all():
            raise InputError(
                f"layer {self.name!r} has weights that are no finite numbers, which no cell holds;"
                " a training that diverged leaves them: lower its learning rate"
            )
        scale = scale_of(exact)
        return exact / scale, scale

    def parts_of(self, g: Floats) -> list[tuple[ChipTile, Tensor]]:
        """The tiles, and what each holds of weights g (rows, outputs) in [-1, 1]."""
        return self._parts(torch.from_numpy(g))

    def _parts(self, g: Tensor) -> list[tuple[ChipTile, Tensor]]:
        return [(one, g[one.tile.rows, one.tile.columns]) for one in self.tiles]

    def _joined(self, blocks: list[Tensor]) -> Tensor:
        """The blocks (rows, outputs) of all tiles as one matrix."""
        if len(blocks) == 1:
            return blocks[0]
        bands: dict[int, list[Tensor]] = {}
        for tile, block in zip(self.tiles, blocks, strict=True):
            bands.setdefault(tile.tile.first_row, []).append(block)
        return torch.cat([torch.cat(band, dim=1) for band in bands.values()])

    def _read_by_tiles(self, weights: Tensor) -> Callable[[Tensor], Tensor]:
        g, scale = self._scaled(weights)
        readers = [TileReader(tile, part, usage=self.usage) for tile, part in self._parts(g)]

        def read(x: Tensor) -> Tensor:
            rows = (self.port.limited(x) / self.port.scale).double().cpu().flatten(0, -2)
            if not rows.numel():
                return x.new_zeros(*x.shape[:-1], self.shape[1])
            rows = rows if x.dim() > 1 else rows[None]
            y = self._summed(readers, rows.clamp(min=0))
            # A read of its own where it has something to say, whatever else is in the batch.
            twice = (rows < 0).any(dim=1) | self.port.signed
            if bool(twice.any()):
                against = self._summed(readers, (-rows[twice]).clamp(min=0))
                y = y.index_add(0, twice.nonzero()[:, 0], -against)
            y = y * scale * self.port.scale
            return y.reshape(*x.shape[:-1], self.shape[1]).to(x)

        return read

    def _summed(self, readers: list[TileReader], x: Tensor) -> Tensor:
        """Outputs (reads, outputs) in units of g of inputs x in [0, 1] (reads, rows)."""
        y = x.new_zeros(len(x), self.shape[1])
        for reader in readers:
            tile = reader.chip_tile.tile
            part = reader(x[:, tile.rows])
            y = y + torch.nn.functional.pad(
                part, (tile.columns.start, self.shape[1] - tile.columns.stop)
            )
        return y


def _same(one: Tensor, other: Tensor) -> bool:
    alike = one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
    return alike and torch.equal(one, other)
