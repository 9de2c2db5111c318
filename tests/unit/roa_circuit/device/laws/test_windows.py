"""Windows with free exponents: closed forms against scipy, Eq. 1 as a case, the ends of the range."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from roa_circuit import Device, InputError, Programming, load_device
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.programming import after_pulses, pulse_doses, real_pulse_count, write

TABLE_1 = load_device("zhang2021")
EQ_1 = TABLE_1.memristor
BRANCHES = {name: getattr(EQ_1, name) for name in ("gamma", "delta", "alpha", "beta")}
RATE = {name: getattr(EQ_1, name) for name in ("k", "mu1", "mu2")}
AS_EQ_1 = Windows(**RATE, **BRANCHES, p=2.0, q=2.0)


@st.composite
def windows(draw, least=-1.5):
    """Laws with any exponents that real devices showed, on both coordinates, with thresholds or not."""
    exponents = st.one_of(
        st.floats(least, 5), st.sampled_from([0.0, 1.0, 2.0]).filter(lambda e: e >= least)
    )
    return Windows(
        **RATE, **BRANCHES, p=draw(exponents), q=draw(exponents),
        ratio=draw(st.one_of(st.just(1.0), st.floats(1.01, 1000))),
        threshold_up=draw(st.sampled_from([0.0, 0.7])), threshold_down=draw(st.sampled_from([0.0, 0.9])),
    )  # fmt: skip


STATES = st.floats(0.02, 0.98)
VOLTAGES = st.sampled_from([-1.2, -1.0, 1.1, 1.5])


@pytest.mark.long
@given(windows(), STATES, VOLTAGES, st.floats(1e-3, 3.0))
def test_a_dose_is_the_solution_of_the_law(law, omega, V, size):
    width = size / abs(float(law.rate(V)))
    exact = float(law.after_dose(omega, law.dose(V, width)))
    if not 1e-3 < exact < 1 - 1e-3:
        return  # an integrator cannot step on the end that a finite dose reaches

    def slope(t, w):
        return law.state_derivative(w, V)

    solution = solve_ivp(slope, (0, width), [omega], method="LSODA", rtol=1e-10, atol=1e-12)
    assert exact == pytest.approx(solution.y[0, -1], abs=1e-7)


@given(windows(), STATES, VOLTAGES, st.floats(0, 3), st.floats(0, 3))
def test_doses_add_and_stay_in_the_range(law, omega, V, one, two):
    sign = np.sign(float(law.rate(V)))
    twice = float(law.after_dose(law.after_dose(omega, sign * one), sign * two))
    assert twice == pytest.approx(float(law.after_dose(omega, sign * (one + two))), abs=1e-9)
    assert 0 <= twice <= 1
    assert sign * (twice - omega) >= -1e-15


@given(windows(), STATES, VOLTAGES, st.floats(0, 3))
def test_the_coordinate_counts_doses(law, omega, V, size):
    after = law.after_dose(omega, np.sign(float(law.rate(V))) * size)
    if 1e-6 < after < 1 - 1e-6:
        passed = float(law.coordinate(after, V) - law.coordinate(omega, V))
        assert passed == pytest.approx(size, rel=1e-7, abs=1e-9)


@pytest.mark.long
@given(windows(), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_the_mean_over_a_ramp_is_the_integral(law, start, end):
    if abs(end - start) < 1e-3:
        return
    # Gauss-Kronrod piece by piece: the rate has a corner at each threshold and is 0 between them.
    corners = sorted(
        {start, end, *np.clip((-law.threshold_up, 0, law.threshold_down), *sorted((start, end)))}
    )
    pieces = itertools.pairwise(corners if end > start else corners[::-1])
    integral = sum(quad(law.rate, *piece, epsabs=1e-18, epsrel=1e-10, limit=200)[0] for piece in pieces)
    scale = abs(float(law.rate(start))) + abs(float(law.rate(end)))
    mean = float(law.mean_rate(start, end))
    assert mean == pytest.approx(integral / (end - start), rel=1e-7, abs=1e-9 * scale + 1e-12)


def test_exponents_of_2_on_omega_are_eq_1():
    rng = np.random.default_rng(0)
    omega, V = rng.random(500), rng.uniform(-1.5, 1.6, 500)
    dose = EQ_1.dose(V, 1e-6, edge=1e-8)
    for one, other in (
        (AS_EQ_1.dose(V, 1e-6, edge=1e-8), dose),
        (AS_EQ_1.after_dose(omega, dose), EQ_1.after_dose(omega, dose)),
        (AS_EQ_1.current(omega, V), EQ_1.current(omega, V)),
        (AS_EQ_1.state_derivative(omega, V), EQ_1.state_derivative(omega, V)),
        (AS_EQ_1.coordinate(omega, V) + 1, EQ_1.coordinate(omega, V)),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-16)


def test_a_write_with_exponents_of_2_is_that_of_eq_1():
    device = dataclasses.replace(TABLE_1, memristor=AS_EQ_1)
    rng = np.random.default_rng(1)
    omega, change = rng.uniform(0.05, 0.95, (2, 40)), rng.uniform(-0.5, 0.5, (2, 40))
    how = Programming(sigma_wn=0.02)
    (one, pulses), (other, same) = (
        write(omega, change, d, how, np.random.default_rng(2)) for d in (device, TABLE_1)
    )
    np.testing.assert_array_equal(pulses, same)
    np.testing.assert_allclose(one, other, rtol=1e-14)


@pytest.mark.parametrize("ratio", [1.0, 30.0])
@pytest.mark.parametrize(("p", "q"), [(-1.5, 0.1), (0.0, 0.0), (0.5, 1.0), (1.0, 3.0), (5.0, 2.0)])
def test_eq_6_is_undone_by_its_pulses(p, q, ratio):
    device = dataclasses.replace(TABLE_1, memristor=dataclasses.replace(AS_EQ_1, p=p, q=q, ratio=ratio))
    omega = np.linspace(0.1, 0.9, 9)
    for change in (0.05, -0.05):
        count = real_pulse_count(omega, change, device, Programming(max_pulses=10**9))
        np.testing.assert_allclose(after_pulses(omega, count, device), omega + change, atol=1e-9)


def test_a_finite_dose_reaches_the_end_and_stays():
    law = dataclasses.replace(AS_EQ_1, p=0.0, q=-1.5)
    assert law.after_dose(0.4, 0.6) == pytest.approx(1.0)
    assert law.after_dose(0.4, 7.0) == 1.0
    assert law.after_dose(1.0, 7.0) == 1.0
    assert law.after_dose(0.4, -7.0) == 0.0
    assert law.state_derivative(1.0, -1.1) == 0.0
    assert 0 < law.after_dose(1.0, -0.1) < 1


def test_below_a_threshold_nothing_moves():
    law = dataclasses.replace(AS_EQ_1, threshold_up=0.6, threshold_down=0.8)
    V = np.array([-0.6, -0.3, 0.0, 0.5, 0.8])
    np.testing.assert_array_equal(law.rate(V), 0.0)
    assert law.rate(-0.61) > 0 > law.rate(0.81)
    assert law.mean_rate(-0.5, 0.7) == 0.0


@given(windows(), STATES, st.sampled_from([-0.4, -0.05, 0.07, 0.3]))
def test_gradients_are_those_of_finite_differences(law, omega, dose):
    if not 1e-2 < float(law.after_dose(omega, dose)) < 1 - 1e-2:
        return
    w, d = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (omega, dose))
    law.after_dose(w, d).backward()
    h = 1e-6
    by_omega = (law.after_dose(omega + h, dose) - law.after_dose(omega - h, dose)) / (2 * h)
    by_dose = (law.after_dose(omega, dose + h) - law.after_dose(omega, dose - h)) / (2 * h)
    assert float(w.grad) == pytest.approx(float(by_omega), rel=2e-5, abs=1e-7)
    assert float(d.grad) == pytest.approx(float(by_dose), rel=2e-5, abs=1e-7)


def test_gradients_stay_finite_at_both_ends():
    for p in (-1.0, 0.0, 1.0, 2.0):
        law = dataclasses.replace(AS_EQ_1, p=p, q=p, ratio=20.0)
        state = torch.tensor([0.0, 0.0, 1.0, 1.0, 0.5], dtype=torch.float64, requires_grad=True)
        dose = torch.tensor([0.5, -0.5, 0.5, -0.5, 9.0], dtype=torch.float64, requires_grad=True)
        law.after_dose(state, dose).sum().backward()
        assert torch.isfinite(state.grad).all()
        assert torch.isfinite(dose.grad).all()


def test_a_device_a_cell():
    rng = np.random.default_rng(3)
    own = {
        "p": rng.uniform(0, 3, (2, 3)),
        "q": rng.uniform(0, 3, (2, 3)),
        "ratio": rng.uniform(2, 9, (2, 3)),
    }
    own["p"][0, 0] = 1.0
    law, omega, dose = (
        dataclasses.replace(AS_EQ_1, **own),
        rng.random((2, 3)),
        rng.uniform(-1, 1, (2, 3)),
    )
    after = law.after_dose(omega, dose)
    for cell in np.ndindex(2, 3):
        alone = dataclasses.replace(AS_EQ_1, **{name: float(v[cell]) for name, v in own.items()})
        assert after[cell] == pytest.approx(float(alone.after_dose(omega[cell], dose[cell])), rel=1e-13)
    assert law.part(0).p.shape == (3,)


def test_a_parameter_set_names_the_law():
    device = dataclasses.replace(TABLE_1, memristor=dataclasses.replace(AS_EQ_1, p=-0.5, ratio=12.0))
    text = device.to_toml()
    assert 'law = "windows"' in text
    assert Device.from_toml(text) == device
    assert "p [-]" in str(device)
    up, down = pulse_doses(device)
    assert up == pytest.approx(0.4713, abs=1e-4)
    assert down == pytest.approx(0.2406, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"law": "window"}, "did you mean 'windows'"),
        ({"law": 3}, "must be the name of a law"),
        ({"ratio [-]": 0.5}, "ratio = 0.5 must be at least 1"),
        ({"p [-]": float("inf")}, "finite"),
        ({"threshold_up [V]": -1.0}, "not be negative"),
        ({"r [-]": 2.0}, "unknown key 'r"),
        ({"k [1/s]": 0.0}, "greater than 0"),
    ],
)
def test_complaints_say_what_is_wrong(change, complaint):
    document = dataclasses.replace(TABLE_1, memristor=AS_EQ_1).to_dict()
    document["memristor"] |= change
    with pytest.raises(InputError, match=complaint):
        Device.from_dict(document)


def test_how_late_a_write_is_behind_slow_lines():
    """The rounded figure for Eq. 1 is the general one; a window that does not fall misses more."""
    assert max(AS_EQ_1.lag(-1.1), AS_EQ_1.lag(1.4)) == pytest.approx(EQ_1.lag(-1.1), rel=0.05)
    assert dataclasses.replace(AS_EQ_1, p=0.0).lag(-1.1) > 3 * EQ_1.lag(-1.1)


def test_a_ratio_of_numpy_is_the_number_that_it_is():
    constants = load_device("zhang2021").memristor.constants
    plain, own = (Windows(**constants, p=1.0, q=1.5, ratio=one) for one in (1.0, np.float64(1.0)))
    assert own.after_dose(0.4, 0.7) == plain.after_dose(0.4, 0.7)


@pytest.mark.parametrize(
    ("p", "kept"), [(2.5, 1.0), (1.0, float(np.exp(-0.5))), (0.5, 0.0)], ids=["power", "log", "finite"]
)
def test_slopes_at_an_end_are_those_just_inside(p, kept):
    """They were 0 there, as if no cell could leave the end of its range."""
    law = Windows(**TABLE_1.memristor.constants, p=p, q=p + 0.25 * (p == 2.5))
    state = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    law.after_dose(state, torch.tensor([0.5, -0.5], dtype=torch.float64)).sum().backward()
    np.testing.assert_allclose(state.grad, kept)
