"""Many arrays of one circuit, read at once: tasks of a batch, devices of a Monte-Carlo study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics import compilation
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.contents import check_read
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.laws.law import Law
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver import iterative
from roa_circuit.solver.iterative import Cells
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import read_currents, solve_cells, solve_linear

Floats = NDArray[np.float64]

_LITTLE = 200  # cells times reads that numpy does in less time than it takes to call compiled code
_LITTLE_IN_NUMPY = 1000  # the same where there is none
_LARGE = 1024  # cells whose common network costs more than it spares
_FEW = 1e-3  # arrays per cell squared whose common network costs more than reading them
_TOGETHER = 250_000  # cells times reads solved at once: 2 MB a vector


def read_arrays(
    crossbar: Crossbar, state: Floats, voltages: Floats, device: Device, *, exact: bool = True
) -> Floats:
    """Sensed currents (..., reads, columns) [A] of many arrays at once, by `solver.read_currents`.

    state : (..., rows, columns) omega in [0, 1]
    voltages : (reads, rows) [V], or (..., reads, rows) where each array has its own
    device : its constants are numbers, (rows, columns), or (..., rows, columns)

    Leading dimensions are matched as numpy matches them.

    Raises
    ------
    InputError : what `read_currents` refuses, or numbers of arrays that do not match.

    Examples
    --------
    >>> from roa_circuit import default_crossbar, default_device
    >>> states = np.random.default_rng(0).random((5, 2, 3))  # five arrays
    >>> volts = np.array([[0.1, 0.1]])
    >>> read_arrays(default_crossbar(2, 3), states, volts, default_device()).shape
    (5, 1, 3)
    """
    differing = {k: np.asarray(v) for k, v in device.memristor.constants.items() if np.ndim(v) > 2}
    given = {"state": state, "voltages": voltages, **differing}
    try:
        arrays = np.broadcast_shapes(*(values.shape[:-2] for values in given.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in given.items())
        raise InputError(f"numbers of arrays do not match: {shapes}") from None
    flat = {
        name: np.broadcast_to(v, arrays + v.shape[-2:]).reshape(-1, *v.shape[-2:])
        for name, v in given.items()
    }
    states, volts = flat.pop("state"), flat.pop("voltages")
    check_reads(crossbar, states, volts)
    cells, count, reads = crossbar.rows * crossbar.columns, len(states), volts.shape[1]
    currents = np.empty((count, reads, crossbar.columns))
    if crossbar.breaks or _alone(cells, reads, count, exact):
        for k in range(count):
            own = _with(device, {name: values[k] for name, values in flat.items()})
            currents[k] = read_currents(crossbar, states[k], volts[k], own, exact=exact, coming=count)
    else:
        step = max(1, _TOGETHER // (cells * max(1, reads)))
        for part in (slice(start, start + step) for start in range(0, count, step)):
            some = _with(device, {name: values[part, None] for name, values in flat.items()})
            currents[part] = _together(crossbar, states[part, None], volts[part], some, exact)
    return currents.reshape(*arrays, reads, crossbar.columns)


def check_reads(crossbar: Crossbar, states: Floats, voltages: Floats) -> None:
    """Raise InputError unless states (..., rows, columns) and voltages (..., reads, rows) are fine."""
    flat = (values.reshape(-1, *values.shape[-2:]) for values in (states, voltages))
    for state, volts in zip(*flat, strict=True):
        check_read(crossbar, state, volts)


def common_network(crossbar: Crossbar, conductances: Floats) -> LinearNetwork:
    """A network amid all conductances (..., rows, columns) [S], which preconditions each of them."""
    leading = tuple(range(conductances.ndim - 2))
    middle = np.exp(np.log(conductances).mean(axis=leading)) if leading else conductances
    return LinearNetwork(crossbar, middle)


def solve_each(network: LinearNetwork, state: Floats, e: Floats, p: Law) -> Cells:
    """As `solver.solve_cells`, for states (..., 1, rows, columns) of one array or many."""
    if state.ndim == 2:
        return solve_cells(network, state, e, p)
    cells, reads = network.conductances.size, e.shape[-3]
    if not (network.crossbar.breaks or _alone(cells, reads, len(state), exact=True)):
        return iterative.solve_cells(network, state, e, p, None, iterative.TOLERANCE)
    pairs = zip(state.reshape(-1, *e.shape[-2:]), e.reshape(-1, *e.shape[-3:]), strict=True)
    solved = [solve_cells(network, one, drives, p) for one, drives in pairs]
    voltages, currents = (
        np.stack([getattr(x, name) for x in solved]) for name in ("voltages", "currents")
    )
    return Cells(voltages.reshape(e.shape), currents.reshape(e.shape))


def _alone(cells: int, reads: int, count: int, exact: bool) -> bool:
    """Whether each array is work enough for a call of its own."""
    if not compilation.available():
        return cells * reads > _LITTLE_IN_NUMPY if exact else cells >= _LARGE
    little = cells * reads <= (_LITTLE if exact else _LITTLE_IN_NUMPY)
    return not little or (not exact and count < _FEW * cells**2)


def _together(crossbar: Crossbar, state: Floats, volts: Floats, device: Device, exact: bool) -> Floats:
    """Solve arrays at once, states (arrays, 1, rows, columns); one network preconditions all."""
    p = device.memristor
    g = np.asarray(conductance(state, device.pulses.read_voltage, p))
    network = common_network(crossbar, g)
    if exact:
        e = np.broadcast_to(volts[..., None], (*volts.shape, crossbar.columns))
        return np.asarray(solve_each(network, state, e, p).currents.sum(axis=-2))
    by_weights = crossbar.rows < volts.shape[1]
    drives = np.eye(crossbar.rows)[None] if by_weights else volts
    e = np.broadcast_to(drives[..., None], (len(state), *drives.shape[1:], crossbar.columns))
    sensed = solve_linear(network, np.broadcast_to(g, e.shape), e).sum(axis=-2)
    return np.asarray(volts @ sensed if by_weights else sensed)


def _with(device: Device, constants: dict[str, Floats]) -> Device:
    return device.with_constants(**constants)
