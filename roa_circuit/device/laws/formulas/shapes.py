"""Shapes: how the state shapes the motion of a law from a file, and from where anything moves at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.arrays import Array, matching, namespace

Floats = NDArray[np.float64]

STATES = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
"""States at which shapes are compared."""

_ANYWHERE = 1.0 / (
    1.0 + np.exp(-np.linspace(-12.0, 12.0, 97))
)  # 6e-6 off one end to as near to the other
_VOLTAGES = np.geomspace(0.02, 20.0, 31)
_ONE_SHAPE = 1e-9


@dataclass(frozen=True)
class Shape:
    """How the state shapes the motion of one polarity: as one function for all voltages, or not."""

    is_one: bool
    voltage: float


def found_shape(motion: Callable[[Floats, Floats], Floats], sign: float) -> Shape:
    """The shape of d omega / dt by state and voltage, for voltages of this sign."""
    V = sign * _VOLTAGES
    with np.errstate(all="ignore"):
        moved = motion(STATES[:, None], V[None, :])
    middle = moved[3]
    if (middle == 0).any():
        with np.errstate(all="ignore"):
            anywhere = motion(_ANYWHERE[:, None], V[None, middle == 0])
        if (np.nan_to_num(anywhere) != 0).any():
            return Shape(is_one=False, voltage=float(V[-1]))
    usable = np.isfinite(moved).all(axis=0) & (np.abs(middle) > 1e-250) & (np.abs(middle) < 1e30)
    if not usable.any():
        return Shape(is_one=True, voltage=float(V[-1]))
    shapes = moved[:, usable] / middle[usable]
    alike = np.abs(shapes - shapes[:, :1]) <= _ONE_SHAPE * np.abs(shapes).max(axis=1, keepdims=True)
    return Shape(is_one=bool(alike.all()), voltage=float(V[usable][0]))


def where_it_moves(motion: Callable[[Array, Array], Array], V: Array) -> Array:
    """d omega / dt at omega = 1/2, or where that stands still at the state that moves most."""
    middle = motion(matching(np.array(0.5), V), V)
    xp, best = namespace(middle), middle
    if not bool(xp.any((middle == 0) & (V != 0))):
        return middle
    for omega in _ANYWHERE:
        moved = motion(matching(np.array(omega), V), V)
        best = xp.where(xp.abs(moved) > xp.abs(best), moved, best)
    return xp.where(middle == 0, best, middle)
