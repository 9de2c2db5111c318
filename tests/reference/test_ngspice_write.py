"""Whole writes in ngspice against the surrogate: states, disturb and energy.

At the design point, and with the currents of Table 1 as printed, which wires wear down: there
the write collapses in both alike.
"""

import numpy as np
import pytest

from netlists.decks.deck import write_deck
from netlists.decks.probes import ENERGY, MILLIJOULE
from netlists.decks.spice_array import SpiceArray
from netlists.simulation.ngspice import NGSPICE
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.chips.programmable import WiredArray
from roa_circuit.chips.write_verify import Ending, write_verify
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

pytestmark = pytest.mark.ngspice

CURRENT_SCALES = {"design point": 0.01, "Table 1": 1.0}
STATE_LIMIT = 2e-4


def compare(shape, density, ohms, currents):
    """(worst deviation of a state, of the disturb, of the energy, largest change of a state)."""
    rng = np.random.default_rng(sum(shape))
    scale = CURRENT_SCALES[currents]
    device = load_device("zhang2021").scaled(scale)
    terminal = 0.1 / scale  # the design point's 10 Ohm, and the same for cells of 1 mS
    crossbar = Crossbar(
        rows=shape[0], columns=shape[1], r_source=terminal, r_word=ohms, r_bit=ohms, r_sense=terminal
    )
    state = rng.uniform(0.1, 0.9, shape)
    pulses = rng.integers(-2, 4, shape) * (rng.random(shape) < density)
    deck = write_deck(crossbar, state, pulses, device)
    run = NGSPICE.simulate(deck.text, time_limit=1200)
    spice = np.reshape([run.vectors[name][-1] for name in deck.vectors], shape)
    own = write_in_situ(crossbar, state, pulses, device)
    idle = pulses == 0
    energy = MILLIJOULE * run.vectors[ENERGY][-1]
    return (
        np.abs(own.state - spice).max(),
        np.abs(own.state - spice)[idle].max(),
        own.energy / energy - 1,
        np.abs(own.state - state).max(),
    )


@pytest.mark.parametrize(
    ("currents", "ohms"),
    [
        ("design point", 0.0),
        ("design point", 1.0),
        ("Table 1", 0.1),
        ("Table 1", 1.0),
        pytest.param("design point", 0.1, marks=pytest.mark.slow),
        pytest.param("Table 1", 0.0, marks=pytest.mark.slow),
    ],
)
def test_a_write_of_16_rows_is_that_of_ngspice(ohms, currents, record_property):
    check(compare((16, 5), 0.15, ohms, currents), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("currents", CURRENT_SCALES)
@pytest.mark.parametrize("ohms", [0.0, 0.1, 1.0])
def test_a_write_of_64_rows_is_that_of_ngspice(ohms, currents, record_property):
    """Some minutes each."""
    check(compare((64, 5), 0.3, ohms, currents), record_property)


def check(deviations, record_property):
    """Far inside the 5e-3 asked for, so that a slip shows."""
    state, disturb, energy, moved = deviations
    for name, value in zip(("state", "disturb", "energy", "moved"), deviations, strict=True):
        record_property(name, float(value))
    assert state < STATE_LIMIT
    assert disturb < 2e-5
    assert abs(energy) < 1e-3
    assert moved > 0.01


@pytest.mark.parametrize(("currents", "ohms"), [("design point", 30.0), ("Table 1", 3.0)])
def test_access_devices_leave_the_other_rows_alone(currents, ohms):
    rng = np.random.default_rng(3)
    device, shape = load_device("zhang2021").scaled(CURRENT_SCALES[currents]), (6, 4)
    crossbar = Crossbar(
        rows=6, columns=4, r_source=10.0, r_word=ohms, r_bit=ohms, r_sense=10.0, scheme="ideal"
    )
    state = rng.uniform(0.1, 0.9, shape)
    pulses = rng.integers(-2, 4, shape) * (rng.random(shape) < 0.4)
    deck = write_deck(crossbar, state, pulses, device)
    spice = np.reshape(deck.measured(NGSPICE.simulate(deck.text, time_limit=120)), shape)
    own = write_in_situ(crossbar, state, pulses, device).state
    assert np.abs(own - spice).max() < STATE_LIMIT
    assert np.abs(spice - state)[~pulses.any(axis=1)].max(initial=0.0) < 1e-8
    assert np.abs(spice - state).max() > 0.05


def test_write_verify_takes_the_same_rounds_in_both():
    """Reads and writes of every round in ngspice; the surrogate counts the same pulses."""
    rng = np.random.default_rng(1)
    device = load_device("zhang2021").scaled(0.01)
    crossbar = Crossbar(rows=4, columns=3, r_source=10.0, r_word=30.0, r_bit=30.0, r_sense=10.0)
    chip = draw(Imperfections(stuck_off=0.1), crossbar, device, np.random.default_rng(1))
    target = rng.uniform(0.3, 0.7, (4, 3))
    arrays = [make(chip, np.full((4, 3), 0.5), device) for make in (WiredArray, SpiceArray)]
    own, spice = (write_verify(array, target, device, Programming(), tolerance=0.03) for array in arrays)
    assert (own.pulses == spice.pulses).all()
    assert (own.ending == spice.ending).all()
    assert np.abs(arrays[0].state - arrays[1].state).max() < STATE_LIMIT
    assert arrays[0].energy == pytest.approx(arrays[1].energy, rel=1e-3)
    assert (own.ending[~np.isnan(chip.fixed)] == Ending.stuck).all()
