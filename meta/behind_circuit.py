"""A whole network behind its circuits: every layer read through its chips' wires and readouts.

Cells of the blocks are read as conductances at V_r (decision 8 of docs/physics.md), so that a
convolution is one with effective weights; the head has Eq. 2 at every cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from meta.network import BLOCKS, HEAD, Network
from roa_circuit.chip import Chip
from roa_circuit.mapping import voltage_from_input
from roa_circuit.solver import effective_weights, read_currents
from roa_circuit.sweeps.deployed import Array, Deployed, voltages, written
from roa_circuit.tiling import outputs

Floats = NDArray[np.float64]

COMING = 100
"""A sweep has many reads to come: the solver may take its time to get ready."""


@dataclass(frozen=True, kw_only=True)
class WrittenArray:
    """One array on a written chip.

    weights : effective conductances (rows, columns) [S]; None where every cell has Eq. 2
    gain, offset : what is done to each column's current, in the array's order
    """

    array: Array
    chip: Chip
    state: Floats
    weights: Floats | None
    gain: Floats
    offset: Floats

    def currents(self, x: Floats) -> Floats:
        """The corrected currents (reads, columns) [A] of inputs x in [0, 1] (reads, rows)."""
        order = self.array.order
        volts = self.chip.drive(order.inputs(np.asarray(voltage_from_input(x))))
        return order.outputs(
            _sensed(self.chip, self.state, self.weights, volts) * self.gain + self.offset
        )


@dataclass(frozen=True, kw_only=True)
class CircuitLayer:
    """A layer on written chips, ready for any input."""

    deployed: Deployed
    arrays: tuple[WrittenArray, ...]

    def __call__(self, x: Floats) -> Floats:
        """Outputs (reads, weight columns) of inputs x >= 0 (reads, rows), scaled into [0, 1]."""
        tiles, scale = self.deployed.tiles, max(1.0, float(x.max(initial=0.0)))
        currents = []
        for tile, array in zip(tiles, self.arrays, strict=True):
            rows = slice(tile.first_row, tile.first_row + tile.layer.crossbar.rows)
            currents.append(array.currents(x[:, rows] / scale))
        return np.asarray(outputs(tiles, currents) * (scale / tiles[0].layer.input_scale))


def on_chips(deployed: Deployed, chips: Sequence[Chip], *, in_situ: bool, exact: bool) -> CircuitLayer:
    """Write a deployed layer onto chips, and calibrate it where that is wanted.

    in_situ : the pulses go through the wires; else every cell gets them in full
    exact : Eq. 2 at every cell; else effective weights
    """
    arrays = []
    for array, chip in zip(deployed.arrays, chips, strict=True):
        state = written(array, chip, in_situ=in_situ)
        weights = None if exact else effective_weights(chip.crossbar, state, chip.device)
        tests = voltages(array, chip)[len(array.own.inputs) :]
        gain, offset = array.correction(
            _sensed(chip, state, weights, tests) if len(tests) else np.zeros((0, chip.crossbar.columns))
        )
        arrays.append(
            WrittenArray(array=array, chip=chip, state=state, weights=weights, gain=gain, offset=offset)
        )
    return CircuitLayer(deployed=deployed, arrays=tuple(arrays))


@torch.no_grad()
def classes(
    network: Network, images: torch.Tensor, layers: Mapping[str, CircuitLayer]
) -> NDArray[np.int64]:
    """The class of every image (images, channels, size, size), all layers behind their circuits."""
    x, step = images, network.architecture.steps
    for name in BLOCKS:
        count, _, height, width = x.shape
        windows = F.unfold(x, 3, padding=1).transpose(1, 2).flatten(0, 1)
        y = torch.from_numpy(layers[name](windows.double().numpy())).to(x.dtype)
        x = network.block(name, y.reshape(count, height, width, -1).movedim(3, 1), step)
    features = network.head_inputs(x.flatten(1))
    features = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    return np.asarray(layers[HEAD](features.double().numpy()).argmax(axis=1))


def _sensed(chip: Chip, state: Floats, weights: Floats | None, volts: Floats) -> Floats:
    if weights is None:
        currents = read_currents(chip.crossbar, state, volts, chip.device, coming=COMING)
    else:
        currents = volts @ weights
    return chip.sense(currents, state, volts)
