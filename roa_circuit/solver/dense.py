"""The slow, obvious twin of the solver: nodal analysis of every node, dense, one Newton loop.

It shares neither method nor code with `solver`, so that each checks the other. Nodes joined by a
resistance of zero are one node. Memory grows with (rows columns)^2, so it is for small arrays.
Node voltages and residuals are in extended precision where the machine has it, because a
milliohm beside a megohm costs a nodal matrix nine digits.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.contents import GROUND, check_ends, check_read
from roa_circuit.circuit.crossbar import Crossbar, of_line
from roa_circuit.device.memristor import conductance, current, differential_conductance
from roa_circuit.device.parameters import Device

Floats = NDArray[np.float64]

Extended = NDArray[np.longdouble]

MOST_CELLS = 4096

_SATURATED = 0.1  # of a channel's overdrive is left at its narrow end


def read_currents_dense(
    crossbar: Crossbar,
    state: Floats,
    voltages: Floats,
    device: Device,
    *,
    exact: bool = True,
    ends: Floats = GROUND,
    transistor: Transistor | None = None,
) -> Floats:
    """The sensed currents (reads, columns) [A]; arguments as `solver.read_currents`.

    transistor : between each cell and its word line, SPICE's level 1 in its linear region

    Raises
    ------
    InputError : more than 4096 cells, linear cells behind transistors, or transistors near saturation.
    """
    check_read(crossbar, state, voltages)
    check_ends(crossbar, ends)
    if crossbar.rows * crossbar.columns > MOST_CELLS:
        raise InputError(
            f"the dense twin takes at most {MOST_CELLS} cells, not {crossbar.rows} x {crossbar.columns}"
        )
    if transistor and not exact:
        raise InputError("transistor: linear cells have none; read them with exact=True")
    circuit = _Circuit(crossbar, transistor)
    fixed = [np.append(v, ends if len(ends) else np.zeros(crossbar.columns)) for v in voltages]
    return np.stack([circuit.read(state, v, device, exact) for v in fixed])


class _Circuit:
    """Nodes and branches: unknown nodes 0..n-1, then the fixed ones (drives, grounds)."""

    def __init__(self, crossbar: Crossbar, transistor: Transistor | None = None) -> None:
        self.rows, self.columns = crossbar.shape
        self.transistor, self.temperature = transistor, crossbar.temperature
        self._parent: dict[str, str] = {}
        resistors = self._resistors(crossbar)
        for a, b, r in resistors:
            if r == 0.0:
                self._join(a, b)
        fixed = [f"source{i}" for i in range(self.rows)] + [f"ground{j}" for j in range(self.columns)]
        self.fixed = {self._find(name): index for index, name in enumerate(fixed)}
        # The cells' nodes by name: behind breaks, no resistor need reach them.
        kinds = "wtb" if transistor else "wb"  # t is between a transistor and its cell
        cells = {f"{k}{i},{j}" for k in kinds for i in range(self.rows) for j in range(self.columns)}
        ends = {n for a, b, _ in resistors for n in (a, b)}
        names = sorted({self._find(name) for name in ends | cells} - self.fixed.keys())
        self.number = {name: index for index, name in enumerate(names)}
        self.number |= {name: len(names) + index for name, index in self.fixed.items()}
        self.unknowns, self.nodes = len(names), len(names) + len(fixed)
        self.resistors = [(self._node(a), self._node(b), r) for a, b, r in resistors if r > 0.0]
        self.word, self.top, self.bit = (
            np.array(
                [[self._node(f"{k}{i},{j}") for j in range(self.columns)] for i in range(self.rows)]
            )
            for k in ("wtb" if transistor else "wwb")
        )

    def _resistors(self, c: Crossbar) -> list[tuple[str, str, float]]:
        """(node, node, Ohm) of every line segment and terminal."""
        parts = []
        broken = {(one.line, one.row, one.column) for one in c.breaks}
        across = range(c.columns - 1, -1, -1) if c.drive == "right" else range(c.columns)
        along = range(c.rows - 1, -1, -1) if c.sense == "top" else range(c.rows)
        for i in range(c.rows):
            source, segment, last = of_line(c.r_source, i), of_line(c.r_word, i), f"driven{i}"
            parts.append((f"source{i}", last, source))
            for j in across:
                if ("word", i, j) not in broken:
                    parts.append((last, f"w{i},{j}", segment))
                last = f"w{i},{j}"
            if c.drive == "both":
                parts.append((last, f"far{i}", segment))
                parts.append((f"far{i}", f"source{i}", source))
        for j in range(c.columns):
            for i, following in itertools.pairwise([*along, None]):
                below = f"sensed{j}" if following is None else f"b{following},{j}"
                if ("bit", i, j) not in broken:
                    parts.append((f"b{i},{j}", below, of_line(c.r_bit, j)))
            parts.append((f"sensed{j}", f"ground{j}", of_line(c.r_sense, j)))
        return parts

    def read(self, state: Floats, fixed: Floats, device: Device, exact: bool) -> Floats:
        """The currents (columns,) into the grounds; `fixed` are the drives' voltages, then theirs."""
        p, read_voltage = device.memristor, device.pulses.read_voltage
        v = np.zeros(self.nodes, dtype=np.longdouble)
        v[self.unknowns :] = fixed
        lines = self._line_matrix()
        last = np.inf
        for _ in range(60):
            u = v[self.top] - v[self.bit]
            if exact:
                i, slope = current(state, u, p), differential_conductance(state, u, p)
            else:
                slope = conductance(state, read_voltage, p)
                i = slope * u
            if not self.unknowns:
                break
            matrix, leaving = lines.astype(np.float64), lines @ v
            self._branch(matrix, leaving, (self.top, self.bit), i, (slope, -slope))
            if self.transistor:
                through, slopes = self._channels(self.transistor, v)
                self._branch(matrix, leaving, (self.word, self.top), through, slopes)
            step = np.linalg.solve(
                matrix[: self.unknowns, : self.unknowns], -leaving[: self.unknowns].astype(float)
            )
            v[: self.unknowns] += step
            if last <= 1e-9 * np.abs(fixed).max():  # quadratic: this step was below rounding
                break
            last = np.abs(step).max()
        else:
            raise ConvergenceError(f"the dense twin stopped at a step of {last:.2e} V")
        if self.transistor:
            self._require_open(self.transistor, v)
        arriving = -(lines @ v)
        np.add.at(arriving, self.bit, i)
        return arriving[self.nodes - self.columns :].astype(np.float64)

    def _line_matrix(self) -> Extended:
        """Conductances [S] between all nodes, the cells left out."""
        matrix = np.zeros((self.nodes, self.nodes), dtype=np.longdouble)
        for a, b, r in self.resistors:
            g = 1 / np.longdouble(r)
            matrix[a, a] += g
            matrix[b, b] += g
            matrix[a, b] -= g
            matrix[b, a] -= g
        return matrix

    def _branch(
        self,
        matrix: Floats,
        leaving: Extended,
        nodes: tuple[NDArray[np.int64], NDArray[np.int64]],
        i: Extended,
        slopes: tuple[Extended, Extended],
    ) -> None:
        """Add a branch at every cell: its current [A] and the slopes [S] of that at either node."""
        for node, sign in zip(nodes, (1.0, -1.0), strict=True):
            np.add.at(leaving, node, sign * i)
            for other, slope in zip(nodes, slopes, strict=True):
                np.add.at(matrix, (node, other), sign * np.asarray(slope, dtype=np.float64))

    def _channels(self, t: Transistor, v: Extended) -> tuple[Extended, tuple[Extended, Extended]]:
        """(currents [A] from word lines into cells, their slopes [S] at either end)."""
        strength, (word, top) = t.strength(self.temperature), self._overdrives(t, v)
        return 0.5 * strength * (top**2 - word**2), (strength * word, -strength * top)

    def _overdrives(self, t: Transistor, v: Extended) -> tuple[Extended, Extended]:
        """How far [V] the gates are above threshold, seen from word lines and from cells."""
        on = t.gate_on - t.threshold_at(self.temperature)
        return on - v[self.word], on - v[self.top]

    def _require_open(self, t: Transistor, v: Extended) -> None:
        word, top = self._overdrives(t, v)
        if float((np.minimum(word, top) / np.maximum(word, top)).min()) <= _SATURATED:
            raise InputError(
                "transistors saturate before a cell's current, and the dense twin knows them open alone:"
                " raise width_over_length, kp or gate_on, or take a simulator"
            )

    def _node(self, name: str) -> int:
        return self.number[self._find(name)]

    def _find(self, name: str) -> str:
        while name in self._parent:
            name = self._parent[name]
        return name

    def _join(self, a: str, b: str) -> None:
        """Merge two nodes; a drive or ground keeps its name."""
        a, b = self._find(a), self._find(b)
        if a != b:
            keep, drop = (b, a) if b.startswith(("source", "ground")) else (a, b)
            self._parent[drop] = keep
