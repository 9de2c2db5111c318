"""The crossbar as a differentiable layer: torch in, torch out, wires and Eq. 2 included.

The engine is `roa_circuit.solver.read` in numpy; no graph runs through its iterations. A linear
network is symmetric, so the gradient of a solve is one more solve of the same kind, and the
gradient of that another: derivatives of any order. Cells with Eq. 2 are linearised at the
solution by two differentiable Newton steps, which makes first and second derivatives exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar
from roa_circuit.device.memristor import conductance, current, differential_conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver import compiled
from roa_circuit.solver.iterative import TOLERANCE
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.many_arrays import check_reads, common_network, solve_each
from roa_circuit.solver.read import solve_linear, weights_of

Floats = np.ndarray[Any, np.dtype[np.float64]]

_OF_GRADIENTS = 1e-9
"""The tolerance of solves for the gradients of effective weights, which takes fewer iterations."""


def read_currents(
    crossbar: Crossbar, state: Tensor, voltages: Tensor, device: Device, *, exact: bool = True
) -> Tensor:
    """Sensed currents (..., reads, columns) [A]; arguments and errors as for the solver's.

    state : (..., rows, columns) omega; voltages : (..., reads, rows) [V]; gradients flow to both.
    Leading dimensions are arrays of a batch, matched as torch matches them. Circuits are solved in
    double precision; the result has the inputs' dtype.
    """
    omega, volts = state.double(), voltages.double()
    arrays = np.broadcast_shapes(omega.shape[:-2], volts.shape[:-2])
    if arrays:
        omega, volts = omega.expand(*arrays, -1, -1), volts.expand(*arrays, -1, -1)
    check_reads(crossbar, _numpy(omega), _numpy(volts))
    p, read_voltage = device.memristor, device.pulses.read_voltage
    network = common_network(crossbar, _numpy(conductance(omega, read_voltage, p)))
    omega = omega[..., None, :, :] if arrays else omega
    e = volts[..., None].expand(*volts.shape, crossbar.columns)
    if not exact:
        linear = conductance(omega, read_voltage, p)
        return _currents(linear.expand_as(e), e, network).sum(dim=-2).to(state.dtype)
    u = _tensor(solve_each(network, _numpy(omega), _numpy(e), p).voltages)
    for _ in range(2):
        i, slope = current(omega, u, p), differential_conductance(omega, u, p)
        y = _currents(slope, e - u + i / slope, network)
        u = u + (y - i) / slope
    return y.sum(dim=-2).to(state.dtype)


def effective_weights(crossbar: Crossbar, conductances: Tensor, known: Tensor | None = None) -> Tensor:
    """W (rows, columns) [S] with sensed currents = word voltages @ W, wires and breaks included.

    conductances : (rows, columns) [S] of the cells, float64; gradients of any order flow to them
    known : W itself, where it is at hand, so that it need not be solved for
    """
    perfect = not any(np.any(getattr(crossbar, name)) for name in RESISTANCES)
    if perfect and not crossbar.breaks:
        return conductances
    weights: Tensor = _Weights.apply(conductances, crossbar, known)  # type: ignore[no-untyped-call]
    return weights


def _currents(
    conductances: Tensor, e: Tensor, network: LinearNetwork, tolerance: float = TOLERANCE
) -> Tensor:
    y: Tensor = _Solve.apply(conductances, e, network, tolerance)  # type: ignore[no-untyped-call]
    return y


class _Solve(torch.autograd.Function):
    """y with (1/g + Z) y = e; g and e (..., rows, columns). Its own adjoint, as Z is symmetric."""

    @staticmethod
    def forward(
        ctx: Any, conductances: Tensor, e: Tensor, network: LinearNetwork, tolerance: float
    ) -> Tensor:
        solved = solve_linear(network, _numpy(conductances), _numpy(e), tolerance=tolerance)
        y = _tensor(solved)
        ctx.save_for_backward(conductances, y)
        ctx.network, ctx.tolerance = network, tolerance
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        conductances, y = ctx.saved_tensors
        adjoint = _currents(conductances, gradients[0], ctx.network, ctx.tolerance)
        return adjoint * y / conductances**2, adjoint, None, None


class _Weights(torch.autograd.Function):
    """W of conductances. dW_ij / dG_c = u_i[c] v_j[c], see `_pulled_back`."""

    @staticmethod
    def forward(ctx: Any, conductances: Tensor, crossbar: Crossbar, known: Tensor | None) -> Tensor:
        ctx.save_for_backward(conductances)
        ctx.crossbar = crossbar
        if known is not None:
            return known.clone()
        weights = weights_of(LinearNetwork(crossbar, _numpy(conductances)))
        return _tensor(weights)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (conductances,) = ctx.saved_tensors
        given = conductances, gradients[0], ctx.crossbar
        return _PulledBack.apply(*given), None, None  # type: ignore[no-untyped-call]


class _PulledBack(torch.autograd.Function):
    """As `_pulled_back`, by drives of whole lines, eight at once; derived where it is asked for."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, D: Tensor, crossbar: Crossbar) -> Tensor:
        ctx.save_for_backward(g, D)
        ctx.crossbar = crossbar
        found = _by_lines(crossbar, _numpy(g), _numpy(D))
        return _pulled_back(crossbar, g, D) if found is None else _tensor(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        further = torch.is_grad_enabled()
        with torch.enable_grad():
            g, D = (one.view_as(one) for one in ctx.saved_tensors)  # D may come from g, by another way
            asked = [one for one, needed in zip((g, D), ctx.needs_input_grad[:2], strict=True) if needed]
            pulled = _pulled_back(ctx.crossbar, g, D)
            found = iter(torch.autograd.grad(pulled, asked, gradients[0], create_graph=further))
        to_g, to_D = (next(found) if needed else None for needed in ctx.needs_input_grad[:2])
        return to_g, to_D, None


def _by_lines(crossbar: Crossbar, g: Floats, D: Floats) -> Floats | None:
    """What `_pulled_back` has, without derivatives; None where its solver is the quicker one."""
    size = float(np.abs(D).max()) or 1.0
    if crossbar.breaks:
        return None
    (rows, columns), lines = g.shape, LinearNetwork(crossbar, g).lines
    if rows <= columns:
        of_words, of_bits = np.eye(rows)[:, :, None], D[:, None, :] / size
    else:
        of_words, of_bits = D.T[:, :, None] / size, np.eye(columns)[:, None, :]
    shape = (min(rows, columns), rows, columns)
    u = compiled.cells_of_lines(lines, g, np.broadcast_to(of_words, shape), _OF_GRADIENTS)
    if u is None:
        return None
    v = compiled.cells_of_lines(lines.exchange(), g, np.broadcast_to(of_bits, shape), _OF_GRADIENTS)
    return None if v is None else np.asarray(size * np.einsum("krc,krc->rc", u, v))


def _pulled_back(crossbar: Crossbar, g: Tensor, D: Tensor) -> Tensor:
    """The sum over i, j of D_ij dW_ij / dG, of the shape of g.

    u_i are the cells' voltages under word line i at 1 V, v_j under bit line j at 1 V. With the bit
    lines at D_i, cells have sum_j D_ij v_j: two solves for each word line, or for each bit line if
    these are fewer.
    """
    rows, columns = g.shape
    by_rows = rows <= columns
    count = rows if by_rows else columns
    units = torch.eye(count, dtype=g.dtype)
    drives = units[:, :, None] if by_rows else units[:, None, :]
    answers = D[:, None, :] if by_rows else D.T[:, :, None]
    size = float(D.detach().abs().max()) or 1.0  # the solver's tolerance is one of the largest drive
    e = torch.cat([part.expand(count, rows, columns) for part in (drives, answers / size)])
    network = LinearNetwork(crossbar, _numpy(g))
    u, v = (_currents(g.expand_as(e), e, network, _OF_GRADIENTS) / g).chunk(2)
    return size * (u * v).sum(dim=0)


def _numpy(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return tensor.detach().numpy()


def _tensor(array: np.ndarray[Any, np.dtype[np.float64]]) -> Tensor:
    """Solutions of exchanged lines are views that run backwards, which torch does not take."""
    return torch.from_numpy(np.ascontiguousarray(array))
