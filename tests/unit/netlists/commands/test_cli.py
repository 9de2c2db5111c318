"""roa-spice as a person uses it: results, exit codes, and one line for every mistake."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.solver.read import read_currents


@pytest.fixture
def spice(command, monkeypatch, tmp_path):
    """Run roa-spice in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    return partial(command, cli.main)


@pytest.fixture
def files(tmp_path):
    """states.csv (3 x 2) and inputs.csv (2 x 3) that fit each other."""
    (tmp_path / "states.csv").write_text("0.1,0.9\n0.5,0.5\n1,0\n")
    (tmp_path / "inputs.csv").write_text("0.1,0.05,0.02\n0,0,0.1\n")
    return tmp_path


SOLVE = ("solve", "--states", "states.csv", "--inputs", "inputs.csv", "-o", "currents.csv")
STATE = np.array([[0.1, 0.9], [0.5, 0.5], [1, 0]])
VOLTS = np.array([[0.1, 0.05, 0.02], [0, 0, 0.1]])
TABLE_1 = load_device("zhang2021")
CELLS = default_device()


@pytest.fixture
def solve(spice, files):
    """Run `solve` on the files; its currents must be those of this crossbar and device."""

    def run(*options, device=CELLS, **lines):
        code, _, error = spice(*SOLVE, *options)
        assert (code, error) == (0, "")
        crossbar = replace(default_crossbar(3, 2), **lines)
        expected = read_currents(crossbar, STATE, VOLTS, device)
        np.testing.assert_allclose(np.loadtxt("currents.csv", delimiter=","), expected, rtol=1e-9)

    return run


@pytest.mark.parametrize("engine", ["surrogate", "dense"])
def test_solve_with_all_resistances(solve, engine):
    options = ("--source-resistance", "10", "--wire-resistance", "1.5", "--bit-resistance", "2 Ohm")
    more = ("--sense-resistance", "0.1k", "--engine", engine, "--json", "s.json")
    solve(*options, *more, r_source=10.0, r_word=1.5, r_bit=2.0, r_sense=100.0)
    assert all(len(field) == 17 for field in Path("currents.csv").read_text().split(",")[0:1])
    summary = json.loads(Path("s.json").read_text())
    assert (summary["engine"], summary["r_word"], summary["r_bit"]) == (engine, 1.5, 2.0)


def test_solve_stands_on_the_design_point_where_nothing_else_is_named(solve):
    solve()
    solve("--device", "zhang2021", device=TABLE_1)
    solve("--current-scale", "0.5", device=TABLE_1.scaled(0.5))
    solve("--wire-resistance", "20", r_word=20.0, r_bit=20.0)


@pytest.mark.parametrize("engine", ["surrogate", "dense"])
def test_solve_with_lines_of_their_own(solve, engine):
    lines = '[lines]\n"r_word [Ohm]" = [10, 0, 30.5]\n"r_sense [Ohm]" = 5\ndrive = "left"'
    Path("lines.toml").write_text(lines)
    options = ("--circuit", "lines.toml", "--drive", "both", "--sense", "top", "--json", "s.json")
    wired = {"r_word": (10.0, 0.0, 30.5), "r_sense": 7.0, "drive": "both", "sense": "top"}
    solve(*options, "--sense-resistance", "7", "--engine", engine, **wired)
    summary = json.loads(Path("s.json").read_text())
    told = {name: summary[name] for name in ("rows", "columns", "r_source", "r_bit", *wired)}
    assert Crossbar.from_dict(told) == Crossbar(rows=3, columns=2, r_source=10.0, r_bit=1.0, **wired)
    assert summary["lines"]["r_word [Ohm]"] == [10.0, 0.0, 30.5]


def test_a_sense_resistance_beside_amplifiers_is_said_to_be_of_writes(spice, files):
    (files / "c.toml").write_text('[amplifier]\n"r_feedback [Ohm]" = 1e4\n"gain [-]" = 99\n')
    assert "sense resistance:" not in spice(*SOLVE, "--circuit", "c.toml")[1]
    amplified = (files / "currents.csv").read_text()
    code, out, _ = spice(*SOLVE, "--circuit", "c.toml", "--sense-resistance", "1k")
    assert code == 0
    assert "reads end in amplifiers of 100 Ohm instead; 1000 Ohm is in the way of pulses alone" in out
    assert (files / "currents.csv").read_text() == amplified


def test_lines_that_do_not_fit_are_refused(spice, files):
    Path("lines.toml").write_text('[lines]\n"r_bit [Ohm]" = [1, 2, 3]')
    code, _, error = spice(*SOLVE, "--circuit", "lines.toml")
    assert code == 2
    assert "r_bit has shape (3,): give one number, or 2, one a bit line" in error
    code, _, error = spice(*SOLVE, "--drive", "top")
    assert code == 2
    assert "drive 'top' is unknown" in error


def test_solve_with_a_device_file(solve):
    device = TABLE_1.scaled(0.5)
    Path("device.toml").write_text(device.to_toml())
    solve("--device", "device.toml", device=device)


def test_an_interrupt_is_one_line(spice, files, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("roa_circuit.solver.settled.read_currents", interrupted)
    code, _, error = spice(*SOLVE)
    assert (code, error) == (130, "error: interrupted\n")


MISTAKES = {
    "missing states": (("--states", "no.csv"), "no.csv: cannot be read"),
    "folder": (("--states", "."), "cannot be read"),
    "shape": (("--inputs", "states.csv"), "one input voltage per row"),
    "omega": (("--states", "wide.csv"), "line 1, column 2: state omega = 1.5"),
    "voltage": (("--inputs", "high.csv"), "input [V] = 50 lies outside [-10, 10]"),
    "negative": (("--word-resistance", "-1"), "--word-resistance: '-1' must be 0 Ohm or more"),
    "suffix": (("--wire-resistance", "1x"), "--wire-resistance: '1x' is not a number"),
    "unit": (("--wire-resistance", "1 V"), "is in V, expected Ohm"),
    "infinite": (("--sense-resistance", "inf"), "is not a number"),
    "device": (("--device", "zang2021"), "did you mean 'zhang2021'?"),
    "engine": (("--engine", "hspice"), "hspice"),
    "option": (("--nonsense",), "--nonsense"),
    "output folder": (("-o", "."), "is a folder"),
    "output below a file": (("-o", "states.csv/x/currents.csv"), "cannot be written"),
    "new folder": (("-o", "new/currents.csv", "--states", "no.csv"), "no.csv: cannot be read"),
    "json": (("--json", "states.csv/x.json"), "cannot be written"),
    "time": (("--time-limit", "0"), "time-limit"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(spice, files, mistake):
    options, message = MISTAKES[mistake]
    Path("wide.csv").write_text("0.5,1.5\n")
    Path("high.csv").write_text("0,50,0\n")
    before = sorted(files.rglob("*"))
    code, out, error = spice(*SOLVE, *options)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert out == ""
    assert sorted(files.rglob("*")) == before


def test_a_missing_simulator_is_exit_code_3(spice, files, monkeypatch):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "/nowhere/libngspice.so")
    code, _, error = spice(*SOLVE, "--engine", "ngspice")
    assert code == 3
    assert "/nowhere/libngspice.so" in error
    assert not Path("currents.csv").exists()


@pytest.mark.parametrize("phase", ["write", "read"])
def test_netlist_of_a_layer_file(spice, make_layer, tmp_path, phase):
    make_layer().save(tmp_path / "layer.npz")
    code, out, error = spice(
        "netlist", "--layer", "layer.npz", "-o", "a/x.cir", "--phase", phase, "--json", "n.json"
    )
    assert (code, error) == (0, "")
    assert "ngspice -b a/x.cir" in out
    text = Path("a/x.cir").read_text()
    assert text.startswith("* Crossbar of 5 x 3 memristors")
    assert json.loads(Path("n.json").read_text())["phase"] == phase


def test_a_deck_of_another_device_takes_no_model_from_one_beside_it(spice, make_layer, tmp_path):
    """The second export overwrote the first one's memristor.va."""
    make_layer().save(tmp_path / "layer.npz")
    asked = ("netlist", "--layer", "layer.npz", "--phase", "write", "--language", "spectre")
    assert spice(*asked, "-o", "a.scs")[0] == 0
    model = (tmp_path / "memristor.va").read_text()
    status, _, error = spice(*asked, "--device", "zhang2021", "-o", "b.scs")
    assert (status, error.count("\n")) == (2, 1)
    assert "memristor.va: is the model of another device" in error
    assert not (tmp_path / "b.scs").exists()
    assert (tmp_path / "memristor.va").read_text() == model
    assert spice(*asked, "-o", "c.scs")[0] == 0


@pytest.mark.parametrize("language", ["ltspice", "xyce", "spectre", "hspice"])
def test_netlist_speaks_other_languages(spice, make_layer, tmp_path, language):
    make_layer().save(tmp_path / "layer.npz")
    asked = (
        "netlist",
        "--layer",
        "layer.npz",
        "-o",
        "x.net",
        "--phase",
        "write",
        "--language",
        language,
    )
    status, out, _ = spice(*asked, "--json", "n.json")
    assert status == 0
    assert "not run here" in out
    assert json.loads((tmp_path / "n.json").read_text())["language"] == language
    assert "word0_col0" in (tmp_path / "x.net").read_text()
    assert (tmp_path / "memristor.va").is_file() == (language == "spectre")
    status, _, error = spice(*asked, "--engine", "vacask")
    assert status == 2
    assert "--engine vacask: changes nothing of a deck with --language" in error


@pytest.mark.ngspice
def test_verify_by_collocation_says_how_much_it_saw(spice, make_layer, tmp_path):
    make_layer(rows=6, columns=3, density=0.6).save(tmp_path / "layer.npz")
    asked = ("verify", "--layer", "layer.npz", "--phase", "write", "--json", "v.json")
    status, out, _ = spice(*asked, "--pulses", "3")
    found = json.loads((tmp_path / "v.json").read_text())
    assert status == 0
    assert "3 of " in out
    assert (found["analysis"], found["pulses_simulated"]) == ("collocation", 3)
    assert found["pulses_in_programme"] > 3
    assert 0 < found["residual_bound"] < 1e-5
    page = (tmp_path / "out/verify/report.html").read_text()
    assert "does not show how the simulator itself steps through time" in page
    status, _, error = spice(*asked, "--pulses", "3", "--analysis", "transient")
    assert status == 2
    assert "add --analysis collocation" in error


def test_netlist_takes_other_wires(spice, make_layer, tmp_path):
    make_layer().save(tmp_path / "layer.npz")
    spice("netlist", "--layer", "layer.npz", "-o", "x.cir", "--wire-resistance", "0", "--reads", "2")
    assert "2 reads" in Path("x.cir").read_text()
    assert "Rword0_col0" not in Path("x.cir").read_text()


BAD_LAYERS = {
    "name": ("fcc", "neither a file nor a shipped layer"),
    "missing": ("no.npz", "cannot be read"),
    "text": ("text.npz", "not a layer file"),
    "folder": (".", "cannot be read"),
}


@pytest.mark.long
@pytest.mark.parametrize("case", BAD_LAYERS)
@pytest.mark.parametrize("name", ["netlist", "verify"])
def test_bad_layers_are_one_line(spice, tmp_path, name, case):
    layer, message = BAD_LAYERS[case]
    (tmp_path / "text.npz").write_text("hello")
    output = ("-o", "x.cir") if name == "netlist" else ("--output-dir", "out")
    code, _, error = spice(name, "--layer", layer, *output)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert not Path("x.cir").exists()


def test_too_many_reads_are_said(spice, make_layer, tmp_path):
    make_layer(reads=4).save(tmp_path / "layer.npz")
    code, _, error = spice("verify", "--layer", "layer.npz", "--reads", "5")
    assert code == 2
    assert "has 4 reads, not 5" in error


@pytest.mark.long
def test_the_command_is_installed():
    command = Path(sys.executable).with_name("roa-spice")
    result = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert all(word in result.stdout for word in ("netlist", "solve", "verify"))
