"""bfloat16 in compiled kernels: numba does not know the type, so its numbers come as uint16.

A bfloat16 is the upper half of a float32. Kernels read with `wide` and write with `narrow`, which
leave other precisions as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import extending


def wide(x: Any) -> Any:
    """A number from memory, wide enough to compute with."""


def narrow(x: Any, like: Any) -> Any:
    """A computed number, rounded to the precision of the array `like`."""


@extending.overload(wide, inline="always")
def _wide(x: Any) -> Callable[..., Any]:
    def as_it_is(x: Any) -> Any:
        return x

    def widened(x: Any) -> Any:
        return np.uint32(np.uint32(x) << np.uint32(16)).view(np.float32)

    return widened if x == numba.uint16 else as_it_is


@extending.overload(narrow, inline="always")
def _narrow(x: Any, like: Any) -> Callable[..., Any]:
    def as_it_is(x: Any, like: Any) -> Any:
        return x

    def to_nearest_even(x: Any, like: Any) -> Any:
        bits = np.float32(x).view(np.uint32)
        odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
        return np.uint16(np.uint32(bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))

    return to_nearest_even if like.dtype == numba.uint16 else as_it_is
