"""Broken lines against the dense twin, and in the limits where the answer is known."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import broken_crossbars

from meta.circuits.circuit import read_currents as read_in_torch
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.waveforms import line_voltages, write_programme
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import after_pulses
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import effective_weights, read_currents

TABLE_1 = load_device("zhang2021")
OHMS = st.sampled_from([0.0, 1e-3, 1.0, 10.0, 1e3])


@pytest.mark.long
@settings(max_examples=60)
@given(crossbar=broken_crossbars(ohms=OHMS), seed=st.integers(0, 2**32 - 1), exact=st.booleans())
def test_against_the_dense_twin(crossbar, seed, exact):
    rng = np.random.default_rng(seed)
    state, volts = rng.random(crossbar.shape), rng.uniform(-0.1, 0.1, (3, crossbar.rows))
    expected = read_currents_dense(crossbar, state, volts, TABLE_1, exact=exact)
    currents = read_currents(crossbar, state, volts, TABLE_1, exact=exact)
    scale = max(np.abs(expected).max(), 1e-6)
    np.testing.assert_allclose(currents, expected, rtol=0, atol=1e-9 * scale)
    if not exact:
        weights = effective_weights(crossbar, state, TABLE_1)
        np.testing.assert_allclose(volts @ weights, currents, rtol=0, atol=1e-11 * scale)


def test_a_bit_line_without_readout_senses_nothing_and_lends_its_cells_to_sneak_paths():
    state, volts = np.full((3, 2), 0.5), np.array([[0.1, 0.0, 0.0]])
    whole = {"rows": 3, "columns": 2, "r_source": 100.0, "r_sense": 50.0}
    broken = Crossbar(**whole, breaks=(Break(line="bit", row=2, column=0),))
    sensed = read_currents(broken, state, volts, TABLE_1)[0]
    assert abs(sensed[0]) < 1e-15
    without = read_currents(Crossbar(**{**whole, "columns": 1}), state[:, :1], volts, TABLE_1)[0, 0]
    assert sensed[1] == pytest.approx(without, rel=0.05)
    assert sensed[1] > 1.0005 * without


def test_a_word_line_without_driver_floats_to_where_it_takes_no_current():
    """On perfect wires the floating line sits at the sensed ground: as if its input were 0."""
    state = np.random.default_rng(0).random((4, 3))
    volts = np.random.default_rng(1).random((2, 4))
    crossbar = Crossbar(rows=4, columns=3, breaks=(Break(line="word", row=2, column=0),))
    grounded = np.where(np.arange(4) == 2, 0.0, volts)
    expected = current(state, grounded[:, :, None], TABLE_1.memristor).sum(axis=1)
    np.testing.assert_allclose(read_currents(crossbar, state, volts, TABLE_1), expected, rtol=1e-10)


def test_pieces_of_line_that_touch_nothing_carry_nothing():
    everywhere = tuple(Break(line=line, row=0, column=0) for line in ("word", "bit"))
    crossbar = Crossbar(rows=1, columns=1, r_word=1.0, breaks=everywhere)
    currents = read_currents(crossbar, np.array([[0.5]]), np.array([[0.1]]), TABLE_1)
    assert abs(currents[0, 0]) < 1e-15


def test_cells_behind_a_break_are_not_written():
    crossbar = Crossbar(
        rows=3, columns=3, r_word=1.0, r_bit=1.0, breaks=(Break(line="word", row=1, column=1),)
    )
    state, pulses = np.full((3, 3), 0.5), np.zeros((3, 3), dtype=np.int64)
    pulses[1] = 2
    written = write_in_situ(crossbar, state, pulses, default_device()).state
    assert written[1, 0] == pytest.approx(after_pulses(0.5, 2, default_device()), abs=5e-3)
    assert np.abs(written[1, 1:] - 0.5).max() < 0.01


@pytest.mark.long
def test_gradients_flow_round_the_breaks():
    crossbar = Crossbar(
        rows=3, columns=2, r_word=50.0, r_bit=20.0, breaks=(Break(line="word", row=1, column=1),)
    )
    rng = np.random.default_rng(3)
    state = torch.from_numpy(rng.uniform(0.2, 0.8, (3, 2))).requires_grad_()
    volts = torch.from_numpy(rng.random((2, 3)) * 0.1).requires_grad_()
    currents = read_in_torch(crossbar, state, volts, TABLE_1)
    expected = read_currents(crossbar, state.detach().numpy(), volts.detach().numpy(), TABLE_1)
    np.testing.assert_allclose(currents.detach().numpy(), expected, rtol=1e-9)

    def milliamperes(*tensors):
        return 1e3 * read_in_torch(crossbar, *tensors, TABLE_1)

    assert torch.autograd.gradcheck(milliamperes, (state, volts), atol=1e-8, rtol=1e-6)


def test_write_gains_scale_the_lines_own_drives():
    nominal = Crossbar(rows=2, columns=3, scheme="V/3")
    uneven = Crossbar(rows=2, columns=3, scheme="V/3", word_gain=(1.01, 0.98), bit_gain=(1.0, 1.02, 0.9))
    pulse = next(iter(write_programme(np.array([[1, 0, 2], [0, 0, 0]]), TABLE_1)))
    for plain, scaled, gain in zip(
        line_voltages(pulse, nominal),
        line_voltages(pulse, uneven),
        ((1.01, 0.98), (1.0, 1.02, 0.9)),
        strict=True,
    ):
        np.testing.assert_allclose(scaled, plain * np.array(gain), rtol=1e-15)


def test_a_faulty_crossbar_survives_json():
    crossbar = Crossbar(
        rows=2, columns=2, breaks=(Break(line="bit", row=1, column=0),), word_gain=(1.0, 0.9)
    )
    assert Crossbar.from_dict(json.loads(json.dumps(crossbar.to_dict()))) == crossbar
    assert Crossbar(rows=2, columns=2).to_dict().keys().isdisjoint({"breaks", "word_gain", "bit_gain"})


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"breaks": (Break(line="bit", row=2, column=0),)}, "outside the array of 2 x 2"),
        ({"word_gain": (1.0,)}, "word_gain must be 2 finite numbers"),
        ({"bit_gain": (1.0, np.inf)}, "bit_gain must be 2 finite numbers"),
    ],
)
def test_faults_must_fit_the_array(fault, complaint):
    with pytest.raises(InputError, match=complaint):
        Crossbar(rows=2, columns=2, **fault)
    with pytest.raises(InputError, match="did you mean 'word'"):
        Break(line="wrd", row=0, column=0)
