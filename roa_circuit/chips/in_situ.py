"""The in-situ write: pulses through the same wires that are read, cell by cell.

Each pulse of the programme sets every line; the solver gives the voltage that every cell really
sees, selected or not, and the closed form of its law moves its state (`roa_circuit.device.pulse_step`).
A cell's voltage changes with its own state and with those of its neighbours, so each pulse takes
one time step or more, checked by an error estimate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import engineering
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.contents import check_pulses, check_states
from roa_circuit.circuit.crossbar import Crossbar, of_line
from roa_circuit.circuit.waveforms import WritePulse, line_voltages, write_programme
from roa_circuit.device.laws.law import Law
from roa_circuit.device.parameters import Device
from roa_circuit.device.pulse_charge import charge_and_heat
from roa_circuit.device.pulse_step import step_doses
from roa_circuit.solver.access import check_gates, solve_behind
from roa_circuit.solver.iterative import Cells
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import solve_cells

Floats = NDArray[np.float64]

STATE_TOLERANCE = 1e-4
"""Largest error estimate of one step, in omega; the error itself is some ten times smaller."""

_VOLTAGE_TOLERANCE = 1e-9  # of the drive
_SHORTEST_STEP = 1e-9  # of the flat top
_CARRIES_ALONG = 1e-2  # moves of omega from which the current is followed through a step


@dataclass(frozen=True, kw_only=True, repr=False)
class WriteOutcome(Shown):
    """The outcome of an in-situ write.

    state : (rows, columns) omega
    disturb : (rows, columns) change of omega by pulses that were meant for other cells
    cell_energy : (rows, columns) dissipated in every cell [J]
    pulse_energy : (pulses,) delivered by the line drivers during each pulse [J]
    duration : of the whole programme of pulses [s]
    steps, solves : time steps taken, and solutions of the circuit they needed
    error : estimate of the worst error of `state` due to finite time steps
    """

    state: Floats
    disturb: Floats
    cell_energy: Floats
    pulse_energy: Floats
    duration: float
    steps: int
    solves: int
    error: float

    def facts(self) -> Facts:
        """What the write took, and how far it disturbed cells that were not selected."""
        rows, columns = self.state.shape
        return Facts(
            title=f"In-situ write of {rows} x {columns} cells",
            rows=[
                ("pulses", f"{self.pulses}, {engineering(self.duration, 's')}"),
                ("energy", engineering(self.energy, "J")),
                ("of it in wires and terminals", engineering(self.wire_energy, "J")),
                ("worst disturb", f"{self.worst_disturb:.1e} in omega"),
                ("error of the time steps", f"{self.error:.1e} in omega"),
            ],
        )

    @property
    def pulses(self) -> int:
        """Pulses applied to the array, each to the selected cells of one row in parallel."""
        return len(self.pulse_energy)

    @property
    def energy(self) -> float:
        """Energy delivered by the line drivers [J], which cells and wires dissipate."""
        return float(self.pulse_energy.sum())

    @property
    def wire_energy(self) -> float:
        """Energy dissipated in wires, drivers, sense resistors and access transistors [J]."""
        return self.energy - float(self.cell_energy.sum())

    @property
    def worst_disturb(self) -> float:
        """The largest |disturb| over all cells."""
        return float(np.abs(self.disturb).max())


def write_in_situ(
    crossbar: Crossbar,
    state: Floats,
    pulses: NDArray[np.int64],
    device: Device,
    *,
    transistor: Transistor | None = None,
    tolerance: float = STATE_TOLERANCE,
    on_pulse: Callable[[], None] = lambda: None,
) -> WriteOutcome:
    """Apply signed pulse counts (rows, columns) to states (rows, columns) through the wires.

    Word lines are driven through r_source, bit lines through r_sense; all lines ramp together.
    The device's constants may be arrays (rows, columns).

    transistor : of each cell. The scheme is then 'ideal', as transistors select the row; None takes
        ideal switches
    tolerance : largest error estimate of a time step, in omega.

    Raises
    ------
    InputError : shapes that do not fit the crossbar, states outside [0, 1], parts of pulses, or
        transistors that pulses would not leave on or off, or saturate.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> pulses = np.array([[0, 3], [0, 0]])
    >>> outcome = write_in_situ(default_crossbar(2, 2), np.full((2, 2), 0.2), pulses, default_device())
    >>> outcome.state.round(3)
    array([[0.2  , 0.623],
           [0.2  , 0.2  ]])
    """
    check_states(crossbar, state)
    check_pulses(crossbar, pulses)
    pulses = np.asarray(pulses).astype(np.int64)  # bytes have no room for the size of -128
    if transistor:
        check_gates(transistor, device)
    now, disturb = np.array(state, dtype=np.float64), np.zeros(crossbar.shape)
    cell_energy, error = np.zeros(crossbar.shape), np.zeros(crossbar.shape)
    pulse_energy, duration, steps, solves = [], 0.0, 0, 0
    array = _Array(crossbar, device.memristor)
    for pulse in write_programme(pulses, device):
        words, bits = line_voltages(pulse, crossbar)
        reached = slice(None)
        if crossbar.scheme == "ideal":  # the cells of all other rows are disconnected
            reached = slice(pulse.row, pulse.row + 1)
            p = device.memristor.part(reached)
            array = _Array(_row_alone(crossbar, pulse.row), p, transistor, float(words[pulse.row]))
        effect = array.apply(pulse, words[reached, None] - bits, now[reached], tolerance)
        moved = effect.state - now[reached]
        moved[pulse.row - (reached.start or 0), pulse.selected] = 0.0
        now[reached] = effect.state
        disturb[reached] += moved
        cell_energy[reached] += effect.cell_energy
        error[reached] += effect.error
        pulse_energy.append(effect.energy)
        duration += pulse.duration
        steps += effect.steps
        solves += effect.solves
        on_pulse()
    return WriteOutcome(
        state=now,
        disturb=disturb,
        cell_energy=cell_energy,
        pulse_energy=np.array(pulse_energy),
        duration=duration,
        steps=steps,
        solves=solves,
        error=float(error.max()),
    )


@dataclass
class _Effect:
    """The effect of one pulse so far; arrays (rows, columns), energies in [J]."""

    state: Floats
    cell_energy: Floats
    error: Floats
    energy: float = 0.0
    steps: int = 0
    solves: int = 0

    def take(self, e: Floats, charge: Floats, heat: Floats) -> None:
        """Add the heat [J] of each cell and the energy of its charge [C], at loop drives e."""
        self.cell_energy += heat
        self.energy += float(np.sum(e * charge))

    def ramp(self, e: Floats, full: Cells, edge: float, p: Law) -> None:
        """Add the energy of an edge, by Simpson's rule over the share of the full drive."""
        halfway = np.asarray(p.current(self.state, 0.5 * full.voltages))
        charge = edge / 6.0 * (2.0 * halfway + full.currents)
        self.take(e, charge, full.voltages * charge)


class _Array:
    """The circuit between pulses: its network, its last drives and cell voltages."""

    def __init__(
        self, crossbar: Crossbar, p: Law, transistor: Transistor | None = None, word: float = 0.0
    ) -> None:
        """transistor : of each cell of a row whose word line has `word` [V]"""
        self._crossbar, self._p = crossbar, p
        self._transistor, self._word = transistor, word
        self._e = self._u = self._drop = np.zeros(crossbar.shape)
        self._network: LinearNetwork | None = None
        self._analysed_at = 0.0

    def apply(self, pulse: WritePulse, e: Floats, state: Floats, tolerance: float) -> _Effect:
        """Apply one pulse of loop drives e [V]: rise, flat top and fall."""
        effect = _Effect(state, np.zeros_like(state), np.zeros_like(state))
        start = self._drive(pulse.voltage, e, effect)
        rise = pulse.edge * np.asarray(self._p.ramp_mean_rate(start.voltages))
        effect.ramp(e, start, pulse.edge, self._p)
        end = self._flat_top(start, rise, pulse.width, tolerance, effect)
        fall = pulse.edge * np.asarray(self._p.ramp_mean_rate(end.voltages))
        effect.ramp(e, end, pulse.edge, self._p)
        effect.state = np.asarray(self._p.after_dose(effect.state, fall, end.voltages))
        self._u = end.voltages
        return effect

    def _flat_top(
        self, start: Cells, first: Floats | float, width: float, tolerance: float, effect: _Effect
    ) -> Cells:
        """Take as many time steps as the tolerance asks for; returns the circuit after the last."""
        left = step = width
        while True:
            predicted = first + step * np.asarray(self._p.rate(start.voltages))
            there = self._p.after_dose(effect.state, predicted, start.voltages)
            end = self._solve(there, start.voltages, effect)
            doses = step_doses(
                effect.state, start.voltages, end.voltages, predicted, step, self._p, first=first
            )
            following, linear = self._moved(effect.state, doses, start.voltages, end.voltages)
            error = np.abs(following - linear)
            worst = float(error.max())
            if worst <= tolerance or step <= _SHORTEST_STEP * width:
                self._flow(effect, doses[0], (start, end), step, first)
                effect.state, effect.error = following, effect.error + error
                effect.steps += 1
                left, first = left - step, 0.0
                if left <= 0.0:
                    return end
                start = self._solve(effect.state, end.voltages, effect)
            step *= min(max(0.8 * (tolerance / max(worst, 1e-300)) ** (1 / 3), 0.1), 4.0)
            step = min(step, left)

    def _flow(
        self,
        effect: _Effect,
        dose: Floats,
        ends: tuple[Cells, Cells],
        step: float,
        first: Floats | float,
    ) -> None:
        """Add the energy of a time step: cells that move carry a current that follows their state."""
        charge = 0.5 * step * (ends[0].currents + ends[1].currents)
        heat = 0.5 * step * (ends[0].currents * ends[0].voltages + ends[1].currents * ends[1].voltages)
        goes = np.asarray(self._p.excursion(effect.state, dose, ends[0].voltages)) > _CARRIES_ALONG
        if goes.any():
            begun = first if np.ndim(first) == 0 else np.asarray(first)[goes]
            charge[goes], heat[goes] = charge_and_heat(
                effect.state[goes], dose[goes], ends[0].voltages[goes], ends[1].voltages[goes], step,
                self._p.part(goes), first=begun,
            )  # fmt: skip
        effect.take(self._e, charge, heat)

    def _moved(
        self, state: Floats, doses: tuple[Floats, Floats], before: Floats, after: Floats
    ) -> tuple[Floats, Floats]:
        """States (rows, columns) after each of two doses, whose difference is the error of the step.

        Where each amplitude has a coordinate of its own, they differ by the voltage's change as well.
        """
        middle = before if self._p.one_coordinate else 0.5 * (before + after)
        following, linear = doses
        return (
            np.asarray(self._p.after_dose(state, following, middle)),
            np.asarray(self._p.after_dose(state, linear, before)),
        )

    def _drive(self, voltage: float, e: Floats, effect: _Effect) -> Cells:
        """The circuit at the pulse's full drive."""
        if self._network is None or self._analysed_at != voltage:
            g = self._p.differential_conductance(effect.state, np.full_like(e, 0.5 * voltage))
            self._network, self._analysed_at = LinearNetwork(self._crossbar, np.asarray(g)), voltage
        guess = self._u if np.array_equal(e, self._e) else None
        self._e = e
        return self._solve(effect.state, guess, effect)

    def _solve(self, state: Floats, guess: Floats | None, effect: _Effect) -> Cells:
        network, omega, p = self._network, np.asarray(state), self._p
        assert network is not None

        def solve(e: Floats) -> Cells:
            effect.solves += 1
            return solve_cells(network, omega, e, p, guess, tolerance=_VOLTAGE_TOLERANCE)

        if self._transistor is None:
            return solve(self._e)
        slope = partial(p.differential_conductance, omega)
        cells, self._drop = solve_behind(
            self._transistor, network, self._word, solve, slope, self._e, self._drop
        )
        return cells


def _row_alone(c: Crossbar, row: int) -> Crossbar:
    """The circuit of one row, as if no current came from the others."""
    on_the_way = range(row + 1) if c.sense == "top" else range(row, c.rows)
    alone = dataclasses.replace(c, breaks=()).part([row], range(c.columns))
    open_words = {one.column for one in c.breaks if one.line == "word" and one.row == row}
    open_bits = {one.column for one in c.breaks if one.line == "bit" and one.row in on_the_way}
    return dataclasses.replace(
        alone,
        r_sense=tuple(
            of_line(c.r_sense, j) + (len(on_the_way) - 1) * of_line(c.r_bit, j) for j in range(c.columns)
        ),
        breaks=tuple(
            Break(line=line, row=0, column=column)
            for line, columns in (("word", open_words), ("bit", open_bits))
            for column in sorted(columns)
        ),
    )
