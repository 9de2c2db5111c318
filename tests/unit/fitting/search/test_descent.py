"""The descent against scipy's own, and what it does at bounds and on plains."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import least_squares

from fitting.search.descent import descend
from fitting.search.identifiability import student


def problem(residual, jacobian):
    return SimpleNamespace(residual=residual, jacobian=jacobian)


@pytest.mark.parametrize("seed", range(6))
def test_scipys_minimum_is_found_within_bounds(seed):
    """Sums of exponentials, the textbook's hard case; some optima lie at a bound."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, 3.0, 60)
    truth = rng.uniform(0.3, 3.0, 4)

    def model(x):
        return x[0] * np.exp(-x[1] * t) + x[2] * np.exp(-x[3] * t)

    def slopes(x):
        a, b = np.exp(-x[1] * t), np.exp(-x[3] * t)
        return np.stack([a, -x[0] * t * a, b, -x[2] * t * b], axis=1)

    y = model(truth) + 0.01 * rng.standard_normal(len(t))
    low, high = np.full(4, 0.1), np.where(rng.random(4) < 0.4, 1.0, 10.0)
    start = np.array([0.7, 0.4, 0.6, 0.9])
    ours = descend(problem(lambda x: model(x) - y, slopes), start, low, high, most=300, tolerance=1e-12)
    theirs = least_squares(
        lambda x: model(x) - y, start, slopes, (low, high), xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    assert ours.converged
    assert ours.cost <= 2 * theirs.cost * (1 + 1e-6)
    assert (ours.x >= low).all()
    assert (ours.x <= high).all()


def test_rosenbrocks_valley_is_followed_to_its_end():
    valley = problem(
        lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]),
        lambda x: np.array([[-20 * x[0], 10.0], [-1.0, 0.0]]),
    )
    wide = np.full(2, 10.0)
    found = descend(valley, np.array([-1.2, 1.0]), -wide, wide, most=100, tolerance=1e-12)
    np.testing.assert_allclose(found.x, [1.0, 1.0], rtol=1e-8)
    assert not descend(valley, np.array([-1.2, 1.0]), -wide, wide, most=3, tolerance=1e-12).converged
    assert descend(
        valley, np.array([-1.2, 1.0]), -wide, wide, most=100, tolerance=0, enough=1.0
    ).cost < 1.0  # fmt: skip


def test_an_unknown_that_nothing_feels_stays_where_it_is():
    flat = problem(lambda x: np.array([x[0] - 1.0, 0.0]), lambda x: np.array([[1.0, 0.0], [0.0, 0.0]]))
    wide = np.full(2, 9.0)
    found = descend(flat, np.array([5.0, 3.0]), -wide, wide, most=20, tolerance=1e-9)
    assert found.converged
    assert found.x[1] == 3.0
    assert abs(found.x[0] - 1.0) < 1e-9


def test_students_quantile():
    for freedom, error in ((2, 1e-2), (3, 2e-3), (5, 2e-4), (30, 1e-7), (1000, 1e-12)):
        assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=error)


def test_an_unknown_that_is_hardly_felt_does_not_end_the_search():
    """Its step was so long that none succeeded, and the search was said to be at its end."""

    def residual(x):
        return np.array([1e6, 1e6]) if abs(x[1]) > 1.0 else np.array([x[0] - 1.0, 1e-9 * (x[1] - 1e6)])

    wall = problem(residual, lambda x: np.array([[1.0, 0.0], [0.0, 1e-9]]))
    wide = np.full(2, 1e12)
    how = {"most": 50, "tolerance": 1e-6, "longest": 2.0}
    found = descend(wall, np.array([4.0, 0.0]), -wide, wide, **how)
    np.testing.assert_allclose(found.x, [1.0, 0.0], atol=1e-6)
    taken = []
    descend(
        problem(lambda x: taken.append(x[0]) or np.array([x[0] - 9.0]), lambda x: np.ones((1, 1))),
        np.zeros(1), -wide[:1], wide[:1], **how,
    )  # fmt: skip
    assert taken[1] == 2.0
