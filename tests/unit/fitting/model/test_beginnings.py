"""Where searches of laws from files begin: currents, thresholds and rates are those of the readings."""

import dataclasses

import numpy as np
import pytest

from fitting.model.beginnings import beginnings
from fitting.readers.measurements import Measurements
from roa_circuit.device.parameters import load_device


def trains(volts):
    """Trains of 20 pulses up and 20 down, that go through most of 1 to 5 uS in steps of a like size."""
    V = np.concatenate([np.repeat([-v, v], 20) for v in volts])
    G = np.tile(
        np.concatenate([np.linspace(1.2e-6, 5e-6, 20), np.linspace(4.8e-6, 1e-6, 20)]), len(volts)
    )
    return Measurements(
        source="made", labels=tuple(f"{v} V" for v in volts),
        train=np.repeat(np.arange(len(volts)), 40), voltage=V, width=np.full(len(V), 2e-3),
        read_voltage=np.full(len(V), 0.05), current=0.05 * G, sweep=np.zeros(len(V), dtype=bool),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["vteam", "yakopcic"])
@pytest.mark.parametrize("volts", [(0.3,), (0.2, 0.25, 0.3)])
def test_a_search_begins_as_conducting_and_as_quick_as_the_device(name, volts):
    found = list(beginnings(load_device(name).memristor, trains(volts)))
    assert len(found) > 8
    for law in found:
        low, high = map(float, law.conductance_range(0.05))
        assert 0.6e-6 < low < 1e-6
        assert 5e-6 < high < 8e-6
    share = 0.05  # of the range, a pulse
    for law in found[3:]:  # with thresholds below the pulses
        for sign in (-1.0, 1.0):
            speed = np.abs(
                [float(law.state_derivative(np.array(0.5), np.array(sign * v))) for v in volts]
            )
            assert float(np.mean(speed)) * 2e-3 == pytest.approx(share, rel=0.2)
            assert (speed > 0).all()


def test_they_are_the_same_each_time():
    law, m = load_device("vteam").memristor, trains((0.2, 0.3))
    assert [one.constants for one in beginnings(law, m)] == [one.constants for one in beginnings(law, m)]


def test_what_was_not_measured_stays_as_in_the_file():
    """Without pulses of depression nothing says how quick it is."""
    law, m = load_device("vteam").memristor, trains((0.3,))
    up = m.of_rows(np.flatnonzero(m.voltage < 0))
    assert {one.constants["k_off"] for one in beginnings(law, up)} == {law.constants["k_off"]}
    still = dataclasses.replace(up, voltage=0.0 * up.voltage, width=0.0 * up.width)
    assert {one.constants["k_on"] for one in beginnings(law, still)} == {law.constants["k_on"]}
