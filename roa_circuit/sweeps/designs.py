"""Designs: which points of the axes are computed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.fields import Value

DESIGNS = ("grid", "random", "sobol")


def points_of(design: str, axes: Sequence[Axis], count: int, seed: int) -> list[dict[str, Value]]:
    """The points in order; only designs that draw points need `count` and `seed`."""
    names = [axis.name for axis in axes]
    if design == "grid":
        combined = itertools.product(*(axis.levels for axis in axes))
        return [dict(zip(names, values, strict=True)) for values in combined]
    return [
        {axis.name: axis.at(share) for axis, share in zip(axes, row, strict=True)}
        for row in _shares(design, len(axes), count, seed)
    ]


def _shares(design: str, axes: int, count: int, seed: int) -> list[list[float]]:
    """Where each point lies on each axis (points, axes), in [0, 1)."""
    rng = np.random.default_rng([seed, axes])
    if design == "random":
        return [list(map(float, row)) for row in rng.random((count, axes))]
    from scipy.stats import qmc

    # A power of two is balanced; more are drawn than asked for, and the first ones kept.
    drawn = qmc.Sobol(axes, rng=rng).random_base2((count - 1).bit_length())
    return [list(map(float, row)) for row in drawn[:count]]
