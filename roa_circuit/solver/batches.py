"""Reads of many drives at once: word and bit lines answer each other in turn (`_lane_kernels`).

The lines and the cells alone tell beforehand how many rounds that takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.cores import on_all_cores

Floats = NDArray[np.float64]

Ohms = tuple[Floats, Floats, Floats, Floats, Floats]
"""Source, word (rows,), bit, sense (columns,) [Ohm], and far (rows,) [S], behind the last cells."""

_GENTLE = 0.1  # left of an error by a plain round; beyond, acceleration pays
_LOOKS = 4  # rounds that tell how much is left where the lines' contractions say too little
_NONE = 1e-9  # left of an error is never taken to be less


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Cells behind lines, analysed for any number of drives.

    coefficients : (rows, columns, degree) of i = u (c0 + c1 u + ...), degree 0 if linear
    bound : the largest share of an error that a plain round leaves; from 1 on, rounds may diverge
    """

    ohms: Ohms
    factors: Floats  # (3, rows, columns) of `_lane_kernels.factor`
    coefficients: Floats
    bound: float

    @property
    def rate(self) -> float:
        """The share of an error that a round leaves, accelerated where that pays."""
        if self.bound <= _GENTLE:
            return max(self.bound, _NONE)
        root = math.sqrt(max(0.0, 1.0 - self.bound))
        return (1.0 - root) / (1.0 + root)

    def rounds(self, tolerance: float) -> float:
        """Expected rounds until an error has shrunk to `tolerance` of itself; infinite if it may not."""
        if self.rate == 1.0:
            return math.inf
        return 2.0 + math.log(tolerance * (1.0 - self.rate)) / math.log(self.rate)

    def read(self, voltages: Floats, tolerance: float) -> Floats | None:
        """Sensed currents (reads, columns) [A] of voltages (reads, rows) [V]; None if rounds run out."""
        from roa_circuit.solver import _lane_kernels as kernels
        from roa_circuit.solver._lanes import LANES as lanes

        reads, rows = voltages.shape
        V, columns = _in_lanes(voltages), self.factors.shape[2]
        blocks = len(V)
        sensed = np.empty((blocks, columns, lanes))
        hasty = self.rate < self.bound  # an accelerated error does not shrink evenly
        arrays = 1 + (self.coefficients.size > 0) + 2 * hasty
        aim = 0.1 * tolerance if hasty else tolerance
        how = self.bound, self.rate, aim, 10 + 2 * int(self.rounds(tolerance))

        def read(part: slice) -> bool:
            what = self.coefficients, *self.ohms[:4], self.factors, sensed[part]
            work = _aligned(arrays, rows, columns, lanes), _aligned(columns, lanes)
            args = *what, *work, *how
            return bool(kernels.read(V[part], *args))

        if not on_all_cores(read, blocks, blocks * lanes * rows * columns):
            return None
        return np.ascontiguousarray(sensed.swapaxes(1, 2).reshape(-1, columns)[:reads])

    def cells(self, voltages: Floats, tolerance: float) -> Floats | None:
        """Voltages (reads, rows, columns) [V] of linear cells; None if rounds run out."""
        from roa_circuit.solver import _lane_kernels as kernels
        from roa_circuit.solver._lanes import LANES as lanes

        V, (rows, columns) = _in_lanes(voltages), self.factors.shape[1:]
        u = _aligned(len(V), rows, columns, lanes)
        how = self.bound, self.rate, 0.1 * tolerance, 10 + 2 * int(self.rounds(tolerance))

        def solve(part: slice) -> bool:
            work = _aligned(2, rows, columns, lanes), _aligned(columns, lanes)
            args = *self.ohms[:4], self.factors, u[part], *work, *how
            return bool(kernels.cells(V[part], *args))

        if not on_all_cores(solve, len(V), u.size):
            return None
        return np.moveaxis(u, -1, 1).reshape(-1, rows, columns)[: len(voltages)]


def _in_lanes(voltages: Floats) -> Floats:
    """Drives (reads, rows) as (blocks, rows, lanes); the last block may have some of 0 V."""
    from roa_circuit.solver._lanes import LANES as lanes

    reads, rows = voltages.shape
    blocks = math.ceil(reads / lanes)
    padded = np.zeros((blocks * lanes, rows))
    padded[:reads] = voltages
    return np.ascontiguousarray(padded.reshape(blocks, lanes, rows).swapaxes(1, 2))


def of_conductances(ohms: Ohms, g: Floats) -> Batch:
    """Cells of conductances g (rows, columns) [S]."""
    return _analyse(ohms, g, np.empty((*g.shape, 0)), 0.0)


def of_cells(ohms: Ohms, c: Floats, lowest: float, highest: float) -> Batch:
    """Cells that carry u (c[0] + c[1] u + ...), c (degree, rows, columns), between two voltages u."""
    coefficients = np.ascontiguousarray(np.moveaxis(c, 0, -1))
    power = np.arange(float(len(c)))[:, None]
    ends = coefficients @ ((power + 1.0) * np.array([lowest, highest]) ** power)  # slopes there
    slopes = 0.5 * (ends[..., 0] + ends[..., 1])
    bends = np.zeros_like(slopes)  # of a cell that conducts nothing
    np.divide(0.5 * np.abs(ends[..., 1] - ends[..., 0]), slopes, out=bends, where=slopes > 0.0)
    return _analyse(ohms, slopes, coefficients, float(bends.max()))


def _analyse(ohms: Ohms, slopes: Floats, coefficients: Floats, bend: float) -> Batch:
    """bend : how far the cells' slopes may lie from `slopes`, as a fraction"""
    from roa_circuit.solver import _lane_kernels as kernels
    from roa_circuit.solver._lanes import LANES as lanes

    factors = np.empty((3, *slopes.shape))
    factors[0] = slopes
    words, bits = kernels.factor(*ohms, factors)
    left = words * bits
    if left > _GENTLE:
        work = _aligned(3, *slopes.shape, lanes), _aligned(slopes.shape[1], lanes)
        args = *ohms[:4], factors, *work, _LOOKS
        left = min(left, kernels.left_by_a_round(*args))
    # The larger eigenvalue of how a round's errors of w and b follow from the last one's.
    half = 0.5 * (left * (1.0 + bend) + bend * (words + bits))
    bound = half + math.sqrt(half * half + left * bend)
    return Batch(ohms=ohms, factors=factors, coefficients=coefficients, bound=bound)


def _aligned(*shape: int) -> Floats:
    """An empty array that starts on a cache line, so that no machine vector lies across two."""
    numbers = np.empty(math.prod(shape) + 8)
    first = -(numbers.ctypes.data // 8) % 8
    return numbers[first : first + math.prod(shape)].reshape(shape)
