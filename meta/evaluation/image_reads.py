"""What reads of whole images take: every layer's arrays, converters and time, without wires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.network.architecture import HEAD
from meta.network.convolution import windows
from meta.network.convolutional import Network
from meta.network.matrices import matrix
from roa_circuit.chips.consumption import Consumption
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.circuit.mapping import Mapping as ColumnMapping
from roa_circuit.circuit.pairs import Pair
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.layers.tiling import TileSize

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Stand:
    """The cells under a network's weights, for what their reads take.

    pairs : by layer, the states of both cells (rows, outputs), where weights are pairs
    """

    device: Device
    mapping: ColumnMapping = REFERENCE
    pairs: Mapping[str, Pair] = field(default_factory=dict)

    def states(self, layer: str, weights: Mapping[str, Tensor], outputs: slice) -> Floats:
        """omega (rows, bit lines) of an array for some outputs of a layer, references included."""
        if self.mapping.paired:
            pair = self.pairs[layer]
            laid = self.mapping.laid(pair.plus[:, outputs], pair.minus[:, outputs])
            return np.asarray(laid, dtype=float)
        return self.mapping.states_of(matrix(layer, dict(weights))[:, outputs])


@dataclass(frozen=True, kw_only=True)
class ImageReads:
    """What it takes to bring one image through all layers, in the mean.

    cells : energy of the arrays [J]; inputs, channels : conversions; outputs : digital results
    seconds : of all reads, one layer after another [s]
    """

    cells: float
    inputs: float
    channels: float
    outputs: float
    seconds: float


@torch.no_grad()
def image_reads(
    network: Network,
    images: Tensor,
    weights: Mapping[str, Tensor],
    stand: Stand,
    consumption: Consumption,
    tile: TileSize,
) -> ImageReads:
    """Bring images (n, channels, size, size) through the layers, and count what each read takes."""
    cells = inputs = channels = outputs = seconds = 0.0
    device, mapping = stand.device, stand.mapping
    for name, x in _layer_inputs(network, images, dict(weights)):
        rows, columns = matrix(name, dict(weights)).shape
        bands, fields = spans(rows, tile.rows, spare=1), spans(columns, tile.columns, spare=0)
        volts, first, G = device.pulses.read_voltage, 0, np.zeros(rows)
        for width in fields:
            states = stand.states(name, weights, slice(first, first + width))
            G += np.asarray(conductance(states, volts, device.memristor)).sum(axis=1)
            first += width
        seen = [mapping.channels(mapping.lines(width)) for width in fields]
        scale = max(1.0, float(x.max()))
        drives = device.pulses.full_scale / scale * x.double().numpy()
        count = len(x) / len(images)  # reads an image
        taken = max(READ_SLOT, *map(consumption.conversion_seconds, seen))
        cells += READ_SLOT * float((drives**2 @ G).sum()) / len(images)
        inputs += count * rows * len(fields)
        channels += count * len(bands) * sum(seen)
        outputs += count * columns
        seconds += count * taken
    return ImageReads(cells=cells, inputs=inputs, channels=channels, outputs=outputs, seconds=seconds)


def _layer_inputs(
    network: Network, images: Tensor, weights: dict[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """(name, inputs (reads, rows)) of every layer, all views of the images passing through."""
    before: dict[str, list[Tensor]] = {name: [] for name in network.architecture.convolutions}

    def layer(name: str, x: Tensor) -> Tensor:
        before[name].append(x)
        return network.convolved(name, x, weights[name], network.architecture.steps)

    features = network.embedded(images, layer)
    for name, views in before.items():
        yield name, windows(torch.cat(views), network.architecture.convolutions[name].kernel)
    yield HEAD, torch.cat([features, torch.ones(len(features), 1)], dim=1)


def spans(length: int, step: int, *, spare: int) -> list[int]:
    """How many weights each tile along one side has; as `tiling.split` cuts."""
    starts = list(range(0, max(length - spare, 1), step))
    return [b - a for a, b in zip(starts, [*starts[1:], length], strict=True)]
