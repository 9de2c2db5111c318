"""Imperfect arrays in ngspice against the surrogate: the same draw in both."""

import dataclasses
import json

import numpy as np
import pytest

from netlists.commands import cli
from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.layers.shipped import load_layer
from netlists.simulation.ngspice import simulate
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.memristor import conductance, conductance_range, current, state_from_conductance
from roa_circuit.device.programming import after_pulses
from roa_circuit.device.spread import CONSTANTS, Spread
from roa_circuit.layers.compensation import predistort
from roa_circuit.layers.tiling import TileSize
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import read_currents

pytestmark = pytest.mark.ngspice


def simulated_states(deck, shape):
    run = simulate(deck.text, time_limit=120)
    return np.reshape([run.vectors[name][-1] for name in deck.vectors], shape)


def test_cells_with_constants_of_their_own():
    rng, shape = np.random.default_rng(0), (6, 4)
    crossbar = Crossbar(rows=6, columns=4, r_source=10.0, r_word=2.0, r_bit=3.0, r_sense=5.0)
    nominal = default_device()
    covariance = np.diag(np.square([0.3, 0.02, 0.02, 0.1, 0.1, 0.1, 0.1]))
    spread = Spread(names=CONSTANTS, log_covariance=tuple(map(tuple, covariance.tolist())))
    drawn = {n: getattr(nominal.memristor, n) * v for n, v in spread.draw(rng, shape).items()}
    device = dataclasses.replace(nominal, memristor=dataclasses.replace(nominal.memristor, **drawn))
    state, volts = rng.random(shape), 0.1 * rng.random((5, 6))
    expected = read_currents(crossbar, state, volts, device)
    assert np.abs(read_currents(crossbar, state, volts, nominal) / expected - 1).max() > 0.01
    for build in (read_deck, sweep_deck):
        deck = build(crossbar, state, volts, device)
        measured = simulate(deck.text, time_limit=120).matrix(deck.vectors, 5)
        np.testing.assert_allclose(measured, expected, rtol=1e-7)
    pulses = rng.integers(-2, 3, shape)
    written = simulated_states(write_deck(crossbar, state, pulses, device), shape)
    expected = write_in_situ(crossbar, state, pulses, device).state
    assert np.abs(write_in_situ(crossbar, state, pulses, nominal).state - expected).max() > 0.02
    np.testing.assert_allclose(written, expected, atol=5e-4)


WIRES = [
    {},
    {"r_source": 10.0, "r_word": 2.0, "r_bit": 3.0, "r_sense": 5.0},
    {"r_bit": 3.0},
    {"r_source": 1.0, "r_word": 3.0},
]


@pytest.mark.parametrize(
    "wires",
    [pytest.param(one, marks=[pytest.mark.slow] * (len(one) == 1)) for one in WIRES],
    ids=lambda wires: "+".join(wires) or "none",
)
def test_broken_lines_open_cells_and_uneven_write_drivers(wires):
    rng, shape = np.random.default_rng(len(wires)), (6, 4)
    breaks = (
        Break(line="word", row=1, column=2),
        Break(line="word", row=4, column=0),
        Break(line="bit", row=3, column=3),
    )
    gains = {"word_gain": tuple(rng.normal(1, 0.02, 6)), "bit_gain": tuple(rng.normal(1, 0.02, 4))}
    crossbar = Crossbar(rows=6, columns=4, breaks=breaks, **gains, **wires)
    is_open = rng.random(shape) < 0.15
    assert is_open.any()
    nominal = default_device()
    faulty = {"current_scale": np.where(is_open, OPEN, 0.01), "k": np.where(is_open, 0.0, 1e-4)}
    device = dataclasses.replace(nominal, memristor=dataclasses.replace(nominal.memristor, **faulty))
    state, volts = rng.random(shape), 0.1 * rng.random((5, 6))
    expected = read_currents(crossbar, state, volts, device)
    for build in (read_deck, sweep_deck):
        deck = build(crossbar, state, volts, device)
        measured = simulate(deck.text, time_limit=120).matrix(deck.vectors, 5)
        np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    pulses = rng.integers(-2, 3, shape)
    written = simulated_states(write_deck(crossbar, state, pulses, device), shape)
    np.testing.assert_allclose(written, write_in_situ(crossbar, state, pulses, device).state, atol=5e-4)
    np.testing.assert_allclose(written[is_open], state[is_open], atol=1e-12)


def test_one_chip_with_everything_written_and_read_by_both_engines(make_layer):
    """Constants, faults, drivers, noise and converters at once, in two tiles."""
    crossbar = Crossbar(rows=9, columns=4, r_source=10.0, r_word=2.0, r_bit=2.0, r_sense=10.0)
    x = Imperfections(
        spread=Spread(names=("k", "gamma"), log_covariance=((0.04, 0.0), (0.0, 0.01)), sigma_wn=0.1),
        stuck_on=0.1, stuck_off=0.1, open=0.1, stuck_on_resistance=20e3, broken_word=0.2,
        broken_bit=0.2, read_disturb=1e6, write_gain=0.01, edge_fraction=0.05, dac_bits=6,
        driver_gain=0.02, driver_offset=1e-3, sense_gain=0.02, sense_offset=1e-8, bandwidth=5e5,
        flicker=0.01,
    )  # fmt: skip
    layer = make_layer(rows=9, columns=4, crossbar=crossbar, density=0.6)
    size, bench = TileSize(rows=5, columns=3), Testbench(time_limit=120)
    result = verify(layer, Arrays(tile=size, imperfections=x, seed=3), bench)
    assert result.tiles == 2
    assert result.passed
    assert result.max_relative_current_error < 1e-6
    assert result.max_state_error < 5e-4
    assert result.max_output_error < 1e-3
    drawn = result.drawn
    assert min(drawn["stuck_on"] + drawn["stuck_off"], drawn["open"]) > 0
    assert drawn["broken_word_lines"] + drawn["broken_bit_lines"] > 0
    ideal = verify(layer, Arrays(tile=size), bench)
    assert ideal.drawn is None
    assert np.abs(ideal.surrogate_state - result.surrogate_state).max() > 0.1


def test_ngspice_sees_the_wanted_weights_of_predistorted_states():
    crossbar = Crossbar(rows=16, columns=5, r_source=10.0, r_word=5.0, r_bit=5.0, r_sense=10.0)
    device, rng = default_device(), np.random.default_rng(4)
    p, V_r = device.memristor, device.pulses.read_voltage
    state, volts = rng.uniform(0.3, 0.7, (16, 5)), 0.1 * rng.random((8, 16))
    found = predistort(crossbar, conductance(state, V_r, p), *conductance_range(V_r, p))
    mapped = state_from_conductance(found.conductances, V_r, p)
    ideal = current(state, volts[:, :, None], p).sum(axis=1)

    def worst(omega, gain):
        deck = sweep_deck(crossbar, omega, volts, device)
        measured = gain * simulate(deck.text, time_limit=120).matrix(deck.vectors, 8)
        return np.abs(measured / ideal - 1).max()

    assert worst(state, 1.0) > 5e-3
    assert worst(mapped, found.gain) < 1e-4  # what is left is the curvature of Eq. 2


def test_aged_cells_are_read_alike(make_layer):
    """Drift of each cell's own and lost states, after a write that knew of neither."""
    layer = make_layer(rows=9, columns=4, reads=5)
    x = Imperfections(age=86400.0, drift_exponent=0.05, drift_spread=0.02, retention_time=1e6)
    found = verify(layer, Arrays(imperfections=x, seed=3), Testbench(workers=1))
    assert found.passed, found
    assert found.max_relative_current_error < 1e-6
    assert found.ideal_mac_error > 0.1


@pytest.mark.long
def test_six_bits_pass_and_the_ideal_beside_them_shows_what_they_cost(command, tmp_path):
    """Of 15 answers of the shipped head 9 are left: every engine has the same wrong ones."""
    bits, full = 6, 90e-6
    (tmp_path / "x.toml").write_text(f'"adc_bits [-]" = {bits}\n"adc_range [A]" = {full}\n')
    fc = load_layer("fc")
    fc = dataclasses.replace(fc, inputs=fc.inputs[::5], labels=fc.labels[::5])
    fc.save(tmp_path / "fc.npz")
    asked = ("verify", "--layer", tmp_path / "fc.npz", "--phase", "read")
    asked = (*asked, "--imperfections", tmp_path / "x.toml")
    code, out, _ = command(cli.main, *asked, "-o", tmp_path / "o", "--json", tmp_path / "v.json")
    assert code == 0
    found = json.loads((tmp_path / "v.json").read_text())
    assert (found["passed"], found["prediction_agreement"]) == (True, 1.0)
    written = write_in_situ(fc.crossbar, fc.initial_state, fc.pulses, fc.device).state
    meant = np.asarray(after_pulses(fc.initial_state, fc.pulses, fc.device))
    volts, step = 0.1 * fc.inputs, full / (2**bits - 1)
    read = step * np.round(read_currents_dense(fc.crossbar, written, volts, fc.device) / step)
    cells = current(meant[None], volts[:, :, None], fc.device.memristor).sum(axis=1)  # perfect wires
    answers = [np.argmax(i[:, :-1] - i[:, -1:], axis=1) for i in (cells, read)]
    same = np.mean(answers[0] == answers[1])
    assert same == 9 / 15
    assert found["ideal_agreement"] == same
    assert f"{100 * same:.1f} %" in next(line for line in out.splitlines() if "same prediction" in line)
