"""Ranges of converters that a layer's own inputs tell: one for the layer, or one for each converter.

Sample inputs, those that the layer stores, are read from its nominal cells through the circuit's lines.
A percentile of the sizes of what converters see is their range. It belongs to the layer: neither a
chip's faults nor the reads to come change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.slices import Slices
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import Tile, chip_of

Floats = NDArray[np.float64]

_LEAST = 1e-3
"""Of the largest range in a layer: no converter's is smaller, whatever its samples are."""


def seen_by_converters(
    layer: ProgrammedLayer,
    circuitry: Circuitry,
    states: Floats | None = None,
    *,
    imperfections: Imperfections,
) -> Floats:
    """Currents (reads, channels) [A] of a layer's inputs, from nominal cells behind its lines.

    Where inputs come in slices, these are the reads.

    states : (rows, columns) of its cells; by default those that its pulses are meant to reach
    """
    if states is None:
        states = np.asarray(after_pulses(layer.initial_state, layer.pulses, layer.device))
    seen = circuitry.settled(layer.crossbar, np.clip(states, 0.0, 1.0), layer.device)
    volts = np.asarray(voltage_from_input(layer.inputs, layer.device))
    if imperfections.dac_slices > 1:
        volts = Slices.of(imperfections, layer.device).driven(volts)
    return layer.joined(seen.reader(layer.read_model)(volts))


def ranges(seen: Sequence[Floats], x: Imperfections) -> list[Floats]:
    """(channels,) or (1,) [A] for each array, from what its converters see (reads, channels) [A]."""
    if x.adc_range == "layer":
        sizes = np.concatenate([np.abs(one).ravel() for one in seen])
        whole = np.array([_percentile(sizes, x.percentile)])
        return [whole] * len(seen)
    found = [np.array([_percentile(column, x.percentile) for column in np.abs(one).T]) for one in seen]
    least = _LEAST * max(float(one.max()) for one in found)
    return [np.maximum(one, max(least, 1e-18)) for one in found]


def ranged(chips: Sequence[Chip], seen: Sequence[Floats], x: Imperfections) -> list[Chip]:
    """The chips with the ranges of their converters found."""
    return [
        replace(chip, adc=chip.adc.ranged(full))
        for chip, full in zip(chips, ranges(seen, x), strict=True)
    ]


def to_be_found(x: Imperfections | None) -> bool:
    """Whether converters have ranges that a layer's inputs tell."""
    return x is not None and bool(x.adc_bits) and isinstance(x.adc_range, str)


def chips_of(
    tiles: Sequence[Tile],
    imperfections: Imperfections | None,
    seed: int,
    circuitry: Circuitry,
    every: Sequence[Tile] | None = None,
) -> list[Chip]:
    """The chips of a layer's tiles, as `chip_of` draws them, with the ranges of their converters.

    every : all tiles of the layer, where `tiles` are some of them
    """
    chips = [chip_of(tile, imperfections, seed) for tile in tiles]
    if imperfections is None or not to_be_found(imperfections):
        return chips
    by_layer = imperfections.adc_range == "layer" and every is not None
    seen = [
        seen_by_converters(tile.layer, circuitry, imperfections=imperfections)
        for tile in (every if by_layer and every else tiles)
    ]
    found = ranges(seen, imperfections)
    if by_layer:
        found = found[:1] * len(chips)
    return [replace(chip, adc=chip.adc.ranged(full)) for chip, full in zip(chips, found, strict=True)]


def _percentile(sizes: Floats, percent: float) -> float:
    found = float(np.percentile(sizes, percent)) if sizes.size else 0.0
    return max(found, 1e-18)
