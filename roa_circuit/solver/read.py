"""The fast solver: sensed currents of a crossbar with all four resistances.

Linear cells are solved directly (`roa_circuit.solver.linear`). Cells with the I-V of Eq. 2 take Newton
steps on u + Z i(u) = e, where u are the cell voltages and Z i the voltages that lines drop. The steps
are compiled line sweeps where numba is installed (`roa_circuit.solver.compiled`), otherwise numpy around
the direct solver (`roa_circuit.solver.iterative`). Open segments are a low-rank correction to either.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import ConvergenceError
from roa_circuit.circuit.contents import GROUND, check_ends, check_read, check_states
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.laws.law import Law
from roa_circuit.device.memristor import conductance, differential_conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver import compiled, iterative
from roa_circuit.solver.cuts import Cuts
from roa_circuit.solver.iterative import NO_VOLTAGE, PROVEN, TOLERANCE, Cells
from roa_circuit.solver.linear import LinearNetwork

Floats = NDArray[np.float64]

_BREAK_STEPS = 50


def read_currents(
    crossbar: Crossbar,
    state: Floats,
    voltages: Floats,
    device: Device,
    *,
    exact: bool = True,
    ends: Floats = GROUND,
    coming: int = 1,
) -> Floats:
    """The sensed currents (reads, columns) [A] of word-line voltages (reads, rows) [V].

    state : (rows, columns) omega in [0, 1]
    exact : Eq. 2 at every cell; otherwise its conductance at the device's read voltage (Eq. 3)
    ends : (columns,) voltages [V] that bit lines end in, such as offsets of readouts; empty is ground
    coming : how many arrays like this one will be read; many make compiled sweeps worth loading

    Raises
    ------
    InputError : shapes that do not fit the crossbar, or states outside [0, 1].
    ConvergenceError : Newton stopped short of its tolerance.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> state, voltages = np.full((2, 3), 0.5), np.array([[0.1, 0.0], [0.1, 0.1]])
    >>> 1e6 * read_currents(default_crossbar(2, 3), state, voltages, default_device()).round(9)
    array([[1.137, 1.137, 1.137],
           [2.275, 2.275, 2.275]])
    """
    check_read(crossbar, state, voltages)
    check_ends(crossbar, ends)
    g = conductance(state, device.pulses.read_voltage, device.memristor)
    network = LinearNetwork(crossbar, g)
    if not exact:
        currents = _linear_currents(network, voltages)
        return currents + _of_loops(network, -_loops(crossbar, ends)) if len(ends) else currents
    if not (crossbar.breaks or len(ends)):
        sensed = compiled.read_cells(network, state, voltages, device.memristor, TOLERANCE, coming)
        if sensed is not None:
            return sensed
    e = voltages[:, :, None] - _loops(crossbar, ends)
    cells = solve_cells(network, state, e, device.memristor)
    return np.asarray(cells.currents.sum(axis=-2))


def effective_weights(crossbar: Crossbar, state: Floats, device: Device) -> Floats:
    """The matrix W (rows, columns) [S] with currents = voltages @ W, behind wires and terminals.

    state : (rows, columns) omega in [0, 1]

        Cells conduct as at the read voltage (Eq. 3). Reading is then one matrix product, exact for such
        linear cells; `read_currents` has the curved I-V of Eq. 2.

    Raises
    ------
    InputError : states that do not fit the crossbar, or lie outside [0, 1].

    Examples
    --------
    >>> from roa_circuit import Crossbar, default_device
    >>> array = Crossbar(rows=1, columns=3, r_word=1000.0)
    >>> 1e6 * effective_weights(array, np.ones((1, 3)), default_device()).round(8)  # less and less
    array([[14.42, 14.  , 13.79]])
    """
    check_states(crossbar, state)
    g = conductance(state, device.pulses.read_voltage, device.memristor)
    network = LinearNetwork(crossbar, g)
    return weights_of(network)


def weights_of(network: LinearNetwork) -> Floats:
    """As `effective_weights`, for given cell conductances (rows, columns) [S]."""
    if network.crossbar.breaks:
        return _linear_currents(network, np.eye(network.crossbar.rows))
    weights = compiled.effective_weights(network.lines, network.conductances, TOLERANCE)
    return network.effective_weights() if weights is None else weights


def solve_cells(
    network: LinearNetwork,
    state: Floats,
    e: Floats,
    p: Law,
    guess: Floats | None = None,
    *,
    tolerance: float = TOLERANCE,
) -> Cells:
    """Cell voltages and currents under loop drives e (..., rows, columns), Eq. 2 at every cell.

    The network's conductances should be near those of the cells: they set the speed, not the result.

    guess : cell voltages to start from, if the solver can use them
    tolerance : worst voltage error, as a fraction of the largest drive

    Raises
    ------
    ConvergenceError : stopped short of the tolerance.
    """
    if network.crossbar.breaks:
        return _solve_cells_with_breaks(network, state, e, p, guess, tolerance)
    if compiled.pays(network.lines, network.conductances, e):
        cells = compiled.solve_cells(network, state, e, p, tolerance)
        if cells is not None:
            return cells
    return iterative.solve_cells(network, state, e, p, guess, tolerance)


def solve_linear(
    network: LinearNetwork, conductances: Floats, e: Floats, *, tolerance: float = TOLERANCE
) -> Floats:
    """Cell currents y [A] with (1/g + Z) y = e, where every drive may have conductances of its own.

    conductances, e : (..., rows, columns) [S] and [V], all leading dimensions at once
    tolerance : largest loop residual, as a fraction of the largest drive

    The network was analysed for conductances near these.

    Raises
    ------
    ConvergenceError : stopped short of the tolerance.
    """
    if network.crossbar.breaks:
        return _solve_linear_with_breaks(network, conductances, e, tolerance)
    if compiled.pays(network.lines, conductances, e):
        y = compiled.solve_linear(network.lines, conductances, e, tolerance)
        if y is not None:
            return y
    return iterative.solve_linear(network, conductances, e, tolerance)


def _solve_linear_with_breaks(
    network: LinearNetwork, conductances: Floats, e: Floats, tolerance: float
) -> Floats:
    intact, cuts = _without_breaks(network)
    y = solve_linear(intact, conductances, e, tolerance=tolerance)
    responses = _responses(intact, conductances, cuts.H, tolerance)
    drops = cuts.voltages(cuts.through(y), responses)
    return np.asarray(y - np.einsum("...b,...brc->...rc", drops, responses))


def _solve_cells_with_breaks(
    network: LinearNetwork,
    state: Floats,
    e: Floats,
    p: Law,
    guess: Floats | None,
    tolerance: float,
) -> Cells:
    """Newton on the voltages across the breaks, round the solver of the intact array."""
    intact, cuts = _without_breaks(network)
    limit = max(tolerance * float(np.abs(e).max(initial=0.0)), NO_VOLTAGE)
    across = np.zeros((*e.shape[:-2], len(cuts.H)))
    for _ in range(_BREAK_STEPS):
        cells = solve_cells(intact, state, e - cuts.drives(across), p, guess)
        slope = differential_conductance(state, cells.voltages, p)
        passing = cuts.through(cells.currents) - cuts.Y * across
        step = cuts.voltages(passing, _responses(intact, slope, cuts.H, 1e-6))
        across, guess = across + step, cells.voltages
        if np.abs(step).max(initial=0.0) <= limit:
            return replace(cells, beyond=cuts.of_words(across))
    moved = np.abs(step).max()
    raise ConvergenceError(
        f"the breaks' voltages still moved by {moved:.2e} V, not {limit:.1e} V, {PROVEN}"
    )


def _linear_currents(network: LinearNetwork, voltages: Floats) -> Floats:
    crossbar = network.crossbar
    if not crossbar.breaks:
        sensed = compiled.read_conductances(network.lines, network.conductances, voltages, TOLERANCE)
        return network.currents(voltages) if sensed is None else sensed
    return _of_loops(network, np.broadcast_to(voltages[:, :, None], (len(voltages), *crossbar.shape)))


def _loops(crossbar: Crossbar, ends: Floats) -> Floats:
    """What bit lines that end at these voltages (columns,) have in each cell's loop [V]."""
    return np.broadcast_to(ends if len(ends) else 0.0, crossbar.shape)


def _of_loops(network: LinearNetwork, e: Floats) -> Floats:
    """Sensed currents (..., columns) [A] of loop drives e (..., rows, columns) [V]."""
    g = np.broadcast_to(network.conductances, e.shape)
    return np.asarray(solve_linear(network, g, e).sum(axis=-2))


def _without_breaks(network: LinearNetwork) -> tuple[LinearNetwork, Cuts]:
    """(the network as if no line were broken, the cuts that its breaks make)."""
    intact = replace(network, crossbar=replace(network.crossbar, breaks=()))
    return intact, Cuts.of(network.crossbar)


def _responses(intact: LinearNetwork, conductances: Floats, H: Floats, tolerance: float) -> Floats:
    """Cell currents (..., breaks, rows, columns) [A] under the loop drives H."""
    g = np.broadcast_to(conductances[..., None, :, :], (*conductances.shape[:-2], *H.shape))
    return solve_linear(intact, g, np.broadcast_to(H, g.shape), tolerance=tolerance)
