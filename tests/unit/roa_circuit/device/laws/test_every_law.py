"""What every law owes: doses that solve its motion, add up and are counted, and a current."""

import dataclasses

import numpy as np
import pytest
from law_devices import DEVICES, windows
from scipy.integrate import solve_ivp

from roa_circuit import Device
from roa_circuit.device.laws import laws
from roa_circuit.device.laws.windows import Windows

every_law = pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
STATES = (0.2, 0.5, 0.75)


def pulses_of(device):
    """(voltage, width) of both polarities."""
    pulses = device.pulses
    return (
        (pulses.potentiation_voltage, pulses.potentiation_width),
        (pulses.depression_voltage, pulses.depression_width),
    )


@every_law
def test_a_dose_is_the_solution_of_the_motion(device):
    law, omega = device.memristor, np.array(STATES)
    for V, width in pulses_of(device):
        solved = solve_ivp(
            lambda _, w, V=V: law.state_derivative(w, V),
            (0, width), omega, method="LSODA", rtol=1e-8, atol=1e-9,
        ).y[:, -1]  # fmt: skip
        np.testing.assert_allclose(law.after_dose(omega, law.dose(V, width), V), solved, atol=1e-6)
        assert np.abs(solved - omega).min() > 1e-3, "pulses that move nothing show nothing"


@every_law
def test_doses_add_up_and_stay_in_the_range(device):
    law, omega = device.memristor, np.linspace(0.02, 0.98, 25)
    for V, width in pulses_of(device):
        dose = law.dose(V, width)
        twice = law.after_dose(law.after_dose(omega, 0.3 * dose, V), 0.7 * dose, V)
        np.testing.assert_allclose(twice, law.after_dose(omega, dose, V), atol=1e-8)
        many = law.after_dose(omega, 1e4 * dose, V)
        assert ((many >= 0) & (many <= 1)).all()
        assert (np.sign(-V) * (twice - omega) >= -1e-12).all()


@every_law
def test_the_coordinate_counts_the_dose(device):
    law, omega = device.memristor, np.array(STATES)
    for V, width in pulses_of(device):
        dose = float(law.dose(V, width))
        assert np.sign(dose) == np.sign(-V)
        after = law.after_dose(omega, dose, V)
        passed = law.coordinate(after, V) - law.coordinate(omega, V)
        np.testing.assert_allclose(passed, abs(dose), rtol=1e-5)


@every_law
def test_doses_are_the_rate_over_the_time_and_follow_the_pace(device):
    law = device.memristor
    double = law.paced(2.0 * law.pace)
    for V, width in pulses_of(device):
        dose = float(law.dose(V, width))
        assert dose == pytest.approx(float(law.rate(V)) * width, rel=1e-9)
        assert float(law.mean_rate(V, V)) == pytest.approx(float(law.rate(V)), rel=1e-9)
        assert float(double.dose(V, width)) == pytest.approx(2.0 * dose, rel=1e-9)


@pytest.mark.parametrize("name", [n for n, d in DEVICES.items() if d.memristor.one_coordinate])
def test_the_mean_over_a_ramp_is_the_integral(name):
    """Where each amplitude has a coordinate, doses of a ramp have none, and a mean is a convention."""
    law = DEVICES[name].memristor
    for V, _ in pulses_of(DEVICES[name]):
        mean = np.trapezoid(law.rate(np.linspace(0.0, V, 40_001)), dx=1 / 40_000)
        assert float(law.mean_rate(0.0, V)) == pytest.approx(mean, rel=5e-4)


@every_law
def test_the_current_is_affine_and_rises_by_its_slope(device):
    law, V, h = device.memristor, np.array([-1.0, -0.2, 0.05, 0.3, 1.1]), 1e-5
    ends = [law.current(omega, V) for omega in (0.0, 1.0)]
    for omega in STATES:
        between = (1 - omega) * ends[0] + omega * ends[1]
        np.testing.assert_allclose(law.current(omega, V), between, rtol=1e-12)
        slope = (law.current(omega, V + h) - law.current(omega, V - h)) / (2 * h)
        np.testing.assert_allclose(law.differential_conductance(omega, V), slope, rtol=1e-6)
        assert (slope > 0).all()
    lowest, highest = law.conductance_range(0.1)
    np.testing.assert_allclose([lowest, highest], [float(law.current(w, 0.1)) / 0.1 for w in (0, 1)])


@every_law
def test_the_branches_are_the_current_at_both_ends(device):
    law, V = device.memristor, np.array([-1.0, 0.05, 1.1])
    for omega, branch in zip((1.0, 0.0), law.branches(), strict=True):
        shaped = law.current_scale * branch.height * branch.shape(branch.steepness * V)
        np.testing.assert_allclose(shaped, law.current(omega, V), rtol=1e-12)


@every_law
def test_a_parameter_set_keeps_the_law(device):
    assert Device.from_toml(device.to_toml()) == device
    assert set(device.memristor.meanings) >= set(device.memristor.constants)


def test_every_law_has_a_device():
    assert set(laws()) <= {device.memristor.name for device in DEVICES.values()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hasty(Windows):
    """Its doses are three times too large."""

    def dose(self, V, width, *, edge=0.0):
        return 3.0 * super().dose(V, width, edge=edge)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hurried(Windows):
    """Its rate is three times too large for its motion."""

    def rate(self, V):
        return 3.0 * super().rate(V)

    def state_derivative(self, omega, V):
        return super().state_derivative(omega, V) / 3.0


@pytest.mark.parametrize("wrong", [Hasty, Hurried])
def test_a_law_with_doses_three_times_too_large_fails(wrong):
    constants = windows(p=1.5, q=2.5).memristor.constants
    device = dataclasses.replace(windows(p=1.5, q=2.5), memristor=wrong(**constants))
    with pytest.raises(AssertionError):
        test_a_dose_is_the_solution_of_the_motion(device)


@pytest.mark.parametrize("name", DEVICES)
def test_a_cell_of_an_array_does_what_it_does_alone(name):
    """Arrays are worked out in parts: short ramps apart from long, cells without a dose not at all."""
    device, rng = DEVICES[name], np.random.default_rng(3)
    law, up = device.memristor, device.pulses.potentiation_voltage
    moving = np.array([1.0, 1.0, 0.97, 0.0, 0.01, 0.0, 0.0, 1e-6, 0.0, 0.0])
    start, end = up * moving[:, None], up * moving[::-1][:, None]
    if name == "table":  # of which voltages between those measured and 0 say nothing
        start = end = up * (moving[:, None] == 1.0)
    mean = law.mean_rate(start, end)
    alone = [law.mean_rate(a, b) for a, b in zip(start.ravel(), end.ravel(), strict=True)]
    scale = np.abs(mean).max()
    assert np.abs(mean.ravel() - np.ravel(alone)).max() <= 1e-12 * scale
    state = rng.uniform(0.2, 0.8, start.shape)
    dose = np.where(moving[:, None] == 1.0, mean * device.pulses.potentiation_width, 0.0)
    after = law.after_dose(state, dose, start)
    for i, (omega, step) in enumerate(zip(state.ravel(), dose.ravel(), strict=True)):
        alone = float(law.after_dose(omega, step, start.ravel()[i]))
        assert alone == pytest.approx(after[i, 0], abs=1e-14)
    assert (after[dose == 0] == state[dose == 0]).all()
    assert (after != state).any()
