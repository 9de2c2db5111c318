"""Every law behind wires: the surrogate against the dense twin, ngspice and finite differences."""

import dataclasses

import numpy as np
import pytest
import torch

from meta.circuits.circuit import read_currents as differentiable
from netlists.decks.deck import sweep_deck
from netlists.verification.verify import verify
from roa_circuit import ProgrammedLayer, default_crossbar, load_device
from roa_circuit.device.laws.windows import Windows
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import effective_weights, read_currents

CROSSBAR = default_crossbar(16, 6)
BASE = load_device("zhang2021")


def windows(**constants):
    own = {name: value for name, value in BASE.memristor.constants.items() if name != "current_scale"}
    law = Windows(**own, current_scale=0.01, **constants)
    return dataclasses.replace(BASE, name="windows", memristor=law)


LAWS = {
    "constant steps": windows(p=0.0, q=0.0),
    "ever faster": windows(p=-1.0, q=0.1),
    "soft bounds in ln G, thresholds": windows(
        p=1.0, q=1.5, ratio=5.0, threshold_up=0.6, threshold_down=0.8
    ),
    "steep": windows(p=5.0, q=2.0),
    "vteam": load_device("vteam"),
    "yakopcic": load_device("yakopcic").scaled(0.002),
}


@pytest.fixture(scope="module")
def contents():
    rng = np.random.default_rng(0)
    state = rng.uniform(0.1, 0.9, CROSSBAR.shape)
    state[:, -1] = 0.5
    pulses = rng.integers(-2, 4, CROSSBAR.shape) * (rng.random(CROSSBAR.shape) < 0.3)
    pulses[0, 0], pulses[:, -1] = 1, 0
    return state, pulses.astype(np.int64), rng.random((5, 16))


@pytest.mark.ngspice
@pytest.mark.parametrize("name", LAWS)
def test_a_layer_is_that_of_ngspice(name, contents, record_property):
    state, pulses, inputs = contents
    result = verify(
        ProgrammedLayer(
            name="law", device=LAWS[name], crossbar=CROSSBAR, initial_state=state, pulses=pulses,
            inputs=inputs, labels=np.array([], dtype=np.int64), input_scale=1.0,
        )
    )  # fmt: skip
    record_property("current error", result.max_relative_current_error)
    record_property("state error", result.max_state_error)
    assert result.max_relative_current_error < 1e-6
    assert result.max_state_error < 5e-3
    assert result.write_energy_surrogate == pytest.approx(result.write_energy_spice, rel=1e-2)


@pytest.mark.ngspice
@pytest.mark.parametrize("name", LAWS)
def test_frozen_cells_read_as_the_surrogates(name, contents):
    """Regression: the frozen cell of a law whose current has exponents lacked their limit."""
    state, _, inputs = contents
    deck = sweep_deck(CROSSBAR, state, 0.1 * inputs, LAWS[name])
    own = read_currents(CROSSBAR, state, 0.1 * inputs, LAWS[name])
    np.testing.assert_allclose(deck.measured(deck.run(time_limit=60)), own, rtol=1e-7)


@pytest.mark.parametrize("name", LAWS)
def test_reads_are_those_of_the_dense_twin(name, contents):
    state, _, inputs = contents
    for exact in (True, False):
        volts = 0.1 * inputs
        twin = read_currents_dense(CROSSBAR, state, volts, LAWS[name], exact=exact)
        own = read_currents(CROSSBAR, state, volts, LAWS[name], exact=exact)
        assert np.abs(own - twin).max() < 1e-9 * np.abs(twin).max()
    np.testing.assert_allclose(volts @ effective_weights(CROSSBAR, state, LAWS[name]), twin, rtol=1e-9)


@pytest.mark.parametrize("name", ["ever faster", "vteam", "yakopcic"])
def test_gradients_behind_wires_are_those_of_finite_differences(name, contents):
    state, _, inputs = contents
    omega = torch.tensor(state, requires_grad=True)
    volts = torch.tensor(0.1 * inputs, requires_grad=True)
    factors = torch.linspace(-1, 1, 30, dtype=torch.float64).reshape(5, 6)

    def loss(omega, volts):
        return (factors * differentiable(CROSSBAR, omega, volts, LAWS[name])).sum() * 1e6

    loss(omega, volts).backward()
    for tensor, cell in ((omega, (3, 2)), (omega, (15, 5)), (volts, (1, 7))):
        h, values = 1e-5, [omega.detach().clone(), volts.detach().clone()]
        moved = values[0 if tensor is omega else 1]
        sides = []
        for sign in (1, -1):
            moved[cell] += sign * h
            sides.append(float(loss(*values)))
            moved[cell] -= sign * h
        assert float(tensor.grad[cell]) == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-6)
