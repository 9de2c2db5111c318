"""What a converted network takes, and what its chips change: a table with a row for each layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from meta.circuits.conversion.matrix import Matrix
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import counted, engineering, percent
from roa_circuit.chips.consumption import Consumption
from roa_circuit.chips.converter_use import Use, uses, worst
from roa_circuit.chips.read_energy import read_energy, read_seconds
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.layers.relative import rms

_ENERGY_READS = 8


@dataclass(frozen=True, kw_only=True)
class LayerSummary:
    """One matrix on chips.

    inputs, outputs : its shape
    cells : of all tiles, reference columns included; utilisation : their share of the tiles' places
    mac_error : rms of its outputs less the digital ones over rms of these, on the kept reads; NaN where
        these alone are all 0
    clipped : the share of inputs since calibration that lay beyond `input_scale`
    reads : of an item of the sample
    seconds : [s] of an item's reads, one after another, conversions included
    joules : [J] of an item's reads; None where it was not asked for
    converters : what the kept reads use of them
    used_since : what all reads without gradients used of them since calibration
    """

    name: str
    inputs: int
    outputs: int
    tiles: int
    cells: int
    utilisation: float
    input_scale: float
    signed: bool
    mac_error: float
    clipped: float
    reads: float
    seconds: float
    joules: float | None
    converters: tuple[Use, ...]
    used_since: tuple[Use, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        uses = {
            name: [one.to_dict() for one in getattr(self, name)] for name in ("converters", "used_since")
        }
        return {**vars(self), **uses}


@dataclass(frozen=True, kw_only=True, repr=False)
class Summary(Shown):
    """All layers on chips, and what is digital with its reason.

    seconds : [s] of all reads of an item, one layer after another; digital work is left out
    """

    layers: tuple[LayerSummary, ...]
    seconds: float
    digital: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What to know before the numbers are believed: clipped inputs, converters that do not fit."""
        found = [
            f"{one.name}: {percent(one.clipped, 2, significant=True)} of inputs lay beyond"
            f" +-{one.input_scale:.3g} and were clipped; calibrate on a sample that has them"
            for one in self.layers
            if one.clipped
        ]
        for one in self.layers:
            told = worst([*one.converters, *one.used_since])
            found += [f"{one.name}: {use.warning}" for use in told if use.warning]
        return found

    def facts(self) -> Facts:
        """A row a layer; then what is digital, and notes."""
        cells, tiles = (sum(getattr(one, what) for one in self.layers) for what in ("cells", "tiles"))
        joules = [one.joules for one in self.layers if one.joules is not None]
        said = f", {engineering(self.seconds, 's')} of reads an item"
        said += f" and {engineering(sum(joules), 'J')}" if joules else ""
        title = f"On chips: {counted(cells, 'cell')} in {counted(tiles, 'tile')}{said}"
        head = ["layer", "weights", "tiles", "cells", "used", "inputs", "MAC error", "clipped", "codes"]
        rows = [_row(one) for one in self.layers]
        for name, reason in self.digital.items():
            title += f"\n  digital: {name}, {reason}"
        for note in self.notes:
            title += f"\n  note: {note}"
        return Facts(title=title, head=head, rows=rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "layers": [one.to_dict() for one in self.layers], "digital": dict(self.digital),
            "seconds": self.seconds, "notes": self.notes,
        }  # fmt: skip


def _row(one: LayerSummary) -> list[str]:
    codes = ", ".join(f"{use.used} of {use.codes}" for use in one.converters) or "-"
    sign = "+-" if one.signed else ""
    error = percent(one.mac_error, 2) if math.isfinite(one.mac_error) else "-"
    return [
        one.name, f"{one.inputs} x {one.outputs}", f"{one.tiles}", f"{one.cells}",
        percent(one.utilisation, 0), f"{sign}{one.input_scale:.3g}", error,
        percent(one.clipped, 2), codes,
    ]  # fmt: skip


def of_layer(
    matrix: Matrix, weights: Tensor, items: int, consumption: Consumption, *, energy: bool
) -> LayerSummary:
    """The summary of a matrix with weights (rows, outputs).

    items : of the sample
    consumption : of its converters, for how long they take
    """
    port, (rows, outputs) = matrix.port, matrix.shape
    exact = matrix.digital(weights, port.kept)
    error = matrix.analog(weights, port.kept) - exact
    size, tiles = matrix.hardware.tile, matrix.tiles
    cells = sum(one.chip.fixed.size for one in tiles)
    lines = tiles[0].tile.layer.mapping.lines(size.columns)
    places = [max(one.chip.crossbar.rows, size.rows) * lines for one in tiles]
    reads = (2 if port.signed else 1) * port.reads / items
    return LayerSummary(
        name=matrix.name,
        inputs=rows,
        outputs=outputs,
        tiles=len(tiles),
        cells=cells,
        utilisation=cells / sum(places),
        input_scale=port.scale,
        signed=port.signed,
        mac_error=_over(rms([error]), rms([exact])),
        clipped=port.beyond / max(port.seen, 1),
        reads=reads,
        seconds=reads * _seconds(matrix, consumption),
        joules=reads * _joules(matrix, weights) if energy else None,
        converters=_uses(matrix, weights),
        used_since=tuple(matrix.usage.uses()),
    )


def _over(error: float, signal: float) -> float:
    """An error over a signal; NaN where there is none, unless there is no error either."""
    if signal:
        return error / signal
    return math.nan if error > 1e-12 else 0.0


def _seconds(matrix: Matrix, consumption: Consumption) -> float:
    """How long one read of all tiles takes [s]: they are read, and converted, at the same time."""
    circuitry, mapping = matrix.hardware.circuitry, matrix.tiles[0].tile.layer.mapping
    chips = [one.chip for one in matrix.tiles]
    held = (read_seconds(one, circuitry) for one in chips)
    channels = (mapping.channels(one.crossbar.columns) for one in chips)
    return chips[0].slices.count * max(*held, *map(consumption.conversion_seconds, channels))


def _joules(matrix: Matrix, weights: Tensor) -> float:
    """The mean energy [J] of one read of all tiles."""
    found = read_energy(
        [
            (one.chip, matrix.hardware.circuitry, state, one.chip.afresh().drive(volts))
            for one, state, volts in _reads(matrix, weights)
        ],
        most=_ENERGY_READS,
        slices=matrix.tiles[0].chip.slices.count,
    )
    return found.total


def _uses(matrix: Matrix, weights: Tensor) -> tuple[Use, ...]:
    x = matrix.hardware.imperfections
    if not (x.dac_bits or x.adc_bits):
        return ()
    reads = []
    for one, state, volts in _reads(matrix, weights):
        seen = matrix.hardware.circuitry.settled(one.chip.crossbar, state, one.chip.read_device)
        W, rest = seen.weights()
        reads.append((one.chip, volts, one.chip.afresh().drive(volts) @ W + rest))
    return tuple(uses(reads))


def _reads(matrix: Matrix, weights: Tensor) -> list[tuple[Any, Any, Any]]:
    """(tile, its states, voltages asked for (reads, rows) [V]) of the kept reads."""
    layer, found = matrix.layer(weights), []
    g = layer.mapping.weights_of(layer.initial_state)
    for one, part in matrix.parts_of(g):
        volts = np.asarray(voltage_from_input(layer.inputs[:, one.tile.rows], one.tile.layer.device))
        found.append((one, one.states(part).numpy(), volts))
    return found
