"""One word line after another: what a row of cells shows to the bit lines it crosses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.lines import Lines

Floats = NDArray[np.float64]

_BLOCK_ELEMENTS = 4_000_000  # rows are treated together while their matrices stay in this many numbers


@dataclass(frozen=True)
class Row:
    """A row's word line and cells, its driver grounded, seen from the bit lines.

    admittance : (n, n) [S] between the bit nodes; its rows sum to `to_source`
    to_source : (n,) [S] short-circuit bit currents per volt of the driver, at one end or both
    """

    admittance: Floats
    to_source: Floats


def rows(lines: Lines, g: Floats) -> Iterator[Row]:
    """Every row of an array with cell conductances g (rows, columns) [S], from the top."""
    count, columns = g.shape
    step = max(1, _BLOCK_ELEMENTS // columns**2)
    for top in range(0, count, step):
        part = slice(top, top + step)
        of_rows = lines.source[part], lines.word[part], lines.far[part]
        admittance, to_source = _block(*of_rows, g[part])
        for index in range(len(to_source)):
            yield Row(admittance[index], to_source[index])


def _block(source: Floats, word: Floats, far: Floats, g: Floats) -> tuple[Floats, Floats]:
    """Driving-point recursions from both ends of each line; every term is positive."""
    count, n = g.shape
    right = np.empty((count, n))  # admittance at a node, looking right, its cell included
    share = np.empty((count, n))  # voltage at a node over that of its left neighbour
    onward = far
    for k in range(n - 1, -1, -1):
        right[:, k] = g[:, k] + onward
        share[:, k] = 1.0 / (1.0 + word * right[:, k])
        onward = right[:, k] * share[:, k]
    left = np.empty((count, n))  # impedance at a node, looking left
    left[:, 0] = source + word
    for k in range(1, n):
        left[:, k] = word + left[:, k - 1] / (1.0 + left[:, k - 1] * g[:, k - 1])
    own = left / (1.0 + left * right)  # a node's impedance to ground
    between = np.zeros((count, n, n))
    for k in range(n - 1):  # voltage at node k + 1, k + 2, ... for a current into node k
        reach = np.cumprod(share[:, k + 1 :], axis=1)
        between[:, k, k + 1 :] = -(own[:, k] * g[:, k])[:, None] * reach * g[:, k + 1 :]
    share[:, 0] = 1.0 / (1.0 + left[:, 0] * right[:, 0])
    volts = np.cumprod(share, axis=1)
    if far.any():
        volts += _from_the_far_end(g, left, own[:, -1] * far)
    to_source = g * volts
    return with_row_sums(between + np.swapaxes(between, 1, 2), to_source), to_source


def _from_the_far_end(g: Floats, left: Floats, last: Floats) -> Floats:
    """Node voltages (count, n) per volt of the far driver, which gives `last` at the last node."""
    volts = np.empty_like(left)
    volts[:, -1] = last
    for k in range(left.shape[1] - 1, 0, -1):
        behind = left[:, k - 1] / (1.0 + left[:, k - 1] * g[:, k - 1])
        volts[:, k - 1] = volts[:, k] * behind / np.maximum(left[:, k], 1e-300)  # 0 / 0: a perfect line
    return volts


def with_row_sums(matrix: Floats, sums: Floats) -> Floats:
    """Set the diagonal so that rows sum to `sums`; off-diagonals are <= 0, nothing cancels."""
    diagonal = np.arange(matrix.shape[-1])
    matrix[..., diagonal, diagonal] = 0.0
    matrix[..., diagonal, diagonal] = sums - matrix.sum(axis=-1)
    return matrix
