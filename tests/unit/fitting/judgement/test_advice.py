"""What the data measure though the constants stay open, and what would settle those."""

import dataclasses

import numpy as np
import pytest

from fitting import fit_device, read_measurements
from fitting.judgement.advice import _candidates, combinations, proposal, rank
from roa_circuit.device.memristor import conductance


@pytest.fixture
def without_sweeps(some_trains):
    return read_measurements(some_trains(lambda train: not train.startswith("I-V")))


def test_products_are_measured_where_one_read_voltage_hides_the_factors(without_sweeps, prior):
    f, true = fit_device(without_sweeps, prior), prior.memristor
    found = {
        c.name: c
        for c in combinations(without_sweeps, f.objective.form, f.solution.x, f.jacobian, f.noise)
    }
    for name, value in (
        ("Gmax at 50 mV (gamma*delta as V goes to 0)", conductance(1.0, 0.05, true)),
        ("Gmin at 50 mV (alpha*beta as V goes to 0)", conductance(0.0, 0.05, true)),
        ("dose of -1.1 V, 3 µs", 0.4713),
        ("dose of 1.4 V, 30 µs", 0.2406),
    ):
        assert found[name].relative_error < 0.02
        assert abs(found[name].value / value - 1) < 4 * found[name].relative_error + 1e-4, name
    assert rank(f.jacobian, f.noise).rank == 5


def test_sweeps_are_proposed_for_the_factors(without_sweeps, prior):
    f = fit_device(without_sweeps, prior)
    added = proposal(without_sweeps, f.memristor, f.start, f.noise, prior)
    assert added.measurement.startswith("I-V sweeps")
    # A volt bends sinh(0.5 V) by 4 %, half of what it bends exp(-0.5 V).
    assert (added.settles, added.roughly) == (("alpha", "beta"), ("gamma", "delta"))


@pytest.mark.long
def test_the_papers_ramps_call_for_a_second_depression_amplitude(some_trains, prior):
    m = read_measurements(some_trains(lambda train: train.startswith(("ramp", "I-V"))))
    f = fit_device(m, prior)
    assert not f.estimates["mu2"].identifiable
    added = proposal(m, f.memristor, f.start, f.noise, prior)
    assert "depressing" in added.measurement
    assert "mu2" in added.settles


def test_no_pulse_is_proposed_that_would_break_the_device(without_sweeps, prior):
    """A sweep to 1.1 V, whose fit had a flat rate, was to be followed by pulses of 23 V."""
    flat = dataclasses.replace(prior.memristor, k=0.04, mu2=0.7)
    m = dataclasses.replace(without_sweeps, voltage=without_sweeps.voltage / 4.0)
    largest = np.abs(m.voltage).max()
    found = _candidates(m, flat, prior)
    assert len(found) > 2
    volts = [abs(V) for _, trains in found for _, rows in trains for V, T, _, _ in rows if T]
    assert max(volts) <= max(2.0 * largest, prior.pulses.depression_voltage)


def test_pulses_that_lie_between_two_readings_are_one_dose(without_sweeps, prior, shipped_fit):
    """Rows of 1, 2 and 3 pulses of one kind were doses of three kinds."""
    cycles = without_sweeps.of_trains([1])
    times = 1.0 + np.arange(len(cycles)) % 3
    m = dataclasses.replace(cycles, width=cycles.width * times, pulses=times)
    form, x = shipped_fit.objective.form, shipped_fit.solution.x
    found = combinations(m, form, x, shipped_fit.jacobian, 0.01)
    doses = {c.name: c.value for c in found if c.name.startswith("dose")}
    assert set(doses) == {"dose of -1.1 V, 3 µs", "dose of 1.4 V, 30 µs"}
    assert doses["dose of -1.1 V, 3 µs"] == pytest.approx(0.4713, rel=0.02)


def test_products_are_given_at_a_voltage_that_was_used(shipped, shipped_fit):
    """The mean of the middle two of many read voltages is none of them."""
    two = shipped.of_trains([0, 1])
    m = dataclasses.replace(two, read_voltage=np.where(np.arange(len(two)) % 2 == 0, 0.2, 0.05))
    form, x = shipped_fit.objective.form, shipped_fit.solution.x
    found = combinations(m, form, x, shipped_fit.jacobian, 0.01)
    assert {c.name.split(" at ")[1] for c in found if " at " in c.name} == {
        f"50 mV ({product} as V goes to 0)" for product in ("gamma*delta", "alpha*beta")
    }


def test_nothing_to_add_where_all_are_known(shipped, shipped_fit, prior):
    f = shipped_fit
    assert proposal(shipped, f.memristor, f.start, f.noise, prior) is None
    whole = rank(f.jacobian, f.noise)
    assert whole.rank == 7
    np.testing.assert_allclose(
        np.array(whole.directions) @ np.array(whole.directions).T, np.eye(7), atol=1e-9
    )
