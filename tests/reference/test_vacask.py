"""VACASK and the Verilog-A cell: against closed forms, ngspice, the dense twin and the surrogate."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cell_trains import Train, in_ngspice, in_vacask

from fitting.commands import cli as fitting_cli
from netlists.commands import cli
from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.simulation import vacask
from netlists.simulation.parallel import Together
from netlists.simulation.simulators import Engine
from netlists.simulation.vacask import find_compiler, find_program
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import SimulatorError
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.laws.zhang2021 import after_dose
from roa_circuit.device.memristor import current, pulse_strength
from roa_circuit.device.parameters import load_device
from roa_circuit.device.verilog_a import verilog_a
from roa_circuit.layers.tiling import TileSize
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import read_currents

pytestmark = [pytest.mark.vacask, pytest.mark.ngspice]

PULSES = Path(__file__).parents[2] / "data" / "pulses.csv"
READ = 0.05  # [V]


# --- the compact model --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["zhang2021", "a // `define\\", 'of "quotes"'])
def test_the_verilog_a_compiles_without_a_warning(tmp_path, name):
    device = dataclasses.replace(load_device("zhang2021"), name=name)
    (tmp_path / "memristor.va").write_text(verilog_a(device))
    done = subprocess.run(
        [find_compiler(), "--warn", "all", "--deny", "warnings", "memristor.va"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    assert (tmp_path / "memristor.osdi").stat().st_size > 0


def train(device, start):
    p, pulses = device.memristor, device.pulses
    up = (pulses.potentiation_voltage, pulses.potentiation_width)
    down = (pulses.depression_voltage, pulses.depression_width)
    now, state = 0.0, start
    found = Train(points=[(0.0, 0.0)], gaps=[], reads=[], omega=[])
    for voltage, width in [up] * 6 + [down] * 7 + [up] * 2:
        edge = 0.01 * width
        for level, hold in ((voltage, width), (READ, 1e-6)):
            corners = np.cumsum([now + edge, edge, hold, edge]).tolist()
            found.points += list(zip(corners, (0.0, level, level, 0.0), strict=True))
            now = corners[-1] + edge
            found.reads.append(corners[2])
        found.gaps.append(now)
        state = float(after_dose(state, pulse_strength(voltage, width, p, edge=edge)))
        found.omega.append(state)
    found.reads = found.reads[1::2]
    found.points.append((now + edge, 0.0))
    return found


@pytest.mark.parametrize("which", ["fitted", "design point"])
def test_a_train_in_three_simulators(which, tmp_path, command):
    """The closed form, ngspice with memristor.lib and VACASK with memristor.va agree pulse by pulse."""
    if which == "fitted":
        assert command(fitting_cli.main, PULSES, "--output-dir", tmp_path)[0] == 0
        device = load_device(tmp_path / "device.toml")
    else:
        device = default_device()
        (tmp_path / "memristor.lib").write_text(ngspice_library(device))
        (tmp_path / "memristor.va").write_text(verilog_a(device))
    start = 0.123456789
    found = train(device, start)
    assert max(found.omega) > 0.7
    assert min(found.omega[7:]) < 0.4
    states, currents = in_ngspice(f".include {tmp_path / 'memristor.lib'}", start, found)
    np.testing.assert_allclose(states, found.omega, atol=1e-4)
    np.testing.assert_allclose(currents, current(states, READ, device.memristor), rtol=1e-6)
    states, currents = in_vacask(tmp_path / "memristor.va", start, found)
    np.testing.assert_allclose(states, found.omega, atol=1e-4)
    np.testing.assert_allclose(currents, current(states, READ, device.memristor), rtol=1e-6)


@pytest.mark.parametrize("voltage", [-3.8, 3.5])
def test_the_strongest_pulses_stay_in_bounds(voltage, tmp_path):
    (tmp_path / "memristor.va").write_text(verilog_a(load_device("zhang2021")))
    points = [(0.0, 0.0), (1e-6, voltage), (1e-4, voltage), (1.01e-4, 0.0)]
    strong = Train(points=points, gaps=np.linspace(0, 1.01e-4, 500), reads=[1e-4], omega=[])
    omega, _ = in_vacask(tmp_path / "memristor.va", 0.5, strong)
    assert omega.min() >= -1e-9
    assert omega.max() <= 1 + 1e-9
    assert omega[-1] == pytest.approx(1.0 if voltage < 0 else 0.0, abs=1e-6)


# --- arrays -------------------------------------------------------------------------------------


def simulated(deck):
    return deck.measured(deck.engine.simulator.simulate(deck.text, time_limit=120))


def test_the_same_array_by_four_engines():
    """Written and read through its wires: in ngspice, in VACASK, by the dense twin, by the surrogate."""
    rng, shape = np.random.default_rng(7), (8, 5)
    crossbar = Crossbar(rows=8, columns=5, r_source=10.0, r_word=20.0, r_bit=30.0, r_sense=10.0)
    device, start = default_device(), rng.uniform(0.1, 0.9, shape)
    pulses = rng.integers(-2, 4, shape) * (rng.random(shape) < 0.5)
    volts = 0.1 * rng.random((6, 8))
    written = write_in_situ(crossbar, start, pulses, device).state
    assert np.abs(written - start).max() > 0.3
    for engine in Engine:
        state = simulated(write_deck(crossbar, start, pulses, device, engine=engine)).reshape(shape)
        np.testing.assert_allclose(state, written, atol=5e-4, err_msg=f"{engine}, states")
        for build in (read_deck, sweep_deck):
            currents = simulated(build(crossbar, written, volts, device, engine=engine))
            for solve in (read_currents_dense, read_currents):
                np.testing.assert_allclose(
                    currents, solve(crossbar, written, volts, device), rtol=1e-7, err_msg=str(engine)
                )


WIRES = {
    "none": {},
    "one kind": {"r_bit": 3.0},
    "tiny": {"r_source": 1e-6, "r_word": 1e-9, "r_bit": 1e-3, "r_sense": 1e-6},
    "large": {"r_source": 1e6, "r_word": 1e3, "r_bit": 1e6, "r_sense": 1e4},
}


@pytest.mark.parametrize(
    ("shape", "wires"),
    [
        ((1, 1), "large"),
        *(((5, 11), wires) for wires in WIRES),
        *(pytest.param((1, 1), wires, marks=pytest.mark.slow) for wires in list(WIRES)[:-1]),
    ],
)
def test_sweep_against_the_surrogate(shape, wires):
    rng = np.random.default_rng(sum(shape))
    crossbar = Crossbar(rows=shape[0], columns=shape[1], **WIRES[wires])
    state, volts = rng.random(shape), rng.uniform(-2, 2, (3, shape[0]))
    volts[0] = 0.0
    device = load_device("zhang2021")
    np.testing.assert_allclose(
        simulated(sweep_deck(crossbar, state, volts, device, engine=Engine.vacask)),
        read_currents(crossbar, state, volts, device),
        rtol=1e-6,
        atol=1e-15,
    )


def test_cells_of_their_own_open_cells_and_broken_lines():
    rng, shape = np.random.default_rng(2), (6, 4)
    breaks = (Break(line="word", row=1, column=2), Break(line="bit", row=3, column=3))
    crossbar = Crossbar(
        rows=6, columns=4, r_source=10.0, r_word=2.0, r_bit=3.0, r_sense=5.0, breaks=breaks
    )
    is_open = rng.random(shape) < 0.15
    assert is_open.any()
    nominal = default_device()
    own = {
        "current_scale": np.where(is_open, OPEN, 0.01 * rng.lognormal(0, 0.3, shape)),
        "k": np.where(is_open, 0.0, 1e-4 * rng.lognormal(0, 0.3, shape)),
    }
    device = dataclasses.replace(nominal, memristor=dataclasses.replace(nominal.memristor, **own))
    state, volts = rng.random(shape), 0.1 * rng.random((5, 6))
    expected = read_currents(crossbar, state, volts, device)
    for build in (read_deck, sweep_deck):
        measured = simulated(build(crossbar, state, volts, device, engine=Engine.vacask))
        np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    pulses = rng.integers(-2, 3, shape)
    written = simulated(write_deck(crossbar, state, pulses, device, engine=Engine.vacask))
    expected = write_in_situ(crossbar, state, pulses, device).state
    np.testing.assert_allclose(written.reshape(shape), expected, atol=5e-4)


# --- commands -----------------------------------------------------------------------------------


def test_verify_on_the_command_line(make_layer, tmp_path, command):
    make_layer().save(tmp_path / "layer.npz")
    options = ("--layer", tmp_path / "layer.npz", "--output-dir", tmp_path / "out", "--reads", "3")
    code, out, _ = command(
        cli.main, "verify", "--engine", "vacask", *options, "--json", tmp_path / "v.json"
    )
    assert code == 0
    assert "accuracy, ideal / surrogate /" in out  # and the engine on the next line
    report = json.loads((tmp_path / "v.json").read_text())
    assert report["passed"] is True
    assert report["engine"] == "vacask"
    assert report["engine_version"].startswith("vacask-")
    assert report["ngspice_version"] is None
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.html", "report.json", "write.sim", "read.sim"}
    assert "ngspice" not in (tmp_path / "out" / "report.html").read_text().split("How it was made")[0]


@pytest.mark.parametrize("phase", ["write", "read"])
def test_plain_vacask_runs_the_exported_deck(make_layer, tmp_path, command, phase):
    make_layer(rows=4, columns=3, reads=3).save(tmp_path / "layer.npz")
    options = ("--layer", tmp_path / "layer.npz", "--phase", phase, "--engine", "vacask")
    assert command(cli.main, "netlist", *options, "-o", tmp_path / "x.sim")[0] == 0
    done = subprocess.run(
        [find_program(), "x.sim"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "out.raw").stat().st_size > 0


def test_tiles_are_verified_in_vacask_too(make_layer):

    arrays, bench = Arrays(tile=TileSize(rows=4, columns=2)), Testbench(engine=Engine.vacask)
    result = verify(make_layer(rows=9, columns=5), arrays, bench)
    assert result.tiles > 1
    assert result.passed
    assert result.max_state_error < 5e-4


# --- what goes wrong ----------------------------------------------------------------------------

BROKEN = {
    "unknown model": ("r1 (a 0) nonsense r=1\ncontrol\n  analysis out op\nendc", "nonsense"),
    "unknown file": ('load "nowhere.va"\ncontrol\n  analysis out op\nendc', "nowhere.va"),
    "voltage loop": ("v2 (a 0) vsource dc=2\ncontrol\n  abort always\n  analysis out op\nendc", ""),
    "no analysis": ("control\nendc", "out.raw"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_deck_is_quoted_and_kept(refused, case):
    body, words = BROKEN[case]
    deck = f"broken\nground 0\nmodel vsource vsource\nv1 (a 0) vsource dc=1\n{body}\n"
    error = refused(vacask.simulate, deck)
    assert "\x1b" not in str(error) + error.log
    assert words in error.log + str(error)
    assert error.deck.name == "broken-failed.sim"


LONG = """long
ground 0
load "resistor.osdi"
load "capacitor.osdi"
model vsource vsource
model r resistor
model c capacitor
v1 (a 0) vsource type="sine" sinedc=0 ampl=1 freq=1G
r1 (a b) r r=1
c1 (b 0) c c=1n
control
  save v(b)
  analysis out tran step=1n stop={end}
endc
"""


def descendants():
    """(program, pid) of every process of VACASK and its worker that is ours."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            names[int(path.name)] = (path / "cmdline").read_bytes()
        except OSError:
            continue
    workers = {
        pid for pid, line in names.items() if b"_vacask_worker" in line and parents[pid] == os.getpid()
    }
    return workers, {pid for pid, parent in parents.items() if parent in workers}


def runs(pid):
    """Whether it does more than wait for its parent to hear of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_worker_that_is_stopped_takes_its_simulator_along(tmp_path):
    seen, together, over = set(), Together(), threading.Event()

    def stop():
        while not seen and not over.wait(0.01):
            seen.update(descendants()[1])
        together.stop.set()

    stopper = threading.Thread(target=stop, daemon=True)
    stopper.start()
    with pytest.raises(SimulatorError, match="stopped, as another deck failed"):
        vacask.simulate(LONG.format(end=1), time_limit=60, keep_in=tmp_path, together=together)
    over.set()
    stopper.join()
    assert seen
    deadline = time.monotonic() + 10
    while any(map(runs, seen)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_time_limit_holds(tmp_path):
    with pytest.raises(SimulatorError, match="VACASK, deck: no result within the time limit of 2 s"):
        vacask.simulate(LONG.format(end=1), time_limit=2, keep_in=tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize("victim", [0, 1], ids=["worker", "VACASK"])
def test_a_process_killed_in_mid_run(tmp_path, victim, killing):
    """The first death is forgiven, whichever of the two processes it hits; no other is left."""

    def victims():
        found = descendants()
        return found[victim] if found[1] else ()

    with killing(victims) as killed:
        run = vacask.simulate(LONG.format(end="20u"), time_limit=60, keep_in=tmp_path)
    assert len(killed) == 1
    assert (run.attempts, len(run.vectors["b"]) > 1000) == (2, True)
    assert descendants() == (set(), set())


def test_the_memory_limit_holds(tmp_path):
    with pytest.raises(SimulatorError, match="out of memory"):
        vacask.simulate(LONG.format(end=1), time_limit=60, memory_limit=40 << 20, keep_in=tmp_path)
