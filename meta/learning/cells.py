"""The cells under a network's weights: states before a write and its pulses, on a mapping's columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from meta.learning.hardware import pair_holding
from meta.learning.learners import Step
from meta.network.matrices import matrix
from roa_circuit.circuit.columns import Mapping


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
