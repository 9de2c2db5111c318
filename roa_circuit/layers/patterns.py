"""Patterns: the test reads from which a layer's columns are calibrated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roa_circuit.layers.programmed import ProgrammedLayer

Floats = NDArray[np.float64]

TEST_READS = 8
"""As many are patterns of noise; more are inputs of the layer."""

MOST_TEST_READS = 10_000


def calibration_inputs(layer: ProgrammedLayer, reads: int = TEST_READS) -> Floats:
    """Test patterns (reads, rows), the same for every choice.

    Up to eight are uniform noise of the inputs' mean size. More are the largest of the layer's inputs:
    converters read them as they read what they are made for. Where the layer has fewer, they come again.
    """
    if reads > TEST_READS and len(layer.inputs):
        largest = np.argsort(-layer.inputs.sum(axis=1), kind="stable")
        return layer.inputs[np.resize(largest, reads)]
    size = min(2.0 * float(layer.inputs.mean()), 1.0) or 1.0
    return size * np.random.default_rng(layer.crossbar.rows).random((reads, layer.crossbar.rows))


def repeated(inputs: int, reads: int) -> str:
    """What calibration reads of a layer with fewer inputs than test reads, in words; '' of any other."""
    if reads <= TEST_READS or not 0 < inputs < reads:
        return ""
    return f"calibrated:{reads} has {inputs} inputs to read, which come again until there are {reads}"
