"""The write as the network sees it: wanted weights g in, written weights out, differentiable.

The physics is `roa_circuit.device.programming`, called on torch tensors. Rounding and noise pass
gradients straight through: the write's value is exact, its derivative that of the ideal step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roa_circuit.circuit.mapping import state_from_weight, weight_from_state
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, write


@dataclass(frozen=True, kw_only=True)
class WriteModel:
    """The device that an adaptation is written on, and how its pulses are counted and disturbed."""

    device: Device
    how: Programming


@dataclass(frozen=True)
class Write:
    """The outcome of one write: weights g and signed pulse counts, both of the weight's shape."""

    weight: Tensor
    pulses: Tensor


def write_weight(
    g: Tensor,
    step: Tensor,
    device: Device,
    how: Programming,
    generator: np.random.Generator | None = None,
) -> Write:
    """Write the change `step` onto cells holding g (Eq. 6, 7); straight-through gradient.

    The gradient of the written weight is that of clip(g + step, -1, 1).
    """
    wanted = torch.clamp(g + step, -1.0, 1.0)
    with torch.no_grad():
        omega = state_from_weight(g.detach().double())
        written, pulses = write(omega, 0.5 * step.detach().double(), device, how, generator)
        error = weight_from_state(written).to(wanted.dtype) - wanted
    return Write(wanted + error, pulses)
