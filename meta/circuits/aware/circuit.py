"""The circuit that a network learns with: its lines, chips and converters, drawn anew where unknown."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from meta.circuits.aware.layer import joined
from meta.circuits.aware.reads import CircuitReads, TiledReads, matrix_of, tensors_of
from meta.circuits.aware.response import Floats, Response, response_of
from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.tiles import ChipTile, empty_layer, ranged_tiles, tiles_on_chips
from meta.network.architecture import HEAD
from meta.network.convolution import windows
from meta.network.convolutional import Network
from meta.network.matrices import as_numpy
from meta.processes.pool import pool
from meta.training.configuration import Training
from meta.training.device import device_of_run
from roa_circuit.basics import toml
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_text
from roa_circuit.chips.circuitry import BARE
from roa_circuit.chips.circuitry import load as load_circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.imperfections import load as load_imperfections
from roa_circuit.circuit.crossbar import RESISTANCES
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.circuit.wiring import AS_IT_IS, Wiring
from roa_circuit.layers.placement import place
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import split

CIRCUIT, IMPERFECTIONS = "circuit.toml", "imperfections.toml"
"""The files that a run's folder has of its circuit."""

_SAMPLES = 256  # windows of the images that tell converters their ranges


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """The hardware of all layers.

    wire_spread : how far the resistance of segments may be off, as a share: each draw has its own
        factor within it, one for all wires

    Raises
    ------
    InputError : a compensation, pulses through the wires, or a spread of 100 % or more.
    """

    hardware: Hardware
    wire_spread: float = 0.0

    def __post_init__(self) -> None:
        own = self.hardware
        if not 0 <= self.wire_spread < 1:
            raise InputError(f"wire_spread = {self.wire_spread} must lie in [0, 1)")
        if own.in_situ:
            raise InputError("in_situ: a network learns with cells that get their pulses in full")

    @property
    def varies(self) -> bool:
        """Whether the reads of two seeds differ, or those of two samples of images."""
        x = dataclasses.replace(self.hardware.imperfections, sigma_wn=None)
        return self.wire_spread > 0 or x != Imperfections()

    @property
    def sigma_wn(self) -> float:
        """The write noise of Eq. 7 that its chips have."""
        return tiles_on_chips(empty_layer("one", 1, 1, self.hardware), self.hardware, 0)[0].chip.sigma_wn

    def placed(self, network: Network) -> Network:
        """The network with its cells placed for these wires, as they are without any spread."""
        other, weights = copy.deepcopy(network), network.initial_weights()
        for name in network.architecture.layers:
            layer = _layer(name, as_numpy(matrix_of(name, weights)), self.hardware)
            tiles = split(layer.behind(self.hardware.circuitry), self.hardware.tile)
            found = place(tiles, [tile.layer for tile in tiles], self.hardware.circuitry)
            g = np.empty((layer.crossbar.rows, layer.output_count))
            for tile, one in zip(tiles, found.states, strict=True):
                g[tile.rows, tile.columns] = layer.mapping.weights_of(one)
            with torch.no_grad():
                for key, tensor in tensors_of(name, torch.from_numpy(g), weights).items():
                    other.initial_weights()[key].copy_(tensor)
        return other

    def reads(self, network: Network, images: Tensor, seed: int) -> CircuitReads:
        """The network's layers on chips that a seed draws.

        images : the support images of a task, which tell converters their ranges
        """
        hardware, weights = self._drawn(seed), network.initial_weights()
        names = network.architecture.layers
        g = {name: as_numpy(matrix_of(name, weights)) for name in names}
        tiles = {}
        for index, name in enumerate(names):
            empty = _layer(name, g[name], hardware)
            tiles[name] = tiles_on_chips(empty, hardware, seed * len(names) + index)
        linear = all(tile.linear for some in tiles.values() for tile in some)
        found = _responses(tiles, g, gains=linear)
        dtype = weights[HEAD].dtype
        layers = {
            name: joined(
                [(one.tile.rows, one.tile.columns) for one in tiles[name]],
                found[name],
                matrix_of(name, weights),
                dtype,
            )
            for name in names
        }
        if linear:
            return CircuitReads(layers=layers)
        inputs = _inputs(network, images, weights, seed)
        tiled = {
            name: _tiled(tiles[name], found[name], g[name], inputs[name], hardware) for name in names
        }
        return CircuitReads(layers=layers, tiled=tiled)

    def _drawn(self, seed: int) -> Hardware:
        if not self.wire_spread:
            return self.hardware
        factor = 1.0 + self.wire_spread * np.random.default_rng([seed, 1]).uniform(-1.0, 1.0)
        crossbar = self.hardware.circuitry.lines.on(self.hardware.crossbar)
        lines = {name: np.multiply(getattr(crossbar, name), factor) for name in ("r_word", "r_bit")}
        return dataclasses.replace(
            self.hardware,
            crossbar=dataclasses.replace(crossbar, **lines),
            circuitry=dataclasses.replace(self.hardware.circuitry, lines=AS_IT_IS),
        )

    def keep(self, folder: Path) -> None:
        """Write `circuit.toml` and `imperfections.toml`."""
        own = self.hardware
        lines = own.circuitry.lines.on(own.crossbar)
        wiring = Wiring(**{name: getattr(lines, name) for name in (*RESISTANCES, "drive", "sense")})
        document = dataclasses.replace(own.circuitry, lines=wiring).to_dict()
        write_text(folder / CIRCUIT, toml.dumps(document).lstrip())
        write_text(folder / IMPERFECTIONS, own.imperfections.to_toml())

    @classmethod
    def of_run(cls, how: Training, folder: Path, *, resume: bool) -> Circuit | None:
        """The circuit that a run's configuration names; of one that goes on, the folder's own files.

        Raises
        ------
        InputError : a file that is missing or unusable.
        """
        if not how.behind_circuit:
            return None
        circuit, imperfections = how.circuit, how.imperfections
        if resume and (folder / CIRCUIT).exists() and (folder / IMPERFECTIONS).exists():
            circuit, imperfections = str(folder / CIRCUIT), str(folder / IMPERFECTIONS)
        circuitry = load_circuitry(circuit) if circuit else BARE
        hardware = Hardware(
            crossbar=circuitry.lines.on(default_crossbar(1, 2)),
            device=device_of_run(how, folder, resume=resume),
            circuitry=circuitry,
            imperfections=load_imperfections(imperfections) if imperfections else Imperfections(),
            mapping=how.columns,
        )
        return cls(hardware=hardware, wire_spread=how.wire_spread)

    def to_dict(self) -> dict[str, Any]:
        """What the circuit is, for the notes of a network."""
        own = self.hardware
        return {
            "lines": own.circuitry.lines.on(own.crossbar).to_dict(),
            "circuitry": dataclasses.replace(own.circuitry, lines=AS_IT_IS).to_dict(),
            "imperfections": own.imperfections.to_dict(),
            "tile": str(own.tile),
            "mapping": str(own.mapping or REFERENCE),
            "wire_spread": self.wire_spread,
        }


def _layer(name: str, g: Floats, hardware: Hardware) -> ProgrammedLayer:
    rows, outputs = g.shape
    empty = empty_layer(name, rows, outputs, hardware)
    return dataclasses.replace(empty, initial_state=empty.mapping.states_of(g))


def _responses(
    tiles: dict[str, list[ChipTile]], g: dict[str, Floats], *, gains: bool
) -> dict[str, list[Response]]:
    """The responses of all tiles, by layer, on every core where that pays."""
    items = [(one, g[name][one.tile.rows, one.tile.columns]) for name in tiles for one in tiles[name]]
    found: Iterator[Response] = pool().map(_respond, gains, items, to_come=len(items))
    return {name: [next(found) for _ in some] for name, some in tiles.items()}


def _respond(gains: bool, item: tuple[ChipTile, Floats]) -> Response:
    tile, g = item
    return response_of(tile, g, gains=gains)


def _tiled(
    tiles: list[ChipTile], found: list[Response], g: Floats, x: Floats, hardware: Hardware
) -> TiledReads:
    scale = max(1.0, float(x.max()))
    sampled = dataclasses.replace(_layer("layer", g, hardware), inputs=x / scale, input_scale=scale)
    return TiledReads(
        tiles=tuple(ranged_tiles(tiles, sampled, hardware)),
        columns=tuple(torch.from_numpy(one.columns) for one in found),
        states=tuple(torch.from_numpy(g[one.tile.rows, one.tile.columns]) for one in tiles),
        scale=scale,
    )


@torch.no_grad()
def _inputs(
    network: Network, images: Tensor, weights: dict[str, Tensor], seed: int
) -> dict[str, Floats]:
    """Inputs (reads, rows) of every layer by these images, without wires."""
    before: dict[str, list[Tensor]] = {name: [] for name in network.architecture.convolutions}

    def block(name: str, x: Tensor) -> Tensor:
        before[name].append(x)
        return network.convolved(name, x, weights[name], 0)

    x = network.embedded(images, block)
    rng, found = np.random.default_rng([seed, 2]), {}
    for name, views in before.items():
        rows = windows(torch.cat(views).float(), network.architecture.convolutions[name].kernel)
        largest = rows.amax(dim=1).argmax()
        some = rng.choice(len(rows), size=min(_SAMPLES, len(rows)), replace=False)
        found[name] = as_numpy(rows[[int(largest), *some]])
    found[HEAD] = as_numpy(torch.cat([x, x.new_ones(len(x), 1)], dim=1))
    return found
