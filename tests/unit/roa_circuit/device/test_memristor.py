"""Eq. 1-5 against closed forms, an ODE integrator and numbers of the paper."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_ivp

from roa_circuit.device import memristor as m
from roa_circuit.device.parameters import load_device

TABLE_1 = load_device("zhang2021")
P, PULSES = TABLE_1.memristor, TABLE_1.pulses


def test_table_1_doses_per_pulse():
    assert m.pulse_strength(-1.1, 3e-6, P) == pytest.approx(0.4713, abs=5e-5)
    assert m.pulse_strength(1.4, 30e-6, P) == pytest.approx(-0.2406, abs=5e-5)


@pytest.mark.parametrize("voltage", [-1.1, -0.9, 0.7, 1.4])
def test_closed_form_solves_equation_1(voltage):
    width = 20e-6
    solution = solve_ivp(
        lambda _, w: m.state_derivative(w, voltage, P), (0, width), [0.4], rtol=1e-11, atol=1e-13
    )
    exact = m.after_dose(0.4, m.pulse_strength(voltage, width, P), P)
    assert exact == pytest.approx(solution.y[0, -1], abs=1e-9)


@pytest.mark.parametrize("voltage", [-1.1, 1.4, 0.0])
def test_ramp_mean_is_the_integral_over_the_edge(voltage):
    fine = np.linspace(0.0, voltage, 200_001)
    assert m.ramp_mean_rate(voltage, P) == pytest.approx(
        np.trapezoid(m.rate(fine, P)) / 200_000, rel=1e-6
    )


@pytest.mark.parametrize("voltage", [-1.1, 1.4])
def test_a_pulse_s_dose_is_the_integral_over_its_edges_and_its_top(voltage):
    edge, width = 2e-7, 1e-6
    top = width * float(m.rate(voltage, P))
    ramp = quad(lambda t: float(m.rate(voltage * t / edge, P)), 0.0, edge, epsrel=1e-10)[0]
    assert m.pulse_strength(voltage, width, P, edge=edge) == pytest.approx(top + 2 * ramp, rel=1e-8)
    assert m.pulse_strength(voltage, width, P) == pytest.approx(top, rel=1e-12)


def test_the_papers_ramp_saturates_without_overflow():
    state = 0.1
    for voltage in np.arange(-0.8, -3.85, -0.1):
        state = m.after_dose(state, m.pulse_strength(voltage, 100e-6, P), P)
    assert 0.999 < state <= 1.0
    assert np.isfinite(m.rate(np.array([-1e3, 1e3]), P)).all()


def test_read_conductance_and_its_inverse():
    smallest, largest = m.conductance_range(PULSES.read_voltage, P)
    assert smallest == pytest.approx(0.78021e-3, rel=1e-4)
    assert largest == pytest.approx(1.50516e-3, rel=1e-4)
    state = np.linspace(0, 1, 11)
    G = m.conductance(state, PULSES.read_voltage, P)
    assert G == pytest.approx(m.current(state, PULSES.read_voltage, P) / PULSES.read_voltage, rel=1e-13)
    assert m.state_from_conductance(G, PULSES.read_voltage, P) == pytest.approx(state, abs=1e-13)


def test_differential_conductance_is_the_derivative():
    V, h = np.linspace(-1.5, 1.5, 13), 1e-6
    slope = (m.current(0.3, V + h, P) - m.current(0.3, V - h, P)) / (2 * h)
    assert m.differential_conductance(0.3, V, P) == pytest.approx(slope, rel=1e-8)


def test_numpy_and_torch_run_the_same_lines():
    rng = np.random.default_rng(1)
    V, state, dose = rng.uniform(-2, 2, 50), rng.random(50), rng.normal(size=50)
    tensors = [torch.from_numpy(a) for a in (V, state, dose)]
    pairs = [
        (m.rate(V, P), m.rate(tensors[0], P)),
        (m.current(state, V, P), m.current(tensors[1], tensors[0], P)),
        (m.after_dose(state, dose, P), m.after_dose(tensors[1], tensors[2], P)),
        (m.pulse_strength(V, 1e-6, P, edge=1e-8), m.pulse_strength(tensors[0], 1e-6, P, edge=1e-8)),
    ]
    for numpy_result, torch_result in pairs:
        assert torch_result.numpy() == pytest.approx(numpy_result, rel=1e-12)


def test_the_closed_form_has_a_gradient_without_nan():
    state = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64, requires_grad=True)
    dose = torch.tensor([0.5, 0.0, -0.5], dtype=torch.float64, requires_grad=True)
    m.after_dose(state, dose, P).sum().backward()
    assert torch.isfinite(state.grad).all()
    assert torch.isfinite(dose.grad).all()
