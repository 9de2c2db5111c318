"""The differentiable read: values of the solver, gradients of finite differences."""

import dataclasses

import numpy as np
import pytest
import torch

from meta.circuits.circuit import _by_lines, _pulled_back, effective_weights, read_currents
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import load_device
from roa_circuit.solver import read as solver

TABLE_1 = load_device("zhang2021")  # literal cells: the wires matter
CIRCUITS = [
    Crossbar(rows=3, columns=2, r_source=10.0, r_word=20.0, r_bit=30.0, r_sense=40.0),
    Crossbar(rows=2, columns=4, r_word=100.0),
    Crossbar(rows=2, columns=2),
    Crossbar(
        rows=3,
        columns=2,
        r_source=(10.0, 0.0, 50.0),
        r_word=(20.0, 90.0, 0.0),
        r_bit=(30.0, 10.0),
        r_sense=(0.0, 40.0),
        drive="both",
        sense="top",
    ),
]


def a_read(crossbar, scale=1.0):
    rng = np.random.default_rng(0)
    state = torch.tensor(rng.uniform(0.2, 0.8, crossbar.shape), requires_grad=True)
    volts = torch.tensor(scale * rng.uniform(0.02, 0.1, (2, crossbar.rows)), requires_grad=True)
    return state, volts


@pytest.mark.parametrize("crossbar", CIRCUITS)
@pytest.mark.parametrize("exact", [True, False])
def test_values_are_the_solvers(crossbar, exact):
    state, volts = a_read(crossbar)
    ours = read_currents(crossbar, state, volts, TABLE_1, exact=exact).detach().numpy()
    arrays = state.detach().numpy(), volts.detach().numpy()
    assert ours == pytest.approx(
        solver.read_currents(crossbar, *arrays, TABLE_1, exact=exact), rel=1e-11
    )


@pytest.mark.long
@pytest.mark.parametrize("crossbar", CIRCUITS)
@pytest.mark.parametrize(("exact", "scale"), [(True, 1.0), (True, 10.0), (False, 1.0)])
def test_first_and_second_derivatives_are_finite_differences(crossbar, exact, scale):
    """At ten times the voltage Eq. 2 bends enough for its second derivative to show."""

    def milliamperes(state, volts):
        return 1e3 * read_currents(crossbar, state, volts, TABLE_1, exact=exact)

    inputs = a_read(crossbar, scale)
    assert torch.autograd.gradcheck(milliamperes, inputs, eps=1e-5, atol=1e-9, rtol=1e-6)
    assert torch.autograd.gradgradcheck(milliamperes, inputs, eps=1e-5, atol=1e-7, rtol=1e-6)


def test_single_precision_in_single_precision_out():
    state, volts = a_read(CIRCUITS[0])
    result = read_currents(CIRCUITS[0], state.float(), volts.float(), TABLE_1)
    assert result.dtype == torch.float32
    assert torch.allclose(result.double(), read_currents(CIRCUITS[0], state, volts, TABLE_1), rtol=1e-6)


@pytest.mark.parametrize(
    "crossbar",
    [*CIRCUITS, dataclasses.replace(CIRCUITS[0], breaks=(Break(line="bit", row=1, column=0),))],
)
def test_derivatives_of_effective_weights_are_finite_differences(crossbar):
    g = torch.tensor(1e-3 * np.random.default_rng(0).uniform(0.8, 1.5, crossbar.shape))

    def millisiemens(g):
        return 1e3 * effective_weights(crossbar, 1e-3 * g)

    millis = (1e3 * g).requires_grad_()
    rows = np.eye(crossbar.rows)
    of_the_solver = solver._linear_currents(solver.LinearNetwork(crossbar, g.numpy()), rows)
    assert millisiemens(millis).detach().numpy() == pytest.approx(1e3 * of_the_solver, rel=1e-9)
    assert torch.autograd.gradcheck(millisiemens, millis, eps=1e-5, atol=1e-9, rtol=1e-6)
    assert torch.autograd.gradgradcheck(millisiemens, millis, eps=1e-5, atol=1e-7, rtol=1e-6)


def test_lines_that_are_solved_exchanged_have_gradients_too():
    """A wide array behind long word lines; their solutions once came as views that torch refused."""
    crossbar = Crossbar(rows=20, columns=80, r_word=100.0, r_bit=100.0, r_source=10.0)
    rng = np.random.default_rng(0)
    g = torch.tensor(rng.uniform(8e-6, 1.5e-5, crossbar.shape), requires_grad=True)
    wanted, along = (torch.tensor(rng.standard_normal(crossbar.shape)) for _ in range(2))
    (wanted * effective_weights(crossbar, g)).sum().backward()
    ends = [effective_weights(crossbar, (g + step * along).detach()) for step in (1e-9, -1e-9)]
    slope = float((wanted * (ends[0] - ends[1])).sum()) / 2e-9
    assert float((g.grad * along).sum()) == pytest.approx(slope, rel=1e-5)


@pytest.mark.long
@pytest.mark.parametrize(("rows", "columns"), [(9, 13), (13, 9)])
@pytest.mark.parametrize("ends", [{}, {"drive": "right", "sense": "top"}])
@pytest.mark.parametrize("ohms", [1.0, 100.0])
def test_gradients_by_whole_lines_are_those_of_single_solves(rows, columns, ends, ohms):
    """Of every side and shape, in few rounds and in many, with a resistance of its own for each line."""
    rng = np.random.default_rng(1)
    of_words, of_bits = (tuple(ohms * rng.uniform(0.5, 2.0, n)) for n in (rows, columns))
    crossbar = Crossbar(
        rows=rows, columns=columns, r_source=of_words, r_word=of_words, r_bit=of_bits, r_sense=of_bits,
        **ends,
    )  # fmt: skip
    g, D = rng.uniform(1e-6, 1e-3 / ohms, crossbar.shape), rng.standard_normal(crossbar.shape)
    found = _by_lines(crossbar, g, D)
    single = _pulled_back(crossbar, torch.from_numpy(g), torch.from_numpy(D)).numpy()
    assert np.abs(found - single).max() < 1e-8 * np.abs(single).max()


def test_lines_with_two_drivers_and_broken_ones_are_left_to_single_solves():
    g = np.full((9, 9), 1e-5)
    whole = Crossbar(rows=9, columns=9, r_word=10.0, r_bit=10.0, drive="both")
    broken = dataclasses.replace(whole, drive="left", breaks=(Break(line="bit", row=1, column=0),))
    assert _by_lines(whole, g, g) is None
    assert _by_lines(broken, g, g) is None
