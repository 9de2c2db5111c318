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

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance, current, differential_conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.many_arrays import check_reads, common_network, solve_each
from roa_circuit.solver.read import solve_linear


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
    u = torch.from_numpy(solve_each(network, _numpy(omega), _numpy(e), p).voltages)
    for _ in range(2):
        i, slope = current(omega, u, p), differential_conductance(omega, u, p)
        y = _currents(slope, e - u + i / slope, network)
        u = u + (y - i) / slope
    return y.sum(dim=-2).to(state.dtype)


def _currents(conductances: Tensor, e: Tensor, network: LinearNetwork) -> Tensor:
    y: Tensor = _Solve.apply(conductances, e, network)  # type: ignore[no-untyped-call]
    return y


class _Solve(torch.autograd.Function):
    """y with (1/g + Z) y = e; g and e (..., rows, columns). Its own adjoint, as Z is symmetric."""

    @staticmethod
    def forward(ctx: Any, conductances: Tensor, e: Tensor, network: LinearNetwork) -> Tensor:
        y = torch.from_numpy(solve_linear(network, _numpy(conductances), _numpy(e)))
        ctx.save_for_backward(conductances, y)
        ctx.network = network
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        conductances, y = ctx.saved_tensors
        adjoint = _currents(conductances, gradients[0], ctx.network)
        return adjoint * y / conductances**2, adjoint, None


def _numpy(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return tensor.detach().numpy()
