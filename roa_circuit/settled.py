"""An array as settled reads see it, behind its amplifiers and transistors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roa_circuit.crossbar import Crossbar
from roa_circuit.parameters import Device
from roa_circuit.solver import effective_weights, read_currents

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SettledArray:
    """What `Circuitry.settled` makes of a crossbar with its states.

    crossbar : its lines end in the amplifiers' input resistance; device : cells with what is in series
    state : (rows, columns) omega
    ends : (columns,) [V] where bit lines end; empty where that is ground
    added : (columns,) [A] what offsets add to every reading, by way of the feedback resistors
    """

    crossbar: Crossbar
    state: Floats
    device: Device
    ends: Floats = field(default_factory=lambda: np.zeros(0))
    added: Floats = field(default_factory=lambda: np.zeros(1))

    def currents(
        self, voltages: Floats, *, by: Callable[..., Floats] = read_currents, **how: object
    ) -> Floats:
        """What amplifiers are read as (reads, columns) [A], of word-line voltages (reads, rows) [V].

        by : `read_currents`, or its dense twin; how : what else it is told
        """
        found = by(self.crossbar, self.state, voltages, self.device, ends=self.ends, **how)
        return np.asarray(found + self.added)

    def weights(self) -> tuple[Floats, Floats]:
        """(W (rows, columns) [S], rest (columns,) [A]): linear cells are read as voltages @ W + rest."""
        nothing = np.zeros((1, self.crossbar.rows))
        rest = self.currents(nothing, exact=False)[0] if len(self.ends) else self.added
        return effective_weights(self.crossbar, self.state, self.device), rest
