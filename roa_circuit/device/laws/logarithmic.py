"""States in ln G: u = ln(1 + omega (ratio - 1)) / ln(ratio), and u = omega where the ratio is 1."""

from __future__ import annotations

import math
from typing import Any

from roa_circuit.device.arrays import Array, is_array, namespace


def is_linear(ratio: Any) -> bool:
    """Whether u is omega: a ratio that is the number 1, also one of numpy."""
    return not (is_array(ratio) and ratio.ndim) and bool(ratio == 1.0)


def to_u(omega: Array, ratio: Any) -> Array:
    """u of omega, both in [0, 1]."""
    if is_linear(ratio):
        return omega
    xp = namespace(omega, ratio)
    return xp.log1p(xp.clip(omega, 0.0, 1.0) * (ratio - 1.0)) / _log(ratio)


def to_omega(u: Array, ratio: Any) -> Array:
    """omega of u, both in [0, 1]."""
    if is_linear(ratio):
        return u
    return namespace(u, ratio).clip(namespace(u, ratio).expm1(u * _log(ratio)) / (ratio - 1.0), 0.0, 1.0)


def stretch(omega: Array, ratio: Any) -> Array:
    """d omega / du."""
    if is_linear(ratio):
        return 1.0
    return (1.0 + omega * (ratio - 1.0)) * _log(ratio) / (ratio - 1.0)


def _log(ratio: Any) -> Any:
    return namespace(ratio).log(ratio) if is_array(ratio) else math.log(ratio)
