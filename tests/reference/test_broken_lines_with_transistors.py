"""1T1R arrays with a broken line: the part that floats behind closed transistors stops no simulator."""

import dataclasses

import numpy as np
import pytest

from netlists.decks.deck import write_deck
from netlists.simulation.simulators import Engine
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.design_point import default_crossbar, default_device


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(Engine.ngspice, marks=pytest.mark.ngspice),
        pytest.param(Engine.vacask, marks=pytest.mark.vacask),
    ],
)
def test_a_write_behind_a_word_line_without_its_driver(engine):
    """Cells of the line stay but for a trace; all others are written as in a whole array."""
    circuitry = Circuitry(transistor=Transistor())
    whole, device = circuitry.applied(default_crossbar(3, 2), default_device())
    state, pulses = np.full((3, 2), 0.5), np.array([[2, 0], [0, -1], [1, 0]])
    broken = dataclasses.replace(whole, breaks=(Break(line="word", row=1, column=0),))

    def written(crossbar):
        deck = write_deck(crossbar, state, pulses, device, circuitry=circuitry, engine=engine)
        return deck.measured(deck.run(name="write", time_limit=120))[0].reshape(3, 2)

    after, expected = written(broken), written(whole)
    assert after[[0, 2]] == pytest.approx(expected[[0, 2]], abs=1e-4)
    assert after[1] == pytest.approx(0.5, abs=1e-3)
    assert abs(expected[1, 1] - 0.5) > 0.04
