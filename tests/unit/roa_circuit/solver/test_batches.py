"""Reads of many drives side by side, against solvers that share no line with them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import crossbars

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import load_device
from roa_circuit.device.polynomials import polynomials
from roa_circuit.solver import batches, compiled, iterative
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.iterative import TOLERANCE
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import read_currents

DEVICE = load_device("zhang2021")
P = DEVICE.memristor
QUICK = 200  # rounds


def draw(crossbar, seed, reads, highest=0.1):
    rng = np.random.default_rng(seed)
    state = rng.random(crossbar.shape)
    return state, conductance(state, 0.05, P), rng.uniform(-highest / 2, highest, (reads, crossbar.rows))


def assert_close(found, expected, tolerance=1e-11):
    largest = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(found - expected) <= tolerance * largest).all()


def linear(network):
    lines = network.lines
    return batches.of_conductances(compiled._ohms(lines), lines.turn(network.conductances))


def read(batch, network, voltages):
    """The currents, or None where that takes very long."""
    return compiled._read(batch, network.lines, voltages, TOLERANCE, QUICK)


def expected_of_cells(network, state, voltages, p):
    e = np.broadcast_to(voltages[:, :, None], (len(voltages), *state.shape))
    return iterative.solve_cells(network, state, e, p, None, TOLERANCE).currents.sum(axis=1)


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(crossbars(most=14), st.integers(0, 2**31), st.integers(1, 17))
def test_linear_reads_agree_with_elimination(crossbar, seed, reads):
    _, g, voltages = draw(crossbar, seed, reads)
    network = LinearNetwork(crossbar, g)
    found = read(linear(network), network, voltages)
    if found is not None:
        assert_close(found, network.currents(voltages))


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(crossbars(most=14), st.integers(0, 2**31), st.sampled_from([0.1, 0.5]))
def test_exact_reads_agree_with_numpy(crossbar, seed, highest):
    state, g, voltages = draw(crossbar, seed, 9, highest)
    network = LinearNetwork(crossbar, g)
    c = network.lines.turn(polynomials(state, P, 1.5 * highest))
    found = read(
        batches.of_cells(compiled._ohms(network.lines), c, -highest / 2, highest), network, voltages
    )
    if found is not None:
        assert_close(found, expected_of_cells(network, state, voltages, P))


@pytest.mark.parametrize(("bound", "rate"), [(0.05, 0.05), (0.5, 0.1715728752538099), (0.99, 9 / 11)])
def test_so_many_rounds_bring_an_error_to_its_tolerance(bound, rate):
    """Plain where a round leaves a tenth, else by Chebyshev's rate; what all later ones would add."""
    batch = batches.Batch(ohms=(), factors=np.zeros(0), coefficients=np.zeros(0), bound=bound)
    assert batch.rate == pytest.approx(rate, rel=1e-12)
    rounds = batch.rounds(1e-10) - 2
    assert rate**rounds / (1 - rate) == pytest.approx(1e-10, rel=1e-9)


def test_bent_cells_leave_the_larger_root_of_how_word_and_bit_lines_err():
    """Of lambda^2 - (left (1 + bend) + bend (words + bits)) lambda - left bend, left = words bits.

    The parts are measured on cells without a bend, in lines of one kind at a time.
    """
    crossbar = Crossbar(rows=4, columns=3, r_source=5.0, r_sense=5.0)
    ohms = compiled._ohms(LinearNetwork(crossbar, np.full((4, 3), 1e-3)).lines)
    g, low, high = np.full((4, 3), 1e-3), -0.05, 0.1
    words, bits = 1 - 1 / (1 + 5 * 3e-3), 1 - 1 / (1 + 5 * 4e-3)
    left = batches.of_conductances(ohms, g).bound
    assert left == pytest.approx(words * bits, rel=1e-9)
    c = np.stack([g, 2e-3 * np.ones_like(g)])  # i = u (g + h u) has the slope g + 2 h u
    ends = 1e-3 + 2 * 2e-3 * np.array([low, high])
    slope, bend = ends.mean(), (ends[1] - ends[0]) / ends.sum()
    words, bits = 1 - 1 / (1 + 15 * slope), 1 - 1 / (1 + 20 * slope)
    left = words * bits
    root = max(np.roots([1.0, -(left * (1 + bend) + bend * (words + bits)), -left * bend]))
    assert batches.of_cells(ohms, c, low, high).bound == pytest.approx(root, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(crossbars(most=10), st.integers(0, 2**31))
def test_no_round_leaves_more_than_said(crossbar, seed):
    """The spectral radius of word lines' answers to bit lines' answers, from dense matrices."""
    _, g, _ = draw(crossbar, seed, 1)
    network = LinearNetwork(crossbar, g)
    units = np.eye(g.size).reshape(g.size, *network.lines.shape)
    s, both = network.lines.turn(g).ravel(), np.eye(g.size)
    for drops in network.lines.drops(*network.lines.currents(units)):
        Zs = drops.reshape(g.size, g.size) * s
        both = both @ np.linalg.solve(np.eye(g.size) + Zs, Zs)
    assert np.abs(np.linalg.eigvals(both)).max() <= linear(network).bound * (1 + 1e-9) + 1e-12


@pytest.mark.long
@pytest.mark.parametrize("shape", [(1, 1500), (1500, 1), (9, 130), (66, 66)])
@pytest.mark.parametrize("ohms", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("exact", [True, False])
def test_every_shape_and_stiffness_is_read(shape, ohms, exact):
    device = DEVICE.scaled(0.02)
    crossbar = Crossbar(
        rows=shape[0], columns=shape[1], r_source=ohms, r_word=ohms, r_bit=ohms, r_sense=ohms
    )
    state, _, voltages = draw(crossbar, 5, 3)
    network = LinearNetwork(crossbar, conductance(state, 0.05, device.memristor))
    found = read_currents(crossbar, state, voltages, device, exact=exact)
    if exact:
        assert_close(found, expected_of_cells(network, state, voltages, device.memristor))
    else:
        assert_close(found, network.currents(voltages))


def test_a_drive_counts_by_its_own_largest_current():
    crossbar = Crossbar(rows=12, columns=9, r_source=5, r_word=2, r_bit=1, r_sense=5)
    _, g, voltages = draw(crossbar, 3, 8)
    voltages[1] *= 1e-9
    voltages[2] = 0.0
    network = LinearNetwork(crossbar, g)
    found = read(linear(network), network, voltages)
    assert_close(found, network.currents(voltages))
    assert not found[2].any()


def test_lines_that_only_pass_errors_on_are_left_to_others():
    crossbar = Crossbar(rows=300, columns=300, r_word=1e5, r_bit=1e5)
    _, g, _ = draw(crossbar, 3, 1)
    assert linear(LinearNetwork(crossbar, g)).rounds(TOLERANCE) > QUICK


def test_cells_that_conduct_nothing_are_no_obstacle():
    crossbar = Crossbar(rows=12, columns=9, r_source=5, r_word=2, r_bit=1, r_sense=5)
    state, g, voltages = draw(crossbar, 3, 3)
    conducting = np.ones(crossbar.shape)
    conducting[3], conducting[:, 2], conducting[5, 5] = 0.0, 0.0, 0.0
    network = LinearNetwork(crossbar, g)
    c = polynomials(state, P, 0.15) * conducting
    found = read(batches.of_cells(compiled._ohms(network.lines), c, -0.05, 0.1), network, voltages)
    p = dataclasses.replace(P, current_scale=np.maximum(conducting, 1e-30))
    open_cells = dataclasses.replace(DEVICE, memristor=p)
    assert_close(found, read_currents_dense(crossbar, state, voltages, open_cells), 1e-9)
    assert not found[:, 2].any()
