"""Access transistors in the surrogate: one cell and its transistor by root finding, and their limits."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from strategies import broken_crossbars, crossbars

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import load_device

DEVICE = default_device()
OHMS = st.sampled_from([0.0, 1e-3, 1.0, 10.0, 100.0])


def level_1(transistor, word, te):
    """Drain current [A] of an n-MOS with either end as its source, saturation and cut-off included."""
    source, drain, sign = (te, word, 1) if word >= te else (word, te, -1)
    over, across = transistor.gate_on - transistor.threshold - source, drain - source
    if over <= 0:
        return 0.0
    within = min(across, over)
    return sign * transistor.kp * transistor.width_over_length * (over - within / 2) * within


@pytest.mark.parametrize("shape", [{}, {"width_over_length": 0.3}, {"gate_on": 1.6, "threshold": 0.7}])
def test_a_cell_and_its_transistor_pass_one_current(shape):
    transistor = Transistor(**shape)
    crossbar, state = Crossbar(rows=1, columns=1, r_source=1e3), np.array([[0.6]])
    volts = np.array([[-0.09], [0.0], [0.02], [0.1]])
    seen = Circuitry(transistor=transistor).settled(crossbar, state, DEVICE)

    def passing(drive):
        def excess(te):
            i = float(current(0.6, te, DEVICE.memristor))
            return level_1(transistor, drive - 1e3 * i, te) - i

        return float(current(0.6, brentq(excess, -0.2, 0.2, xtol=1e-16), DEVICE.memristor))

    expected = [[passing(drive)] for drive in volts[:, 0]]
    np.testing.assert_allclose(seen.currents(volts), expected, rtol=1e-7, atol=1e-20)
    assert abs(seen.currents(volts)[-1] / seen.resistive(volts, by_conductance)[-1] - 1) < 0.05


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(
    crossbar=st.one_of(crossbars(most=6, ohms=OHMS), broken_crossbars(most=6, ohms=OHMS)),
    seed=st.integers(0, 2**32 - 1),
    literal=st.booleans(),
)
def test_reads_through_transistors_are_those_of_the_dense_twin(crossbar, seed, literal):
    """Broken lines and cells of 1 mS among them, which took a transistor for a resistance."""
    rng = np.random.default_rng(seed)
    device = load_device("zhang2021") if literal else DEVICE
    seen = Circuitry(transistor=Transistor()).settled(crossbar, rng.random(crossbar.shape), device)
    volts = rng.uniform(-0.1, 1.0 if literal else 0.1, (2, crossbar.rows))
    expected = seen.densely(volts)
    scale = max(np.abs(expected).max(), 1e-6)
    np.testing.assert_allclose(seen.currents(volts), expected, rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("ohms", [1.0, 500.0, 5e3])
@pytest.mark.parametrize("columns", [1, 4])
def test_cells_that_conduct_more_than_their_transistors_find_their_currents(ohms, columns):
    """Behind wires or a source that take as much, each step is but a quarter shorter than the last."""
    rng, device = np.random.default_rng(3), load_device("zhang2021")
    crossbar = Crossbar(rows=5, columns=columns, r_source=500.0, r_word=ohms, r_bit=ohms, r_sense=10.0)
    seen = Circuitry(transistor=Transistor(width_over_length=1.0)).settled(
        crossbar, rng.random(crossbar.shape), device
    )
    volts = np.vstack([rng.uniform(-0.1, 0.1, (3, 5)), np.zeros((1, 5))])
    expected = seen.densely(volts)
    np.testing.assert_allclose(seen.currents(volts), expected, rtol=0, atol=1e-9 * expected.max())


@pytest.mark.parametrize("ohms", [1.0, 500.0])
def test_writes_through_transistors_that_take_most_find_their_end(ohms):
    """A cell that the last pulse left far from this one's voltage comes there in long, even steps."""
    device = load_device("zhang2021").scaled(0.3)
    crossbar = Crossbar(rows=3, columns=3, r_word=ohms, r_bit=ohms, scheme="ideal")
    state, pulses = np.full((3, 3), 0.5), np.array([[2, -2, 1], [-1, 0, 2], [1, 1, -2]])
    transistor = Transistor(width_over_length=3.0)
    after = write_in_situ(crossbar, state, pulses, device, transistor=transistor).state
    assert (np.sign(after - state) == np.sign(pulses))[pulses != 0].all()


def by_conductance(crossbar, state, voltages, device, ends):
    """One cell behind 1 kOhm, as good as linear."""
    G = current(0.6, 0.05, device.memristor) / 0.05
    return voltages / (1e3 + 1 / G)


def test_thresholds_fall_by_a_millivolt_a_kelvin():
    fall = (Transistor().threshold_at(310.0) - Transistor().threshold_at(290.0)) / 20
    assert -1.2e-3 < fall < -0.8e-3
    assert Transistor().threshold_at(NOMINAL_TEMPERATURE) == pytest.approx(0.5, abs=1e-12)


def test_weak_transistors_write_less_and_take_their_part_of_the_energy():
    crossbar = dataclasses.replace(default_crossbar(4, 3), scheme="ideal")
    state, pulses = np.full((4, 3), 0.5), np.array([[1, -1, 0]] * 4)
    moved, lost = [], []
    for how in ({}, {"transistor": Transistor()}, {"transistor": Transistor(width_over_length=0.5)}):
        outcome = write_in_situ(crossbar, state, pulses, DEVICE, **how)
        moved.append(np.abs(outcome.state - state)[pulses != 0])
        lost.append(outcome.wire_energy / outcome.energy)
    assert (moved[0] > moved[1]).all()
    assert (moved[1] > moved[2]).all()
    assert lost[0] < lost[1] < lost[2]


def test_transistors_that_pulses_saturate_or_do_not_switch_are_refused():
    crossbar = dataclasses.replace(default_crossbar(2, 2), scheme="ideal")
    state, pulses = np.full((2, 2), 0.5), np.eye(2, dtype=int)
    with pytest.raises(InputError, match=r"transistors saturate .* raise width_over_length"):
        write_in_situ(crossbar, state, pulses, DEVICE, transistor=Transistor(width_over_length=0.001))
    with pytest.raises(InputError, match="gate_on above threshold"):
        write_in_situ(crossbar, state, pulses, DEVICE, transistor=Transistor(gate_on=1.0))
