"""--mapping of roa-spice: what each command makes of it, and how mistakes are answered."""

import json
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.layers.programmed import ProgrammedLayer


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savetxt("w.csv", rng.uniform(-0.4, 0.4, (6, 3)), delimiter=",")
    return tmp_path


def made(command, *more):
    return command(cli.main, "layer", "--weights", "w.csv", "-o", "mine.npz", "--json", "l.json", *more)


def test_a_layer_of_pairs_says_how_it_is_mapped_and_what_it_does_not_reach(files, command):
    code, out, _ = made(command, "--mapping", "pair")
    assert (code, "two columns an output, written by raise" in out) == (0, True)
    assert ProgrammedLayer.load(Path("mine.npz")).crossbar.columns == 6
    np.savetxt("w.csv", [[0.9, -0.2]], delimiter=",")
    code, out, _ = made(command, "--mapping", "pair")
    assert "1 weight beyond what pairs reach by 'raise'" in out
    assert "--mapping pair:push-pull, reaches more" in out
    assert json.loads(Path("l.json").read_text())["beyond"]["weights"] == 1


def test_a_layer_goes_onto_other_columns_and_the_price_is_said(files, command):
    made(command)
    asked = ("--layer", "mine.npz", "--mapping", "pair", "-o", "read.cir", "--json", "n.json")
    code, out, _ = command(cli.main, "netlist", *asked)
    assert (code, "pair in place of reference: 6 bit lines instead of 4" in out) == (0, True)
    assert "Hdiff2_plus" in Path("read.cir").read_text()
    assert json.loads(Path("n.json").read_text())["columns"] == 6


def test_weights_are_programmed_into_pairs_cell_by_cell(files, command):
    asked = ("--wanted", "w.csv", "-o", "states.csv", "--mapping", "pair", "--json", "p.json")
    code, out, _ = command(cli.main, "program", *asked)
    found = json.loads(Path("p.json").read_text())
    assert (code, found["mapping"], found["columns"]) == (0, "pair", 6)
    states = np.loadtxt("states.csv", delimiter=",")
    reached = states[:, ::2] - states[:, 1::2]
    worst = np.abs(reached - np.loadtxt("w.csv", delimiter=",")).max()
    assert found["worst_weight_error"] == pytest.approx(worst, abs=1e-9)
    assert worst < 0.1  # two cells within 0.05 each
    assert "weights g within" in out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("layer", "--weights", "w.csv", "-o", "a.npz", "--mapping", "pear"), "did you mean 'pair'"),
        (("layer", "--weights", "w.csv", "-o", "a.npz", "--mapping", "reference:0"), "1 or more"),
        (
            ("program", "--wanted", "w.csv", "-o", "s.csv", "--mapping", "pair", "--conductances"),
            "leave one out",
        ),
    ],
)
def test_mistakes_are_answered_in_a_line(files, command, words, complaint):
    code, _, error = command(cli.main, *words)
    assert code == 2
    assert complaint in error
    assert error.count("\n") == 1
