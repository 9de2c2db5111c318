"""Intervals by four methods: they agree where they must, and differ where they should."""

import dataclasses
import sys

import numpy as np
import pytest
from scipy.optimize import least_squares

from fitting import fit_device, read_measurements
from fitting.judgement.bands import constants_covariance
from fitting.model.residuals import NAMES, predict, to_search
from fitting.model.schedule import schedule
from fitting.readers.measurements import Measurements
from fitting.search.bootstrap import block_length, bootstrap
from fitting.search.identifiability import covariance, log_errors, student
from fitting.search.intervals import curvature, profile
from fitting.search.methods import intervals
from fitting.search.multistart import search
from fitting.search.profile import _crossing, _error
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.zhang2021 import Memristor

PULSES = ((-1.1, 3e-6, 1.4, 3e-5), (-1.3, 5e-8, 1.7, 5e-7))


def few_pulses(p, noise, seed=0, pulses=10):
    """Two short trains at two amplitudes and two sweeps: constants known to percents."""
    rows = []
    for train, (V_p, T_p, V_d, T_d) in enumerate(PULSES):
        rows.append((train, 0.0, 0.0, 0.05, False))
        rows += [(train, V_p, T_p, 0.05, False)] * pulses + [(train, V_d, T_d, 0.05, False)] * pulses
    for train, sign in ((2, -1.0), (3, 1.0)):
        rows += [(train, 0.0, 0.0, V, True) for V in sign * np.linspace(0.3, 3.0, 24)]
    train, V, T, read, sweep = np.array(rows, dtype=np.float64).T
    blank = Measurements(
        source="few", labels=tuple("abcd"), train=train.astype(np.int64), voltage=V, width=T,
        read_voltage=read, current=np.ones(len(V)), sweep=sweep > 0,
    )  # fmt: skip
    exact = predict(p, np.array([0.1, 0.2, 0.98, 0.02]), blank, schedule(blank))
    rng = np.random.default_rng(seed)
    return dataclasses.replace(blank, current=exact * (1 + noise * rng.standard_normal(len(V))))


def no_sweep(p, seed):
    """Two short trains at four amplitudes, 2 % of noise: gamma and alpha are anybody's guess."""
    pulses = ((-1.55, 1.8e-8, 10), (0.96, 7.3e-3, 27)), ((-0.62, 0.094, 15), (2.39, 1.9e-9, 16))
    rows = [
        (train, V, T)
        for train, kinds in enumerate(pulses)
        for V, T, count in kinds
        for _ in range(count)
    ]
    train, V, T = np.array(rows).T
    blank = Measurements(
        source="no sweep", labels=("a", "b"), train=train.astype(np.int64), voltage=V, width=T,
        read_voltage=np.full(len(V), 0.05), current=np.ones(len(V)), sweep=np.zeros(len(V), bool),
    )  # fmt: skip
    exact = predict(p, np.array([0.4, 0.2]), blank, schedule(blank))
    noise = 0.02 * np.random.default_rng(seed).standard_normal(len(V))
    return dataclasses.replace(blank, current=exact * (1 + noise))


def ends(found, name, value):
    """Both ends as logarithms of the ratio to the value."""
    return np.log(np.array(found.ci95[name]) / value)


@pytest.mark.long
def test_all_agree_on_well_conditioned_data(shipped_fit):
    local, likely, drawn = curvature(shipped_fit), profile(shipped_fit), bootstrap(shipped_fit, 0, 150)
    for name, e in shipped_fit.estimates.items():
        reach = ends(local, name, e.value)
        np.testing.assert_allclose(ends(likely, name, e.value), reach, rtol=0.04)
        np.testing.assert_allclose(ends(drawn, name, e.value), reach, rtol=0.35)
        assert likely.stderr[name] == pytest.approx(e.stderr, rel=0.03)
        assert drawn.stderr[name] == pytest.approx(e.stderr, rel=0.2)


@pytest.mark.long
def test_a_profile_ends_where_scipys_refit_is_a_95_percent_step_worse(prior):
    """The definition, by another program: all unknowns free but one, starting states too."""
    f = fit_device(few_pulses(prior.memristor, 0.015), prior)
    found = profile(f)
    freedom = len(f.residual) - 7 - 4

    def smallest(residual, x):
        near = (x - 3.0, x + 3.0)
        return 2 * least_squares(residual, x, "3-point", near, x_scale="jac", ftol=1e-12).cost

    begin = np.append(f.solution.x[:7], np.clip(f.solution.x[7:], -4.0, 4.0))
    best = smallest(f.objective.residual, begin)
    for name in ("k", "mu1", "delta"):
        place = NAMES.index(name)
        free = np.arange(len(f.solution.x)) != place

        def cost(value, place=place, free=free):
            x = begin.copy()
            x[place] = np.log(value)

            def residual(moving):
                x[free] = moving
                return f.objective.residual(x)

            return smallest(residual, x[free])

        for end in found.ci95[name]:
            rise = (cost(end) - best) / (best / freedom)
            assert np.sqrt(rise) == pytest.approx(1.98, rel=0.02), (name, end)


@pytest.mark.long
@pytest.mark.parametrize("seed", [3, 8])
def test_a_profile_ends_in_the_deepest_valley(prior, seed):
    """k may be larger only with an off current: a search that lost alpha must find it again."""
    p = Memristor(k=2.17e-4, mu1=16.12, mu2=10.45, gamma=5.42e-3, delta=1.169, alpha=7.64e-4, beta=0.494)
    f = fit_device(no_sweep(p, seed), prior)
    free = search(f.objective, f.solution.x)
    for end in f.estimates["k"].ci95:
        x = to_search(p, np.array([0.4, 0.2]))
        x[0] = np.log(end)
        rise = search(f.objective, x, {"k"}).cost - free.cost
        assert np.sqrt(rise) / f.noise == pytest.approx(student(len(f.residual) - 9), rel=0.02)


def test_what_a_shelf_leaves_open_is_told_roughly(prior):
    """The misfit 20 % off says less than 3.6 errors, however steep the valley is: no 5 %."""
    assert _error(lambda u: 50 * abs(u), 0.02, 1.0) == 0.02
    assert _error(lambda u: min(50 * abs(u), 3.0), 0.02, 1.0) == pytest.approx(np.log(1.2) / 3.0)
    assert _error(lambda u: 10 * abs(u), 0.1, 1.0) == 0.1


@pytest.mark.slow
def test_a_profile_is_lopsided_where_the_law_bends(prior):
    """Few noisy pulses: gamma may be much larger if delta is smaller, but not much smaller."""
    f = fit_device(few_pulses(prior.memristor, 0.05, pulses=5), prior)
    found = profile(f)
    low, high = ends(found, "gamma", f.estimates["gamma"].value)
    error = np.sqrt(constants_covariance(f)[NAMES.index("gamma"), NAMES.index("gamma")])
    assert high > 5 * -low
    assert high > 2 * 1.96 * error
    # An error this large is not believed from the curvature: the fit itself has the profile.
    assert f.estimates["gamma"].ci95 == found.ci95["gamma"]
    assert f.intervals == "profile likelihood"


def test_ends_of_a_profile_are_found_or_said_to_be_missing():
    assert _crossing(abs, 0.5, 2.0, 10.0) == pytest.approx(2.0, rel=0.01)
    assert _crossing(abs, -3.0, 2.0, -10.0) == pytest.approx(-2.0, rel=0.01)
    assert _crossing(lambda u: u**2, 0.01, 2.0, 10.0) == pytest.approx(np.sqrt(2), rel=0.01)
    assert _crossing(lambda u: 3 * np.tanh(u), 0.1, 2.0, 10.0) == pytest.approx(
        np.arctanh(2 / 3), rel=0.02
    )
    assert _crossing(np.tanh, 0.1, 2.0, 10.0) is None
    assert _crossing(lambda u: u if u < 3.5 else 1e3, 4.0, 2.0, 10.0) == pytest.approx(2.0, rel=0.01)
    assert _crossing(lambda u: 0.0 if u < 3.5 else 1e3, 4.0, 2.0, 10.0) is None


def test_a_constant_without_an_end_is_no_longer_identifiable(shipped_fit):
    found = dataclasses.replace(curvature(shipped_fit), ci95={"k": (9e-5, 1.1e-4)}, said="by hand")
    f = found.applied(shipped_fit)
    assert f.intervals == "by hand"
    assert f.estimates["k"].ci95 == (9e-5, 1.1e-4)
    assert not f.estimates["mu1"].identifiable
    assert f.estimates["mu1"].ci95 is None


@pytest.mark.long
def test_correlated_misfits_are_resampled_in_blocks(shipped, shipped_fit, prior):
    """Correlation 0.8 triples a mean's error: blocks know it, and so does the curvature."""
    assert block_length(shipped_fit.residual, shipped) == 1
    rng = np.random.default_rng(1)
    noise = np.zeros(len(shipped))
    for row in range(1, len(noise)):
        noise[row] = 0.8 * noise[row - 1] + 0.006 * rng.standard_normal()
    m = dataclasses.replace(shipped, current=shipped_fit.predicted * (1 + noise))
    f = fit_device(m, prior)
    assert block_length(f.residual, m) > 10
    local, drawn = curvature(f), bootstrap(f, 0, 60)
    assert np.median([drawn.stderr[n] / local.stderr[n] for n in drawn.stderr]) > 0.8
    plain = {name: local.stderr[name] / f.widening[NAMES.index(name)] for name in drawn.stderr}
    assert np.median([drawn.stderr[n] / plain[n] for n in plain]) > 1.5


@pytest.mark.long
def test_a_seed_repeats_a_bootstrap(prior):
    f = fit_device(few_pulses(prior.memristor, 0.01), prior)
    assert bootstrap(f, 3, 8).ci95 == bootstrap(f, 3, 8).ci95
    assert bootstrap(f, 3, 8).ci95 != bootstrap(f, 4, 8).ci95
    assert "8 resamples" in bootstrap(f, 3, 8).said


@pytest.mark.slow
def test_a_posterior_under_flat_priors_is_the_likelihood(some_trains, prior):
    """Of the four constants that sweeps tell, given the three that say how far a pulse sets.

    The profile lets those free: where a pulse sets by half only, gamma is larger and delta smaller.
    """
    from fitting.presentation.corner import corner_plot
    from fitting.search.mcmc import posterior

    sweeps = read_measurements(some_trains(lambda train: train.startswith("I-V")))
    f = fit_device(sweeps, prior)
    drawn, likely = posterior(f, 0, steps=60, burn=10), profile(f)
    given = log_errors(f.jacobian, f.noise, ("k", "mu1", "mu2"))
    for name in ("gamma", "delta", "alpha", "beta"):
        value = f.estimates[name].value
        assert drawn.stderr[name] == pytest.approx(value * given[name], rel=0.35), name
        np.testing.assert_allclose(ends(drawn, name, value), 1.98 * given[name] * np.array([-1, 1]),
                                   atol=given[name])  # fmt: skip
        assert likely.stderr[name] > 0.95 * value * given[name]
    assert ends(likely, "gamma", f.estimates["gamma"].value)[1] > 3 * given["gamma"]
    assert ends(likely, "delta", f.estimates["delta"].value)[0] < -3 * given["delta"]
    assert drawn.samples.shape == (16 * 60, 4)
    corner = corner_plot(f, drawn)
    assert corner.png().startswith(b"\x89PNG")
    assert all(f"{symbol} [%]" in corner.svg for symbol in "γδαβ")


def test_what_is_missing_or_misspelt(shipped_fit, monkeypatch):
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(InputError, match=r"pip install 'roa-circuit\[mcmc\]'"):
        intervals(shipped_fit, "mcmc")
    with pytest.raises(InputError, match="did you mean 'profile'"):
        intervals(shipped_fit, "profil")


@pytest.mark.slow
def test_profile_intervals_cover_the_truth(prior):
    """Short noisy trains, 150 draws: 95 % intervals hold each constant in 90 to 99 % of them."""
    held, told = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for seed in range(150):
        f = fit_device(few_pulses(prior.memristor, 0.015, seed), prior)
        for name, (low, high) in profile(f).ci95.items():
            place, true = NAMES.index(name), getattr(prior.memristor, name)
            told[place] += 1
            held[place] += low <= true <= high
    assert (told > 100).all()
    assert ((held / told > 0.90) & (held / told < 0.99)).all(), held / told


@pytest.mark.parametrize("rows", [3, 12])
def test_a_covariance_without_noise_is_one(rows):
    """Exact readings once left squares below 0 on its diagonal, and k = nan in the device."""
    J = np.random.default_rng(0).normal(size=(rows, 5))
    for noise in (1.0, 1e-8, 1e-17, 1e-150):
        spread = covariance(J, noise, np.ones(5, dtype=bool))
        assert (np.diag(spread) > 0).all()
        assert np.isfinite(spread).all()
    expected = np.linalg.inv(J.T @ J / 0.1**2 + np.eye(5) / 10.0**2)
    np.testing.assert_allclose(covariance(J, 0.1, np.ones(5, dtype=bool)), expected, rtol=1e-7)
