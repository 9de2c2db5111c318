"""Reads of one tile as its drivers and converters make them: gradients go straight through these."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.circuits.behind_circuit import COMING
from meta.circuits.conversion.tiles import ChipTile, instead
from roa_circuit.chips.converter_use import Usage
from roa_circuit.solver.read_model import ReadModel

Floats = NDArray[np.float64]


class TileReader:
    """Reads of one tile with weights g (rows, outputs).

    W : (rows, columns) [S] effective weights of g where they are known already
    usage : counts what reads without gradients ask of converters
    """

    def __init__(
        self, chip_tile: ChipTile, g: Tensor, W: Tensor | None = None, usage: Usage | None = None
    ) -> None:
        self.chip_tile, self._usage = chip_tile, usage
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
        asked = x.detach().numpy() * self._full
        volts = self.chip_tile.chip.drive(asked)
        currents = self._exactly(volts) if self._exactly else self._linear(volts)
        if self._usage and not torch.is_grad_enabled():
            self._usage.add(self.chip_tile.chip, asked, currents)
        value = self._outputs(self.chip_tile.chip.sense(currents, self.state, volts))
        if not (torch.is_grad_enabled() and (x.requires_grad or self.W.requires_grad)):
            return value
        return instead(self._smooth(x, volts, currents), value.numpy())

    def _linear(self, volts: Floats) -> Floats:
        """Currents (reads, columns) [A] by effective weights."""
        return np.asarray(volts @ self.W.detach().numpy() + self._rest.numpy())

    def _outputs(self, sensed: Floats) -> Tensor:
        """What converters report (reads, channels) [A], in units of g."""
        reported = torch.from_numpy(sensed)
        if self.chip_tile.chip.mapping.apart:
            y = self.chip_tile.difference(reported)
        else:
            y = self.chip_tile.per_ampere * reported
        return y / (self._gain * self._full)

    def _smooth(self, x: Tensor, volts: Floats, currents: Floats) -> Tensor:
        """Outputs whose gradients those of steps are: converters pass them within their range only."""
        chip = self.chip_tile.chip
        asked = x * self._full
        reached = asked.clamp(0, chip.dac_range) if chip.imperfections.dac_bits else asked
        reached = reached * torch.from_numpy(chip.driver_gain) + torch.from_numpy(chip.driver_offset)
        volts, currents = chip.slices.added(volts), chip.slices.added(currents)
        found = instead(instead(reached, volts) @ self.W + self._rest, currents)
        return self._digitised(found) / (self._gain * self._full)

    @property
    def _largest(self) -> Tensor:
        """(1,) the converters' range [A]."""
        return torch.as_tensor(self.chip_tile.chip.adc.full)

    def _digitised(self, currents: Tensor) -> Tensor:
        """Differences (reads, outputs), cut off where converters end."""
        chip, digital = self.chip_tile.chip, self.chip_tile.chip.imperfections.adc_bits
        plain = currents * torch.from_numpy(chip.sense_gain) + torch.from_numpy(chip.sense_offset)
        if not chip.mapping.apart:
            ends = self.chip_tile.per_ampere * self._largest
            signal = self.chip_tile.difference(plain)
            if len(offset := chip.subtractors.offset):
                signal = signal + self.chip_tile.per_ampere * torch.from_numpy(offset)
            return signal.clamp(-ends, ends) if digital else signal
        if digital:
            plain = plain.clamp(torch.zeros(1, dtype=plain.dtype), self._largest)
        return self.chip_tile.difference(plain)
