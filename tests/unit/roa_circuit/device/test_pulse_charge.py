"""The charge of strong pulses against the integral over the closed form of the state."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from roa_circuit import load_device
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.pulse_charge import charge_and_heat

TABLE_1 = load_device("zhang2021")
p = TABLE_1.memristor
BASE = {name: getattr(p, name) for name in ("k", "mu1", "mu2", "gamma", "delta", "alpha", "beta")}
LAWS = {
    "Eq. 1": p,
    "constant steps": Windows(**BASE, p=0.0, q=0.0),
    "p = 1": Windows(**BASE, p=1.0, q=1.3),
    "p = 1/2": Windows(**{**BASE, "alpha": 0.01 * BASE["alpha"]}, p=0.5, q=0.0),
    "q = 1": Windows(**{**BASE, "alpha": 0.01 * BASE["alpha"]}, p=0.0, q=1.0),
    "ln G": Windows(**BASE, p=2.5, q=2.0, ratio=20.0),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(
    ("V", "dose", "omega"), [(-1.2, 0.3, 0.1), (-1.3, 40.0, 0.02), (1.7, -3.0, 0.9), (1.7, -3e3, 0.98)]
)
def test_it_is_the_integral_of_the_current(name, V, dose, omega):
    law, width = LAWS[name], 1e-6

    def flow(t):
        return float(law.current(law.after_dose(np.array([omega]), np.array([t * dose]), V), V)[0])

    points = np.concatenate([[0], np.logspace(-9, 0, 55)])
    expected = sum(quad(flow, a, b, epsrel=1e-11)[0] for a, b in itertools.pairwise(points))
    one = np.array([V])
    charge, heat = charge_and_heat(np.array([omega]), np.array([dose]), one, one, width, law)
    assert charge[0] == pytest.approx(width * expected, rel=1e-3)
    assert heat[0] == pytest.approx(V * charge[0], rel=1e-12)


@pytest.mark.parametrize(("V", "omega"), [(-1.3, 0.02), (-1.2, 0.02), (1.7, 0.98)])
def test_a_strong_pulse_behind_perfect_wires_has_that_energy(V, omega):
    """Regression: the mean of the currents at both ends of a pulse was 48 % off."""
    kind = "potentiation" if V < 0 else "depression"
    pulses = dataclasses.replace(TABLE_1.pulses, **{f"{kind}_voltage": V}, edge_fraction=1e-9)
    device = dataclasses.replace(TABLE_1, pulses=pulses)
    width = getattr(pulses, f"{kind}_width")
    outcome = write_in_situ(
        Crossbar(rows=1, columns=1, r_source=0, r_word=0, r_bit=0, r_sense=0),
        np.array([[omega]]), np.array([[1 if V < 0 else -1]]), device,
    )  # fmt: skip

    def power(t):
        return float(V * p.current(p.after_dose(np.array(omega), p.rate(np.array(V)) * t), np.array(V)))

    points = width * np.concatenate([[0], np.logspace(-6, 0, 13)])
    joules = sum(quad(power, a, b, epsrel=1e-10)[0] for a, b in itertools.pairwise(points))
    assert outcome.energy == pytest.approx(joules, rel=1e-4)
