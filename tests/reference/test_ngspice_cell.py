"""One cell in ngspice against the closed form of Eq. 1 and the formula of Eq. 2."""

import numpy as np
import pytest

from netlists.decks.deck import write_deck
from netlists.simulation.ngspice import simulate
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.laws.zhang2021 import after_dose
from roa_circuit.device.memristor import current, pulse_strength
from roa_circuit.device.parameters import load_device

pytestmark = pytest.mark.ngspice


@pytest.mark.parametrize(
    ("start", "count"),
    [
        pytest.param(start, count, marks=[pytest.mark.slow] * (start == 0.5 and abs(count) == 1))
        for start in (0.02, 0.5, 0.97)
        for count in (1, 5, -1, -6)
    ],
)
def test_pulse_train_against_the_closed_form(start, count):
    """A cell without wires, pulse by pulse: one dose n A, edges included."""
    device = load_device("zhang2021")
    pulses = device.pulses
    up = count > 0
    voltage = pulses.potentiation_voltage if up else pulses.depression_voltage
    width = pulses.potentiation_width if up else pulses.depression_width
    dose = abs(count) * pulse_strength(voltage, width, device.memristor, edge=0.01 * width)
    deck = write_deck(Crossbar(rows=1, columns=1), np.array([[start]]), np.array([[count]]), device)
    final = simulate(deck.text, time_limit=60).vectors[deck.vectors[0]][-1]
    assert final == pytest.approx(after_dose(start, dose), abs=1e-4)


@pytest.mark.parametrize("voltage", [-3.8, 3.5])
def test_the_strongest_pulses_stay_in_bounds(voltage):
    """At the ends of the paper's ramps (Fig. 2) a cell saturates at once and must not overshoot.

    ngspice 39 stays within 1e-9; 46 within 4e-8, below what this reltol lets Newton leave.
    """
    deck = f"""* one strong pulse
{ngspice_library(load_device("zhang2021"))}
V1 te 0 PWL(0 0 1u {voltage} 101u {voltage} 102u 0)
X1 te 0 memristor w0=0.5
.save v(x1.omega)
.options reltol=1e-6
.tran 1u 103u 0 100u uic
.end
"""
    run = simulate(deck, time_limit=60)
    omega, beyond = run.vectors["x1.omega"], 1e-9 if run.version == "ngspice-39" else 1e-7
    assert omega.min() >= -beyond
    assert omega.max() <= 1 + beyond
    assert omega[-1] == pytest.approx(1.0 if voltage < 0 else 0.0, abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_static_cell_is_equation_2(scale):
    device = load_device("zhang2021").scaled(scale)
    deck = f"""* swept
{ngspice_library(device)}
V1 a 0 0
X1 a 0 memristor_static w0=0.3
.save i(v1)
.options reltol=1e-9 abstol=1e-18
.dc V1 -4 4 0.25
.end
"""
    run = simulate(deck, time_limit=60)
    expected = current(0.3, run.vectors["v-sweep"], device.memristor)
    np.testing.assert_allclose(-run.vectors["v1#branch"], expected, rtol=1e-9, atol=1e-18)


def test_the_dynamic_cell_starts_at_w0_with_and_without_uic():
    for uic in ("", "uic"):
        deck = f"""* at rest
{ngspice_library(load_device("zhang2021"))}
V1 a 0 0
X1 a 0 memristor w0=0.1234567890123456
.save v(x1.omega)
.tran 1u 10u 0 1u {uic}
.end
"""
        omega = simulate(deck, time_limit=60).vectors["x1.omega"]
        np.testing.assert_allclose(omega, 0.1234567890123456, rtol=1e-9)
