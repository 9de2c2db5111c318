"""The response of a tile: how its effective weights follow the weights that its cells hold.

With u_i the voltages of all cells under word line i at 1 V, and v_j those under bit line j,

    dW_ij / dG_c = u_i[c] v_j[c]

A cell sees nearly nothing of word lines other than its own, and of other bit lines. So the product
with a change of weights is a sum over the cell's row, another over its column, and a remainder of
cells that share neither, small twice over, which has few modes: `RANK` are kept of either side. That
is a thirtieth of the full sum. Derivatives of the response itself are left out: it stands for a tile
near the weights that it was taken at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from meta.circuits.conversion.tiles import ChipTile
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import solve_linear

Floats = NDArray[np.float64]

RANK = 2
"""Modes of the remainder."""

_TOLERANCE = 1e-6
"""Of the cells' voltages, as a fraction of the drive."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """A tile of weights g (rows, outputs) and how its effective weights W follow them.

    weights : (rows, outputs) W in units of g
    columns : (rows, lines) [S] effective weights of every bit line, without gains
    in_rows : (rows, outputs, outputs) dW[r, j] / dg[r, k]
    in_columns : (outputs, rows, rows) dW[i, k] / dg[r, k], but for i = r
    words, bits : (rows, RANK) and (outputs, RANK) modes of the remainder
    modes : (RANK, RANK, rows, outputs) what a change of g adds to each pair of modes
    """

    weights: Floats
    columns: Floats
    in_rows: Floats
    in_columns: Floats
    words: Floats
    bits: Floats
    modes: Floats


def response_of(tile: ChipTile, g: Floats, *, gains: bool) -> Response:
    """The response of a tile on its chip that holds g (rows, outputs).

    gains : whether the gains of drivers and readouts belong to the effective weights
    """
    omega = tile.states(torch.from_numpy(g))
    slope = tile.slopes(omega).numpy()
    columns = tile.matrix(omega).numpy()
    u, v = _voltages(tile, omega)
    driver = tile.chip.driver_gain if gains else np.ones(len(g))
    sense = tile.chip.sense_gain if gains else np.ones(columns.shape[1])
    plus = sense[tile.plus] * (tile.chip.subtractors.plus_gain if gains else 1.0)
    own = list(range(len(g)))
    # Outputs (outputs, rows, lines) of a volt between the ends of a cell, and that of word lines.
    out = tile.per_ampere * (
        plus[:, None, None] * v[tile.plus] - sense[tile.minus, None, None] * v[tile.minus]
    )
    u = driver[:, None, None] * u
    in_rows = _by_output(tile, out * (slope * u[own, own]))
    held = [tile.cells_of(k) for k in range(len(out))]
    in_columns = np.stack(
        [
            np.einsum("rc,irc,rc->ir", slope[:, lines], u[:, :, lines], out[k][:, lines])
            for k, lines in enumerate(held)
        ]
    )
    in_columns[:, own, own] = 0.0
    elsewhere = np.where(slope != 0.0, out, 0.0)
    for k, lines in enumerate(held):
        elsewhere[k][:, lines] = 0.0
    others = np.where(slope != 0.0, u, 0.0)
    others[own, own] = 0.0
    words, of_words = _modes(others)
    bits, of_bits = _modes(elsewhere)
    modes = slope * of_words[:, None] * of_bits[None]
    return Response(
        weights=tile.per_ampere
        * driver[:, None]
        * (columns[:, tile.plus] * plus - columns[:, tile.minus] * sense[tile.minus]),
        columns=columns,
        in_rows=np.moveaxis(in_rows, 0, 1),
        in_columns=in_columns,
        words=words,
        bits=bits,
        modes=_by_output(tile, modes),
    )


def _voltages(tile: ChipTile, omega: torch.Tensor) -> tuple[Floats, Floats]:
    """Voltages (n, rows, lines) of all cells, each word line at 1 V in turn, and each bit line."""
    G = tile.conductances(omega).numpy()
    rows, lines = G.shape
    drives = np.concatenate(
        [
            np.broadcast_to(np.eye(rows)[:, :, None], (rows, rows, lines)),
            np.broadcast_to(np.eye(lines)[:, None, :], (lines, rows, lines)),
        ]
    )
    network = LinearNetwork(tile.crossbar, G)
    each = np.broadcast_to(G, drives.shape)
    volts = solve_linear(network, each, drives, tolerance=_TOLERANCE) / G
    return volts[:rows], volts[rows:]


def _by_output(tile: ChipTile, of_lines: Floats) -> Floats:
    """Sums (..., outputs) over the lines that hold an output's cells, of (..., lines)."""
    return np.stack(
        [of_lines[..., tile.cells_of(k)].sum(axis=-1) for k in range(len(tile.plus))], axis=-1
    )


def _modes(voltages: Floats) -> tuple[Floats, Floats]:
    """(modes (n, RANK), what each cell has of them (RANK, rows, lines)) of voltages (n, rows, lines)."""
    flat = voltages.reshape(len(voltages), -1)
    rank = min(RANK, len(flat))
    _, vectors = np.linalg.eigh(flat @ flat.T)
    modes = np.zeros((len(flat), RANK))
    modes[:, :rank] = vectors[:, ::-1][:, :rank]
    return modes, (modes.T @ flat).reshape(RANK, *voltages.shape[1:])
