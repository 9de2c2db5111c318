"""The write through the wires."""

import dataclasses

import numpy as np
import pytest

from roa_circuit.crossbar import Crossbar
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.errors import InputError
from roa_circuit.in_situ import write_in_situ
from roa_circuit.programming import after_pulses
from roa_circuit.waveforms import line_voltages, write_programme

DEVICE = default_device()


def draw_write(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 0.8, (rows, columns)), rng.integers(-2, 3, (rows, columns))


def test_the_programme_gives_every_cell_its_pulses():
    _, pulses = draw_write(7, 4)
    applied = np.zeros_like(pulses)
    for pulse in write_programme(pulses, DEVICE):
        applied[pulse.row] += pulse.selected * (1 if pulse.voltage < 0 else -1)
    assert (applied == pulses).all()


@pytest.mark.parametrize(("scheme", "worst"), [("V/2", 1 / 2), ("V/3", 1 / 3)])
def test_unselected_cells_see_no_more_than_the_scheme_allows(scheme, worst):
    crossbar = Crossbar(rows=4, columns=3, scheme=scheme)
    pulses = np.zeros((4, 3), dtype=int)
    pulses[1, 2] = 1
    (pulse,) = write_programme(pulses, DEVICE)
    words, bits = line_voltages(pulse, crossbar)
    seen = words[:, None] - bits[None, :]
    assert seen[1, 2] == pytest.approx(pulse.voltage)
    seen[1, 2] = 0
    assert np.abs(seen).max() == pytest.approx(abs(pulse.voltage) * worst)


def test_without_wires_only_edges_and_half_select_differ_from_the_closed_form():
    state, pulses = draw_write(6, 4)
    outcome = write_in_situ(Crossbar(rows=6, columns=4), state, pulses, DEVICE)
    assert outcome.state == pytest.approx(after_pulses(state, pulses, DEVICE), abs=1e-3)
    assert outcome.pulses == len(list(write_programme(pulses, DEVICE)))
    assert outcome.energy > 0


def test_wires_weaken_the_far_corner_most():
    state, pulses = np.full((16, 8), 0.5), np.ones((16, 8), dtype=int)
    crossbar = dataclasses.replace(default_crossbar(16, 8), r_word=20.0, r_bit=20.0)
    moved = write_in_situ(crossbar, state, pulses, DEVICE).state - state
    assert moved.min() == pytest.approx(moved[0, -1])
    assert moved.max() == pytest.approx(moved[-1, 0])


def test_no_pulses_leave_the_states_alone():
    state, _ = draw_write(3, 3)
    outcome = write_in_situ(default_crossbar(3, 3), state, np.zeros((3, 3), dtype=int), DEVICE)
    assert (outcome.state == state).all()
    assert outcome.duration == 0


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="pulses has shape"):
        write_in_situ(default_crossbar(3, 3), np.zeros((3, 3)), np.zeros((3, 2), dtype=int), DEVICE)
