"""Effective weights kept as an object: what they read, and what an update makes of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import broken_crossbars, crossbars

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import load_device
from roa_circuit.solver import weights
from roa_circuit.solver.read import read_currents
from roa_circuit.solver.weights import EffectiveWeights

DEVICE = load_device("zhang2021")
WIRES = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@pytest.mark.long
@settings(max_examples=60)
@given(st.one_of(crossbars(ohms=WIRES), broken_crossbars(ohms=WIRES)), st.integers(0, 2**31))
def test_an_update_is_as_good_as_working_them_out_anew(crossbar, seed):
    """Cells go from one end of their range to the other, and others back."""
    rng = np.random.default_rng(seed)
    state = rng.choice([0.0, 1.0, rng.random()], crossbar.shape)
    count = int(rng.integers(1, state.size + 1))
    later = state.copy()
    later.flat[rng.choice(state.size, count, replace=False)] = rng.choice([0.0, 1.0, 0.4], count)
    before = EffectiveWeights.of(crossbar, state, DEVICE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(weights, "_SMALL", 0)
        patched.setattr(weights, "_FEW", state.size)
        found = before.updated(later)
    expected = EffectiveWeights.of(crossbar, later, DEVICE)
    assert (found.state == later).all()
    scale = max(expected.matrix.max(), 1e-6)
    np.testing.assert_allclose(found.matrix, expected.matrix, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(before.matrix, EffectiveWeights.of(crossbar, state, DEVICE).matrix)


def test_a_chain_of_updates_stays_exact_and_reads_like_the_solver():
    crossbar = Crossbar(
        rows=40,
        columns=30,
        r_source=10.0,
        r_word=np.linspace(1, 5, 40),
        r_bit=2.0,
        drive="both",
        breaks=(Break(line="word", row=3, column=9),),
    )
    rng = np.random.default_rng(0)
    state = rng.random(crossbar.shape)
    kept = EffectiveWeights.of(crossbar, state, DEVICE)
    for _ in range(20):
        state = state.copy()
        state[rng.integers(40, size=3), rng.integers(30, size=3)] = rng.random(3)
        kept = kept.updated(state)
    volts = rng.uniform(0, 0.1, (6, 40))
    expected = read_currents(crossbar, state, volts, DEVICE, exact=False)
    np.testing.assert_allclose(kept.read(volts), expected, rtol=1e-9)


def test_what_has_not_changed_is_not_worked_out_again():
    kept = EffectiveWeights.of(Crossbar(rows=3, columns=2, r_bit=5.0), np.full((3, 2), 0.5), DEVICE)
    assert kept.updated(kept.state.copy()) is kept
    with pytest.raises(InputError, match="states have shape"):
        kept.updated(np.zeros((2, 3)))
