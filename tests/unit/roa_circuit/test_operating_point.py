"""Kirchhoff's and Joule's laws at every node, segment and resistor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roa_circuit.breaks import Break
from roa_circuit.crossbar import Crossbar
from roa_circuit.errors import InputError
from roa_circuit.operating_point import operating_point
from roa_circuit.parameters import load_device
from roa_circuit.solver import read_currents

DEVICE = load_device("zhang2021")

resistance = st.one_of(st.just(0.0), st.floats(1e-2, 1e3))
crossbars = st.builds(
    Crossbar,
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    r_source=resistance,
    r_word=resistance,
    r_bit=resistance,
    r_sense=resistance,
)


def solved(crossbar, seed, exact):
    rng = np.random.default_rng(seed)
    state, voltages = rng.random(crossbar.shape), rng.uniform(0.01, 0.1, (2, crossbar.rows))
    return operating_point(crossbar, state, voltages, DEVICE, exact=exact), state, voltages


@settings(max_examples=50, deadline=None)
@given(crossbars, st.integers(0, 2**31), st.booleans())
def test_the_cells_see_the_difference_of_their_nodes(crossbar, seed, exact):
    point, state, voltages = solved(crossbar, seed, exact)
    difference = point.word_voltages - point.bit_voltages
    assert np.abs(difference - point.cell_voltages).max() <= 1e-11 * voltages.max()
    sensed = read_currents(crossbar, state, voltages, DEVICE, exact=exact)
    assert np.abs(point.sensed - sensed).max() <= 1e-11 * sensed.max()


@settings(max_examples=50, deadline=None)
@given(crossbars, st.integers(0, 2**31), st.booleans())
def test_what_the_drives_deliver_is_dissipated(crossbar, seed, exact):
    point, _, _ = solved(crossbar, seed, exact)
    assert sum(point.power.values()) == pytest.approx(point.delivered, rel=1e-9)
    assert all((part >= 0).all() for part in point.power.values())


def test_one_cell_by_hand():
    crossbar = Crossbar(rows=1, columns=1, r_source=10, r_word=20, r_bit=30, r_sense=40)
    point, _, voltages = solved(crossbar, 3, False)
    i = point.sensed[:, 0]
    assert point.word_voltages[:, 0, 0] == pytest.approx(voltages[:, 0] - 30 * i)
    assert point.bit_voltages[:, 0, 0] == pytest.approx(70 * i)
    assert point.power["sense"] == pytest.approx(40 * i**2)


def test_open_segments_are_refused():
    crossbar = Crossbar(rows=2, columns=2, breaks=(Break(line="word", row=0, column=1),))
    with pytest.raises(InputError, match="open segments"):
        operating_point(crossbar, np.full((2, 2), 0.5), np.ones((1, 2)), DEVICE)
