"""Robust losses: scipy's, bent into least squares, and honest where there are outliers."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from fitting import fit_device
from fitting.model.loss import TUNING, Loss, robust_noise
from fitting.readers.measurements import Measurements
from roa_circuit.basics.errors import InputError

ROBUST = [name for name in TUNING if name != "linear"]


@pytest.mark.parametrize("name", ROBUST)
def test_a_bent_residual_costs_what_scipys_loss_costs(name):
    r = np.array([-7.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 50.0])
    f, slope = Loss(name=name, size=1.5).bent(r)
    zero = least_squares(lambda x: r + 0.0 * x, [0.0], loss=name, f_scale=1.5, max_nfev=1)
    assert 0.5 * np.sum(f**2) == pytest.approx(zero.cost, rel=1e-12)
    step = 1e-6
    plain = Loss(name=name, size=1.5).bent(r + step)[0] - Loss(name=name, size=1.5).bent(r - step)[0]
    np.testing.assert_allclose(slope, plain / (2 * step), atol=1e-6)


@pytest.mark.parametrize("name", ROBUST)
def test_normal_errors_cost_five_percent_of_precision(name):
    """noise^2 is the variance of a location estimate times n: 1 / 0.95 for normal errors."""
    r = np.random.default_rng(0).standard_normal(400_000)
    noise, unit = Loss(name=name, size=TUNING[name]).noise(r, len(r))
    assert noise**2 == pytest.approx(1 / 0.95, abs=0.01)
    assert unit < noise
    assert robust_noise(r, len(r)) == pytest.approx(1.0, abs=0.01)


def with_outliers(m, seed, share=0.05):
    rng = np.random.default_rng(seed)
    hit = rng.random(len(m)) < share
    factor = np.where(hit, 1 + 0.3 * rng.random(len(m)), 1.0)
    return Measurements(**{**m.__dict__, "current": m.current * factor})


@pytest.mark.parametrize("name", ROBUST)
def test_outliers_neither_pull_nor_blur(shipped, shipped_fit, prior, name):
    """One reading in twenty too high by up to 30 %: the plain fit is far off, the robust is not."""
    m = with_outliers(shipped, 0)
    robust, plain = fit_device(m, prior, loss=name), fit_device(m, prior)
    for key, e in robust.estimates.items():
        clean = shipped_fit.estimates[key]
        assert abs(e.value - e.prior) < 3.5 * e.stderr, key
        assert e.stderr < 1.7 * clean.stderr, key
        assert plain.estimates[key].stderr > 2.5 * clean.stderr, key
    assert robust.relative_rmse == pytest.approx(plain.relative_rmse, rel=0.2)


def test_without_outliers_the_answer_hardly_moves(shipped, shipped_fit, prior):
    robust = fit_device(shipped, prior, loss="huber")
    for key, e in robust.estimates.items():
        plain = shipped_fit.estimates[key]
        assert abs(e.value - plain.value) < 0.7 * plain.stderr, key
        assert e.stderr == pytest.approx(plain.stderr, rel=0.1), key


def test_an_unknown_loss_is_answered_with_the_nearest(shipped, prior):
    with pytest.raises(InputError, match="--loss 'hubre' is unknown; did you mean 'huber'"):
        fit_device(shipped, prior, loss="hubre")
