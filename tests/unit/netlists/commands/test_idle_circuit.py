"""Settings of a circuit's file that change nothing of a command's result: each is said to be ignored."""

import json
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.idle import OF_CHARGE, OF_READS, idle_in_circuit
from roa_circuit.circuit.components import Amplifier
from roa_circuit.layers.programmed import ProgrammedLayer

WITHOUT_HEAT = "--circuit: activation_energy ignored: changes nothing without a temperature"


@pytest.fixture(autouse=True)
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("states.csv", np.full((2, 2), 0.4), delimiter=",")
    np.savetxt("inputs.csv", np.full((1, 2), 0.1), delimiter=",")
    ProgrammedLayer.of_weights(np.full((2, 1), 0.2), np.full((1, 2), 0.5)).save(Path("l.npz"))


@pytest.mark.parametrize(
    ("words", "given", "why"),
    [
        ("solve --states states.csv --inputs inputs.csv -o o.csv", "c_word [F]", "reads settle within"),
        ("compensate --layer l.npz", "read_edge [s]", "reads here have settled"),
        ("program --wanted states.csv -o o.csv", "read_hold [s]", "reads here have settled"),
        pytest.param("map --layer l.npz", "c_bit [F]", "reads settle within", marks=pytest.mark.long),
        ("netlist --layer l.npz --phase write -o d.cir", "read_edge [s]", "the deck ends before"),
        pytest.param(
            "sweep --layer l.npz --vary r_word=1,2 --workers 1 -o s",
            "c_cell [F]",
            "reads here have",
            marks=pytest.mark.long,
        ),
    ],
)
def test_what_settled_reads_know_nothing_of_is_said(command, words, given, why):
    value = 1e-6 if given.startswith("read") else 1e-18
    value = 2e-5 if given == "read_hold [s]" else value
    Path("c.toml").write_text(f'"{given}" = {value}\n"activation_energy [eV]" = 0.3\n')
    code, _, err = command(cli.main, *words.split(), "--circuit", "c.toml", "--json", "j.json")
    assert code == 0
    name = given.split(" ")[0]
    assert f"--circuit: {name} ignored: {why}" in err
    assert WITHOUT_HEAT in err
    assert json.loads(Path("j.json").read_text())["ignored"] == [name, "activation_energy"]


def test_what_changes_a_result_is_not_said_to_be_ignored(command):
    """How long a read takes is in its energy, and a deck has its ramps."""
    Path("c.toml").write_text('"read_edge [s]" = 1e-6\n"temperature [K]" = 350\n"c_word [F]" = 1e-8\n')
    words = "solve --states states.csv --inputs inputs.csv -o o.csv", "netlist --layer l.npz -o d.cir"
    for one in words:
        code, _, err = command(cli.main, *one.split(), "--circuit", "c.toml")
        assert (code, "ignored" in err) == (0, False)


def test_the_settings_without_effect_are_those_that_differ_from_none():
    amplifier = Amplifier(r_feedback=1e3, gain=1e3, gain_bandwidth=1e8)
    circuit = Circuitry(c_word=1e-15, read_hold=1e-5, amplifier=amplifier, wire_coefficient=1e-3)
    every = idle_in_circuit(circuit, (*OF_CHARGE, *OF_READS))
    assert every == ["c_word", "gain_bandwidth", "read_hold", "wire_coefficient"]
    assert idle_in_circuit(circuit, OF_CHARGE, varied=["c_word", "temperature"]) == ["gain_bandwidth"]
    assert idle_in_circuit(Circuitry(temperature=350.0, activation_energy=0.3), OF_READS) == []


@pytest.mark.ngspice
@pytest.mark.long
def test_tiles_that_a_layer_does_not_have_and_a_seed_that_draws_nothing_are_said(command):
    asked = ["verify", "--layer", "l.npz", "--phase", "read", "--tiles", 3, "--seed", 5, "-o", "v"]
    code, _, err = command(cli.main, *asked, "--json", "j.json")
    assert code == 0
    assert "--tiles 3 ignored: no layer has more\n--seed 5 ignored: " in err
    assert json.loads(Path("j.json").read_text())["options"]["ignored"] == ["tiles", "seed"]


@pytest.mark.ngspice
@pytest.mark.long
@pytest.mark.parametrize(("pulses", "said"), [(500, True), (1, False)])
def test_pulses_that_a_write_does_not_have_are_said(command, pulses, said):
    asked = ["verify", "--layer", "l.npz", "--phase", "write", "--pulses", pulses, "-o", "v"]
    code, _, err = command(cli.main, *asked, "--json", "j.json")
    assert code == 0
    assert (f"--pulses {pulses} ignored: no layer has more in these tiles" in err) is said
    assert json.loads(Path("j.json").read_text())["options"]["ignored"] == ["pulses"] * said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--imperfections x.toml --age 1d", "drift_exponent would change nothing: --phase write reads"),
        ("--analysis sweep", "--analysis sweep is for reads: a write alone takes --analysis transient"),
    ],
)
def test_what_is_about_reads_is_refused_of_a_write(command, words, why):
    Path("x.toml").write_text('"drift_exponent [-]" = 0.05\n')
    asked = f"verify --layer l.npz --phase write -o v {words}".split()
    code, _, err = command(cli.main, *asked)
    assert code == 2
    assert why in err


def test_a_deck_s_result_says_its_circuit_and_its_reads(command):
    Path("c.toml").write_text('"c_word [F]" = 1e-15\n')
    for phase, reads in (("read", 1), ("write", None)):
        asked = f"netlist --layer l.npz --phase {phase} --circuit c.toml -o d.cir --json j.json"
        assert command(cli.main, *asked.split())[0] == 0
        found = json.loads(Path("j.json").read_text())
        assert (found["circuit"], found["reads"]) == ({"c_word [F]": 1e-15}, reads)


def test_a_layer_says_the_seed_that_drew_its_inputs(command):
    np.savetxt("w.csv", np.full((2, 2), 0.4), delimiter=",")
    for more, seed in ([], 0), (["--seed", "7"], 7), (["--activations", "inputs.csv"], None):
        asked = ("layer", "--weights", "w.csv", "-o", "m.npz", "--json", "j.json")
        assert command(cli.main, *asked, *more)[0] == 0
        assert json.loads(Path("j.json").read_text())["seed"] == seed
