"""Monotone curves are scipy's, to the last digit of their coefficients."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from roa_circuit.device.laws.monotone import Monotone


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 3, 4, 16])
def test_pieces_and_values_are_those_of_scipy(seed, count):
    rng = np.random.default_rng(seed)
    knots = np.concatenate([[0.0], np.sort(rng.uniform(0.01, 0.99, count - 2)), [1.0]])
    values = np.stack([rng.normal(size=count), np.sort(rng.normal(size=count)), np.ones(count)])
    values[0, :2] = values[0, 0]  # a level stretch
    own, its = Monotone.through(knots, values), PchipInterpolator(knots, values, axis=1)
    assert own.pieces.tolist() == np.moveaxis(its.c, 1, 2).tolist()
    points = np.append(np.linspace(0.0, 1.0, 201), knots)
    assert own(points) == pytest.approx(its(points), abs=1e-14)
