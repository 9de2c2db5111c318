"""The in-situ write on arrays that hypothesis draws."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import crossbars

from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.crossbar import SELECT_SCHEMES
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.waveforms import line_voltages, write_programme
from roa_circuit.device.laws.zhang2021 import after_dose
from roa_circuit.device.memristor import pulse_strength
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming, write

LITERAL = load_device("zhang2021")
FEW = settings(max_examples=15)
OHMS = st.sampled_from([0.0, 1e-3, 0.1, 1.0, 30.0, 1e3])


@st.composite
def writes(draw, scheme=None):
    """(crossbar, states, pulses, device) of a small array, from ideal wires to hopeless ones."""
    scheme = scheme or draw(st.sampled_from(SELECT_SCHEMES))
    crossbar = draw(crossbars(most=6, ohms=OHMS, scheme=scheme))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    state = rng.choice([0.0, 1.0, rng.random(), rng.random()], crossbar.shape)
    pulses = rng.integers(-3, 4, crossbar.shape) * (rng.random(crossbar.shape) < 0.6)
    device = draw(st.sampled_from([LITERAL, default_device()]))
    return crossbar, state, pulses, device


@given(writes())
def test_states_stay_in_range_and_energies_are_dissipated(case):
    crossbar, state, pulses, device = case
    outcome = write_in_situ(crossbar, state, pulses, device)
    assert ((outcome.state >= 0) & (outcome.state <= 1)).all()
    assert (outcome.cell_energy >= 0).all()
    assert (outcome.pulse_energy >= 0).all()
    assert outcome.wire_energy >= -1e-12 * outcome.energy
    assert outcome.pulses == len(list(write_programme(pulses, device)))
    assert outcome.steps >= outcome.pulses
    assert outcome.solves >= 2 * outcome.pulses


@given(writes())
def test_without_pulses_nothing_changes(case):
    crossbar, state, pulses, device = case
    outcome = write_in_situ(crossbar, state, np.zeros_like(pulses), device)
    assert (outcome.state == state).all()
    assert (outcome.energy, outcome.duration, outcome.worst_disturb, outcome.solves) == (0, 0, 0, 0)


@given(writes())
def test_perfect_wires_leave_the_closed_form_of_every_pulse_that_a_cell_sees(case):
    crossbar, state, pulses, device = case
    crossbar, expected = crossbar.ideal(), state
    for pulse in write_programme(pulses, device):
        words, bits = line_voltages(pulse, crossbar)
        seen = words[:, None] - bits
        if crossbar.scheme == "ideal":
            seen *= (np.arange(crossbar.rows) == pulse.row)[:, None]
        dose = pulse_strength(seen, pulse.width, device.memristor, edge=pulse.edge)
        expected = after_dose(expected, dose)
    outcome = write_in_situ(crossbar, state, pulses, device)
    np.testing.assert_allclose(outcome.state, expected, rtol=1e-9, atol=1e-12)
    assert outcome.wire_energy == pytest.approx(0, abs=1e-12 * outcome.energy)


@given(writes(scheme="ideal"), st.integers(0, 2**32 - 1))
@FEW
def test_ideal_select_behind_perfect_wires_is_the_write_of_equation_6(case, seed):
    crossbar, state, _, device = case
    sharp = dataclasses.replace(device, pulses=dataclasses.replace(device.pulses, edge_fraction=1e-14))
    change = np.random.default_rng(seed).uniform(-0.6, 0.6, state.shape)
    expected, count = write(state, change, sharp, Programming(max_pulses=4))
    outcome = write_in_situ(crossbar.ideal(), state, count.astype(int), sharp)
    np.testing.assert_allclose(outcome.state, expected, rtol=1e-12, atol=1e-12)
    assert outcome.worst_disturb == 0
    assert outcome.error == 0


@given(writes(), st.sampled_from([1e-6, 1e-5]))
@FEW
def test_perfect_wires_are_the_limit_of_small_resistances(case, ohms):
    crossbar, state, pulses, device = case
    small = dataclasses.replace(crossbar.ideal(), r_source=ohms, r_word=ohms, r_bit=ohms, r_sense=ohms)
    behind = write_in_situ(small, state, pulses, device)
    ideal = write_in_situ(crossbar.ideal(), state, pulses, device)
    np.testing.assert_allclose(behind.state, ideal.state, atol=20 * ohms)


@given(writes(scheme="V/2"), st.sampled_from([1, -1]), st.sampled_from(["r_word", "r_bit", "r_sense"]))
@FEW
def test_wires_that_are_low_against_the_cells_only_weaken_the_disturb(case, sign, name):
    """Lines of cell-like resistance may float to voltages that no scheme intended."""
    crossbar, state, pulses, _ = case
    pulses = np.zeros_like(pulses)
    pulses[0] = sign
    worst = []
    for ohms in (0.0, 1.0, 10.0, 100.0):
        wires = dataclasses.replace(crossbar.ideal(), **{name: ohms})
        worst.append(write_in_situ(wires, state, pulses, default_device()).worst_disturb)
    assert (np.diff(worst) <= 1e-15 + 1e-9 * worst[0]).all()


@given(writes(), st.integers(0, 2**32 - 1))
@FEW
def test_constants_a_cell_and_cells_that_are_stuck(case, seed):
    crossbar, state, pulses, device = case
    stuck = np.random.default_rng(seed).random(state.shape) < 0.3
    each = {name: np.full(state.shape, value) for name, value in vars(device.memristor).items()}
    same = dataclasses.replace(device, memristor=dataclasses.replace(device.memristor, **each))
    whole, apart = (write_in_situ(crossbar, state, pulses, d) for d in (device, same))
    np.testing.assert_allclose(apart.state, whole.state, rtol=1e-9, atol=1e-12)
    each["k"] = np.where(stuck, 0.0, each["k"])
    frozen = dataclasses.replace(device, memristor=dataclasses.replace(device.memristor, **each))
    after = write_in_situ(crossbar, state, pulses, frozen).state
    assert (after[stuck] == state[stuck]).all()
