"""Effective weights, worked out once, read any number of times, and updated cell by cell.

Cell currents are y = K e, with K = (1/g + Z)^-1. New conductances in k cells change K by a matrix of
rank k (Woodbury), so that only those cells' columns of K have to be solved for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import effective_weights, solve_linear

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

_SMALL = 2048  # cells of an array that is as quickly worked out anew
_FEW = 12  # changed cells; beyond, all weights cost no more


@dataclass(frozen=True, kw_only=True, eq=False)
class EffectiveWeights:
    """The matrix that an array of linear cells multiplies by, its wires included.

    state : (rows, columns) omega
    matrix : (rows, columns) [S]: sensed currents = word voltages @ matrix
    """

    crossbar: Crossbar
    state: Floats
    device: Device
    matrix: Floats

    @classmethod
    def of(cls, crossbar: Crossbar, state: Floats, device: Device) -> EffectiveWeights:
        """The effective weights of states (rows, columns); the device's constants may be arrays, too."""
        matrix = effective_weights(crossbar, state, device)
        return cls(crossbar=crossbar, state=np.array(state), device=device, matrix=matrix)

    def read(self, voltages: Floats) -> Floats:
        """The sensed currents (reads, columns) [A] of word-line voltages (reads, rows) [V]."""
        return np.asarray(voltages @ self.matrix)

    def updated(self, state: Floats) -> EffectiveWeights:
        """The weights of other states (rows, columns), quickly found where few cells differ.

        Every update adds an error of some 1e-11 of the largest weight.

        Raises
        ------
        InputError : states of another shape.
        """
        if state.shape != self.state.shape:
            raise InputError(f"states have shape {state.shape}, the crossbar is {self.state.shape}")
        rows, columns = np.nonzero(state != self.state)
        if not len(rows):
            return self
        if state.size < _SMALL or len(rows) > _FEW:
            return EffectiveWeights.of(self.crossbar, state, self.device)
        matrix = self.matrix - self._lost(state, rows, columns)
        return replace(self, state=np.array(state), matrix=matrix)

    def _lost(self, state: Floats, rows: Numbers, columns: Numbers) -> Floats:
        """By how much the matrix falls when the cells (rows[k], columns[k]) change."""
        read_voltage, p = self.device.pulses.read_voltage, self.device.memristor
        g = np.asarray(conductance(self.state, read_voltage, p))
        new = np.asarray(conductance(state, read_voltage, p))[rows, columns]
        count, old = len(new), g[rows, columns]
        unit_drives = np.zeros((count, *g.shape))
        unit_drives[np.arange(count), rows, columns] = 1.0
        network = LinearNetwork(self.crossbar, g)
        y = solve_linear(network, np.broadcast_to(g, unit_drives.shape), unit_drives)
        dropped = np.eye(count) - y[:, rows, columns].T / old[:, None]  # in a cell's loop, by a drive
        middle = np.diag(old / (old - new)) - dropped
        return np.asarray(y.sum(axis=-1).T @ np.linalg.solve(middle, y.sum(axis=-2) / old[:, None]))
