"""Every law behind wires: the surrogate against the dense twin, ngspice and finite differences."""

import dataclasses

import numpy as np
import pytest
import torch

from meta.circuits.circuit import read_currents as differentiable
from netlists.decks.deck import sweep_deck
from netlists.simulation.simulators import Engine
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit import ProgrammedLayer, default_crossbar, load_device
from roa_circuit.device.laws.formula_law import FormulaLaw
from roa_circuit.device.laws.formulas.definition import Definition
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import effective_weights, read_currents

CROSSBAR = default_crossbar(8, 4)
BASE = load_device("zhang2021")


def windows(**constants):
    own = {name: value for name, value in BASE.memristor.constants.items() if name != "current_scale"}
    law = Windows(**own, current_scale=0.01, **constants)
    return dataclasses.replace(BASE, name="windows", memristor=law)


def table():
    """Changes by pulses of three amplitudes a polarity, of a device that slows down as it goes."""
    law = windows(p=1.5, q=0.8, ratio=2.0).memristor
    states = np.linspace(0.0, 1.0, 16)
    up, down, width_up, width_down = (-1.0, -1.06, -1.12), (1.28, 1.35, 1.42), 3e-6, 30e-6

    def changes(V, width):
        after = law.after_dose(states, law.dose(np.array(V), np.array(width)))
        return tuple(map(float, np.abs(after - states)))

    raises, lowers = [changes(V, width_up) for V in up], [changes(V, width_down) for V in down]
    branches = {
        name: law.constants[name] for name in ("gamma", "delta", "alpha", "beta", "current_scale")
    }
    measured = Table(
        states=tuple(map(float, states)), up=up, down=down, raises=tuple(raises), lowers=tuple(lowers),
        width_up=width_up, width_down=width_down, ratio=2.0, inert=0.75, **branches,
    )  # fmt: skip
    return dataclasses.replace(BASE, name="table", memristor=measured)


def not_separable():
    """A law from a file whose window narrows as the voltage grows."""
    definition = Definition(
        name="bent", citation="made for a test", motion="up*w_up if v < 0 else -down*w_down",
        current="omega*gamma*sinh(delta*v) + (1 - omega)*alpha*v",
        define=(
            ("up", "k*(exp(-mu1*v) - 1)"), ("down", "k*(exp(mu2*v) - 1)"),
            ("w_up", "pow(max(1 - omega, 0), 1 + w*abs(v))"),
            ("w_down", "pow(max(omega, 0), 1 + w*abs(v))"),
        ),
        constants=(
            ("k", "1/s", "> 0", "rate"), ("mu1", "1/V", "> 0", "steepness"),
            ("mu2", "1/V", "> 0", "steepness"), ("w", "1/V", "> 0", "how the window narrows"),
            ("gamma", "A", "> 0", "tunnelling"), ("delta", "1/V", "> 0", "its exponent"),
            ("alpha", "S", "> 0", "conductance at omega = 0"),
        ),
    )  # fmt: skip
    p = BASE.memristor
    values = {"k": p.k, "mu1": p.mu1, "mu2": p.mu2, "w": 0.9, "gamma": p.gamma, "delta": p.delta,
              "alpha": p.alpha * p.beta, "current_scale": 0.01}  # fmt: skip
    law = FormulaLaw(definition=definition, values=tuple(values.items()))
    assert not law.one_coordinate
    return dataclasses.replace(BASE, name="bent", memristor=law)


LAWS = {
    "constant steps": windows(p=0.0, q=0.0),
    "ever faster": windows(p=-1.0, q=0.1),
    "soft bounds in ln G, thresholds": windows(
        p=1.0, q=1.5, ratio=5.0, threshold_up=0.6, threshold_down=0.8
    ),
    "steep": windows(p=5.0, q=2.0),
    "vteam": load_device("vteam"),
    "yakopcic": load_device("yakopcic").scaled(0.002),
    "table of three amplitudes": table(),
    "from a file, a window for each voltage": not_separable(),
}


@pytest.fixture(scope="module")
def contents():
    rng = np.random.default_rng(0)
    state = rng.uniform(0.1, 0.9, CROSSBAR.shape)
    state[:, -1] = 0.5
    pulses = rng.integers(-2, 4, CROSSBAR.shape) * (rng.random(CROSSBAR.shape) < 0.2)
    pulses[0, 0], pulses[:, -1] = 1, 0
    return state, pulses.astype(np.int64), rng.random((3, 8))


RARE = ("constant steps", "ever faster")


@pytest.mark.ngspice
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in RARE)) for name in LAWS]
)
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


IN_VACASK = ("table of three amplitudes", "from a file, a window for each voltage")


@pytest.mark.vacask
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long if name in IN_VACASK else pytest.mark.slow)
     for name in LAWS],
)  # fmt: skip
def test_a_small_layer_is_that_of_vacask(name):
    crossbar, rng = default_crossbar(6, 3), np.random.default_rng(0)
    state = rng.uniform(0.1, 0.9, crossbar.shape)
    pulses = rng.integers(-2, 4, crossbar.shape) * (rng.random(crossbar.shape) < 0.4)
    state[:, -1], pulses[0, 0], pulses[:, -1] = 0.5, 1, 0
    layer = ProgrammedLayer(
        name="law", device=LAWS[name], crossbar=crossbar, initial_state=state,
        pulses=pulses.astype(np.int64), inputs=rng.random((4, 6)), labels=np.array([], dtype=np.int64),
        input_scale=1.0,
    )  # fmt: skip
    result = verify(layer, None, Testbench(engine=Engine.vacask))
    assert result.max_relative_current_error < 1e-8
    assert result.max_state_error < 1e-3


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


@pytest.mark.parametrize("name", ["ever faster", "vteam", "yakopcic", *IN_VACASK])
def test_gradients_behind_wires_are_those_of_finite_differences(name, contents):
    state, _, inputs = contents
    omega = torch.tensor(state, requires_grad=True)
    volts = torch.tensor(0.1 * inputs, requires_grad=True)
    factors = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)

    def loss(omega, volts):
        return (factors * differentiable(CROSSBAR, omega, volts, LAWS[name])).sum() * 1e6

    loss(omega, volts).backward()
    for tensor, cell in ((omega, (3, 2)), (omega, (7, 3)), (volts, (1, 7))):
        h, values = 1e-5, [omega.detach().clone(), volts.detach().clone()]
        moved = values[0 if tensor is omega else 1]
        sides = []
        for sign in (1, -1):
            moved[cell] += sign * h
            sides.append(float(loss(*values)))
            moved[cell] -= sign * h
        assert float(tensor.grad[cell]) == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-6)
