"""The compiled solver against the numpy one, which shares no line with it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import crossbars

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance, current, differential_conductance
from roa_circuit.device.parameters import load_device
from roa_circuit.device.polynomials import _curve, polynomials
from roa_circuit.solver import compiled, iterative
from roa_circuit.solver.iterative import TOLERANCE
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import weights_of

DEVICE = load_device("zhang2021")
P = DEVICE.memristor


def problem(crossbar, seed, span):
    rng = np.random.default_rng(seed)
    state = rng.random(crossbar.shape)
    e = rng.uniform(-span, span, (3, crossbar.rows, 1)) - rng.uniform(0, span, (3, 1, crossbar.columns))
    return state, e, LinearNetwork(crossbar, conductance(state, DEVICE.pulses.read_voltage, P))


def assert_close(found, expected, tolerance=1e-10):
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(crossbars(most=14), st.integers(0, 2**31), st.sampled_from([0.1, 1.4]))
def test_cells_agree_with_numpy(crossbar, seed, span):
    state, e, network = problem(crossbar, seed, span)
    found = compiled.solve_cells(network, state, e, P, TOLERANCE)
    expected = iterative.solve_cells(network, state, e, P, None, TOLERANCE)
    assert_close(found.voltages, expected.voltages)
    assert_close(found.currents, expected.currents)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(crossbars(most=14), st.integers(0, 2**31), st.booleans())
def test_conductances_agree_with_numpy(crossbar, seed, each_its_own):
    state, e, network = problem(crossbar, seed, 0.1)
    g = differential_conductance(state, e, P) if each_its_own else network.conductances
    found = compiled.solve_linear(network.lines, g, e, TOLERANCE)
    expected = iterative.solve_linear(network, np.broadcast_to(g, e.shape), e, 1e-13)
    assert_close(found, expected)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(crossbars(most=14, ohms=st.one_of(st.just(0.0), st.floats(1e-2, 3e3))), st.integers(0, 2**31))
def test_weights_agree_with_elimination(crossbar, seed):
    _, _, network = problem(crossbar, seed, 0.1)
    found = compiled.effective_weights(network.lines, network.conductances, TOLERANCE)
    if found is not None:
        np.testing.assert_allclose(found, network.swept_weights(), rtol=1e-10)


def test_weights_that_reads_do_not_know_well_are_left_to_elimination():
    state = np.random.default_rng(0).random((12, 5))
    network = LinearNetwork(
        Crossbar(rows=12, columns=5, r_bit=2e4, sense="top"), conductance(state, 0.05, P)
    )
    assert compiled.effective_weights(network.lines, network.conductances, TOLERANCE) is None
    assert (weights_of(network) > 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (130, 9), (9, 130), (66, 66)])
@pytest.mark.parametrize("ohms", [0.0, 1.0, 100.0])
def test_every_shape_and_stiffness_is_solved(shape, ohms):
    crossbar = Crossbar(
        rows=shape[0], columns=shape[1], r_source=ohms, r_word=ohms, r_bit=ohms, r_sense=ohms
    )
    state, e, network = problem(crossbar, 5, 0.1)
    found = compiled.solve_cells(network, state, e, P, TOLERANCE)
    assert_close(found.currents, current(state, found.voltages, P), 1e-11)
    residual = e - found.voltages - network.line_drops(found.currents)
    assert np.abs(residual).max() <= 1e-10 * np.abs(e).max()


def test_constants_may_differ_from_cell_to_cell():
    crossbar = Crossbar(rows=6, columns=9, r_source=5, r_word=20, r_bit=1, r_sense=5)
    state, e, network = problem(crossbar, 2, 0.2)
    rng = np.random.default_rng(8)
    p = dataclasses.replace(P, gamma=P.gamma * rng.uniform(0.5, 2, crossbar.shape))
    found = compiled.solve_cells(network, state, e, p, TOLERANCE)
    expected = iterative.solve_cells(network, state, e, p, None, TOLERANCE)
    assert_close(found.voltages, expected.voltages)
    assert_close(found.currents, expected.currents)


@pytest.mark.parametrize("largest", [1e-3, 0.1, 1.4, 3.8])
def test_polynomials_are_the_model_to_the_last_digits(largest):
    state = np.array([[0.0, 0.3, 1.0]])
    u = np.linspace(-largest, largest, 101)[:, None, None]
    c = polynomials(state, P, largest)
    assert c.shape[1:] == state.shape
    fitted = u * np.polynomial.polynomial.polyval(u, c[:, None], tensor=False)
    assert_close(fitted, current(state, u, P), 1e-12)


@pytest.mark.parametrize(("delta", "beta"), [(0.2, 4.0), (4.0, 0.2)])
def test_branches_of_unlike_steepness_keep_all_coefficients_of_the_longer_one(delta, beta):
    state, own = np.array([[0.0, 0.3, 1.0]]), dataclasses.replace(P, delta=delta, beta=beta)
    u = np.linspace(-0.5, 0.5, 101)[:, None, None]
    c = polynomials(state, own, 0.5)
    fitted = u * np.polynomial.polynomial.polyval(u, c[:, None], tensor=False)
    assert_close(fitted, current(state, u, own), 1e-12)
    one = [polynomials(state, dataclasses.replace(P, delta=x, beta=x), 0.5) for x in (delta, beta)]
    assert len(c) == max(map(len, one)) > min(map(len, one))


def test_chips_share_the_curves_that_their_constants_stretch():
    """Each once asked the model anew at every solve: a write of 64 x 64 cells took minutes."""
    rng, state = np.random.default_rng(1), np.full((5, 4), 0.3)
    before = _curve.cache_info().misses
    for _ in range(50):
        delta, beta = P.delta * rng.uniform(0.9, 1.1, (2, 5, 4))
        own = dataclasses.replace(P, delta=delta, beta=beta)
        u = rng.uniform(-1.4, 1.4, state.shape)
        fitted = u * np.polynomial.polynomial.polyval(u, polynomials(state, own, 1.4), tensor=False)
        assert_close(fitted, current(state, u, own), 1e-12)
    assert _curve.cache_info().misses - before <= 8


def test_no_drive_is_no_current():
    crossbar = Crossbar(rows=5, columns=3, r_source=1, r_word=1, r_bit=1, r_sense=1)
    state, e, network = problem(crossbar, 1, 0.1)
    e[0] = 0.0
    found = compiled.solve_cells(network, state, e, P, TOLERANCE)
    assert not found.currents[0].any()
    assert found.currents[1].any()
    assert not compiled.solve_linear(network.lines, network.conductances, 0 * e, TOLERANCE).any()


def test_cells_that_fit_their_slopes_do_not_end_a_loose_linear_solve():
    r_sense = (0.0, 0.0, 0.0, 0.0, 2720.0, 0.0)
    crossbar = Crossbar(rows=8, columns=6, r_source=2130.0, r_sense=r_sense, drive="both")
    state, e, network = problem(crossbar, 163, 1.4)
    found = compiled.solve_cells(network, state, e, P, TOLERANCE)
    expected = iterative.solve_cells(network, state, e, P, None, TOLERANCE)
    assert_close(found.voltages, expected.voltages)
