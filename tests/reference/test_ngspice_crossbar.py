"""Whole arrays in ngspice against the surrogate and the dense twin."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from netlists.commands.solve import Engine as Solver
from netlists.decks.deck import read_deck, sweep_deck
from netlists.simulation.ngspice import simulate, simulate_all
from netlists.simulation.simulators import Engine
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.waveforms import READ_SLOT
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import read_currents

SHORT = Testbench(time_limit=120)

pytestmark = pytest.mark.ngspice


def currents(deck, reads):
    return simulate(deck.text, time_limit=120).matrix(deck.vectors, reads)


def test_transient_read_through_wires_against_the_dense_twin():
    rng = np.random.default_rng(0)
    crossbar = Crossbar(rows=8, columns=4, r_source=10.0, r_word=1.0, r_bit=2.0, r_sense=20.0)
    state, volts = rng.random((8, 4)), 0.1 * rng.random((5, 8))
    device = load_device("zhang2021")
    np.testing.assert_allclose(
        currents(read_deck(crossbar, state, volts, device), 5),
        read_currents_dense(crossbar, state, volts, device),
        rtol=1e-7,
    )


@pytest.mark.parametrize("reads", [1, 33, 400])
def test_a_transient_keeps_one_row_a_read(reads):
    """Rounding of the time grid must neither lose the last read nor add one."""
    crossbar, volts = Crossbar(rows=1, columns=1), np.linspace(0.01, 0.1, reads)[:, None]
    device, state = default_device(), np.array([[0.5]])
    measured = currents(read_deck(crossbar, state, volts, device), reads)
    np.testing.assert_allclose(measured, read_currents(crossbar, state, volts, device), rtol=1e-7)


SIZES = [(1, 1), (1, 7), (9, 1), (6, 6), (5, 11), (64, 20)]
WIRES = {
    "none": {},
    "design point": {"r_source": 10.0, "r_word": 1.0, "r_bit": 1.0, "r_sense": 10.0},
    "one kind": {"r_bit": 3.0},
    "tiny": {"r_source": 1e-6, "r_word": 1e-9, "r_bit": 1e-3, "r_sense": 1e-6},
    "large": {"r_source": 1e6, "r_word": 1e3, "r_bit": 1e6, "r_sense": 1e4},
}


# Every shape behind the same wires and all wires in one array; the other pairs are slow.
SWEPT = [
    pytest.param(shape, wires, marks=[pytest.mark.slow] * (shape != (5, 11) and wires != "design point"))
    for shape in SIZES
    for wires in WIRES
]


@pytest.mark.parametrize(("shape", "wires"), SWEPT)
def test_sweep_against_the_surrogate(shape, wires):
    rng = np.random.default_rng(sum(shape))
    crossbar = Crossbar(rows=shape[0], columns=shape[1], **WIRES[wires])
    state, volts = rng.random(shape), rng.uniform(0, 0.1, (3, shape[0]))
    device = load_device("zhang2021")
    np.testing.assert_allclose(
        currents(sweep_deck(crossbar, state, volts, device), 3),
        read_currents(crossbar, state, volts, device),
        rtol=1e-7,
    )


def test_sweep_with_negative_zero_and_large_inputs():
    rng = np.random.default_rng(2)
    crossbar = Crossbar(rows=5, columns=3, r_word=10.0, r_bit=10.0, r_sense=5.0)
    state, volts = rng.random((5, 3)), rng.uniform(-5, 5, (4, 5))
    volts[0] = 0.0
    expected = read_currents(crossbar, state, volts, load_device("zhang2021"))
    measured = currents(sweep_deck(crossbar, state, volts, load_device("zhang2021")), 4)
    np.testing.assert_allclose(measured, expected, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize(
    ("scheme", "wires"),
    [
        ("V/2", 0.0),
        ("V/2", 1.0),
        ("V/3", 100.0),
        pytest.param("V/2", 100.0, marks=pytest.mark.slow),
        pytest.param("V/3", 0.0, marks=pytest.mark.slow),
        pytest.param("V/3", 1.0, marks=pytest.mark.slow),
    ],
)
def test_in_situ_write_and_reads_against_the_surrogate(make_layer, scheme, wires):
    crossbar = Crossbar(
        rows=5, columns=3, r_source=10.0, r_word=wires, r_bit=wires, r_sense=10.0, scheme=scheme
    )
    result = verify(make_layer(crossbar=crossbar, density=0.6), bench=SHORT)
    assert result.passed
    assert result.max_relative_current_error < 1e-7
    assert result.max_state_error < 5e-4
    assert result.write_energy_surrogate == pytest.approx(result.write_energy_spice, rel=2e-3)
    assert result.max_disturb_surrogate == pytest.approx(result.max_disturb_spice, rel=0.02)
    assert result.ngspice_version.startswith("ngspice-")


def test_a_layer_of_unscaled_cells_behind_bad_wires(make_layer):
    """Table 1 as printed through 30 Ohm a segment: the write collapses, in both alike."""
    crossbar = Crossbar(rows=12, columns=3, r_source=10.0, r_word=30.0, r_bit=30.0, r_sense=10.0)
    layer = make_layer(rows=12, crossbar=crossbar, device=load_device("zhang2021"))
    assert verify(layer, bench=SHORT).passed


def test_a_layer_without_pulses_is_only_read(make_layer):
    layer = make_layer()
    layer.pulses[:] = 0
    result = verify(layer, bench=SHORT)
    assert result.passed
    assert result.max_state_error == 0


def test_progress_reaches_the_end(make_layer):
    fractions = []
    verify(make_layer(reads=30), bench=SHORT, progress=fractions.append)
    assert all(0 <= fraction <= 1 for fraction in fractions)


def test_independent_decks_in_a_pool():
    device, crossbar = default_device(), Crossbar(rows=2, columns=1)
    decks = [
        sweep_deck(crossbar, np.full((2, 1), omega), np.array([[0.1, 0.1]]), device).text
        for omega in (0.0, 0.5, 1.0)
    ]
    results = [run.vectors["vsense0#branch"][0] for run in simulate_all(decks, workers=2, time_limit=60)]
    expected = [
        read_currents(crossbar, np.full((2, 1), omega), np.array([[0.1, 0.1]]), device)[0, 0]
        for omega in (0.0, 0.5, 1.0)
    ]
    assert results == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("phase", ["write", "read"])
def test_plain_ngspice_runs_the_exported_deck(make_layer, tmp_path, monkeypatch, phase):
    layer = make_layer(rows=4, columns=3, reads=3)
    layer.save(tmp_path / "layer.npz")
    run_spice(
        monkeypatch,
        ["netlist", "--layer", tmp_path / "layer.npz", "--phase", phase, "-o", tmp_path / "x.cir"],
    )
    done = subprocess.run(
        ["ngspice", "-b", "x.cir"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    if phase == "write":
        values = {line.split()[0]: float(line.split()[2]) for line in lines if line.startswith("omega_")}
        assert len(values) == 12
        assert values["omega_word0_col2"] == pytest.approx(0.5, abs=1e-3)  # half-selected at most
    else:
        rows = [line.split() for line in lines if line[:1].isdigit()]
        assert [row[0] for row in rows] == ["0", "1", "2"]
        assert all(len(row) == 5 for row in rows)
    assert "rror" not in done.stdout + done.stderr


def test_verify_on_the_command_line(make_layer, tmp_path, monkeypatch, capsys):
    make_layer().save(tmp_path / "layer.npz")
    options = ["--layer", tmp_path / "layer.npz", "--output-dir", tmp_path / "out", "--reads", "3"]
    options += ["--waveforms", "--figures", "--cell", "behavioural"]  # compiled ones come in files
    run_spice(monkeypatch, ["verify", *options, "--json", tmp_path / "v.json"])
    assert "passed" in capsys.readouterr().out
    report = json.loads((tmp_path / "v.json").read_text())
    assert report["passed"] is True
    assert report["reads"] == 3
    names = {"report.html", "report.json", "figures"}
    names |= {f"{run}.{kind}" for run in ("write", "read") for kind in ("cir", "raw", "nc")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    figures = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"synthetic--waveforms.svg", "synthetic--waveforms.png"} <= figures


@pytest.mark.vacask
@pytest.mark.parametrize("engine", Engine)
def test_recorded_waveforms_are_those_of_the_write(make_layer, engine):
    """Recording changes no state; cells see their pulses; what is sensed at rest is nothing."""
    layer = make_layer(rows=4, columns=3)
    bench = Testbench(engine=engine)
    plain, kept = (verify(layer, bench=bench, recorded=recorded) for recorded in (False, True))
    np.testing.assert_allclose(kept.spice_state, plain.spice_state, atol=1e-9)
    assert plain.recordings == ()
    write, read = kept.recordings
    time, states = write.scale[2], write["state"]
    assert states.shape == (len(time), 4, 3)
    np.testing.assert_allclose(states[0], layer.initial_state, atol=1e-6)
    np.testing.assert_allclose(states[-1], kept.spice_state, atol=1e-9)
    across = write["te_voltage"] - write["be_voltage"]
    device = layer.device.pulses
    for peak, chosen, V in (
        (across.min(axis=0), layer.pulses > 0, device.potentiation_voltage),
        (across.max(axis=0), layer.pulses < 0, device.depression_voltage),
    ):
        np.testing.assert_allclose(peak[chosen], V, rtol=0.02)  # the wires take the rest
        assert np.all(np.abs(peak[layer.pulses == 0]) < 0.55 * abs(V))
    np.testing.assert_allclose(1e-3 * write["energy"][-1], kept.write_energy_spice, rtol=1e-6)
    np.testing.assert_allclose(kept.write_energy_spice, kept.write_energy_surrogate, rtol=1e-3)
    ends = READ_SLOT * np.arange(1, 1 + len(kept.spice_currents))
    for sensed, current in zip(read["sensed_current"].T, kept.spice_currents.T, strict=True):
        np.testing.assert_allclose(np.interp(ends, read.scale[2], sensed), current, rtol=1e-9)


@pytest.mark.vacask
def test_solve_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    np.savetxt("states.csv", rng.random((7, 5)), delimiter=",")
    np.savetxt("inputs.csv", 0.1 * rng.random((4, 7)), delimiter=",")
    for engine in Solver:
        options = ["--engine", engine, "--wire-resistance", "2.5", "--sense-resistance", "1k"]
        files = ["--states", "states.csv", "--inputs", "inputs.csv", "-o", f"{engine}.csv"]
        run_spice(monkeypatch, ["solve", *files, *options])
    tables = [np.loadtxt(Path(f"{engine}.csv"), delimiter=",") for engine in Solver]
    np.testing.assert_allclose(tables[1], tables[0], rtol=1e-9)
    np.testing.assert_allclose(tables[2], tables[0], rtol=1e-8)
    np.testing.assert_allclose(tables[3], tables[0], rtol=1e-8)


def run_spice(monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
