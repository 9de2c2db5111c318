"""Large linear crossbars, solved by merging neighbouring blocks of cells until one is left.

A block is known by its ports: word lines enter at the left and leave at the right, bit lines
enter at the top and leave at the bottom. With x = (V_left, V_bottom, I_right, -I_top) its answer
M x = (I_left, -I_bottom, V_right, V_top) is symmetric and finite for resistances from 0 up and
cells that conduct nothing. Two blocks that share lines are one block without them: the loop
v = s - Z i, i = Y v + t between them is solved once for all shared lines (Redheffer's star
product). Merging pairs of pairs takes some 100 n^3 operations for n x n cells, where elimination
row by row takes 5 n^4. Word lines with a second driver keep their right ports until the end, when
the driver closes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.lines import Lines

Floats = NDArray[np.float64]

_SMALLEST = 4  # cells along a side of a first block, at least


def effective_weights(lines: Lines, g: Floats) -> Floats:
    """W (rows, columns) [S] of cell conductances g (rows, columns) [S], no line broken."""
    (own_rows, own_columns), tied = g.shape, bool(lines.far.any())
    rows, doublings_down = _first_block(own_rows)
    columns, doublings_across = _first_block(own_columns)
    padded = np.zeros((rows << doublings_down, columns << doublings_across))
    padded[-own_rows:, :own_columns] = g  # cells beyond the far ends carry nothing
    blocks = _cells(lines, padded, rows, columns)
    while max(blocks.grid) > 1:
        down = blocks.grid[1] == 1 or (blocks.columns > blocks.rows and blocks.grid[0] > 1)
        blocks = blocks.merged_down() if down else blocks.merged_across(tied)
    M, inner = blocks.M[0, 0], slice(blocks.rows - own_rows, blocks.rows)
    weights = -M[inner, blocks.rows : blocks.rows + own_columns]
    if tied:
        weights = weights + _through_far_drivers(lines, blocks, padded.shape[1] - own_columns)
    return np.ascontiguousarray(weights)


def _through_far_drivers(lines: Lines, blocks: _Blocks, spare: int) -> Floats:
    """What the far drivers add to W, behind `spare` columns of cells that carry nothing."""
    M, (own_rows, own_columns) = blocks.M[0, 0], lines.shape
    left = slice(blocks.rows - own_rows, blocks.rows)
    bottom = slice(blocks.rows, blocks.rows + own_columns)
    start = blocks.rows + blocks.columns
    right = slice(start + left.start, start + left.stop)
    onward = np.where(lines.far > 0.0, lines.source + (1 - spare) * lines.word, 1.0)
    currents = np.linalg.solve(np.diag(onward) - M[right, right], M[right, bottom])
    return np.asarray((np.eye(own_rows) - M[left, right]) @ currents)


def _first_block(lines: int) -> tuple[int, int]:
    """(cells in the first block, doublings) that cover so many lines with the least to spare."""
    sizes = range(_SMALLEST, 2 * _SMALLEST)
    doublings = {size: max(0, math.ceil(math.log2(lines / size))) for size in sizes}
    size = min(sizes, key=lambda size: size << doublings[size])
    return size, doublings[size]


@dataclass(frozen=True)
class _Side:
    """The ports of one side of every block in a grid."""

    M: Floats
    ports: slice

    def to(self, other: _Side) -> Floats:
        """The part of M that gives this side's answer to the other side."""
        return self.M[..., self.ports, other.ports]


@dataclass(frozen=True)
class _Blocks:
    """A grid of equal blocks of rows x columns cells.

    M : (grid rows, grid columns, ports, ports)
    sides : the sides that have ports, in order
    """

    M: Floats
    rows: int
    columns: int
    sides: tuple[str, ...] = ("left", "bottom", "right", "top")

    @property
    def grid(self) -> tuple[int, int]:
        return self.M.shape[0], self.M.shape[1]

    def merged_across(self, tied: bool) -> _Blocks:
        """Merge neighbours in a row; the last merge drops the right ports, unless they are `tied`."""
        near, far = self._of(self.M[:, 0::2]), self._of(self.M[:, 1::2])
        kept = {
            "left": [near["left"]],
            "bottom": [near["bottom"], far["bottom"]],
            "right": [far["right"]] if tied or self.grid[1] > 2 else [],
            "top": [near["top"], far["top"]] if "top" in self.sides else [],
        }
        return _join(near["right"], far["left"], kept, self.rows, 2 * self.columns)

    def merged_down(self) -> _Blocks:
        """Merge neighbours in a column; the last merge drops the top ports."""
        near, far = self._of(self.M[1::2]), self._of(self.M[0::2])  # near the sense resistors
        kept = {
            "left": [far["left"], near["left"]],
            "bottom": [near["bottom"]],
            "right": [far["right"], near["right"]] if "right" in self.sides else [],
            "top": [far["top"]] if self.grid[0] > 2 else [],
        }
        return _join(near["top"], far["bottom"], kept, 2 * self.rows, self.columns)

    def _of(self, M: Floats) -> dict[str, _Side]:
        """The sides of a part M of the grid."""
        found, start = {}, 0
        for side in self.sides:
            count = self.rows if side in {"left", "right"} else self.columns
            found[side] = _Side(M, slice(start, start + count))
            start += count
        return found


def _join(near: _Side, far: _Side, kept: dict[str, list[_Side]], rows: int, columns: int) -> _Blocks:
    """Close the loop v = s - Z i, i = Y v + t between two sides; the `kept` sides become the block's."""
    Z, Y = -near.to(near), far.to(far)
    F = np.asarray(np.linalg.inv(np.eye(Z.shape[-1]) + Z @ Y), dtype=np.float64)
    crossing = _transposed(F)
    through_near, through_far = _symmetric(Y @ F), -_symmetric(Z @ crossing)
    sides = [side for group in kept.values() for side in group]
    ends = np.cumsum([0] + [side.ports.stop - side.ports.start for side in sides])
    M = np.empty((*Z.shape[:-2], ends[-1], ends[-1]))
    for i, one in enumerate(sides):
        here = slice(ends[i], ends[i + 1])
        is_near = one.M is near.M
        arm = one.to(near if is_near else far)
        answer = arm @ (through_near if is_near else through_far)
        onward = arm @ (crossing if is_near else F)
        for j, other in enumerate(sides[: i + 1]):
            there = slice(ends[j], ends[j + 1])
            if one.M is other.M:
                part = one.to(other) + answer @ (near if is_near else far).to(other)
            else:
                part = onward @ (far if is_near else near).to(other)
            M[..., here, there] = part
            M[..., there, here] = _transposed(part)
    return _Blocks(M, rows, columns, tuple(name for name, group in kept.items() if group))


def _symmetric(M: Floats) -> Floats:
    return 0.5 * (M + _transposed(M))


def _transposed(M: Floats) -> Floats:
    return np.swapaxes(M, -2, -1)


def _cells(lines: Lines, g: Floats, rows: int, columns: int) -> _Blocks:
    """The first blocks, by their cells' loop currents: (1 / g + Z) y = E x, M = D + E^T y."""
    grid = g.shape[0] // rows, g.shape[1] // columns
    cells = g.reshape(grid[0], rows, grid[1], columns).swapaxes(1, 2).reshape(*grid, rows * columns)
    source, word = (_blockwise(ohms, grid[0], rows, "front") for ohms in (lines.source, lines.word))
    bit, sense = (_blockwise(ohms, grid[1], columns, "back") for ohms in (lines.bit, lines.sense))
    ports = 2 * (rows + columns)
    M = np.empty((*grid, ports, ports))
    for left in (True, False):
        for bottom in (True, False):
            part = (
                slice(-1, None) if bottom else slice(None, -1),
                slice(0, 1) if left else slice(1, None),
            )
            along = source[:, None, :, None] * left
            along = along + word[:, None, :, None] * np.arange(1.0, columns + 1)
            below = sense[None, :, None, :] * bottom
            below = below + bit[None, :, None, :] * np.arange(float(rows), 0.0, -1.0)[:, None]
            if len(along) > 1:
                along = along[part[0]]
            if below.shape[1] > 1:
                below = below[:, part[1]]
            M[part] = _block(cells[part], along, below)
    return _Blocks(M, rows, columns)


def _blockwise(ohms: Floats, blocks: int, lines: int, side: str) -> Floats:
    """The lines' resistances as (blocks, lines), or (1, lines) if all blocks are alike."""
    spare = blocks * lines - len(ohms)
    padded = np.pad(ohms, (spare, 0) if side == "front" else (0, spare), mode="edge")
    each = padded.reshape(blocks, lines)
    return each[:1] if (each == each[0]).all() else each


def _block(g: Floats, along: Floats, below: Floats) -> Floats:
    """M (..., ports, ports) of blocks of cells g (..., cells).

    along : (..., rows, columns) [Ohm] of a word line from the left to each cell
    below : (..., rows, columns) [Ohm] of a bit line from each cell to the bottom
    """
    rows, columns = along.shape[-2], below.shape[-1]
    blocks = np.broadcast_shapes(along.shape[:-2], below.shape[:-2])
    i, j = np.arange(rows)[:, None], np.arange(columns)
    lines, cells = rows + columns, rows * columns
    E = np.zeros((*blocks, rows, columns, 2 * lines))
    E[..., i, j, i] = 1.0
    E[..., i, j, rows + j] = -1.0
    E[..., i, j, lines + i] = -along
    E[..., i, j, lines + rows + j] = below
    Z = np.zeros((*blocks, rows, columns, rows, columns))
    for k in range(rows):
        Z[..., k, :, k, :] += np.minimum(along[..., k, :, None], along[..., k, None, :])
    for k in range(columns):
        Z[..., :, k, :, k] += np.minimum(below[..., :, None, k], below[..., None, :, k])
    E, Z = E.reshape(*blocks, cells, 2 * lines), Z.reshape(*blocks, cells, cells)
    y = np.linalg.solve(np.eye(cells) + g[..., :, None] * Z, g[..., :, None] * E)
    D = np.zeros((*blocks, 2 * lines, 2 * lines))
    D[..., :lines, lines:] = D[..., lines:, :lines] = np.eye(lines)
    ports = np.arange(lines, 2 * lines)
    ends = (
        np.broadcast_to(along[..., -1], (*blocks, rows)),
        np.broadcast_to(below[..., 0, :], (*blocks, columns)),
    )
    D[..., ports, ports] = -np.concatenate(ends, axis=-1)
    return D + _symmetric(_transposed(E) @ y)
