"""The read noise told from re-readings, and what weighs a fit."""

import dataclasses

import numpy as np
import pytest

from fitting import fit_device
from fitting.model.noise import read_noise, reading_noise, weighting
from fitting.model.residuals import predict
from fitting.model.schedule import schedule
from fitting.readers.measurements import Measurements
from roa_circuit.basics.errors import InputError


def rereadings(relative, absolute, reads=4, seed=0, states=60):
    """One train: a pulse, then so many readings of the state it left, over decades of current."""
    rng = np.random.default_rng(seed)
    exact = np.repeat(np.geomspace(1e-7, 1e-4, states), reads)
    noise = np.hypot(relative * exact, absolute) * rng.standard_normal(len(exact))
    pulse = np.arange(len(exact)) % reads == 0
    return Measurements(
        source="made up", labels=("a",), train=np.zeros(len(exact), dtype=np.int64),
        voltage=np.where(pulse, -1.0, 0.0), width=np.where(pulse, 1e-6, 0.0),
        read_voltage=np.full(len(exact), 0.1), current=exact + noise,
        sweep=np.zeros(len(exact), dtype=bool),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("relative", "absolute"), [(0.01, 0.0), (0.0, 3e-8), (0.01, 3e-8), (0.002, 1e-7)]
)
def test_the_noise_model_is_found(relative, absolute):
    found = read_noise(rereadings(relative, absolute))
    assert found.count == 180
    assert found.relative == pytest.approx(relative, rel=0.2, abs=2e-4)
    assert found.absolute == pytest.approx(absolute, rel=0.2)


@pytest.mark.long
@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_a_drift_is_no_noise(noise):
    time = np.geomspace(1.0, 1e5, 31)
    exact = 2e-6 * time**-0.02
    flat = rereadings(0.0, 0.0, reads=31, states=1)
    scatter = 1.0 + noise * np.random.default_rng(3).standard_normal(31)
    found = read_noise(dataclasses.replace(flat, current=exact * scatter))
    assert found.relative == pytest.approx(noise, rel=0.4, abs=1e-4)
    assert (found.count, found.drifting) == (29, 1)


def test_a_drift_that_is_taken_out_is_said():
    """Nothing told that the noise is not the scatter that one sees."""
    m = rereadings(0.003, 0.0, reads=20, states=5, seed=1)
    again = np.arange(len(m)) % 20
    drifting = np.arange(len(m)) < 40  # the first two states
    moved = dataclasses.replace(m, current=m.current * np.where(drifting, 1.0 - 0.004 * again, 1.0))
    found = read_noise(moved)
    assert (found.drifting, read_noise(m).drifting) == (2, 0)
    assert found.relative == pytest.approx(0.003, rel=0.3)
    for name in ("auto", "absolute", "relative"):
        w = weighting(moved, name)
        assert "re-readings, the drift of 2 states taken out" in w.said
        assert reading_noise(moved, w) == (w.read_noise, "re-readings, the drift of 2 states taken out")
        assert "drift" not in weighting(m, name).said
    assert reading_noise(m, weighting(m))[1] == "re-readings"


def test_estimates_scatter_as_their_count_promises():
    """sqrt(1 / 2n) of a standard deviation, and no bias: over 200 repetitions."""
    found = [read_noise(rereadings(0.01, 0.0, seed=seed)).relative for seed in range(200)]
    assert np.mean(found) == pytest.approx(0.01, rel=0.01)
    assert np.std(found) == pytest.approx(0.01 / np.sqrt(2 * 180), rel=0.2)


def test_points_of_a_repeated_sweep_are_readings_of_one_state():
    V = np.tile(np.linspace(0.1, 1.0, 10), 5)
    rng = np.random.default_rng(0)
    m = Measurements(
        source="", labels=("a",), train=np.zeros(50, dtype=np.int64), voltage=np.zeros(50),
        width=np.zeros(50), read_voltage=V, sweep=np.ones(50, dtype=bool),
        current=1e-3 * V * (1 + 0.02 * rng.standard_normal(50)),
    )  # fmt: skip
    found = read_noise(m)
    assert found.count == 40
    assert found.relative == pytest.approx(0.02, rel=0.3)


def test_weights_are_said_and_follow_the_noise(shipped):
    assert read_noise(shipped) is None
    plain = weighting(shipped)
    assert (plain.name, plain.read_noise) == ("relative", None)
    assert "no state was read twice" in plain.said
    m = rereadings(0.01, 3e-8)
    w = weighting(m)
    assert w.name == "reads"
    assert "180 re-readings" in w.said
    sigma = np.hypot(0.01 * m.current, 3e-8)
    np.testing.assert_allclose(w.scale * w.read_noise / sigma, 1.0, atol=0.2)
    assert np.ptp(weighting(m, "absolute").scale) == 0
    np.testing.assert_array_equal(weighting(m, "relative").scale, np.abs(m.current))
    with pytest.raises(InputError, match="no state was read twice; read some"):
        weighting(shipped, "reads")
    with pytest.raises(InputError, match="did you mean 'relative'"):
        weighting(shipped, "relativ")


def test_few_rereadings_do_not_weigh():
    w = weighting(rereadings(0.01, 3e-8, reads=2, states=8))
    assert w.name == "relative"
    assert "only read noise" in w.said
    assert w.read_noise is None


@pytest.mark.long
@pytest.mark.parametrize("kind", ["reads", "relative"])
def test_weights_by_the_noise_make_a_fit_more_precise(shipped, prior, kind):
    """Every reading twice, on a floor of 2 uA: intervals cover, and those by the reads are tighter."""
    p = prior.memristor
    rows = np.repeat(np.arange(len(shipped)), 2)
    first = np.arange(len(rows)) % 2 == 0
    m = Measurements(
        source="", labels=shipped.labels, train=shipped.train[rows],
        voltage=np.where(first, shipped.voltage[rows], 0.0),
        width=np.where(first, shipped.width[rows], 0.0), read_voltage=shipped.read_voltage[rows],
        current=np.ones(len(rows)), sweep=shipped.sweep[rows],
    )  # fmt: skip
    start = np.array([0.2, 0.2, 0.2, 0.1, 0.2, 0.5, 0.5])
    exact = predict(p, start, m, schedule(m))
    rng = np.random.default_rng(3)
    noise = np.hypot(0.003 * exact, 2e-6) * rng.standard_normal(len(rows))
    m = Measurements(**{**m.__dict__, "current": exact + noise})
    f = fit_device(m, prior, weighting=kind)
    for name, e in f.estimates.items():
        assert abs(e.value - getattr(p, name)) < 4 * e.stderr, name
    error = f.estimates["delta"].stderr / f.estimates["delta"].value
    assert error == pytest.approx(1.8e-3 if kind == "reads" else 1.28e-2, rel=0.3)
    if kind == "reads":
        assert f.noise == pytest.approx(f.weighting.read_noise, rel=0.1)
