"""Access transistors: how much of each cell's drive they leave to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.basics.units import engineering
from roa_circuit.circuit.components import Transistor
from roa_circuit.device.parameters import Device
from roa_circuit.solver.iterative import Cells
from roa_circuit.solver.linear import LinearNetwork

Floats = NDArray[np.float64]

_STEPS = 200
_LEAP = 4  # steps from one leap ahead to the next; most arrays need eight, and no leap
_NEAR = 0.01  # of the largest drive: steps that lead far do not yet shrink evenly
_SLOWEST = 0.95  # that steps may shrink by, for a leap
_SATURATED = 0.1  # of the gate's overdrive is left in the channel: as good as pinched off


def check_gates(transistor: Transistor, device: Device) -> None:
    """Raise InputError unless gates can hold transistors off, and on, at all voltages of a write."""
    p = device.pulses
    half = 0.5 * max(-p.potentiation_voltage, p.depression_voltage)
    if not transistor.gate_off + half < transistor.threshold < transistor.gate_on - half:
        raise InputError(
            f"gate_off = {transistor.gate_off:g} V, threshold = {transistor.threshold:g} V, gate_on ="
            f" {transistor.gate_on:g} V: writes drive lines to +-{half:g} V, so that gate_off must lie"
            f" below threshold - {half:g} V and gate_on above threshold + {half:g} V"
        )


def solve_behind(
    transistor: Transistor,
    network: LinearNetwork,
    drives: Floats | float,
    solve: Callable[[Floats], Cells],
    slope: Callable[[Floats], Floats],
    e: Floats,
    drop: Floats,
    *,
    tolerance: float = 1e-8,
) -> tuple[Cells, Floats]:
    """(the cells behind their transistors, the transistors' voltages [V]) under loop drives e [V].

    Every cell takes a Newton step of its own: only the wires couple cells, and mostly drop far less than
    they. Where they drop as much, steps shrink slowly, but evenly, and some leap as far as many.

    drives : voltages of the cells' word lines [V]
    solve : solves the cells under other loop drives
    slope : gives the cells' differential conductances at their voltages
    drop : transistors' voltages to start from
    tolerance : of their voltages, as a fraction of the largest drive

    Raises
    ------
    InputError : transistors that a cell's current brings near saturation.
    ConvergenceError : no answer within 200 steps.
    """
    largest, temperature = float(np.abs(e).max(initial=0.0)), network.crossbar.temperature
    limit, near = tolerance * largest, _NEAR * largest
    step = np.zeros_like(drop)
    for number in range(_STEPS):
        cells = solve(e - drop)
        word = drives - network.word_drops(cells.currents) - cells.beyond
        found, ohms, left = transistor.drop(cells.currents, word, temperature)
        series = ohms * slope(cells.voltages)
        last, step = step, (found - drop) / (1.0 + series)
        drop = drop + step
        longest = float(np.abs(step).max(initial=0.0))
        if longest <= limit:
            _require_open(cells, left)
            return cells, drop
        if number > _LEAP and number % _LEAP == 0 and longest <= near:
            drop = drop + _ahead(step, last)
    _require_open(cells, left)
    raise ConvergenceError(f"cells and their transistors found no common current in {_STEPS} steps")


def _ahead(step: Floats, last: Floats) -> Floats:
    """How far steps (..., rows, columns) lead beyond `step` for each read, shrinking as from `last`."""
    axes = (-2, -1)
    before = np.maximum(np.sum(last * last, axis=axes, keepdims=True), 1e-300)
    rate = np.maximum(np.sum(step * last, axis=axes, keepdims=True) / before, 0.0)
    rate = np.where(rate > _SLOWEST, 0.0, rate)
    return np.asarray(step * rate / (1.0 - rate))


def _require_open(cells: Cells, left: Floats) -> None:
    if float(left.min()) > _SATURATED:
        return
    amperes = engineering(float(np.abs(cells.currents).max()), "A")
    raise InputError(
        f"transistors saturate before a cell's {amperes}, and the surrogate knows them open alone: raise"
        " width_over_length, kp or gate_on, or take a simulator"
    )
