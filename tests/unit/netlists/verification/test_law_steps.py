"""The law integrated with voltages that a simulator found, against closed forms and a fine twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from netlists.verification.collocation import choose
from netlists.verification.law_steps import Found, after_pulse, growth, halfway, mean_power
from roa_circuit.circuit.waveforms import WritePulse, write_programme
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.memristor import current, pulse_strength, state_derivative
from roa_circuit.device.parameters import load_device

DEVICE = load_device("zhang2021")
P = DEVICE.memristor
SHARES = {2: (0.0, 1.0), 3: (0.0, 0.5, 1.0)}


def pulse_of(voltage):
    width = DEVICE.pulses.potentiation_width if voltage < 0 else DEVICE.pulses.depression_width
    edge = DEVICE.pulses.edge_fraction * width
    return WritePulse(row=0, voltage=voltage, width=width, edge=edge, selected=np.array([True]))


@pytest.mark.long
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6),
    st.floats(0.2, 1.05),
    st.sampled_from([DEVICE.pulses.potentiation_voltage, DEVICE.pulses.depression_voltage]),
    st.sampled_from([2, 3]),
)
def test_at_a_constant_voltage_it_is_the_closed_form(states, share, full, nodes):
    omega, volts, pulse = np.array(states), share * full, pulse_of(full)
    dose = pulse_strength(volts, pulse.width, P, edge=pulse.edge)
    after = np.asarray(P.after_dose(omega, dose))
    middle = halfway(omega, after, np.full_like(omega, volts), P)
    told = np.stack([omega, middle, after] if nodes == 3 else [omega, after])
    found = Found(states=told, voltages=np.full_like(told, volts))
    assert after_pulse(found, pulse, P) == pytest.approx(after, abs=1e-8)


def windows(p, q, **others):
    """Windows with exponents p and q and Table 1's other constants."""
    return Windows(**P.constants, p=p, q=q, **others)


LAWS = {
    "soft": windows(1.0, 1.0),
    "steps": windows(0.0, 0.0, threshold_up=0.5),
    "logarithmic": windows(2.0, 3.0, ratio=50.0),
    "below one": windows(0.5, 0.3, ratio=9.0, threshold_down=0.4),
    "ever faster": windows(-1.5, -0.5, ratio=100.0),
    "vteam": load_device("vteam").memristor,
    "each its own": windows(np.array([0.5, 1.0, 2.0, -1.0, 3.0]), 1.5),
}


@pytest.mark.long
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("size", [pytest.param(0.05, marks=pytest.mark.slow), 1.0, 30.0])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_every_law_moves_as_it_says(name, size, sign):
    """Short ways, long ones, and ones that come to the end of the range before the pulse is over."""
    law, omega = LAWS[name], np.array([0.0, 0.02, 0.4, 0.9, 1.0])
    volts = sign * np.array([0.85, 0.9, 0.8, 0.95, 0.9])
    width = size / np.abs(np.asarray(law.rate(volts))).max()
    pulse = WritePulse(row=0, voltage=sign, width=width, edge=0.01 * width, selected=np.array([True]))
    after = np.asarray(law.after_dose(omega, law.dose(volts, width, edge=pulse.edge), volts))
    middle = halfway(omega, after, volts, law)
    assert np.isfinite(middle).all()
    found = Found(states=np.stack([omega, middle, after]), voltages=np.tile(volts, (3, 1)))
    assert after_pulse(found, pulse, law) == pytest.approx(after, abs=1e-6)


@pytest.mark.parametrize(("nodes", "within"), [(2, 1e-2), (3, 1e-4)])
def test_points_on_the_way_hold_a_voltage_that_follows_the_state(nodes, within):
    """A cell behind a resistor, whose voltage is a curved function of its own state."""
    pulse, volts = pulse_of(DEVICE.pulses.potentiation_voltage), DEVICE.pulses.potentiation_voltage
    omega = np.array([0.1, 0.3, 0.6])

    def behind(state):
        return volts * (0.8 + 0.2 / (1.0 + state))

    def speed(t, state):
        drive = np.clip(min(t, 2 * pulse.edge + pulse.width - t) / pulse.edge, 0.0, 1.0)
        return state_derivative(state, drive * behind(state), P)

    span = 2 * pulse.edge + pulse.width
    true = solve_ivp(speed, (0, span), omega, rtol=1e-10, atol=1e-13, max_step=pulse.edge / 5).y[:, -1]
    told = [omega, true] if nodes == 2 else [omega, halfway(omega, true, behind(omega), P), true]
    found = Found(states=np.stack(told), voltages=np.stack([behind(one) for one in told]))
    error = np.abs(after_pulse(found, pulse, P) - true).max()
    assert error < within * np.abs(true - omega).max()


def test_half_time_is_where_half_the_dose_is():
    volts, before = DEVICE.pulses.depression_voltage, np.array([0.9, 0.5, 0.2])
    after = np.asarray(P.after_dose(before, -3.0))
    expected = np.asarray(P.after_dose(before, -1.5))
    assert halfway(before, after, np.full(3, volts), P) == pytest.approx(expected, abs=0.01)
    assert halfway(before, before, np.full(3, volts), P) == pytest.approx(before)


@pytest.mark.parametrize("volts", [-0.5, 0.6])
def test_errors_grow_as_the_flow_says(volts):
    omega = np.array([0.2, 0.5, 0.8])
    pulse, off = pulse_of(volts), 1e-6
    dose = pulse_strength(volts, pulse.width, P, edge=pulse.edge)
    after, other = (np.asarray(P.after_dose(one, dose)) for one in (omega, omega + off))
    found = Found(states=np.stack([omega, after]), voltages=np.full((2, 3), volts))
    assert growth(found, after, P) == pytest.approx((other - after) / off, rel=1e-4)


@pytest.mark.long
def test_the_power_of_an_edge_is_its_mean():
    omega, volts = np.array([0.3, 0.7]), np.array([-1.0, -0.5])
    shares = (np.arange(20000) + 0.5) / 20000
    power = [np.sum(x * volts * np.asarray(current(omega, x * volts, P))) for x in shares]
    full = np.sum(volts * np.asarray(current(omega, volts, P)))
    found = Found(states=omega[None], voltages=volts[None])
    assert mean_power(found, 0, P) == pytest.approx(np.mean(power) / full, rel=1e-7)


def test_drawn_pulses_have_a_transient_of_each_polarity():
    rng = np.random.default_rng(1)
    programmes = [list(write_programme(rng.integers(-2, 3, (6, 4)), DEVICE)) for _ in range(3)]
    total = sum(map(len, programmes))
    every = choose(programmes, None, 0)
    assert (
        [len(one.points) for one in every] == [len(p) for p in programmes] == [one.of for one in every]
    )
    some = choose(programmes, 7, 5)
    assert sum(len(one.points) for one in some) == 7 < total
    assert some == choose(programmes, 7, 5) != choose(programmes, 7, 6)
    for chosen in (every, some):
        at = [(a, n) for a, one in enumerate(chosen) for n in one.transients]
        assert len(at) == 3
        assert {programmes[a][n].voltage < 0 for a, n in at} == {True, False}
        assert all(set(one.transients) <= set(one.points) for one in chosen)
    assert choose([[]], None, 0)[0].points == ()
