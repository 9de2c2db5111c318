"""The cells under a network's weights: states before a write and its pulses, on a mapping's columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from meta.learning.hardware import pair_holding
from meta.learning.learners import Step
from meta.network.architecture import HEAD
from meta.network.matrices import matrix
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.circuit.pairs import Pair
from roa_circuit.circuit.scaling import state_from_weight
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import after_pulses


def cells_of(
    step: Step, layer: str, mapping: Mapping, *, erased: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(states before the write, signed pulses) of a layer's array, both (rows, columns).

    erased : whether the layer is an erased head, whose pairs start with both cells erased
    """
    g, plus = matrix(layer, step.before), matrix(layer, step.pulses)
    if not mapping.paired:
        return mapping.states_of(g), mapping.laid(plus, 0).astype(np.int64)
    start = pair_holding(g, erased=erased)
    minus = matrix(layer, step.minus)
    return mapping.laid(start.plus, start.minus), mapping.laid(plus, minus).astype(np.int64)


def written_cells(
    step: Step, mapping: Mapping, *, erased: bool
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.int64]]]:
    """(layer, states before the write, signed pulses) of every layer that is written.

    Both are (rows, columns) of the cells that hold weights: reference columns, which take no pulses, are
    left out.

    erased : whether the head's cells start erased
    """
    for layer in (name for name in step.pulses if not name.endswith(".bias")):
        if not (step.pulses[layer].any() or (step.minus and step.minus[layer].any())):
            continue
        if mapping.paired:
            yield layer, *cells_of(step, layer, mapping, erased=erased and layer == HEAD)
        else:
            g, pulses = matrix(layer, step.before), matrix(layer, step.pulses)
            yield layer, state_from_weight(g), pulses.astype(np.int64)


def pairs_of(step: Step, layer: str, device: Device, *, erased: bool) -> tuple[Pair, Pair]:
    """The states (rows, outputs) of a layer's pairs before a write and, without its noise, after it."""
    before = pair_holding(matrix(layer, step.before), erased=erased)
    plus = after_pulses(before.plus, matrix(layer, step.pulses), device)
    minus = after_pulses(before.minus, matrix(layer, step.minus), device)
    return before, Pair(plus, minus)
