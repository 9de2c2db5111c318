"""Intervals by four methods: they agree where they must, and differ where they should."""

import dataclasses
import sys

import numpy as np
import pytest
from scipy.optimize import least_squares

from fitting import fit_device, read_measurements
from fitting.bands import constants_covariance
from fitting.intervals import block_length, bootstrap, curvature, intervals, profile
from fitting.measurements import Measurements
from fitting.profile import _crossing
from fitting.residuals import NAMES, predict, schedule
from roa_circuit.errors import InputError

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


def ends(found, name, value):
    """Both ends as logarithms of the ratio to the value."""
    return np.log(np.array(found.ci95[name]) / value)


def test_all_agree_on_well_conditioned_data(shipped_fit):
    local, likely, drawn = curvature(shipped_fit), profile(shipped_fit), bootstrap(shipped_fit, 0, 150)
    for name, e in shipped_fit.estimates.items():
        reach = ends(local, name, e.value)
        np.testing.assert_allclose(ends(likely, name, e.value), reach, rtol=0.04)
        np.testing.assert_allclose(ends(drawn, name, e.value), reach, rtol=0.35)
        assert likely.stderr[name] == pytest.approx(e.stderr, rel=0.03)
        assert drawn.stderr[name] == pytest.approx(e.stderr, rel=0.2)


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


def test_a_constant_without_an_end_is_no_longer_identifiable(shipped_fit):
    found = dataclasses.replace(curvature(shipped_fit), ci95={"k": (9e-5, 1.1e-4)}, said="by hand")
    f = found.applied(shipped_fit)
    assert f.intervals == "by hand"
    assert f.estimates["k"].ci95 == (9e-5, 1.1e-4)
    assert not f.estimates["mu1"].identifiable
    assert f.estimates["mu1"].ci95 is None


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


def test_a_seed_repeats_a_bootstrap(prior):
    f = fit_device(few_pulses(prior.memristor, 0.01), prior)
    assert bootstrap(f, 3, 8).ci95 == bootstrap(f, 3, 8).ci95
    assert bootstrap(f, 3, 8).ci95 != bootstrap(f, 4, 8).ci95
    assert "8 resamples" in bootstrap(f, 3, 8).said


def test_a_posterior_under_flat_priors_is_the_likelihood(some_trains, prior):
    """Of the four constants that sweeps tell."""
    from fitting.mcmc import corner_plot, posterior

    sweeps = read_measurements(some_trains(lambda train: train.startswith("I-V")))
    f = fit_device(sweeps, prior)
    drawn, likely = posterior(f, 0, steps=60, burn=10), profile(f)
    for name in ("gamma", "delta", "alpha", "beta"):
        assert drawn.stderr[name] == pytest.approx(likely.stderr[name], rel=0.35), name
        np.testing.assert_allclose(drawn.ci95[name], likely.ci95[name], rtol=likely.stderr[name]
                                   / f.estimates[name].value)  # fmt: skip
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
