"""lmfit's result is what the fit reports, and the search of our own ends where lmfit does."""

from dataclasses import replace

import numpy as np
import pytest

from fitting import LawModel, fit_device
from fitting.model.residuals import NAMES
from fitting.search._lmfit import lmfit
from fitting.search.extraction import extract
from fitting.search.multistart import search


def test_what_is_reported_is_what_lmfit_found(shipped_fit, shipped):
    result = shipped_fit.result
    assert result.success
    assert result.chisqr == pytest.approx(np.sum(shipped_fit.residual**2), rel=1e-9)
    assert result.nvarys == len(NAMES)
    assert result.nfree == len(shipped) - len(NAMES) - len(shipped.labels)
    for name, e in shipped_fit.estimates.items():
        assert result.params[name].value == pytest.approx(e.value, rel=1e-12)


def test_lmfits_errors_are_the_intervals(shipped_fit):
    """Where nothing but correlated misfits widens them."""
    for i, (name, e) in enumerate(shipped_fit.estimates.items()):
        expected = shipped_fit.result.params[name].stderr * shipped_fit.widening[i]
        assert e.stderr == pytest.approx(expected, rel=1e-3), name


def test_errors_of_what_follows_are_those_that_lmfit_derives(shipped_fit):
    result = shipped_fit.result
    theirs = result.params.create_uvars(result.covar)
    for name in (*NAMES, "gamma_delta", "alpha_beta"):
        one = result.params[name]
        assert one.stderr == pytest.approx(theirs[name].std_dev, rel=1e-5), name


def test_products_have_errors_that_their_factors_have_not(shipped, prior):
    """Cycles at one read voltage tell gamma*delta, and neither gamma nor delta."""
    alone = [i for i, label in enumerate(shipped.labels) if label.startswith("cycles")]
    fit = fit_device(shipped.of_trains(alone), prior)
    both = fit.result.params["gamma_delta"]
    p = fit.memristor
    assert both.value == pytest.approx(p.gamma * p.delta, rel=1e-9)
    assert both.stderr < 0.02 * both.value
    assert not fit.estimates["gamma"].told


def test_what_the_data_leave_open_does_not_vary(shipped, prior):
    fit = fit_device(shipped.of_trains([0]), prior)
    assert fit.solution.held
    varied = {name for name in NAMES if fit.result.params[f"ln_{name}"].vary}
    assert varied == set(NAMES) - fit.solution.held


def test_our_search_ends_where_lmfits_does(shipped_fit):
    """The same problem, from a place that is off: the descent of short refits, and lmfit alone."""
    o, off = shipped_fit.objective, shipped_fit.solution.x.copy()
    off[: len(NAMES)] += np.array([0.3, -0.02, 0.02, 0.1, 0.1, -0.1, -0.1])
    ours = search(o, off)
    begin = replace(search(o, off, most=1), converged=True)
    theirs = extract(o, begin).solution
    np.testing.assert_allclose(ours.x[:7], theirs.x[:7], rtol=1e-6, atol=1e-6)
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-9)


@pytest.mark.long
def test_profiles_are_those_of_lmfits_conf_interval(shipped_fit):
    from fitting.search.intervals import profile

    f = shipped_fit
    theirs = lmfit.conf_interval(f.extraction.minimizer, f.result, p_names=["ln_mu1"], sigmas=[0.95])
    low, high = np.exp([theirs["ln_mu1"][0][1], theirs["ln_mu1"][2][1]])
    own = profile(f).ci95["mu1"]
    reach = f.widening[NAMES.index("mu1")] * (high - low)
    assert own[1] - own[0] == pytest.approx(reach, rel=0.03)


def test_a_law_is_a_model_that_adds_to_others(shipped):
    """A leak beside the device, which Eq. 2 has not: the sum of two models finds it."""
    m = shipped.of_trains([0])

    def leak(readings, G):
        return G * readings.read_voltage

    law = LawModel(m)
    model = law + lmfit.Model(leak, independent_vars=["readings"])
    params = law.guess(m.current, m)
    for name in ("ln_k", "ln_delta", "ln_beta"):
        params[name].vary = False
    alone = law.fit(m.current, params, readings=m, weights=1 / m.current)
    assert alone.redchi < 1.5e-4
    for name in ("ln_gamma", "ln_alpha"):
        alone.params[name].vary = False
    G = 0.1 * float(np.median(m.conductance))
    start = alone.params.copy()
    start.add("G", value=0.0)
    found = model.fit(m.current + G * m.read_voltage, start, readings=m, weights=1 / m.current)
    assert found.params["G"].value == pytest.approx(G, abs=4 * found.params["G"].stderr)
    assert found.params["G"].stderr < 0.1 * G


@pytest.mark.long
def test_lmfit_comes_without_what_it_seldom_uses():
    import subprocess
    import sys

    code = (
        "import sys; from fitting.search._lmfit import lmfit; "
        "print({'pandas', 'scipy.stats', 'scipy.special', 'h5py', 'numpy.f2py'} & set(sys.modules)); "
        "from scipy import stats; import pandas; "
        "print(lmfit.minimizer.norm_dist.ppf(0.5), isinstance(pandas.Series([1]), lmfit.model.Series), "
        "stats.norm.cdf(0.0), lmfit.minimizer.isnull(1.0)); "
        "from scipy.optimize import linprog, milp, shgo; print(linprog([1.0], bounds=[(2, 3)]).x); "
        "import emcee, numpy; print(emcee.backends.HDFBackend('no.h5').initialized); "
        "print(numpy.f2py.__name__); "
        "p = lmfit.Parameters(); p.add('a', 0.5); p.add('b', expr='erf(a)'); print(p['b'].value)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "set()", "0.0 True 0.5 False", "[2.]", "False", "numpy.f2py", "0.5204998778130465"
    ]  # fmt: skip
