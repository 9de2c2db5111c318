"""The write as the network sees it: wanted weights g in, written weights out, differentiable.

The physics is `roa_circuit.device.programming` and, of pairs, `roa_circuit.circuit.pairs`, called on
torch tensors. Rounding and noise pass
gradients straight through: the write's value is exact, its derivative that of the ideal step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.pairs import Pair, centred, write_pair
from roa_circuit.circuit.scaling import state_from_weight, weight_from_state
from roa_circuit.device.arrays import Array
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, unchecked_write


@dataclass(frozen=True, kw_only=True)
class WriteModel:
    """The device that an adaptation is written on, and how its pulses are counted and disturbed.

    mapping : whether a weight has one cell beside a reference, or a pair
    """

    device: Device
    how: Programming
    mapping: Mapping = REFERENCE

    def write(
        self,
        g: Tensor,
        step: Tensor,
        generator: np.random.Generator | None = None,
        *,
        erased: bool = False,
    ) -> Write:
        """Write the change `step` onto cells holding g; straight-through gradient.

        erased : whether both cells of a pair start where a single one would hold g, so that only what
            is written tells them apart; otherwise they stand evenly about omega = 1/2
        """
        if not self.mapping.paired:
            return write_weight(g, step, self.device, self.how, generator)
        wanted = g + step if erased else torch.clamp(g + step, -1.0, 1.0)
        with torch.no_grad():
            start = pair_holding(g.detach().double(), erased=erased)
            change = step.detach().double()
            what = self.device, self.how, self.mapping.write
            written, count = write_pair(start, change, *what, generator)
            reached = g.detach().double() + (written.difference - start.difference)
            error = reached.to(wanted.dtype) - wanted
        return Write(wanted + error, count.plus, count.minus)


@dataclass(frozen=True)
class Write:
    """The outcome of one write: weights g and signed pulse counts, all of the weight's shape.

    minus : the pulses of the second cells, where weights are pairs
    """

    weight: Tensor
    pulses: Tensor
    minus: Tensor | None = None


def pair_holding(g: Array, *, erased: bool) -> Pair:
    """The states of pairs that hold g: even about omega = 1/2, or both erased to where one cell has g.

    An erased head's weights are all alike. As pairs of equal cells they are all 0, which changes no
    answer: every class's output lacks the same sum of features.
    """
    if erased:
        omega = state_from_weight(g)
        return Pair(omega, omega)
    return centred(g)


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
        written, pulses = unchecked_write(omega, 0.5 * step.detach().double(), device, how, generator)
        error = weight_from_state(written).to(wanted.dtype) - wanted
    return Write(wanted + error, pulses)
