"""Lines of their own resistance, driven and sensed at any end, broken or whole: in ngspice, too."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import broken_crossbars, crossbars

from netlists.decks.deck import sweep_deck, write_deck
from netlists.decks.probes import ENERGY, MILLIJOULE
from netlists.simulation.ngspice import simulate
from netlists.simulation.simulators import Engine
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import SELECT_SCHEMES, Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.read import read_currents

WIRES = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))
SHAPE = (5, 4)


def uneven(**more):
    """Every line its own, one terminal and one line perfect."""
    return Crossbar(
        rows=5,
        columns=4,
        r_source=(10.0, 0.0, 30.0, 5.0, 20.0),
        r_word=(30.0, 20.0, 0.0, 40.0, 10.0),
        r_bit=(20.0, 30.0, 5.0, 15.0),
        r_sense=(10.0, 5.0, 0.0, 25.0),
        **more,
    )


@pytest.mark.ngspice
@settings(max_examples=12)
@given(
    st.one_of(crossbars(most=8, ohms=WIRES), broken_crossbars(most=6, ohms=WIRES)), st.integers(0, 999)
)
def test_any_array_reads_the_same_in_both(crossbar, seed):
    rng = np.random.default_rng(seed)
    state, volts = rng.random(crossbar.shape), rng.uniform(0, 0.1, (3, crossbar.rows))
    device = load_device("zhang2021")
    deck = sweep_deck(crossbar, state, volts, device)
    measured = simulate(deck.text, time_limit=120).matrix(deck.vectors, 3)
    expected = read_currents(crossbar, state, volts, device)
    scale = max(np.abs(expected).max(), 1e-6)
    np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-6 * scale)


@pytest.mark.ngspice
@pytest.mark.parametrize("scheme", SELECT_SCHEMES)
def test_a_write_from_both_sides_is_the_same_in_both(scheme):
    """Wires take a visible part of it: driven from the left alone, cells end elsewhere."""
    rng, device = np.random.default_rng(4), default_device()
    state, pulses = rng.uniform(0.1, 0.9, SHAPE), rng.integers(-2, 4, SHAPE) * (rng.random(SHAPE) < 0.5)
    crossbar = uneven(drive="both", sense="top", scheme=scheme)
    deck = write_deck(crossbar, state, pulses, device)
    run = simulate(deck.text, time_limit=120)
    own = write_in_situ(crossbar, state, pulses, device)
    assert np.abs(own.state - deck.measured(run).reshape(SHAPE)).max() < 2e-4
    if scheme != "ideal":  # its switches take energy, too
        assert own.energy == pytest.approx(MILLIJOULE * run.vectors[ENERGY][-1], rel=1e-3)
    left = write_in_situ(dataclasses.replace(crossbar, drive="left"), state, pulses, device)
    assert np.abs(own.state - left.state).max() > 1e-3


@pytest.mark.vacask
@pytest.mark.parametrize(("drive", "sense"), [("left", "top"), ("right", "bottom"), ("both", "top")])
def test_vacask_reads_them_the_same(drive, sense):
    rng, device = np.random.default_rng(5), load_device("zhang2021")
    breaks = Break(line="word", row=0, column=2), Break(line="word", row=2, column=1)
    crossbar = uneven(drive=drive, sense=sense, breaks=breaks)
    state, volts = rng.random(SHAPE), rng.uniform(0, 0.1, (3, 5))
    deck = sweep_deck(crossbar, state, volts, device, engine=Engine.vacask)
    measured = deck.measured(Engine.vacask.simulator.simulate(deck.text, time_limit=120))
    np.testing.assert_allclose(measured, read_currents(crossbar, state, volts, device), rtol=1e-6)
