"""roa-fit spread: a simulated population comes back, and write noise is told from read noise."""

import csv
import dataclasses
import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from fitting.commands import cli
from fitting.judgement.wording import rounded
from fitting.model.residuals import NAMES
from fitting.planning.protocol import Step, Train, measurements
from fitting.population.devices import Grouped, fit_devices
from fitting.population.spread import FEWEST, pool, spread
from fitting.population.tracking import Noise, Tracker, clipped
from fitting.population.write_noise import estimate
from fitting.readers.measurements import Measurements
from roa_circuit.device.laws.zhang2021 import Memristor, after_dose
from roa_circuit.device.memristor import current, pulse_strength
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming, write_noise
from roa_circuit.device.spread import Spread

TABLE_1 = load_device("zhang2021")
SDS = np.array([0.3, 0.03, 0.03, 0.1, 0.05, 0.1, 0.05])
TIES = np.eye(7)
TIES[0, 1] = TIES[1, 0] = -0.6
TIES[3, 5] = TIES[5, 3] = 0.7
SIGMA_WN, READ_NOISE = 0.03, 0.01
AMPLITUDES = [(-0.6, 20e-3, 0.9, 20e-3), (-1.1, 3e-6, 1.4, 30e-6), (-1.3, 50e-9, 1.7, 500e-9)]


def truth(sigma_wn=SIGMA_WN, sds=SDS):
    """A population round Table 1, with correlations."""
    rows = (TIES * np.outer(sds, sds)).tolist()
    return Spread(names=NAMES, log_covariance=tuple(map(tuple, rows)), sigma_wn=sigma_wn)


def protocol(count=16, points=8):
    """Three amplitudes a polarity and two sweeps, as in data/pulses.csv but shorter."""
    trains = []
    for *up, V_d, T_d in AMPLITUDES:
        steps = [Step(voltage=V, width=T, count=count, read_voltage=0.05) for V, T in (up, (V_d, T_d))]
        trains.append(Train(steps=tuple(steps)))
    for V in (-3.8, 3.5) if points else ():
        first = Step(voltage=V, width=1e-4, read_voltage=0.05)
        reads = -np.sign(V) * np.linspace(-0.4, 3.0, points)
        trains.append(
            Train(steps=(first, *(Step(voltage=0.0, width=0.0, read_voltage=float(v)) for v in reads)))
        )
    return trains


def simulated(seed, devices, population, trains, read_noise=READ_NOISE):
    """Every device measured pulse by pulse, with the write noise of `roa_circuit.device.programming`."""
    rng = np.random.default_rng(seed)
    m, how = measurements(trains), Programming(sigma_wn=population.sigma_wn)
    factors = population.draw(rng, devices)
    p = Memristor(**{name: getattr(TABLE_1.memristor, name) * factors[name] for name in NAMES})
    currents, last = np.empty((len(m), devices)), -1
    for row in range(len(m)):
        if m.train[row] != last:
            omega, last = rng.uniform(0.1, 0.6, devices), m.train[row]
        written = after_dose(omega, pulse_strength(m.voltage[row], m.width[row], p))
        omega = write_noise(omega, written, how, rng)
        currents[row] = current(omega, m.read_voltage[row], p)
    currents *= 1 + read_noise * rng.standard_normal(currents.shape)
    count = len(m.labels)
    return Measurements(
        source="simulated", labels=tuple(f"d{d} t{t}" for d in range(devices) for t in range(count)),
        train=np.concatenate([m.train + d * count for d in range(devices)]),
        voltage=np.tile(m.voltage, devices), width=np.tile(m.width, devices),
        read_voltage=np.tile(m.read_voltage, devices), current=currents.T.ravel(),
        sweep=np.tile(m.sweep, devices),
        devices=tuple(f"d{d}" for d in range(devices) for _ in range(count)),
    ), np.log(np.stack([getattr(p, name) for name in NAMES], axis=1))  # fmt: skip


def holds(known, true):
    return known.low <= true <= known.high


def judged(seed, devices=9, sigma_wn=SIGMA_WN):
    """Whether each interval of one simulated experiment holds the truth."""
    m, _ = simulated(seed, devices, truth(sigma_wn), protocol())
    found = spread(m, m.devices, TABLE_1)
    medians = [holds(found.median[name], getattr(TABLE_1.memristor, name)) for name in NAMES]
    sds = [holds(found.log_sd[name], sd) for name, sd in zip(NAMES, SDS, strict=True)]
    return SimpleNamespace(found=found, medians=medians, sds=sds, write=holds(found.sigma_wn, sigma_wn))


@pytest.fixture(scope="module")
def experiments():
    return [judged(seed) for seed in (1, 2)]


# --- the parts ------------------------------------------------------------------------------------


def test_surprises_are_white_and_as_wide_as_they_say():
    """Under the true constants and noise: unit variance, no correlation, in every kind of train."""
    m, logs = simulated(5, 40, truth(0.05), protocol())
    g = Grouped.of(m, m.devices)
    missed, variance = g.tracker.surprise(g.constants(logs), Noise(write=0.05, read=READ_NOISE))
    z = (missed / np.sqrt(variance))[np.diff(m.train, prepend=-1) == 0]
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.06)
    assert np.mean(z) == pytest.approx(0.0, abs=0.06)
    assert np.mean(z[1:] * z[:-1]) == pytest.approx(0.0, abs=0.05)


def test_without_write_noise_the_surprises_are_those_of_the_closed_form():
    from fitting.model.residuals import predict
    from fitting.model.schedule import schedule

    m, logs = simulated(6, 1, truth(0.0), protocol(), read_noise=0.0)
    p = Memristor(**dict(zip(NAMES, np.exp(logs[0]).tolist(), strict=True)))
    missed, _ = Tracker.of(m).surprise(p, Noise(write=0.0, read=1e-6))
    settled = np.arange(len(m)) - np.searchsorted(m.train, m.train) >= 2
    assert np.abs(missed / m.current)[settled].max() < 1e-4
    exact = predict(p, np.full(len(m.labels), 0.3), m, schedule(m))
    assert np.abs(exact / m.current - 1).max() > 1e-3, "the starts are not known to the tracker"


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.01), (0.98, 1e-3), (0.5, 1e-8), (0.3, 1.0)])
def test_clipped_moments_are_those_of_many_draws(mean, variance):
    draws = np.clip(mean + np.sqrt(variance) * np.random.default_rng(0).standard_normal(400_000), 0, 1)
    first, second = clipped(np.array([mean]), np.array([variance]))
    assert first[0] == pytest.approx(draws.mean(), abs=4 * draws.std() / 600)
    assert second[0] == pytest.approx(draws.var(), rel=0.02)


def test_pooling_exact_values_is_the_sample_covariance():
    values = np.random.default_rng(1).standard_normal((12, 3)) @ np.diag([1.0, 0.1, 3.0])
    mean, covariance, of_mean = pool(values, np.zeros((12, 3, 3)), correlated=True)
    np.testing.assert_allclose(mean, values.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(covariance, np.cov(values.T), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(of_mean, covariance / 12, rtol=1e-4, atol=1e-6)
    diagonal = pool(values, np.zeros((12, 3, 3)), correlated=False)[1]
    np.testing.assert_allclose(diagonal, np.diag(values.var(axis=0, ddof=1)), rtol=1e-4)


@pytest.mark.long
def test_pooling_takes_the_errors_of_the_values_out():
    """Variance of the values 1, of their errors 4 and tied: the mean over 100 populations."""
    rng = np.random.default_rng(2)
    error = np.array([[4.0, 2.0], [2.0, 4.0]])
    root = np.linalg.cholesky(error)
    errors = np.tile(error, (20, 1, 1))
    found = [
        pool(values + rng.standard_normal((20, 2)) @ root.T, errors, correlated=True)[1]
        for values in rng.standard_normal((100, 20, 2))
    ]
    # Variances cannot be negative, which lifts the mean of small ones a little.
    np.testing.assert_allclose(np.mean(found, axis=0), np.eye(2), atol=0.5)
    assert np.trace(np.mean(found, axis=0)) < 3.0 < np.trace(np.eye(2) + error)


# --- the whole ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_intervals_hold_the_population(experiments):
    held = np.array([[*e.medians, *e.sds, e.write] for e in experiments])
    assert held.mean() >= 0.85, held
    for e in experiments:
        assert e.found.devices.free == NAMES
        assert e.found.read_noise == pytest.approx(READ_NOISE, rel=0.1)
        assert abs(e.found.correlation) < 0.15
        assert e.found.describes
    correlations = [
        [c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]), c[3, 5] / np.sqrt(c[3, 3] * c[5, 5])]
        for c in (e.found.log_covariance for e in experiments)
    ]
    assert np.mean(correlations, axis=0) == pytest.approx([-0.6, 0.7], abs=0.35)


@pytest.mark.long
def test_the_device_file_draws_the_population(experiments, tmp_path):
    found = experiments[0].found
    path = tmp_path / "device.toml"
    path.write_text(found.device("x", "y", TABLE_1).to_toml(), encoding="utf-8")
    device = load_device(path)
    assert device.spread.devices == 9
    assert device.spread.sigma_wn == found.sigma_wn.value
    np.testing.assert_allclose(device.spread.covariance, found.log_covariance)
    assert device.memristor.k == found.median["k"].value


@pytest.mark.long
@pytest.mark.parametrize("sigma_wn", [0.0, 0.05])
def test_write_noise_is_told_from_the_noise_of_readings(sigma_wn):
    """Constants integrated out: its interval holds sigma_WN, and 0 where there is none."""
    held = []
    for seed in range(5):
        m, logs = simulated(20 + seed, 6, truth(sigma_wn), protocol())
        noise, interval = estimate(Grouped.of(m, m.devices), logs, Noise(write=0.01, read=0.02), NAMES)
        low, high = interval()
        held.append(low <= sigma_wn <= high)
        assert noise.read == pytest.approx(READ_NOISE, rel=0.15)
        assert high < (0.03 if sigma_wn == 0 else 2 * sigma_wn)
        assert sigma_wn == 0 or low > 0
    assert sum(held) >= 4


@pytest.mark.long
def test_what_one_device_does_not_tell_is_held():
    """One read voltage: gamma and alpha stand for Gmax and Gmin, delta and beta are taken as given."""
    m, _ = simulated(7, 8, truth(), protocol(points=0))
    found = spread(m, m.devices, TABLE_1)
    assert set(found.devices.free) == {"k", "mu1", "mu2", "gamma", "alpha"}
    assert set(found.log_sd) == set(found.devices.free)
    assert found.median["delta"].value == found.median["delta"].low
    assert np.ptp(found.devices.log_value[:, NAMES.index("delta")]) == 0
    # gamma's spread is that of gamma delta
    assert holds(found.log_sd["gamma"], np.hypot(SDS[3], SDS[4]))


def test_one_amplitude_tells_medians_in_products_alone(tmp_path):
    """Intervals round the values that go with the prior's mu2 and delta excluded the truth by far."""
    steps = [
        Step(voltage=V, width=T, count=20, read_voltage=0.1) for V, T in ((-1.1, 3e-6), (1.4, 30e-6))
    ]
    prior = dataclasses.replace(
        TABLE_1, memristor=dataclasses.replace(TABLE_1.memristor, mu2=10.0, delta=0.9)
    )
    m, _ = simulated(3, 8, truth(0.005), [Train(steps=tuple(steps))] * 2)
    found = spread(m, m.devices, prior)
    assert "mu2" not in found.devices.free
    assert {"k", "gamma"} <= set(found.tied)
    for name in found.devices.free:
        told = found.median[name]
        assert np.isnan(told.low) == np.isnan(told.high) == (name in found.tied)
        if name not in found.tied:
            assert told.low < getattr(TABLE_1.memristor, name) < told.high
        assert found.log_sd[name].high > found.log_sd[name].value > 0


@pytest.mark.slow
def test_few_devices_have_no_spread_but_write_noise():
    m, _ = simulated(8, 1, truth(), protocol(count=60))
    found = spread(m, m.devices, TABLE_1)
    assert found.log_sd == {}
    assert holds(found.sigma_wn, SIGMA_WN)
    assert found.device("x", "", TABLE_1).spread.names == ()
    m, _ = simulated(9, FEWEST, truth(), protocol())
    found = spread(m, m.devices, TABLE_1)
    off_diagonal = found.log_covariance - np.diag(np.diag(found.log_covariance))
    assert not off_diagonal.any(), "three devices do not tell seven constants' correlations"


@pytest.mark.slow
def test_coverage_over_many_populations():
    """95 % intervals over 30 populations of 9 to 20 devices: 90 to 99 % hold, the noise's too."""
    results = [judged(100 + seed, devices=9 + seed % 12) for seed in range(30)]
    print("medians", np.mean([r.medians for r in results], axis=0))
    print("sds", np.mean([r.sds for r in results], axis=0))
    print(
        "sigma_wn",
        np.mean([r.write for r in results]),
        np.mean([r.found.sigma_wn.value for r in results]),
    )
    assert 0.90 <= np.mean([r.medians for r in results]) <= 0.995
    assert 0.90 <= np.mean([r.sds for r in results]) <= 0.995
    assert 0.83 <= np.mean([r.write for r in results])
    assert np.mean([r.found.sigma_wn.value for r in results]) == pytest.approx(SIGMA_WN, rel=0.06)


# --- the command ----------------------------------------------------------------------------------


def write_csv(path, m, rows, device=True):
    titles = ["train", "voltage [V]", "width [s]", "read_voltage [V]", "read_current [A]", "current [A]"]
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*(["device"] if device else []), *titles])
        for row in rows:
            name, train = m.labels[m.train[row]].split()
            reading = (
                [m.read_voltage[row], "", "", "", m.current[row]]
                if m.sweep[row]
                else [m.voltage[row], m.width[row], m.read_voltage[row], m.current[row], ""]
            )
            out.writerow([*([name] if device else []), train, *reading])
    return path


@pytest.mark.long
def test_the_command_by_column_and_by_file(command, tmp_path, monkeypatch):
    roa_fit = partial(command, cli.main)
    m, _ = simulated(10, 4, truth(), protocol())
    owner = np.array(m.devices)[m.train]
    report, folder = tmp_path / "s.json", tmp_path / "o"
    whole = write_csv(tmp_path / "all.csv", m, range(len(m)))
    code, out, err = roa_fit("spread", whole, "--output-dir", folder, "--json", report)
    assert (code, err) == (0, "")
    assert "4 devices (a device each)" in out
    assert "sigma_WN" in out
    assert "correlations: taken as 0" in out
    names = {"device.toml", "devices.csv", "spread.json", "spread.png"}
    assert {file.name for file in folder.iterdir()} == names
    assert load_device(folder / "device.toml").spread.devices == 4
    rows = list(csv.DictReader((folder / "devices.csv").read_text().splitlines()))
    assert [row["device"] for row in rows] == ["d0", "d1", "d2", "d3"]
    one = json.loads(report.read_text())
    files = [
        write_csv(tmp_path / f"{name}.csv", m, np.flatnonzero(owner == name), device=False)
        for name in sorted(set(m.devices))
    ]
    monkeypatch.setattr("fitting.judgement.hints.hints", lambda m: [f"look at {len(m)} readings"])
    code, out, _ = roa_fit("spread", *files, "--output-dir", folder, "--json", report)
    assert code == 0
    assert f"look at {len(m)} readings" in out
    assert "4 devices (a file each)" in out
    assert json.loads(report.read_text())["log_sd"] == one["log_sd"]


@pytest.mark.long
def test_what_cannot_be_told_apart_or_does_not_fit_leaves_no_device(command, table, tmp_path):
    rows = [f"a,-1.1,3e-6,0.05,{1e-3 * (1 + 9 * (i % 2))}," for i in range(40)]
    source, folder = table(*rows), tmp_path / "o"
    code, _, err = command(cli.main, "spread", source, "--by", "device", "--output-dir", folder)
    assert code == 2
    assert "--by train" in err
    assert not folder.exists()
    folder.mkdir()
    (folder / "device.toml").write_text("of an earlier run")
    code, out, _ = command(cli.main, "spread", source, "--output-dir", folder)
    assert code == 1
    assert "FAILED" in out
    assert f"taken away, of an earlier run: {folder / 'device.toml'}" in out
    assert not (folder / "device.toml").exists()


@pytest.mark.long
def test_an_amplitude_that_runs_away_leaves_no_device(command, table, tmp_path):
    """Equal steps tell gamma times omega alone: a device of gamma = 614 A was once written."""
    rows = [
        f"{name},{-1.1 if n else 0},{3e-6 if n else ''},0.05,{1e-5 + 1e-6 * n * (1 + 0.2 * d):.9g},"
        for d, name in enumerate("abc")
        for n in range(8)
    ]
    report = tmp_path / "r.json"
    asked = ("spread", table(*rows), "--output-dir", tmp_path / "o", "--json", report)
    code, out, _ = command(cli.main, *asked)
    largest = 0.05 * (1e-5 + 7e-6 * 1.4)
    assert json.loads(report.read_text())["median"]["gamma"]["value"] > 1e3 * largest
    assert code == 1
    assert "gamma" in next(line for line in out.splitlines() if "FAILED" in line)
    assert not (tmp_path / "o" / "device.toml").exists()


def test_a_device_in_a_valley_of_its_own_begins_again_where_the_others_are():
    """Regression: one of six ended at half a million times the others' k, and all medians with it."""
    m = simulated(3, 4, truth(0.0), protocol(count=8, points=0), read_noise=0.005)[0]
    g = Grouped.of(m, [label.split(" ")[0] for label in m.labels])
    logs = np.tile(np.log([getattr(TABLE_1.memristor, name) for name in NAMES]), (4, 1))
    logs[2, [NAMES.index(n) for n in ("k", "mu1", "gamma")]] = np.log([46.0, 0.26, 0.235])
    free = ("k", "mu1", "mu2", "gamma", "alpha")
    found = fit_devices(g, logs, Noise(write=1e-3, read=0.005), free)
    usual = fit_devices(g, np.tile(logs[0], (4, 1)), Noise(write=1e-3, read=0.005), free)
    np.testing.assert_allclose(found.log_value, usual.log_value, atol=0.02)


def test_an_interval_of_many_decades_can_be_written():
    assert rounded([6e-4, 1e-9, 9e2], 3.0) == ["6e-04", "1e-09", "9e+02"]
