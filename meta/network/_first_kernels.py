"""Compiled passes over the first block: every output is the largest of four windows' sums, or zero.

    images (n, channels, rows + 2, columns + 2), with a border of zeros
    weights (channels, 9, filters), offset (filters,)
    outputs (n, rows // 2, columns // 2, filters)
    choice, of a window for each output: 0 to 3, row by row, or 4 where it is zero

Filters come last, as the machine takes eight or sixteen of them at a time. Outputs may be bfloat16.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from meta.network._bfloat16 import narrow, wide
from roa_circuit.basics.compilation import ENTRY, INNER, watch

watch()

Floats = np.ndarray[Any, Any]
Choices = np.ndarray[Any, np.dtype[np.uint8]]


@numba.njit(**ENTRY)
def moments(images: Floats, total: Floats, products: Floats) -> None:
    """Add the sums of all windows' numbers (9 channels,) and of their products (9 channels, 9 channels),
    of two different rows of a window the upper first.

    images : (channels, rows + 2, columns + 2, n): one pixel of all images at a time
    """
    channels, rows, columns = len(images), images.shape[1] - 2, images.shape[2] - 2
    for k in range(channels):
        for i in range(rows + 2):
            first, last = max(0, i - rows + 1), min(i, 2)  # of the windows' rows that this can be
            for s in range(3):
                one = images[k, i, s : s + columns].reshape(-1)
                whole = 0.0
                for x in one:
                    whole += x
                for r in range(first, last + 1):
                    total[9 * k + 3 * r + s] += whole
                for m in range(channels):
                    for far in range(min(3, rows + 2 - i)):
                        for t in range(3):
                            other = images[m, i + far, t : t + columns].reshape(-1)
                            whole = 0.0
                            for j in range(len(one)):
                                whole += np.float64(one[j]) * other[j]
                            for r in range(first, min(i, 2 - far) + 1):
                                products[9 * k + 3 * r + s, 9 * m + 3 * (r + far) + t] += whole


@numba.njit(**ENTRY)
def largest(images: Floats, choice: Choices, out: Floats, weights: Floats, offset: Floats) -> None:
    """Fill in the outputs, and the window that each comes from."""
    rows, columns, filters = out.shape[1:]
    a, b, c, d = np.empty((4, filters), images.dtype)
    zero = images.dtype.type(0)
    for n in range(len(images)):
        for i in range(rows):
            for j in range(columns):
                _four_sums(images[n, :, 2 * i :, 2 * j :], weights, offset, a, b, c, d)
                y, which = out[n, i, j], choice[n, i, j]
                for f in range(filters):
                    best, at = a[f], np.uint8(0)
                    at = np.uint8(1) if b[f] > best else at
                    best = max(best, b[f])
                    at = np.uint8(2) if c[f] > best else at
                    best = max(best, c[f])
                    at = np.uint8(3) if d[f] > best else at
                    best = max(best, d[f])
                    y[f] = narrow(max(best, zero), y)
                    which[f] = at if best > 0 else np.uint8(4)


@numba.njit(**ENTRY)
def chosen(images: Floats, choice: Choices, out: Floats, weights: Floats, offset: Floats) -> None:
    """Fill in the outputs of windows that were chosen before."""
    rows, columns, filters = out.shape[1:]
    a, b, c, d = np.empty((4, filters), images.dtype)
    zero = images.dtype.type(0)
    for n in range(len(images)):
        for i in range(rows):
            for j in range(columns):
                _four_sums(images[n, :, 2 * i :, 2 * j :], weights, offset, a, b, c, d)
                y, which = out[n, i, j], choice[n, i, j]
                for f in range(filters):
                    upper = a[f] if which[f] == 0 else b[f]
                    lower = c[f] if which[f] == 2 else d[f]
                    one = upper if which[f] < 2 else lower
                    y[f] = narrow(one if which[f] < 4 else zero, y)


@numba.njit(**ENTRY)
def sums(images: Floats, choice: Choices, change: Floats, weights: Floats, offset: Floats) -> None:
    """Add the gradients of weights and offset (in float64) that gradients of the outputs give."""
    _, rows, columns, filters = change.shape
    channels = images.shape[1]
    own, whole = np.empty((channels, 9, filters), images.dtype), np.empty(filters, images.dtype)
    a, b, c, d = np.empty((4, filters), images.dtype)
    zero = images.dtype.type(0)
    for n in range(len(images)):
        own[:] = zero
        whole[:] = zero
        for i in range(rows):
            for j in range(columns):
                y, which = change[n, i, j], choice[n, i, j]
                for f in range(filters):
                    one = wide(y[f])
                    a[f] = one if which[f] == 0 else zero
                    b[f] = one if which[f] == 1 else zero
                    c[f] = one if which[f] == 2 else zero
                    d[f] = one if which[f] == 3 else zero
                    whole[f] += a[f] + b[f] + c[f] + d[f]
                for k in range(channels):
                    p, w = images[n, k, 2 * i :, 2 * j :], own[k]
                    for r in range(3):
                        left, middle, right = w[3 * r], w[3 * r + 1], w[3 * r + 2]
                        q, t = p[r], p[r + 1]
                        q0, q1, q2, q3, t0, t1, t2, t3 = q[0], q[1], q[2], q[3], t[0], t[1], t[2], t[3]
                        for f in range(filters):
                            left[f] += a[f] * q0 + b[f] * q1 + c[f] * t0 + d[f] * t1
                            middle[f] += a[f] * q1 + b[f] * q2 + c[f] * t1 + d[f] * t2
                            right[f] += a[f] * q2 + b[f] * q3 + c[f] * t2 + d[f] * t3
        weights += own
        offset += whole


@numba.njit(inline="always", **INNER)
def _four_sums(
    p: Floats, weights: Floats, offset: Floats, a: Floats, b: Floats, c: Floats, d: Floats
) -> None:
    """The outputs of every filter for the four windows that begin at the first pixels of p."""
    for f in range(len(offset)):
        a[f] = b[f] = c[f] = d[f] = offset[f]
    for k in range(len(p)):
        for r in range(3):
            q0, q1, q2, q3 = p[k, r, 0], p[k, r, 1], p[k, r, 2], p[k, r, 3]
            t0, t1, t2, t3 = p[k, r + 1, 0], p[k, r + 1, 1], p[k, r + 1, 2], p[k, r + 1, 3]
            for f in range(len(offset)):
                x, y, z = weights[k, 3 * r, f], weights[k, 3 * r + 1, f], weights[k, 3 * r + 2, f]
                a[f] += x * q0 + y * q1 + z * q2
                b[f] += x * q1 + y * q2 + z * q3
                c[f] += x * t0 + y * t1 + z * t2
                d[f] += x * t1 + y * t2 + z * t3
