"""The full cycle: what an adaptation takes item by item, and what leads back to the start.

Reads of the support set, converters, digital layers, gradient, write; then erasing or undoing the write
and reading back what was undone. Arrays are counted without wires, cells as Eq. 3 has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from meta.data.tasks import Task
from meta.evaluation.costs import WriteCost, erase_cost, write_cost
from meta.learning.learners import Adapted, adapt_by
from meta.learning.writing import Writing
from meta.network.architecture import BLOCKS, HEAD, LAYERS
from meta.network.convolutional import Network
from meta.network.matrices import matrix
from roa_circuit.chips.consumption import Consumption
from roa_circuit.circuit.mapping import state_from_weight
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, after_pulses, real_pulse_count, round_count
from roa_circuit.layers.tiling import TileSize

Floats = NDArray[np.float64]

ADAPTATION, NEXT, QUERY = "adaptation", "next task", "query"
"""The parts of a cycle: one adaptation, the way back to its start, and each query that follows."""

_QUERIES = 10
"""Query images that the cost of a query is the mean of, at most."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that a cycle takes energy [J] and time [s] for; 0 s is within another item's time."""

    part: str
    name: str
    energy: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """All items, in order.

    left : rms of g by which undoing in whole pulses misses the start; None where nothing is undone
    """

    items: tuple[Item, ...]
    left: float | None

    def total(self, *parts: str) -> tuple[float, float]:
        """(energy [J], time [s]) of some parts together."""
        chosen = [item for item in self.items if item.part in parts]
        return sum(item.energy for item in chosen), sum(item.seconds for item in chosen)

    def to_dict(self) -> dict[str, Any]:
        """As in JSON reports."""
        totals = {
            "adaptation": self.total(ADAPTATION), "next_task": self.total(NEXT),
            "cycle": self.total(ADAPTATION, NEXT), "query": self.total(QUERY),
        }  # fmt: skip
        return {
            "items": [vars(item) for item in self.items],
            "rms_g_left": self.left,
            **{name: {"energy": e, "seconds": s} for name, (e, s) in totals.items()},
        }


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


def full_cycle(
    network: Network,
    task: Task,
    writing: Writing,
    consumption: Consumption,
    *,
    tile: TileSize | None = None,
    rng: np.random.Generator | None = None,
) -> Cycle:
    """The cycle of one task, on the processor.

    tile : the largest array; each tile has converters and a reference column of its own
    """
    tile, generator = tile or TileSize(), rng or np.random.default_rng(0)
    write, rate = writing.model, writing.rate(network)
    start = network.initial_weights()
    if write is None:
        adapted = Adapted(weights=start)
    else:
        adapted = adapt_by(writing.method, network, task, write, rng=generator, relative_rate=rate)
    reads = [
        image_reads(network, images, weights, writing.device, consumption, tile)
        for images, weights in ((task.support, start), (task.query[:_QUERIES], adapted.weights))
    ]
    steps = network.architecture.steps
    support = len(task.support) * steps
    items = [
        *_reads(ADAPTATION, "support, ", reads[0], support, consumption),
        _gradient(network, len(task.support), consumption),
        *_written(adapted, writing.device, consumption),
    ]
    back, left = _undone(adapted, writing, consumption, tile)
    items += [*back, *_reads(QUERY, "", reads[1], 1, consumption)]
    return Cycle(items=tuple(items), left=left)


@torch.no_grad()
def image_reads(
    network: Network,
    images: Tensor,
    weights: Mapping[str, Tensor],
    device: Device,
    consumption: Consumption,
    tile: TileSize,
) -> ImageReads:
    """Bring images (n, channels, size, size) through the layers, and count what each read takes."""
    cells = inputs = channels = outputs = seconds = 0.0
    for name, x in _layer_inputs(network, images, dict(weights)):
        states = state_from_weight(matrix(name, dict(weights)))
        rows, columns = states.shape
        bands, fields = _tiles(rows, tile.rows, spare=1), _tiles(columns, tile.columns, spare=0)
        p, volts = device.memristor, device.pulses.read_voltage
        G = np.asarray(conductance(states, volts, p)).sum(axis=1)
        G = G + len(fields) * float(conductance(0.5, volts, p))  # each tile's reference column
        scale = max(1.0, float(x.max()))
        drives = device.pulses.full_scale / scale * x.double().numpy()
        count = len(x) / len(images)  # reads an image
        taken = max(READ_SLOT, *(consumption.conversion_seconds(width + 1) for width in fields))
        cells += READ_SLOT * float((drives**2 @ G).sum()) / len(images)
        inputs += count * rows * len(fields)
        channels += count * len(bands) * (columns + len(fields))
        outputs += count * columns
        seconds += count * taken
    return ImageReads(cells=cells, inputs=inputs, channels=channels, outputs=outputs, seconds=seconds)


def gradient_macs(network: Network, images: int) -> float:
    """Multiply-accumulates of one gradient on so many images.

    Backpropagation takes a product as large as the forward pass for the weights of every layer, and
    another for the inputs of all but the first. An erased head needs the outer product of its features
    and labels alone.
    """
    a = network.architecture
    if a.erased is not None:
        return float(images * math.prod(a.weight_shapes[HEAD]))
    size, total = a.size, 0.0
    for index, name in enumerate(BLOCKS):
        macs = size**2 * math.prod(a.weight_shapes[name])
        total += images * macs * (2 if index else 1)
        size = size // 2 if index < a.poolings else size
    return total + 2.0 * images * math.prod(a.weight_shapes[HEAD])


def _reads(part: str, of: str, one: ImageReads, images: int, consumption: Consumption) -> Iterator[Item]:
    """Items of so many images on their way through the layers."""
    c = consumption
    macs = images * (one.channels + one.outputs)  # subtract and scale each reading; batch norm
    for name, energy, seconds in (
        ("array reads", images * one.cells, images * one.seconds),
        ("DACs", images * one.inputs * c.dac, 0.0),
        ("ADCs", images * one.channels * c.adc, 0.0),
        ("digital correction and batch norm", macs * c.digital_mac, c.digital_seconds(macs)),
    ):
        yield Item(part=part, name=f"{of}{name}", energy=energy, seconds=seconds)


def _gradient(network: Network, images: int, consumption: Consumption) -> Item:
    macs = network.architecture.steps * gradient_macs(network, images)
    return Item(
        part=ADAPTATION, name="gradient, digital", energy=macs * consumption.digital_mac,
        seconds=consumption.digital_seconds(macs),
    )  # fmt: skip


def _written(adapted: Adapted, device: Device, consumption: Consumption) -> list[Item]:
    """The write of all steps, and what drivers lose beside it."""
    costs = [
        write_cost(state_from_weight(matrix(layer, step.before)), matrix(layer, step.pulses), device)
        for step in adapted.writes
        for layer in LAYERS
        if step.pulses[layer].any()
    ]
    return _pulses(ADAPTATION, "write", costs, consumption)


def _pulses(part: str, what: str, costs: list[WriteCost], consumption: Consumption) -> list[Item]:
    energy, seconds = sum(one.energy for one in costs), sum(one.seconds for one in costs)
    lost = energy * (1.0 / consumption.driver_efficiency - 1.0)
    return [
        Item(part=part, name=f"{what}, pulses in cells", energy=energy, seconds=seconds),
        Item(part=part, name=f"{what}, lost in drivers", energy=lost, seconds=0.0),
    ]


def _undone(
    adapted: Adapted, writing: Writing, consumption: Consumption, tile: TileSize
) -> tuple[list[Item], float | None]:
    """(the items that lead back to the state before the first write, rms of g left)."""
    if not adapted.writes:
        return [], None
    if writing.method.written == "at once":
        return [Item(part=NEXT, name="nothing: any state is a start", energy=0.0, seconds=0.0)], None
    device, erased = writing.device, writing.method.erased is not None
    first, last, costs, missed, checks = adapted.writes[0], adapted.writes[-1], [], [], []
    for layer in LAYERS:
        if not any(step.pulses[layer].any() for step in adapted.writes):
            continue
        begun, before = (state_from_weight(matrix(layer, step.before)) for step in (first, last))
        pulses = matrix(layer, last.pulses)
        now = np.asarray(after_pulses(before, pulses, device))
        written = np.logical_or.reduce([matrix(layer, step.pulses) != 0 for step in adapted.writes])
        checks.append(_read_back(begun, written, device, consumption, tile))
        if erased:
            energy, seconds = erase_cost(begun, pulses, device)
            costs.append(WriteCost(pulses=0, cells_written=0, energy=energy, seconds=seconds))
            continue
        how = Programming()
        count = round_count(real_pulse_count(now, begun - now, device, how), how)
        count = np.where(written, count, 0)
        costs.append(write_cost(now, count, device))
        missed.append((2.0 * (np.asarray(after_pulses(now, count, device)) - begun))[written])
    what = "erase" if erased else "undo"
    items = _pulses(NEXT, what, costs, consumption)
    cells, conversions, seconds = (
        (sum(values) for values in zip(*checks, strict=True)) if checks else (0.0,) * 3
    )
    items += [
        Item(part=NEXT, name="verify, reads of written cells", energy=cells, seconds=seconds),
        Item(part=NEXT, name="verify, converters", energy=conversions, seconds=0.0),
    ]
    left = float(np.sqrt(np.mean(np.concatenate(missed) ** 2))) if missed else None
    return items, left


def _read_back(
    states: Floats, written: NDArray[np.bool_], device: Device, consumption: Consumption, tile: TileSize
) -> tuple[float, float, float]:
    """(energy in cells, in converters, time) of one read of every row that has a written cell."""
    p, volts = device.memristor, device.pulses.read_voltage
    rows = written.any(axis=1)
    cells = READ_SLOT * volts**2 * float(np.asarray(conductance(states, volts, p))[rows].sum())
    fields = _tiles(states.shape[1], tile.columns, spare=0)
    conversions = int(rows.sum()) * (states.shape[1] + len(fields)) * consumption.adc
    conversions += int(rows.sum()) * len(fields) * consumption.dac
    taken = max(READ_SLOT, *(consumption.conversion_seconds(width + 1) for width in fields))
    return cells, conversions, int(rows.sum()) * taken


def _layer_inputs(
    network: Network, images: Tensor, weights: dict[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """(name, inputs (reads, rows)) of every layer, the images passing through."""
    step, x = network.architecture.steps, images
    for name in BLOCKS:
        yield name, F.unfold(x, 3, padding=1).transpose(1, 2).flatten(0, 1)
        x = network.convolved(name, x, weights[name], step)
    features = network.head_inputs(x.flatten(1))
    yield HEAD, torch.cat([features, torch.ones(len(features), 1)], dim=1)


def _tiles(length: int, step: int, *, spare: int) -> list[int]:
    """How many weights each tile along one side has; as `tiling.split` cuts."""
    starts = list(range(0, max(length - spare, 1), step))
    return [b - a for a, b in zip(starts, [*starts[1:], length], strict=True)]
