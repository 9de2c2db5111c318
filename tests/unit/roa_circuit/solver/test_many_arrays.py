"""Many arrays at once against each of them alone."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import broken_crossbars, crossbars

from meta.circuits.circuit import read_currents as read_in_torch
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.many_arrays import read_arrays
from roa_circuit.solver.read import read_currents

DEVICE = load_device("zhang2021")
WIRES = st.one_of(st.just(0.0), st.floats(1e-2, 1e3))
arrays = st.one_of(crossbars(most=8, ohms=WIRES), broken_crossbars(most=5, ohms=WIRES))


@pytest.mark.long
@settings(max_examples=40)
@given(arrays, st.integers(0, 2**31), st.booleans(), st.sampled_from([1, 9, 200]))
def test_each_reads_as_it_would_alone(crossbar, seed, exact, reads):
    rng = np.random.default_rng(seed)
    states, volts = rng.random((3, *crossbar.shape)), rng.uniform(0, 0.1, (3, reads, crossbar.rows))
    gamma = DEVICE.memristor.gamma * rng.lognormal(0, 0.3, states.shape)
    found = read_arrays(crossbar, states, volts, with_gamma(gamma), exact=exact)
    alone = [
        read_currents(crossbar, *one, with_gamma(own), exact=exact)
        for *one, own in zip(states, volts, gamma, strict=True)
    ]
    scale = max(np.abs(alone).max(), 1e-6)
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-10 * scale)


def with_gamma(gamma):
    return dataclasses.replace(DEVICE, memristor=dataclasses.replace(DEVICE.memristor, gamma=gamma))


def test_leading_dimensions_are_matched():
    crossbar, rng = Crossbar(rows=3, columns=2, r_word=20.0), np.random.default_rng(0)
    states, volts = rng.random((4, 1, 3, 2)), rng.random((5, 6, 3)) * 0.1
    found = read_arrays(crossbar, states, volts, DEVICE)
    assert found.shape == (4, 5, 6, 2)
    alone = read_currents(crossbar, states[2, 0], volts[3], DEVICE)
    np.testing.assert_allclose(found[2, 3], alone, rtol=1e-10)
    assert read_arrays(crossbar, states[0, 0], volts[0], DEVICE).shape == (6, 2)
    assert read_arrays(crossbar, states[:0], volts[0], DEVICE).shape == (0, 1, 6, 2)


def test_large_arrays_are_read_too():
    crossbar, rng = Crossbar(rows=40, columns=30, r_word=5.0, drive="both"), np.random.default_rng(1)
    states, volts = rng.random((2, 40, 30)), rng.random((3, 40)) * 0.1
    for exact in (True, False):
        found = read_arrays(crossbar, states, volts, DEVICE, exact=exact)
        for one, state in zip(found, states, strict=True):
            expected = read_currents(crossbar, state, volts, DEVICE, exact=exact)
            np.testing.assert_allclose(one, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("states", "volts", "complaint"),
    [
        (
            np.zeros((3, 4, 2)),
            np.zeros((2, 1, 4)),
            r"do not match: state \(3, 4, 2\), voltages \(2, 1, 4\)",
        ),
        (np.zeros((3, 2, 4)), np.zeros((1, 4)), "states have shape"),
        (np.full((3, 4, 2), 2.0), np.zeros((1, 4)), "states must lie"),
    ],
)
def test_unusable_batches_are_refused(states, volts, complaint):
    with pytest.raises(InputError, match=complaint):
        read_arrays(Crossbar(rows=4, columns=2), states, volts, DEVICE)


@pytest.mark.long
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("shared", ["nothing", "state", "voltages"])
def test_torch_reads_many_and_differentiates_each(exact, shared):
    crossbar = Crossbar(
        rows=3, columns=2, r_word=(20.0, 0.0, 50.0), r_bit=30.0, drive="both", sense="top"
    )
    rng = np.random.default_rng(2)
    state = rng.uniform(0.2, 0.8, (3, 2) if shared == "state" else (2, 3, 2))
    volts = rng.uniform(0.02, 0.1, (2, 3) if shared == "voltages" else (2, 2, 3))
    state, volts = (torch.tensor(values, requires_grad=True) for values in (state, volts))

    def milliamperes(state, volts):
        return 1e3 * read_in_torch(crossbar, state, volts, DEVICE, exact=exact)

    expected = read_arrays(crossbar, state.detach().numpy(), volts.detach().numpy(), DEVICE, exact=exact)
    np.testing.assert_allclose(milliamperes(state, volts).detach().numpy(), 1e3 * expected, rtol=1e-10)
    assert torch.autograd.gradcheck(milliamperes, (state, volts), eps=1e-5, atol=1e-9, rtol=1e-6)
    assert torch.autograd.gradgradcheck(milliamperes, (state, volts), eps=1e-5, atol=1e-7, rtol=1e-6)
