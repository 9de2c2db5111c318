"""An array as settled reads see it, behind its amplifiers and transistors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.contents import check_read
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance, differential_conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver.access import solve_behind
from roa_circuit.solver.iterative import Cells
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.operating_point import OperatingPoint, operating_point
from roa_circuit.solver.read import effective_weights, read_currents, solve_cells
from roa_circuit.solver.read_model import ReadModel

Floats = NDArray[np.float64]

_TRANSISTOR_TOLERANCE = 1e-11


@dataclass(frozen=True, kw_only=True)
class SettledArray:
    """A crossbar with its states in a settled read, as `Circuitry.settled` makes it.

    crossbar : its lines end in the amplifiers' input resistance
    state : (rows, columns) omega
    transistor : between each cell and its word line
    ends : (columns,) voltages [V] that bit lines end in; empty where that is ground
    added : (columns,) or (1,) currents [A] that offsets add to every reading through the feedback
    """

    crossbar: Crossbar
    state: Floats
    device: Device
    transistor: Transistor | None
    ends: Floats
    added: Floats

    def currents(self, voltages: Floats, *, coming: int = 1) -> Floats:
        """Currents (reads, columns) [A] that amplifiers report of word-line voltages (reads, rows) [V].

        coming : as for `read_currents`

        Raises
        ------
        InputError : as for `read_currents`, or transistors near saturation.
        """
        if self.transistor:
            return self._behind(self.transistor, voltages) + self.added
        what = self.crossbar, self.state, voltages, self.device
        return read_currents(*what, ends=self.ends, coming=coming) + self.added

    def operating_point(self, voltages: Floats) -> OperatingPoint:
        """Every voltage, current and watt of reads (reads, rows) [V], Eq. 2 at every cell.

        Raises
        ------
        InputError : as for `currents`.
        """
        if self.transistor is None:
            return operating_point(self.crossbar, self.state, voltages, self.device, ends=self.ends)
        cells, access = self._solved_behind(self.transistor, voltages)
        return OperatingPoint(self.crossbar, voltages, cells.voltages, cells.currents, self.ends, access)

    def reader(
        self, model: ReadModel = ReadModel.cells, *, coming: int = 1
    ) -> Callable[[Floats], Floats]:
        """`currents` of any voltages, its cells taken as the model says; weights are worked out once."""
        if model is ReadModel.cells:
            return partial(self.currents, coming=coming)
        return partial(_by_weights, *self.weights())

    def densely(self, voltages: Floats) -> Floats:
        """As `currents`, by the dense twin."""
        from roa_circuit.solver.dense import read_currents_dense

        found = read_currents_dense(
            self.crossbar, self.state, voltages, self.device, ends=self.ends, transistor=self.transistor
        )
        return found + self.added

    def resistive(self, voltages: Floats, by: Callable[..., Floats]) -> Floats:
        """As `currents`, by another reader, with transistors taken for resistances."""
        return np.asarray(
            by(self.crossbar, self.state, voltages, self.nearly, ends=self.ends) + self.added
        )

    def weights(self) -> tuple[Floats, Floats]:
        """(W (rows, columns) [S], rest (columns,) [A]): linear cells are read as voltages @ W + rest."""
        nothing = np.zeros((1, self.crossbar.rows))
        rest = self.resistive(nothing, partial(read_currents, exact=False))[0]
        return effective_weights(self.crossbar, self.state, self.nearly), rest

    @property
    def nearly(self) -> Device:
        """Cells of 1 / (1 + G r) of the current, r being `on_resistance`, G as at V_r."""
        if self.transistor is None:
            return self.device
        p, r = self.device.memristor, self.transistor.on_resistance(self.crossbar.temperature)
        G = conductance(self.state, self.device.pulses.read_voltage, p)
        return self.device.scaled(p.current_scale / (1.0 + G * r))

    def _behind(self, transistor: Transistor, voltages: Floats) -> Floats:
        cells, _ = self._solved_behind(transistor, voltages)
        return np.asarray(cells.currents.sum(axis=-2))

    def _solved_behind(self, transistor: Transistor, voltages: Floats) -> tuple[Cells, Floats]:
        """(the cells, the voltages of their transistors [V]), both (reads, rows, columns)."""
        check_read(self.crossbar, self.state, voltages)
        p, drives = self.device.memristor, voltages[:, :, None]
        G = conductance(self.state, self.device.pulses.read_voltage, p)
        network = LinearNetwork(self.crossbar, np.asarray(G))
        e = np.broadcast_to(drives, (len(voltages), *self.crossbar.shape))
        e = e - self.ends if len(self.ends) else e
        slope = partial(differential_conductance, self.state, p=p)

        def solve(e: Floats) -> Cells:
            return solve_cells(network, self.state, e, p)

        none = np.zeros_like(e)
        return solve_behind(
            transistor, network, drives, solve, slope, e, none, tolerance=_TRANSISTOR_TOLERANCE
        )


def _by_weights(weights: Floats, rest: Floats, voltages: Floats) -> Floats:
    return np.asarray(voltages @ weights + rest)
