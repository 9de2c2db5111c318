"""Kirchhoff's and Joule's laws at every node, segment and resistor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import broken_crossbars, crossbars

from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.operating_point import operating_point
from roa_circuit.solver.read import read_currents

DEVICE = load_device("zhang2021")

WIRES = st.one_of(st.just(0.0), st.floats(1e-2, 1e3))


arrays = st.one_of(crossbars(most=9, ohms=WIRES), broken_crossbars(ohms=WIRES))


def solved(crossbar, seed, exact):
    rng = np.random.default_rng(seed)
    state, voltages = rng.random(crossbar.shape), rng.uniform(0.01, 0.1, (2, crossbar.rows))
    return operating_point(crossbar, state, voltages, DEVICE, exact=exact), state, voltages


@pytest.mark.long
@settings(max_examples=50, deadline=None)
@given(arrays, st.integers(0, 2**31), st.booleans())
def test_the_cells_see_the_difference_of_their_nodes(crossbar, seed, exact):
    point, state, voltages = solved(crossbar, seed, exact)
    difference = point.word_voltages - point.bit_voltages
    assert np.abs(difference - point.cell_voltages).max() <= 1e-11 * voltages.max()
    sensed = read_currents(crossbar, state, voltages, DEVICE, exact=exact)
    assert np.abs(point.sensed - sensed).max() <= 1e-11 * np.abs(point.cell_currents).max()


@pytest.mark.long
@settings(max_examples=50, deadline=None)
@given(arrays, st.integers(0, 2**31), st.booleans())
def test_what_the_drives_deliver_is_dissipated(crossbar, seed, exact):
    point, state, voltages = solved(crossbar, seed, exact)
    # Torn lines deliver nothing but the solver's tolerance of what cells would take from the drives.
    whole = (voltages**2 @ conductance(state, DEVICE.pulses.read_voltage, DEVICE.memristor)).sum()
    assert sum(point.power.values()) == pytest.approx(point.delivered, rel=1e-9, abs=1e-12 * whole)
    assert all((part >= 0).all() for part in point.power.values())


def test_one_cell_by_hand():
    crossbar = Crossbar(rows=1, columns=1, r_source=10, r_word=20, r_bit=30, r_sense=40)
    point, _, voltages = solved(crossbar, 3, False)
    i = point.sensed[:, 0]
    assert point.word_voltages[:, 0, 0] == pytest.approx(voltages[:, 0] - 30 * i)
    assert point.bit_voltages[:, 0, 0] == pytest.approx(70 * i)
    assert point.power["sense"] == pytest.approx(40 * i**2)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(arrays, st.integers(0, 2**31), st.booleans())
def test_ohms_law_holds_from_node_to_node_and_open_segments_carry_nothing(crossbar, seed, exact):
    point, _, voltages = solved(crossbar, seed, exact)
    scale = voltages.max()
    largest = 1e-3 * scale  # [A] of a cell
    r_source, r_word = (np.broadcast_to(r, crossbar.rows) for r in (crossbar.r_source, crossbar.r_word))
    r_bit, r_sense = (np.broadcast_to(r, crossbar.columns) for r in (crossbar.r_bit, crossbar.r_sense))
    word, drives = point.word_voltages, voltages[..., None]
    left = drives - (r_source * point.driver_currents[..., 0])[..., None]
    nodes = [word, left] if crossbar.drive == "right" else [left, word]
    falls = -np.diff(np.concatenate(nodes, axis=-1), axis=-1)
    falls = -falls if crossbar.drive == "right" else falls
    intact, carried = whole_segments(crossbar, "word"), point.word_currents
    assert np.abs((falls - r_word[:, None] * carried)[:, intact]).max(initial=0) <= 1e-11 * scale
    assert np.abs(carried[:, ~intact]).max(initial=0) <= 1e-10 * largest
    if crossbar.drive == "both":
        right = (r_source + r_word) * point.driver_currents[..., 1]
        assert np.abs(voltages - right - word[..., -1]).max() <= 1e-11 * scale
    ground = (r_sense * point.sensed)[:, None, :]
    nodes = [ground, point.bit_voltages] if crossbar.sense == "top" else [point.bit_voltages, ground]
    falls = -np.diff(np.concatenate(nodes, axis=-2), axis=-2)
    falls = -falls if crossbar.sense == "top" else falls
    intact, carried = whole_segments(crossbar, "bit"), point.bit_currents
    assert np.abs((falls - r_bit * carried)[:, intact]).max(initial=0) <= 1e-11 * scale
    assert np.abs(carried[:, ~intact]).max(initial=0) <= 1e-10 * largest


def whole_segments(crossbar, line):
    intact = np.ones(crossbar.shape, dtype=bool)
    for one in crossbar.breaks:
        intact[one.row, one.column] &= one.line != line
    return intact


AMPLIFIER = Amplifier(r_feedback=1e4, gain=50, offset=2e-3)
TRANSISTOR = Transistor(width_over_length=20)


@pytest.mark.parametrize("parts", [{"amplifier": AMPLIFIER}, {"transistor": TRANSISTOR},
                                   {"amplifier": AMPLIFIER, "transistor": TRANSISTOR}])  # fmt: skip
def test_behind_amplifiers_and_transistors_voltages_add_up_and_energy_is_kept(parts):
    around, rng = Circuitry(**parts), np.random.default_rng(5)
    device = DEVICE.scaled(0.01)
    lines = Crossbar(rows=9, columns=5, r_source=10, r_word=5, r_bit=5, r_sense=10)
    crossbar, device = around.applied(lines, device)
    state, volts = rng.random((9, 5)), rng.uniform(0.0, 0.1, (3, 9))
    seen = around.settled(crossbar, state, device)
    point = seen.operating_point(volts)
    np.testing.assert_allclose(point.sensed + seen.added, seen.currents(volts), rtol=1e-9)
    access = point.access if point.access.size else 0.0
    between = point.word_voltages - point.bit_voltages
    np.testing.assert_allclose(between, point.cell_voltages + access, atol=1e-12)
    np.testing.assert_allclose(sum(point.power.values()), point.delivered, rtol=1e-9)
    assert ("transistors" in point.power) == ("transistor" in parts)
