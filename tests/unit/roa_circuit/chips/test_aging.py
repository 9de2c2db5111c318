"""Cells that age: closed forms, what calibration gives back, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import parse_duration
from roa_circuit.chips.aging import retention_time
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.memristor import conductance
from roa_circuit.layers.recovery import Compensation, recover
from roa_circuit.sweeps import sweep
from roa_circuit.sweeps.layer import LayerSubject

DEVICE, DAY = default_device(), 86400.0


def chip_of(x, shape=(60, 50), seed=0):
    return draw(x, default_crossbar(*shape), DEVICE, np.random.default_rng(seed))


def test_drift_is_the_power_law_at_every_voltage_and_its_spread_is_drawn():
    chip = chip_of(Imperfections(age=DAY, drift_exponent=0.05, drift_spread=0.01, drift_start=20.0))
    state = np.random.default_rng(1).random((60, 50))
    for volts in (0.05, 0.1):
        fresh = conductance(state, volts, chip.device.memristor)
        now = conductance(state, volts, chip.read_device.memristor)
        exponents = -np.log(now / fresh) / math.log(DAY / 20.0)
        np.testing.assert_allclose(exponents, chip.exponents, rtol=1e-9)
    assert chip.exponents.mean() == pytest.approx(0.05, abs=1e-3)
    assert chip.exponents.std() == pytest.approx(0.01, rel=0.05)


def test_drift_moves_no_other_draw_and_leaves_the_write_alone():
    old, new = (chip_of(Imperfections(stuck_on=0.1, driver_gain=0.1, age=age, drift_exponent=nu))
                for age, nu in ((0.0, 0.0), (DAY, 0.1)))  # fmt: skip
    np.testing.assert_array_equal(old.fixed, new.fixed)
    np.testing.assert_array_equal(old.driver_gain, new.driver_gain)
    np.testing.assert_array_equal(new.device.memristor.k, old.device.memristor.k)
    assert new.device.memristor.current_scale == old.device.memristor.current_scale
    assert old.read_device is old.device


def test_states_relax_with_arrhenius_and_stuck_cells_stay():
    warm = Circuitry(temperature=358.15)
    lines, device = warm.applied(default_crossbar(30, 20), DEVICE)
    x = Imperfections(age=DAY, retention_time=1e8, retention_energy=1.0, stuck_on=0.2)
    chip = draw(x, lines, device, np.random.default_rng(0))
    state = chip.start(np.full((30, 20), 0.6))
    tau = 1e8 * math.exp(1.0 / 8.617333262e-5 * (1 / 358.15 - 1 / 300.15))
    assert retention_time(1e8, 1.0, 358.15) == pytest.approx(tau)
    after = chip.written(state, state, np.zeros((30, 20), dtype=int))
    stuck = ~np.isnan(chip.fixed)
    np.testing.assert_allclose(after[~stuck], 0.6 * math.exp(-DAY / tau))
    np.testing.assert_array_equal(after[stuck], 1.0)


def test_calibration_gives_back_what_all_cells_lose_alike(make_layer):
    layer = make_layer(rows=24, columns=5, reads=20)
    x = Imperfections(age=DAY, drift_exponent=0.05)
    choices = [Compensation(), Compensation(calibrated=True)]
    nothing, calibrated = recover(layer, imperfections=x, choices=choices)
    # all cells lose the same share, and outputs with them
    assert nothing.mac_error == pytest.approx(1 - DAY**-0.05, rel=0.1)
    assert calibrated.mac_error < 0.03 * nothing.mac_error
    spread = dataclasses.replace(x, drift_spread=0.02)
    _, rest = recover(layer, imperfections=spread, choices=choices)
    assert rest.mac_error > 10 * calibrated.mac_error


def test_age_can_be_swept(make_layer):
    x = Imperfections(drift_exponent=0.05, drift_spread=0.01)
    subject = LayerSubject(layer=make_layer(rows=24, columns=5, reads=20), imperfections=x)
    errors = sweep(subject, {"age": [0.0, 1e2, 1e4, 1e6]}).mac_error.squeeze().values
    assert (np.diff(errors) > 0).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"age": 10.0}, "changes nothing: say how cells age with drift_exponent"),
        ({"age": 0.5, "drift_exponent": 0.1}, "lies before drift_start"),
        ({"drift_start": 0.0}, "drift_start must be greater than 0"),
        ({"retention_energy": 1.0}, "needs retention_time"),
        ({"age": -1.0}, "age = -1 s must not be negative"),
    ],
)
def test_ages_that_make_no_sense_are_refused(given, says):
    with pytest.raises(InputError, match=says):
        Imperfections(**given)


def test_drift_begins_after_a_second_and_retention_at_once():
    """Either of the two numbers of a drift is one; what does not drift may be of any age."""
    assert Imperfections(drift_exponent=0.1).drifts
    assert Imperfections(drift_spread=0.1).drifts
    assert not Imperfections(retention_time=1.0).drifts
    assert Imperfections(drift_exponent=0.1).drifts_from == 1.0
    assert Imperfections(drift_exponent=0.1, drift_start=5.0).drifts_from == 5.0
    assert Imperfections(age=0.5, retention_time=1.0).age == 0.5


def test_durations_are_read_as_people_write_them():
    assert [parse_duration(text) for text in ("1d", "12 h", "30min", "1y", "90", "1us")] == [
        86400.0, 43200.0, 1800.0, 31557600.0, 90.0, 1e-6,
    ]  # fmt: skip
    for text in ("1 week", "-1d", "-5s", "d"):
        with pytest.raises(InputError):
            parse_duration(text)
