"""Compiled passes over a block's outputs y for batch norm, max-pool and ReLU.

    y, and what is like it, (n, rows, columns, filters)
    pooled (n, rows // 2, columns // 2, filters)
    choice, of a pixel of a window for each pooled number: 0 to 3, row by row, or 4 where it is zero

Coefficients and sums have one row for each term, (terms, filters); sums are in float64.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from meta.network._bfloat16 import narrow, wide
from roa_circuit.basics.compilation import ENTRY, watch

watch()

Floats = np.ndarray[Any, Any]
Choices = np.ndarray[Any, np.dtype[np.uint8]]


@numba.njit(**ENTRY)
def sums(x: Floats, y: Floats, total: Floats) -> None:
    """Add the sums of x and of x y."""
    for n in range(len(x)):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                a, b = x[n, i, j], y[n, i, j]
                for f in range(len(a)):
                    one = np.float64(wide(a[f]))
                    total[0, f] += one
                    total[1, f] += one * wide(b[f])


@numba.njit(**ENTRY)
def pool(y: Floats, choice: Choices, pooled: Floats, line: Floats) -> None:
    """Fill in the largest of line[0] + line[1] y in each window, or zero, and where it comes from."""
    for n in range(len(y)):
        for i in range(pooled.shape[1]):
            for j in range(pooled.shape[2]):
                upper, lower = y[n, 2 * i, 2 * j :], y[n, 2 * i + 1, 2 * j :]
                out, which = pooled[n, i, j], choice[n, i, j]
                for f in range(len(out)):
                    best, at = line[0, f] + line[1, f] * wide(upper[0, f]), np.uint8(0)
                    x = line[0, f] + line[1, f] * wide(upper[1, f])
                    at = np.uint8(1) if x > best else at
                    best = max(best, x)
                    x = line[0, f] + line[1, f] * wide(lower[0, f])
                    at = np.uint8(2) if x > best else at
                    best = max(best, x)
                    x = line[0, f] + line[1, f] * wide(lower[1, f])
                    at = np.uint8(3) if x > best else at
                    best = max(best, x)
                    out[f] = narrow(max(best, line.dtype.type(0)), out)
                    which[f] = at if best > 0 else np.uint8(4)


@numba.njit(**ENTRY)
def chosen_sums(y: Floats, choice: Choices, change: Floats, total: Floats) -> None:
    """Add the sums of gradients of the pooled numbers, and of their products with the chosen y."""
    zero = np.float32(0)
    for n in range(len(y)):
        for i in range(change.shape[1]):
            for j in range(change.shape[2]):
                upper, lower = y[n, 2 * i, 2 * j :], y[n, 2 * i + 1, 2 * j :]
                g, which = change[n, i, j], choice[n, i, j]
                for f in range(len(g)):
                    a, b, c, d = (
                        wide(upper[0, f]),
                        wide(upper[1, f]),
                        wide(lower[0, f]),
                        wide(lower[1, f]),
                    )
                    one, at = wide(g[f]), a
                    at = b if which[f] == 1 else at
                    at = c if which[f] == 2 else at
                    at = d if which[f] == 3 else at
                    one = one if which[f] < 4 else zero
                    total[0, f] += one
                    total[1, f] += np.float64(one) * at


@numba.njit(**ENTRY)
def combine(y: Floats, u: Floats, out: Floats, choice: Choices, change: Floats, c: Floats) -> None:
    """out = c[0] + c[1] y + c[2] u + c[3] (the change where it was chosen)."""
    rows, columns, filters = y.shape[1:]
    none, nothing = np.full(filters, 4, np.uint8), np.zeros(filters, change.dtype)
    for n in range(len(y)):
        for i in range(rows):
            for j in range(0, columns, 2):
                pooled = i // 2 < change.shape[1] and j // 2 < change.shape[2]
                g = change[n, i // 2, j // 2] if pooled else nothing
                which = choice[n, i // 2, j // 2] if pooled else none
                left = 2 * (i % 2)
                for q in range(min(2, columns - j)):
                    a, b, to, here = y[n, i, j + q], u[n, i, j + q], out[n, i, j + q], left + q
                    for f in range(filters):
                        one = wide(g[f]) if which[f] == here else c.dtype.type(0)
                        x = c[0, f] + c[1, f] * wide(a[f]) + c[2, f] * wide(b[f]) + c[3, f] * one
                        to[f] = narrow(x, to)


@numba.njit(**ENTRY)
def gather(y: Floats, u: Floats, choice: Choices, pooled: Floats, c: Floats) -> None:
    """pooled = c[0] + c[1] y + c[2] u of the chosen pixels, zero where none was."""
    for n in range(len(y)):
        for i in range(pooled.shape[1]):
            for j in range(pooled.shape[2]):
                to, which = pooled[n, i, j], choice[n, i, j]
                for f in range(len(to)):
                    row, column = 2 * i + (which[f] >> 1 & 1), 2 * j + (which[f] & 1)
                    x = (
                        c[0, f]
                        + c[1, f] * wide(y[n, row, column, f])
                        + c[2, f] * wide(u[n, row, column, f])
                    )
                    to[f] = narrow(x if which[f] < 4 else c.dtype.type(0), to)
