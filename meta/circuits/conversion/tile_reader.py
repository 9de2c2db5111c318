"""Reads of one tile as its drivers and converters make them: gradients go straight through these."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.circuits.behind_circuit import COMING
from meta.circuits.conversion.tiles import ChipTile, instead
from roa_circuit.solver.read_model import ReadModel

Floats = NDArray[np.float64]


class TileReader:
    """Reads of one tile with weights g (rows, outputs).

    W : (rows, columns) [S] effective weights of g where they are known already
    """

    def __init__(self, chip_tile: ChipTile, g: Tensor, W: Tensor | None = None) -> None:
        self.chip_tile = chip_tile
        omega = chip_tile.states(g)
        self.state = omega.detach().numpy()
        self.W = chip_tile.matrix(omega) if W is None else W
        settled, layer = chip_tile.settled(omega), chip_tile.tile.layer
        self._exactly: Callable[[Floats], Floats] | None = None
        self._rest = torch.zeros(1, dtype=torch.float64)
        self._gain, self._full = layer.gain, layer.device.pulses.full_scale
        if layer.read_model is ReadModel.cells:
            self._exactly = settled.reader(ReadModel.cells, coming=COMING)
        elif len(settled.ends) or settled.added.any():
            self._rest = torch.from_numpy(settled.weights()[1])

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs (reads, outputs) in units of g of x in [0, 1] (reads, rows)."""
        chip = self.chip_tile.chip
        asked = x * self._full
        reached = asked.clamp(0, chip.dac_range) if chip.imperfections.dac_bits else asked
        reached = reached * torch.from_numpy(chip.driver_gain) + torch.from_numpy(chip.driver_offset)
        volts = instead(reached, chip.drive(asked.detach().numpy()))
        currents = volts @ self.W + self._rest
        if self._exactly:
            currents = instead(currents, self._exactly(volts.detach().numpy()))
        return self._sensed(currents, volts) / (self._gain * self._full)

    @property
    def _largest(self) -> Tensor:
        """(1,) the converters' range [A]."""
        return torch.as_tensor(self.chip_tile.chip.adc.full)

    def _sensed(self, currents: Tensor, volts: Tensor) -> Tensor:
        """Differences (reads, outputs) of what converters report."""
        chip, x = self.chip_tile.chip, self.chip_tile.chip.imperfections
        sensed = chip.sense(currents.detach().numpy(), self.state, volts.detach().numpy())
        plain = currents * torch.from_numpy(chip.sense_gain) + torch.from_numpy(chip.sense_offset)
        if chip.mapping.apart:
            if x.adc_bits:
                plain = plain.clamp(torch.zeros(1, dtype=plain.dtype), self._largest)
            return self.chip_tile.difference(instead(plain, sensed))
        signal = self.chip_tile.difference(plain)
        a = self.chip_tile.per_ampere
        if x.adc_bits:
            signal = signal.clamp(-a * self._largest, a * self._largest)
        return instead(signal, a * sensed)
