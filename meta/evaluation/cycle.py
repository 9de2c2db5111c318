"""The full cycle: what an adaptation takes item by item, and what leads back to the start.

Reads of the support set, converters, digital layers, gradient, write; then erasing or undoing the write
and reading back what was undone. Arrays are counted without wires, cells as Eq. 3 has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meta.data.tasks import Task
from meta.evaluation.costs import WriteCost, erase_cost, write_cost
from meta.evaluation.image_reads import ImageReads, Stand, image_reads, spans
from meta.learning.cells import pairs_of, written_cells
from meta.learning.learners import Adapted, adapt_by
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from roa_circuit.chips.consumption import Consumption
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.device.memristor import conductance
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


def _stand(network: Network, adapted: Adapted, writing: Writing) -> tuple[Stand, Stand]:
    """The cells before the first write, and after the last."""
    device, mapping = writing.device, writing.mapping
    if not (mapping.paired and adapted.writes):
        alike = Stand(device=device, mapping=mapping)
        return alike, alike
    erased, step = network.architecture.erased is not None, adapted.writes[-1]
    both = {
        layer: pairs_of(step, layer, device, erased=erased and layer == HEAD)
        for layer in network.architecture.layers
    }
    first, last = (
        Stand(device=device, mapping=mapping, pairs={name: pair[when] for name, pair in both.items()})
        for when in (0, 1)
    )
    return first, last


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
    stands = _stand(network, adapted, writing)
    reads = [
        image_reads(network, images, weights, stand, consumption, tile)
        for images, weights, stand in zip(
            (task.support, task.query[:_QUERIES]), (start, adapted.weights), stands, strict=True
        )
    ]
    steps = network.architecture.steps
    support = len(task.support) * steps
    items = [
        *_reads(ADAPTATION, "support, ", reads[0], support, consumption),
        _gradient(network, len(task.support), consumption),
        *_written(adapted, writing, consumption),
    ]
    back, left = _undone(adapted, writing, consumption, tile)
    items += [*back, *_reads(QUERY, "", reads[1], 1, consumption)]
    return Cycle(items=tuple(items), left=left)


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
    for index, one in enumerate(a.convolutions.values()):
        macs = size**2 * math.prod(one.shape)
        total += images * macs * (2 if index else 1)
        size = size // 2 if one.pools else size
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
    if network.rules.head is not None:  # whose operations nobody has counted
        name = "own head, digital: not counted"
        return Item(part=ADAPTATION, name=name, energy=0.0, seconds=0.0)
    macs = network.architecture.steps * gradient_macs(network, images)
    return Item(
        part=ADAPTATION, name="gradient, digital", energy=macs * consumption.digital_mac,
        seconds=consumption.digital_seconds(macs),
    )  # fmt: skip


def _written(adapted: Adapted, writing: Writing, consumption: Consumption) -> list[Item]:
    """The write of all steps, and what drivers lose beside it."""
    erased = writing.method.erased is not None
    costs = [
        write_cost(before, pulses, writing.device)
        for step in adapted.writes
        for _, before, pulses in written_cells(step, writing.mapping, erased=erased)
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
    costs, missed, checks = list[WriteCost](), list[Floats](), list[tuple[float, float, float]]()
    steps = [
        {name: rest for name, *rest in written_cells(step, writing.mapping, erased=erased)}
        for step in adapted.writes
    ]
    for layer in dict.fromkeys(name for cells in steps for name in cells):
        ever = [cells[layer] for cells in steps if layer in cells]
        # Nothing moves between the writes of a layer: the first has its start, the last its end.
        (begun, _), (before, pulses) = ever[0], ever[-1]
        now = np.asarray(after_pulses(before, pulses, device))
        written = np.logical_or.reduce([count != 0 for _, count in ever])
        checks.append(_read_back(np.asarray(begun, dtype=float), written, writing, consumption, tile))
        if erased:
            energy, seconds = erase_cost(np.asarray(begun, dtype=float), pulses, device)
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
    states: Floats,
    written: NDArray[np.bool_],
    writing: Writing,
    consumption: Consumption,
    tile: TileSize,
) -> tuple[float, float, float]:
    """(energy in cells, in converters, time) of one read of every row that has a written cell."""
    device, mapping = writing.device, writing.mapping
    p, volts = device.memristor, device.pulses.read_voltage
    rows = written.any(axis=1)
    cells = READ_SLOT * volts**2 * float(np.asarray(conductance(states, volts, p))[rows].sum())
    outputs = states.shape[1] // (2 if mapping.paired else 1)
    fields = spans(outputs, tile.columns, spare=0)
    seen = [mapping.channels(mapping.lines(width)) for width in fields]
    conversions = int(rows.sum()) * (sum(seen) * consumption.adc + len(fields) * consumption.dac)
    taken = max(READ_SLOT, *map(consumption.conversion_seconds, seen))
    return cells, conversions, int(rows.sum()) * taken
