"""What the fit gets out of the shipped measurements, and out of less than those."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.model.residuals import NAMES
from fitting.readers.measurements import Measurements
from fitting.search.identifiability import covariance, log_errors
from roa_circuit.basics.errors import InputError


def test_the_shipped_file_is_what_the_script_makes(generator):
    path = generator.Path(generator.__file__).with_name("pulses.csv")
    assert path.read_bytes() == generator.pulses_csv().encode()
    assert path.read_text(encoding="utf-8").startswith("# SYNTHETIC")


def test_all_seven_come_back(shipped_fit, prior):
    """Within 5 % and three standard errors of Table 1, and inside a sane interval."""
    assert shipped_fit.describes
    for name, e in shipped_fit.estimates.items():
        truth = getattr(prior.memristor, name)
        assert e.identifiable
        assert e.value == pytest.approx(truth, rel=0.05), name
        assert abs(e.value - truth) < 3 * e.stderr, name
        assert e.ci95[0] < e.value < e.ci95[1]
    assert shipped_fit.relative_rmse == pytest.approx(0.01, rel=0.1)
    assert shipped_fit.seconds < 5.0


@pytest.mark.long
def test_the_prior_does_not_matter_where_the_data_speak(shipped, shipped_fit, prior):
    off = dataclasses.replace(
        prior.memristor, k=1e-2, mu1=9.0, mu2=25.0, gamma=1e-5, delta=2.0, alpha=1e-4, beta=0.1
    )
    other = fit_device(shipped, dataclasses.replace(prior, memristor=off))
    for name, e in shipped_fit.estimates.items():
        assert other.estimates[name].value == pytest.approx(e.value, rel=1e-4)
        assert other.estimates[name].identifiable


def test_one_read_voltage_gives_products_only(some_trains, prior):
    """gamma delta and alpha beta are kept, the four constants are not claimed."""
    m = read_measurements(some_trains(lambda train: not train.startswith("I-V")))
    shapes = dataclasses.replace(prior.memristor, delta=1.5, beta=0.25)
    f = fit_device(m, dataclasses.replace(prior, memristor=shapes))
    assert {n for n, e in f.estimates.items() if e.identifiable} == {"k", "mu1", "mu2"}
    p, true = f.memristor, prior.memristor
    assert p.gamma * p.delta == pytest.approx(true.gamma * true.delta, rel=0.02)
    assert p.alpha * p.beta == pytest.approx(true.alpha * true.beta, rel=0.02)
    assert f.estimates["delta"].value == 1.5
    assert f.estimates["delta"].basis == "prior"
    assert f.estimates["gamma"].basis == "with prior"
    assert f.estimates["gamma"].stderr is None
    assert f.estimates["gamma"].ci95 is None


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_the_papers_ramps_do_not_tell_mu2(generator, monkeypatch, tmp_path, prior, seed):
    """Its first depression pulse already finishes; noise must not invent a value."""
    monkeypatch.setattr(generator, "SEED", seed)
    lines = generator.pulses_csv().splitlines(keepends=True)
    path = tmp_path / "ramps.csv"
    path.write_text("".join(x for x in lines if x.startswith(("train", "ramp"))), encoding="utf-8")
    f = fit_device(read_measurements(path), prior)
    mu2 = f.estimates["mu2"]
    assert not mu2.identifiable
    assert mu2.basis == "prior"
    assert mu2.value == prior.memristor.mu2
    for e in f.estimates.values():
        assert not e.identifiable or abs(e.value - e.prior) < 4 * e.stderr


@pytest.mark.long
def test_sweeps_alone_do_not_tell_how_it_switches(some_trains, prior):
    f = fit_device(read_measurements(some_trains(lambda train: train.startswith("I-V"))), prior)
    assert {n for n, e in f.estimates.items() if e.identifiable} == {"gamma", "delta", "alpha", "beta"}


@pytest.mark.slow
def test_errors_cover_the_truth(generator, monkeypatch, tmp_path, prior):
    """Over repeated noise the misses have the size that the standard errors promise."""
    misses = []
    for seed in range(40):
        monkeypatch.setattr(generator, "SEED", seed)
        path = tmp_path / "again.csv"
        path.write_text(generator.pulses_csv(), encoding="utf-8")
        f = fit_device(read_measurements(path), prior)
        misses.append([(e.value - e.prior) / e.stderr for e in f.estimates.values()])
    assert np.std(misses, axis=0) == pytest.approx(np.ones(len(NAMES)), abs=0.35)


def test_a_scaled_prior_is_unfolded(shipped, shipped_fit, prior):
    f = fit_device(shipped, prior.scaled(0.01))
    assert f.memristor.current_scale == 1.0
    assert f.estimates["gamma"].prior == pytest.approx(0.01 * prior.memristor.gamma)
    assert f.memristor.gamma == pytest.approx(shipped_fit.memristor.gamma, rel=1e-4)


@pytest.mark.long
def test_what_is_no_memristor_is_not_described(shipped, prior):
    """Conductances at random: the search may end, but the verdict must not be 'fitted'."""
    noise = np.random.default_rng(0).lognormal(0.0, 1.0, len(shipped))
    f = fit_device(Measurements(**{**shipped.__dict__, "current": shipped.current * noise}), prior)
    assert not f.describes


def test_fewer_readings_than_unknowns_are_refused(table, prior):
    with pytest.raises(
        InputError, match="3 readings cannot determine 7 constants and 1 starting state;"
    ):
        fit_device(read_measurements(table(*["a,0,,0.05,1e-3,"] * 3)), prior)


def test_covariance_is_the_plain_inverse_where_that_exists():
    rng = np.random.default_rng(0)
    J = rng.standard_normal((50, 9))
    free = np.ones(9, dtype=bool)
    free[2] = False
    cov = covariance(J, 0.1, free)
    plain = 0.01 * np.linalg.inv(J[:, free].T @ J[:, free])
    np.testing.assert_allclose(cov[np.ix_(free, free)], plain, rtol=1e-3, atol=1e-7)
    assert (cov[2] == 0).all()
    J[:, 4] = 2 * J[:, 3]
    errors = log_errors(J, 0.1)
    assert errors["delta"] > 1 > errors["mu2"]


def test_import_of_fitting_loads_nothing_heavy():
    heavy = {"lmfit", "matplotlib", "pandas", "torch", "typer"}
    code = f"import sys, fitting; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
