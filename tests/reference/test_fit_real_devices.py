"""Measured devices: read as they were saved, and judged as docs/real-devices.md says."""

import re

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.judgement.comparison import REFERENCES
from fitting.judgement.verdict import REJECTED, judge
from fitting.population.spread import spread
from fitting.readers.conventions import Conventions
from roa_circuit.device.parameters import load_device


@pytest.fixture(scope="module")
def pulses(measured_data):
    """The folder of measured pulses; CI must have it."""
    return measured_data("pulses")


@pytest.mark.parametrize(
    ("name", "voltage", "rows", "misfit"),
    [
        pytest.param("sandia_set_trains", -1.0, 3776, (0.018, 0.020), marks=pytest.mark.slow),
        ("sandia_reset_trains", 1.0, 3030, (0.010, 0.011)),
    ],
)
def test_sandia_trains_follow_another_law(pulses, name, voltage, rows, misfit):
    how = Conventions(pulse=(voltage, 1e-6), read_voltage=0.1, unit="A")
    m = read_measurements(pulses / f"{name}.csv", how)
    assert (len(m), len(m.labels)) == (rows, 20)
    prior = load_device("zhang2021")
    f = fit_device(m, prior)
    law = judge(f, prior.memristor)
    own, exponential = law.laws.own, next(v for v in law.laws.verdicts if v.law == REFERENCES[0])
    assert misfit[0] < own.rmse < misfit[1]
    assert misfit[0] < own.held_out < misfit[1]
    assert exponential.rmse < own.rmse / 4
    assert exponential.aic < own.aic - 1000
    assert law.correlation > 0.9
    assert law.repeated > 20 * law.repeated_limit
    assert law.word == REJECTED
    assert re.search("exponential saturation (and constant step )?do(es)? better", law.reason)
    assert f.describes == (name == "sandia_reset_trains")


def test_thousands_of_cells_with_one_pulse_each(pulses):
    how = Conventions(read_voltage=0.2, positive_sets=True)
    m = read_measurements(pulses / "rram64k_set_sweep.tsv", how)
    assert (len(m), len(m.labels)) == (65536, 32768)
    assert m.ignored == ("V_gate [V]",)
    assert np.unique(m.voltage).tolist() == [-3, -2.5, -2, -1.5, -1, -0.5, 0]


def test_a_filament_that_forms_at_once_is_not_described(pulses):
    how = Conventions(read_voltage=0.2, positive_sets=True, where=(("V_gate", "2.5"),))
    m = read_measurements(pulses / "rram64k_set_sweep.tsv", how)
    f = fit_device(m, load_device("zhang2021"))
    assert len(m.labels) == 1092
    assert 0.12 < f.relative_rmse < 0.16
    assert not f.describes


def drawn_trains(data, devices, cycles, pulses, seed=1):
    """Trains of SET, then RESET pulses, drawn from measured distributions of what one pulse changes."""
    rng, place = np.random.default_rng(seed), np.arange(101)
    rows = []
    for device in range(devices):
        G, changes = data["G"][device], (data["dG_inc"][device], data["dG_dec"][device])
        for cycle in range(cycles):
            g = float(G[5])
            rows.append((device, cycle, 0.0, g))
            for number in range(2 * pulses):
                here = np.interp(g, G, place)
                low, share = int(here), here % 1
                table = changes[number >= pulses]
                column = (1 - share) * table[:, low] + share * table[:, min(low + 1, 100)]
                g = float(np.clip(g + np.interp(rng.random(), data["cdf"], column), G[0], G[-1]))
                rows.append((device, cycle, -1.0 if number < pulses else 1.0, g))
    return rows


@pytest.mark.slow
def test_forty_one_devices_of_one_wafer(pulses, tmp_path):
    """Gmax spreads by 17 %, the dose by a factor of 3; sigma_WN is above what one pulse scatters."""
    data = np.load(pulses / "sandia_TaOx_41dev_dG_cdf_101.npz")
    rows = drawn_trains(data, devices=41, cycles=4, pulses=8)
    lines = [f"{d},{c},{V:g},{1e-6 if V else ''},0.1,{g:.7g}" for d, c, V, g in rows]
    path = tmp_path / "taox.csv"
    header = "device,train,voltage [V],width [s],read_voltage [V],conductance [S]"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    m = read_measurements(path)
    found = spread(m, m.devices, load_device("zhang2021"))
    assert found.describes
    assert found.devices.free == ("k", "mu1", "gamma")
    assert 0.9 < found.log_sd["k"].value < 1.5
    assert 0.12 < found.log_sd["gamma"].value < 0.22
    assert 0.28 < found.sigma_wn.value < 0.42
    assert found.read_noise < 0.01
    # What one pulse scatters, without any law: sd over sqrt(|mean| range), by device and polarity.
    direct = []
    for table in (data["dG_inc"], data["dG_dec"]):
        mean = np.trapezoid(table, data["cdf"], axis=1)
        variance = np.trapezoid((table - mean[:, None]) ** 2, data["cdf"], axis=1)
        span = np.ptp(data["G"], axis=1)[:, None]
        direct.append(np.median(np.sqrt(variance / (np.abs(mean) * span))))
    assert direct == pytest.approx([0.138, 0.278], abs=0.005)
    assert max(direct) < found.sigma_wn.low
