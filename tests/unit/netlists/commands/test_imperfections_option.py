"""--imperfections: the same chip by every engine, said in the output, in one line if wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import load
from roa_circuit.circuit.design_point import default_crossbar, default_device

REAL = """
"stuck_on [-]" = 0.2
"open [-]" = 0.2
"broken_word [-]" = 0.3
"driver_offset [V]" = 1e-3
"sense_gain [-]" = 0.05
"flicker [-]" = 0.02
"""


@pytest.fixture
def arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savetxt("states.csv", rng.random((6, 4)), delimiter=",")
    np.savetxt("inputs.csv", 0.1 * rng.random((5, 6)), delimiter=",")
    Path("real.toml").write_text(REAL)


def solve(command, *options):
    files = ("--states", "states.csv", "--inputs", "inputs.csv", "-o", "i.csv")
    code, out, error = command(cli.main, "solve", *files, "--wire-resistance", "2", *options)
    assert (code, error) == (0, "")
    return out, np.loadtxt("i.csv", delimiter=",")


@pytest.mark.usefixtures("arrays")
def test_solve_draws_the_same_chip_for_every_engine(command):
    real = ("--imperfections", "real.toml", "--seed", "3")
    out, fast = solve(command, *real, "--json", "s.json")
    _, slow = solve(command, *real, "--engine", "dense")
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-9 * fast.max())
    crossbar = replace(default_crossbar(6, 4), r_word=2.0, r_bit=2.0)
    chip = draw(load("real.toml"), crossbar, default_device(), np.random.default_rng(3))
    assert f"seed 3: {chip.described()}" in out
    assert json.loads(Path("s.json").read_text())["drawn"] == {"seed": 3, **chip.summary()}
    _, ideal = solve(command)
    _, other = solve(command, "--imperfections", "real.toml", "--seed", "4")
    assert np.abs(fast - ideal).max() > 0.01 * ideal.max()
    assert np.abs(fast - other).max() > 0.01 * ideal.max()


@pytest.mark.usefixtures("arrays")
def test_a_deck_says_what_was_drawn(command):
    real = ("--imperfections", "real.toml", "--seed", "3", "--reads", "2")
    code, out, error = command(cli.main, "netlist", *real, "-o", "x.cir", "--json", "s.json")
    assert (code, error.count("\n")) == (0, 1)
    assert "sense_gain, flicker ignored: the deck is of the array, without its readout" in error
    drawn = json.loads(Path("s.json").read_text())["drawn"]
    assert json.loads(Path("s.json").read_text())["ignored"] == ["sense_gain", "flicker"]
    deck = Path("x.cir").read_text()
    assert f"{drawn['stuck_on']} of 390 cells stuck on" in deck.replace("\n* ", " ")
    assert "seed 3: " in out
    free = [line for line in deck.splitlines() if line.split()[1:2] and "open_word" in line.split()[1]]
    assert len(free) == drawn["open"]


@pytest.mark.parametrize("name", ["solve", "netlist", "verify"])
@pytest.mark.usefixtures("arrays")
def test_a_misspelt_field_is_one_line(command, name):
    Path("real.toml").write_text('"stuk_on [-]" = 0.2')
    files = ("--states", "states.csv", "--inputs", "inputs.csv") if name == "solve" else ()
    output = () if name == "verify" else ("-o", "x")
    code, _, error = command(cli.main, name, *files, *output, "--imperfections", "real.toml")
    assert code == 2
    assert "did you mean 'stuck_on [-]'" in error
    assert error.count("\n") == 1
    assert not Path("x").exists()
