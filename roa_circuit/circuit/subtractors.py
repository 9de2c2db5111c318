"""Subtractors of differences as they are made: what they add to I+ - I-, which mappings form.

    out+ -- R (1 - e) --+-- R (1 + e) -- ref        d = (1 + e) I+ - I- + i0
                        |
                       (+)
    out- ------ R -----(-) >--+-- d                 e  mismatch of its two sides
                        |     |                     i0 offset, by the voltage of ref
                        +- R -+

What both sides have in common, (I+ + I-) / 2, passes with e: the common-mode rejection is 1 / |e|.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.mapping import Mapping

Floats = NDArray[np.float64]

LARGEST_MISMATCH = 0.2
"""Standard deviation of e, a fifth of where a resistor R (1 - |e|) would be nothing."""


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Subtractors:
    """Those of an array, one an output; by default exact ones.

    mismatch : (outputs,) e [-], or empty
    offset : (outputs,) i0 [A], or empty
    """

    mismatch: Floats = field(default_factory=_none)
    offset: Floats = field(default_factory=_none)

    @property
    def are_exact(self) -> bool:
        """Whether they form I+ - I- and nothing else."""
        return not (len(self.mismatch) or len(self.offset))

    @property
    def plus_gain(self) -> Floats:
        """(outputs,) or (1,) how much the plus side counts; the minus side counts once."""
        return 1.0 + self.mismatch if len(self.mismatch) else np.ones(1)

    def differences(self, mapping: Mapping, columns: Floats) -> Floats:
        """What they put out (..., outputs) [A] of bit lines' currents (..., columns) [A]."""
        found = self.weights(mapping, columns)
        return found + self.offset if len(self.offset) else found

    def weights(self, mapping: Mapping, columns: Floats) -> Floats:
        """(..., outputs) of conductances (..., columns) [S]: as `differences`, without offsets."""
        found = mapping.differences(columns)
        if not len(self.mismatch):
            return found
        return np.asarray(found + self.mismatch * columns[..., mapping.plus(columns.shape[-1])])

    def alone(self, mapping: Mapping, columns: Floats) -> Floats:
        """Each bit line (..., columns) [A] through its subtractor, the other line switched off.

        What comes by the minus side is turned over digitally, and the offset with it.
        """
        if self.are_exact:
            return columns
        lines = columns.shape[-1]
        own = mapping.channel_of(lines)
        is_plus = mapping.plus(lines)[own] == np.arange(lines)
        gain, shift = np.ones(lines), np.zeros(lines)
        if len(self.mismatch):
            gain = np.where(is_plus, self.plus_gain[own], 1.0)
        if len(self.offset):
            shift = np.where(is_plus, self.offset[own], -self.offset[own])
        return np.asarray(columns * gain + shift)


EXACT = Subtractors()
"""I+ - I-."""
