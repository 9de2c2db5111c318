"""Capacitance, amplifiers, transistors and temperature in ngspice and VACASK, against the surrogate."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from netlists.commands import cli
from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.decks.stimuli import write_stimuli
from netlists.simulation.simulators import Engine
from netlists.verification.engines import Phase
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.toml import dumps
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.chips.settling import time_constant
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.memristor import conductance, current, state_derivative
from roa_circuit.solver.read import read_currents

pytestmark = [pytest.mark.ngspice, pytest.mark.vacask]

CAPACITANCE = {"c_word": 2e-12, "c_bit": 1e-12, "c_cell": 2e-13}
EXACT = {
    "capacitance": Circuitry(**CAPACITANCE),
    "ideal amplifier": Circuitry(amplifier=Amplifier(r_feedback=1e4)),
    "gain": Circuitry(amplifier=Amplifier(r_feedback=1e4, gain=300.0)),
    "offsets": Circuitry(amplifier=Amplifier(r_feedback=1e4, offset=(2e-3, -1e-3, 0.0, 5e-4))),
    "offsets, gain": Circuitry(
        amplifier=Amplifier(r_feedback=2e3, gain=30.0, offset=(3e-3, 0, 0, -2e-3))
    ),
    "pole": Circuitry(amplifier=Amplifier(r_feedback=1e4, gain=1e3, gain_bandwidth=1e7), **CAPACITANCE),
    "transistor": Circuitry(
        transistor=Transistor(width_over_length=2.0),
        amplifier=Amplifier(r_feedback=1e4, gain=1e3, offset=1e-3),
        temperature=310.0,  # warmer, junctions to the bulk leak more than this test lets pass
    ),
    "warm": Circuitry(temperature=360.0, activation_energy=0.4),
}


def array(seed=0, rows=8, columns=4, reads=4):
    rng = np.random.default_rng(seed)
    return (
        rng.random((rows, columns)),
        rng.uniform(-0.05, 0.1, (reads, rows)),
        rng.integers(-1, 2, (rows, columns)),
    )


def run(engine, build, crossbar, state, given, device, circuitry):
    deck = build(crossbar, state, given, device, engine=engine, circuitry=circuitry)
    return deck.measured(engine.simulator.simulate(deck.text, time_limit=200))


# Each circuit in each engine, each deck in both; the other half of the pairs is slow.
READS = [
    pytest.param(case, engine, build, marks=[pytest.mark.slow] * ((i + j + k) % 2))
    for i, case in enumerate(EXACT)
    for j, engine in enumerate(Engine)
    for k, build in enumerate((sweep_deck, read_deck))
]


@pytest.mark.parametrize(("case", "engine", "build"), READS)
def test_settled_reads_are_those_of_the_surrogate(case, engine, build):
    state, volts, _ = array()
    crossbar, device = EXACT[case].applied(default_crossbar(8, 4), default_device())
    expected = EXACT[case].settled(crossbar, state, device).currents(volts)
    measured = run(engine, build, crossbar, state, volts, device, EXACT[case])
    np.testing.assert_allclose(measured, expected, atol=1e-7 * np.abs(expected).max())


ENDS = {"drive": "both", "sense": "top", "r_source": (5.0, 0.0, 20.0), "r_word": (1.0, 4.0, 0.0)}


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("case", ["capacitance", "pole"])
def test_lines_of_their_own_settle_as_well(case, engine):
    """Driven at both ends, sensed at the top, resistances from line to line: all in one."""
    state, volts, _ = array(rows=3, columns=4)
    crossbar, device = Crossbar(rows=3, columns=4, r_bit=2.0, r_sense=10.0, **ENDS), default_device()
    expected = EXACT[case].settled(crossbar, state, device).currents(volts)
    measured = run(engine, read_deck, crossbar, state, volts, device, EXACT[case])
    np.testing.assert_allclose(measured, expected, atol=1e-7 * np.abs(expected).max())


WRITES = [
    pytest.param(case, engine, marks=[pytest.mark.slow] * (engine is Engine.vacask and i % 2))
    for i, case in enumerate(("capacitance", "pole", "transistor", "warm"))
    for engine in Engine
]


@pytest.mark.parametrize(("case", "engine"), WRITES)
def test_writes_are_those_of_the_surrogate(case, engine):
    state, _, pulses = array(rows=5, columns=3)
    crossbar, device = EXACT[case].applied(default_crossbar(5, 3), default_device())
    measured = run(engine, write_deck, crossbar, state, pulses, device, EXACT[case])
    expected = write_in_situ(crossbar, state, pulses, device, transistor=EXACT[case].transistor).state
    np.testing.assert_allclose(measured.reshape(5, 3), expected, atol=5e-4)
    assert np.abs(expected - state).max() > 0.05


@pytest.mark.parametrize(
    ("drive", "breaks"),
    [
        ("left", [("word", 2, 1)]),
        ("left", [("word", 1, 1), ("bit", 3, 2)]),
        ("both", [("word", 2, 2), ("word", 4, 0)]),
        pytest.param("left", [("word", 2, 2), ("word", 4, 0)], marks=pytest.mark.slow),
        pytest.param("both", [("word", 2, 1)], marks=pytest.mark.slow),
        pytest.param("both", [("word", 1, 1), ("bit", 3, 2)], marks=pytest.mark.slow),
    ],
)
def test_transistors_behind_a_broken_line_have_its_floating_voltage(drive, breaks):
    """The surrogate once took the word voltage beyond the break for that of the whole line."""
    state, volts, pulses = array(rows=8, columns=4)
    broken = tuple(Break(line=line, row=row, column=column) for line, row, column in breaks)
    lines = dataclasses.replace(default_crossbar(8, 4), drive=drive, breaks=broken)
    circuitry = Circuitry(transistor=Transistor(width_over_length=2.0))
    crossbar, device = circuitry.applied(lines, default_device())
    expected = circuitry.settled(crossbar, state, device).currents(volts)
    measured = run(Engine.ngspice, sweep_deck, crossbar, state, volts, device, circuitry)
    np.testing.assert_allclose(measured, expected, atol=1e-6 * np.abs(measured).max())
    written = run(Engine.ngspice, write_deck, crossbar, state, pulses, device, circuitry)
    outcome = write_in_situ(crossbar, state, pulses, device, transistor=circuitry.transistor)
    np.testing.assert_allclose(written.reshape(8, 4), outcome.state, atol=5e-4)
    assert np.abs(outcome.state - state).max() > 0.05


@pytest.mark.parametrize("engine", Engine)
def test_a_write_waits_until_slow_lines_have_let_go(engine):
    """One cell between lines that its pulses hardly fill, beside the equations of cell and lines."""
    ohms, farads, start = 1e3, 1e-9, 0.3
    crossbar, device = Crossbar(rows=1, columns=1, r_source=ohms, r_sense=ohms), default_device()
    p = device.memristor
    deck = write_deck(
        crossbar,
        np.array([[start]]),
        np.array([[2]]),
        device,
        circuitry=Circuitry(c_word=farads, c_bit=farads),
        engine=engine,
    )
    corners = np.array(write_stimuli(crossbar, np.array([[2]]), device)[0][0])

    def flow(t, y):
        drive = np.interp(t, *corners.T)
        across = 2.0 * y[1]  # the bit line does the same with the other sign
        amperes = current(y[0], across, p)
        return [state_derivative(y[0], across, p), ((drive - y[1]) / ohms - amperes) / farads]

    times = np.append(corners[:, 0], deck.duration)
    y, ends = np.array([start, 0.0]), []
    for span in itertools.pairwise(np.unique(times)):
        y = solve_ivp(flow, span, y, method="LSODA", rtol=1e-9, atol=1e-12).y[:, -1]
        ends.append(y[0])
    assert ends[-1] - ends[-2] > 1e-3  # after the last pulse's end
    assert deck.measured(deck.run(time_limit=100))[0, 0] == pytest.approx(ends[-1], abs=5e-4)


SLOW = {
    "lines": (Crossbar(rows=6, columns=12, r_source=1e3, r_word=200.0), Circuitry(c_word=1e-11)),
    "readout": (
        Crossbar(rows=6, columns=3, r_source=10.0),
        Circuitry(amplifier=Amplifier(r_feedback=2e4, gain=1e3, gain_bandwidth=3e6)),
    ),
    "both ring": (
        Crossbar(rows=6, columns=3, r_source=10.0, r_bit=1.0),
        Circuitry(c_bit=1e-11, amplifier=Amplifier(r_feedback=2e4, gain=1e3, gain_bandwidth=3e6)),
    ),
}


@pytest.mark.parametrize("case", SLOW)
def test_reads_wait_as_long_as_the_estimate_says_and_must(case):
    """Twenty time constants settle to 1e-6; a half leaves the read far off, in the deck's own words."""
    crossbar, circuitry = SLOW[case]
    rng = np.random.default_rng(1)
    state, volts = rng.random(crossbar.shape), rng.uniform(0.02, 0.1, (3, crossbar.rows))
    device = default_device()
    expected = circuitry.settled(crossbar, state, device).currents(volts)
    measured = run(Engine.ngspice, read_deck, crossbar, state, volts, device, circuitry)
    np.testing.assert_allclose(measured, expected, rtol=1e-6)
    tau = time_constant(crossbar, device, circuitry)
    hasty = Circuitry(**{**vars(circuitry), "read_edge": 0.01 * tau, "read_hold": 0.5 * tau})
    measured = run(Engine.ngspice, read_deck, crossbar, state, volts, device, hasty)
    assert np.abs(measured / expected - 1).max() > 0.03


@pytest.mark.parametrize("engine", Engine)
def test_transistors_are_more_than_their_resistance(engine):
    """Which moves with the line's voltage: weak ones, read and written."""
    state, volts, pulses = array()
    circuitry = Circuitry(transistor=Transistor(width_over_length=0.3))
    crossbar, device = circuitry.applied(default_crossbar(8, 4), default_device())
    seen = circuitry.settled(crossbar, state, device)
    measured = run(engine, read_deck, crossbar, state, volts, device, circuitry)
    scale = np.abs(measured).max()
    np.testing.assert_allclose(seen.currents(volts), measured, atol=1e-6 * scale)
    assert np.abs(seen.resistive(volts, read_currents) - measured).max() > 1e-3 * scale
    written = run(engine, write_deck, crossbar, state, pulses, device, circuitry).reshape(8, 4)
    assert np.abs(written - state)[pulses == 0].max() < 1e-6  # gates that are off leave cells alone
    expected, ideal = (
        write_in_situ(crossbar, state, pulses, device, transistor=one).state
        for one in (circuitry.transistor, None)
    )
    np.testing.assert_allclose(written, expected, atol=2e-4)
    assert np.abs(written - ideal).max() > 0.1


def test_two_simulators_agree_on_transistors():
    state, volts, pulses = array(rows=4, columns=3)
    circuitry = Circuitry(transistor=Transistor(width_over_length=1.0), temperature=340.0)
    crossbar, device = circuitry.applied(default_crossbar(4, 3), default_device())
    for build, given, apart in ((sweep_deck, volts, 1e-5), (write_deck, pulses, 2e-4)):
        one, other = (run(e, build, crossbar, state, given, device, circuitry) for e in Engine)
        np.testing.assert_allclose(one, other, atol=apart * np.abs(one).max())


def test_verify_holds_exact_circuits_to_the_limits(make_layer, tmp_path, command):
    make_layer().save(tmp_path / "layer.npz")
    (tmp_path / "c.toml").write_text(dumps(EXACT["pole"].to_dict()))
    where = ["--layer", tmp_path / "layer.npz", "--output-dir", tmp_path, "--circuit"]
    code, out, _ = command(
        cli.main, "verify", *where, tmp_path / "c.toml", "--json", tmp_path / "v.json"
    )
    assert (code, "1e-06" in out) == (0, True)
    found = json.loads((tmp_path / "v.json").read_text())
    assert found["max_relative_current_error"] < 1e-6
    assert found["circuit"]["amplifier"]["gain [-]"] == 1e3
    assert "gain_bandwidth 1e+07 Hz" in (tmp_path / "report.html").read_text()
    assert "Circuit: c_word 2e-12 F" in (tmp_path / "read.cir").read_text()


def test_verify_holds_transistors_to_the_limits_too(make_layer, tmp_path, command):
    make_layer(reads=2).save(tmp_path / "layer.npz")
    (tmp_path / "c.toml").write_text("[transistor]\n")
    options = ["--output-dir", tmp_path, "--circuit", tmp_path / "c.toml"]
    code, out, _ = command(cli.main, "verify", "--layer", tmp_path / "layer.npz", *options)
    assert (code, "1e-06" in out) == (0, True)
    page = (tmp_path / "report.html").read_text()
    assert "transistor: width_over_length 10, threshold 0.5 V" in page


@pytest.mark.parametrize(
    "engine", [Engine.ngspice, pytest.param(Engine.vacask, marks=pytest.mark.vacask)]
)
def test_broken_word_lines_behind_transistors_carry_the_same_leaks(make_layer, engine):
    """Junctions of a simulator's own would carry more than the array does."""
    circuitry = Circuitry(transistor=Transistor())
    layer = make_layer(rows=8, columns=4, reads=3).behind(circuitry)
    arrays = Arrays(circuitry=circuitry, imperfections=Imperfections(broken_word=1.0))
    result = verify(layer, arrays, Testbench(phase=Phase.read, engine=engine, time_limit=100))
    assert result.max_relative_current_error < 1e-6
    assert result.passed


def test_what_cannot_be_compared_is_refused(make_layer):
    with pytest.raises(InputError, match="ends before reads have settled"):
        verify(make_layer(), Arrays(circuitry=Circuitry(c_word=1e-12, read_hold=1e-11)))
    with pytest.raises(InputError, match="knows no lag"):
        verify(make_layer(), Arrays(circuitry=Circuitry(c_word=1e-9)))
    state, _, pulses = array()
    leaky = Circuitry(transistor=Transistor(gate_off=0.0))
    with pytest.raises(InputError, match=r"gate_off must lie below threshold - 0\.7 V"):
        write_deck(default_crossbar(8, 4), state, pulses, default_device(), circuitry=leaky)


@pytest.mark.parametrize("engine", ["surrogate", "dense", "ngspice", "vacask"])
def test_solve_reads_through_amplifiers(engine, tmp_path, command):
    state, volts, _ = array()
    np.savetxt(tmp_path / "s.csv", state, delimiter=",")
    np.savetxt(tmp_path / "v.csv", volts, delimiter=",")
    (tmp_path / "c.toml").write_text(dumps(EXACT["gain"].to_dict()))
    files = ["--states", tmp_path / "s.csv", "--inputs", tmp_path / "v.csv", "-o", tmp_path / "i.csv"]
    options = ["--circuit", tmp_path / "c.toml", "--engine", engine, "--device", "zhang2021"]
    assert command(cli.main, "solve", *files, *options)[0] == 0
    crossbar = dataclasses.replace(default_crossbar(8, 4), r_sense=1e4 / 301)
    device = default_device().scaled(1.0)
    expected = read_currents(crossbar, state, volts, device)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "i.csv", delimiter=","), expected, rtol=1e-7)


def test_an_offset_comes_out_as_often_as_its_bit_line_conducts():
    """One column of straight cells: V_out = -R sum(G V) + offset (1 + R sum(G)), in ngspice's volts."""
    state, volts, _ = array(columns=1)
    device = default_device()
    straight = dataclasses.replace(device.memristor, delta=1e-6, beta=1e-6)
    device = dataclasses.replace(device, memristor=straight)
    circuitry = Circuitry(amplifier=Amplifier(r_feedback=5e3, offset=2e-3))
    deck = sweep_deck(Crossbar(rows=8, columns=1), state, volts, device, circuitry=circuitry)
    out = deck.run(time_limit=100).matrix(deck.vectors, deck.rows)[:, 0]
    G = conductance(state[:, 0], 0.05, straight)
    np.testing.assert_allclose(out, -5e3 * volts @ G + 2e-3 * (1 + 5e3 * G.sum()), rtol=1e-9)


def test_verify_draws_the_offsets_of_every_amplifier(make_layer):
    circuitry = Circuitry(amplifier=Amplifier(r_feedback=1e4, gain=1e3))
    layer, reads = make_layer().behind(circuitry), Testbench(phase=Phase.read)
    mismatched = Imperfections(amplifier_mismatch=2e-3)
    found = verify(layer, Arrays(circuitry=circuitry, imperfections=mismatched), reads)
    assert found.max_relative_current_error < 1e-6
    plain = verify(layer, Arrays(circuitry=circuitry), reads)
    apart = np.abs(found.spice_currents - plain.spice_currents).max()
    assert apart > 0.01 * np.abs(plain.spice_currents).max()
