"""roa-fit design: what it promises is what a fit of the proposed measurement finds."""

import csv
import dataclasses
import json
from functools import partial

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.commands import cli
from fitting.model.residuals import NAMES, predict
from fitting.model.schedule import schedule
from fitting.planning.design import Budget, design, errors_of
from fitting.planning.generator import Generator
from fitting.planning.protocol import Step, Train, measurements, reading_table, step_table
from fitting.readers.conventions import Conventions
from roa_circuit.device.laws.zhang2021 import Memristor, after_dose
from roa_circuit.device.memristor import current, pulse_strength
from roa_circuit.device.parameters import load_device
from roa_circuit.device.spread import Spread

TABLE_1 = load_device("zhang2021")
READ = TABLE_1.pulses.read_voltage


@pytest.fixture(scope="module")
def proposed():
    return design(TABLE_1, Generator(), Budget())


def steps_of(pulses):
    return tuple(Step(voltage=V, width=T, read_voltage=READ) for V, T in pulses)


def sweep(V, points):
    """After a saturating pulse, evenly spaced points of a sweep."""
    first = Step(voltage=V, width=1e-4, read_voltage=READ)
    reads = np.linspace(-np.sign(V) * 0.4, np.sign(V) * 3.0, points)
    return Train(steps=(first, *(Step(voltage=0.0, width=0.0, read_voltage=float(v)) for v in reads)))


def stepped(trains, p, start=0.3):
    """Currents [A] of a protocol, pulse by pulse: not the fit's cumulative sums."""
    result = []
    for train in trains:
        omega = start
        for step in train.steps:
            for _ in range(step.count):
                omega = after_dose(omega, pulse_strength(step.voltage, step.width, p))
                result.append(float(current(omega, step.read_voltage, p)))
    return np.array(result)


@pytest.mark.slow
def test_a_fit_of_the_proposed_measurement_has_the_promised_errors(proposed):
    """Root mean square errors of 40 noisy measurements against the bound, pooled and each."""
    exact = stepped(proposed.trains, TABLE_1.memristor)
    blank = measurements(proposed.trains)
    prior = dataclasses.replace(
        TABLE_1,
        memristor=Memristor(k=2e-4, mu1=18, mu2=14, gamma=2e-3, delta=0.7, alpha=2e-3, beta=0.4),
    )
    errors = []
    for seed in range(40):
        noise = 1 + Budget().noise * np.random.default_rng(seed).standard_normal(len(exact))
        found = fit_device(dataclasses.replace(blank, current=exact * noise), prior)
        assert all(e.told for e in found.estimates.values())
        errors.append([found.estimates[n].value / getattr(TABLE_1.memristor, n) - 1 for n in NAMES])
    promised = np.array([proposed.errors[name] for name in NAMES])
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / promised
    # 40 draws know one ratio to 11 %, and the mean of three independent groups to 7 %.
    assert 0.66 < ratio.min(), ratio
    assert ratio.max() < 1.34, ratio
    assert np.sqrt(np.mean(ratio**2)) == pytest.approx(1.0, abs=0.2)


@pytest.mark.long
def test_it_beats_the_papers_protocol_and_that_of_the_shipped_data(proposed, generator):
    p, noise = TABLE_1.memristor, Budget().noise
    count = 16  # 3 x 2 x 16 and 2 that saturate: 98 pulses
    cycles = [
        Train(steps=steps_of([(V_p, T_p)] * count + [(V_d, T_d)] * count))
        for V_p, T_p, V_d, T_d in generator.AMPLITUDES
    ]
    shipped = errors_of([*cycles, sweep(-3.8, 20), sweep(3.5, 20)], p, noise)
    ramp = Train(steps=steps_of([(float(V), 1e-4) for V in (*generator.RAMP_UP, *generator.RAMP_DOWN)]))
    paper = errors_of([ramp, ramp], p, noise)  # 118 pulses, one read voltage
    assert sum(train.pulses for train in proposed.trains) <= 100
    assert sum(train.points for train in proposed.trains) <= 40
    assert max(proposed.errors.values()) < 0.4 * max(shipped.values())
    same_limits = Generator(lowest_voltage=-3.8, highest_voltage=3.5, shortest=50e-9, longest=20e-3)
    within = design(TABLE_1, same_limits, Budget())
    assert max(within.errors.values()) < 0.5 * max(shipped.values())
    assert all(proposed.errors[name] < shipped[name] for name in NAMES)
    assert paper["mu2"] > 0.5
    assert paper["gamma"] > 0.5


def test_pulses_keep_to_the_generator_and_states_to_the_window(proposed):
    limits, p = Generator(lowest_voltage=-1.5, highest_voltage=2.0, voltage_step=0.05), TABLE_1.memristor
    found = design(TABLE_1, limits, Budget(window=(0.2, 0.8)), uncertainty=0.0)
    for train in found.trains:
        for step in train.steps:
            volts = step.voltage or step.read_voltage
            assert limits.lowest_voltage <= volts <= limits.highest_voltage
            assert volts / 0.05 == pytest.approx(round(volts / 0.05), abs=1e-9)
            assert step.width == 0 or limits.shortest <= step.width <= limits.longest
        prepared, *after = train.states(p)
        assert min(prepared, 1 - prepared) < 1e-3
        assert all(0.2 <= omega <= 0.8 for omega in after)
    V = {train.steps[1].voltage for train in proposed.trains}
    assert len([v for v in V if v < 0]) > 2, "two amplitudes would fit any exponential"
    assert len([v for v in V if v > 0]) > 2
    assert found.worst_draw == found.errors


@pytest.mark.long
@pytest.mark.parametrize("pulses", [30, 60, 300])
def test_more_pulses_know_more(pulses, proposed):
    found = design(TABLE_1, Generator(), Budget(pulses=pulses))
    spent = sum(train.pulses for train in found.trains)
    assert pulses - 6 < spent <= pulses
    gain = max(found.errors.values()) / max(proposed.errors.values())
    assert gain == pytest.approx((100 / pulses) ** 0.5, rel=0.45)
    assert (gain > 1) == (pulses < 100)


@pytest.mark.long
def test_a_spread_is_designed_for(proposed):
    spread = Spread(names=("mu1",), log_covariance=((0.15**2,),))
    device = dataclasses.replace(TABLE_1, spread=spread)
    robust = design(device, Generator(), Budget())
    blind = design(TABLE_1, Generator(), Budget(), uncertainty=0.0)
    draws = [
        dataclasses.replace(TABLE_1.memristor, mu1=float(TABLE_1.memristor.mu1 * factor))
        for factor in spread.draw(np.random.default_rng(1), 40)["mu1"]
    ]
    usual = {
        name: np.median([errors_of(found.trains, p, 0.01)["mu1"] for p in draws])
        for name, found in (("robust", robust), ("blind", blind))
    }
    assert usual["robust"] < usual["blind"]


@pytest.mark.long
def test_devices_of_other_sizes_are_designed_for():
    other = Memristor(k=1e-2, mu1=6.0, mu2=9.0, gamma=1e-5, delta=1.2, alpha=2e-7, beta=0.3)
    device = dataclasses.replace(TABLE_1, memristor=other)
    found = design(device, Generator(lowest_voltage=-4.0, highest_voltage=4.0), Budget())
    assert max(found.errors.values()) < 0.05


def test_the_tables_are_what_the_reader_takes(proposed, tmp_path):
    exact = stepped(proposed.trains, TABLE_1.memristor)
    path = tmp_path / "readings.csv"
    path.write_text(reading_table(proposed.trains, exact), encoding="utf-8")
    m = read_measurements(path)
    assert len(m.labels) == len(proposed.trains)
    predicted = predict(TABLE_1.memristor, np.full(len(m.labels), 0.3), m, schedule(m))
    np.testing.assert_allclose(m.current, predicted, rtol=1e-6)
    rows = list(csv.DictReader(step_table(proposed.trains).splitlines()))
    assert sum(int(row["count"]) for row in rows) == len(m)
    mirrored = tuple(train.mirrored() for train in proposed.trains)
    path.write_text(reading_table(mirrored, -exact), encoding="utf-8")
    turned = read_measurements(path, Conventions(positive_sets=True))
    np.testing.assert_allclose(turned.current, m.current)
    np.testing.assert_allclose(turned.voltage, m.voltage)


@pytest.mark.long
def test_the_command_leaves_a_protocol_and_the_same_one_again(command, tmp_path):
    folder, summary = tmp_path / "d", tmp_path / "d.json"
    roa_fit = partial(command, cli.main)
    code, out, err = roa_fit("design", "--pulses", 60, "--output-dir", folder, "--json", summary)
    assert (code, err) == (0, "")
    assert {file.name for file in folder.iterdir()} == {"protocol.csv", "readings.csv"}
    assert str(folder / "protocol.csv") in out
    result = json.loads(summary.read_text())
    assert result["pulses"] <= 60
    assert 0 < result["parameters"]["k"]["relative_error"] < 0.1
    first = (folder / "protocol.csv").read_bytes()
    roa_fit("design", "--pulses", 60, "--output-dir", folder)
    assert (folder / "protocol.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--pulses", 5), "give 30 or more"),
        (("--iv-points", 1), "give 4 or more"),
        (("--noise", "200%"), "between 0 and 100 %"),
        (("--noise", 0), "between 0 and 1"),
        (("--voltages", "3V"), "FROM,TO"),
        (("--voltages", "1V,3V"), "0 between them"),
        (("--voltages", "-50mV,50mV"), "widen the limits"),
        (("--voltage-step", "9V"), "voltage step"),
        (("--widths", "1s,1us"), "in order"),
        (("--width-step", "1s"), "width step"),
        (("--window", "0,1"), "inside 0 and 1"),
        (("--polarity", "both"), "is unknown"),
        (("--read", "0V"), "greater than 0"),
    ],
)
def test_complaints_come_before_any_file(command, tmp_path, options, complaint):
    folder = tmp_path / "d"
    code, out, err = command(cli.main, "design", *options, "--output-dir", folder)
    assert (code, out) == (2, "")
    assert complaint in err
    assert not folder.exists()
