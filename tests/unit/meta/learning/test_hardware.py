"""Adapted networks behind `--circuit FILE`: as in a sweep, as heads behind wires, as SPICE."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from meta.circuits.adaptation import adapt_episode
from meta.circuits.behind_circuit import Hardware
from meta.circuits.behind_wires import behind_wires, predictions
from meta.circuits.evaluation import evaluate_behind
from meta.circuits.subject import NetworkSubject
from meta.circuits.validate import referee
from meta.commands import cli
from meta.data.tasks import Tasks
from meta.learning.writing import Writing
from meta.network.architecture import HEAD, Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.layers.programmed import ProgrammedLayer

AMPLIFIED = Circuitry(
    amplifier=Amplifier(r_feedback=2e3, gain=50.0), temperature=340.0, activation_energy=0.2,
    lines=Wiring(r_word=4.0, r_bit=8.0),
)  # fmt: skip
ONE_T = Circuitry(transistor=Transistor(width_over_length=2.0))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network(Architecture(filters=6), torch.Generator().manual_seed(1)).eval()


@pytest.mark.long
@pytest.mark.parametrize("circuitry", [BARE, pytest.param(AMPLIFIED, marks=pytest.mark.slow), ONE_T])
def test_a_head_answers_as_it_does_behind_wires(network, bars, circuitry):
    episode = adapt_episode(network, Tasks(dataset=bars, queries=8), Writing(relative_rate=20.0))
    hardware = Hardware(
        circuitry=circuitry, imperfections=Imperfections(stuck_on=0.05, sigma_wn=1.0), in_situ=True
    )
    head = episode.layers[HEAD]
    ours = hardware.holding({HEAD: head}, seed=3)[HEAD]
    lines = replace(hardware.crossbar, rows=head.crossbar.rows, columns=head.crossbar.columns)
    crossbar, device = circuitry.applied(lines, head.device)
    theirs = predictions(
        replace(head, crossbar=crossbar, device=device), hardware.imperfections, 3, circuitry
    )
    answers = ours(head.inputs * head.input_scale).argmax(axis=1)
    np.testing.assert_array_equal(answers, theirs)
    assert len(set(answers)) > 1


@pytest.mark.long
def test_an_evaluation_is_that_of_a_sweep(network, bars):
    tasks = Tasks(dataset=bars, queries=4, seed=7)
    found = NetworkSubject(network=network, tasks=tasks).evaluate({"sigma_wn": 2.0}, [7, 8])
    (row,) = evaluate_behind(network, tasks, Hardware(), count=2, sigmas=[2.0])
    assert row.accuracy == pytest.approx(np.mean(found["accuracy"]))
    assert row.agreement == pytest.approx(np.mean(found["agreement"]))


@pytest.mark.long
def test_perfect_circuits_cost_nothing_and_transistors_do(network, bars):
    tasks, writing = Tasks(dataset=bars, queries=4), Writing(relative_rate=20.0)
    perfect = Hardware(crossbar=Crossbar(rows=1, columns=2))
    free, gated = (
        evaluate_behind(network, tasks, replace(perfect, circuitry=circuitry), writing, count=2)[0]
        for circuitry in (BARE, Circuitry(transistor=Transistor(width_over_length=0.5)))
    )
    assert free.agreement > 0.95
    assert free.accuracy == pytest.approx(free.accuracy_without, abs=0.06)
    assert gated.agreement < free.agreement


@pytest.mark.parametrize("name", ["offline", "ideal"])
def test_methods_that_a_chip_cannot_hold_are_refused(network, bars, name):
    with pytest.raises(InputError, match=f"method '{name}' does not write once"):
        evaluate_behind(network, Tasks(dataset=bars), Hardware(), Writing(method=METHODS[name]))


def test_five_writes_are_not_laid_out_as_one(bars):
    network = Network(Architecture(filters=4, steps=5)).eval()
    with pytest.raises(InputError, match="takes 5 steps"):
        adapt_episode(network, Tasks(dataset=bars))


@pytest.mark.ngspice
def test_ngspice_reads_heads_through_the_amplifiers_of_the_file(make_layer):
    judge = referee(writes=False, circuitry=AMPLIFIED)
    (row,) = behind_wires([make_layer(5, 3, reads=4)], [1.0], circuitry=AMPLIFIED, referee=judge)
    assert row.agreement == 1.0
    assert row.current_error < 1e-6


@pytest.fixture
def roa_meta(command, network, tmp_path, monkeypatch):
    """Run a subcommand on a small network, in a folder with a circuit and imperfections."""
    monkeypatch.chdir(tmp_path)
    network.save(tmp_path / "n.safetensors")
    Path("c.toml").write_text(
        '"temperature [K]" = 350.0\n[lines]\n"r_word [Ohm]" = 7.0\n'
        '[amplifier]\n"r_feedback [Ohm]" = 1e3\n'
    )
    Path("own.toml").write_text('[lines]\n"r_word [Ohm]" = [1.0, 2.0]\n')
    Path("x.toml").write_text('"sigma_wn [-]" = 1.0\n')

    def run(name, *options):
        return command(cli.main, name, "--network", "n.safetensors", "--dataset", "glyphs", *options)

    return run


@pytest.mark.long
def test_adapt_answers_behind_the_circuit_and_lays_layers_on_the_lines_asked_for(roa_meta):
    code, out, _ = roa_meta(
        "adapt", "--queries", 2, "--circuit", "c.toml", "--wire-resistance", 3, "-o", "a", "--json",
        "a.json",
    )  # fmt: skip
    assert code == 0
    assert "behind the circuit" in " ".join(out.split())
    assert 0 <= json.loads(Path("a.json").read_text())["accuracy_behind_circuit"] <= 1
    crossbar = ProgrammedLayer.load(Path("a/fc.npz")).crossbar
    assert (crossbar.r_word, crossbar.r_bit) == (3.0, 3.0)  # cold: `verify --circuit` warms it


EVALUATE = ("evaluate", "--queries", 2, "--tasks", 2, "--sigma-wn", "0,1")


@pytest.mark.long
def test_evaluate_gives_a_row_for_each_noise_beside_the_network_without_circuit(roa_meta):
    code, out, _ = roa_meta(*EVALUATE, "--circuit", "c.toml", "--json", "e.json")
    assert code == 0
    assert "without circuit" in " ".join(out.split())
    rows = json.loads(Path("e.json").read_text())["rows"]
    assert [row["sigma_wn"] for row in rows] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--in-situ",), "--in-situ is about a circuit"),
        (("--compensation", "calibrated"), "--compensation is about a circuit"),
        (("--circuit", "own.toml"), "give one resistance for all lines"),
        (("--circuit", "c.toml", "--reading", "half"), "--reading half: chips draw Eq. 7"),
        (("--circuit", "c.toml", "--write-verify", 2), "--write-verify: chips start"),
        (("--imperfections", "x.toml"), "with --sigma-wn, not in the file"),
    ],
)
def test_evaluate_refuses_in_one_line_what_chips_have_no_use_for(roa_meta, options, complaint):
    code, _, error = roa_meta(*EVALUATE, *options)
    assert code == 2
    assert complaint in " ".join(error.split())
    assert len(error.strip().splitlines()) == 1


def test_wires_reads_heads_behind_the_circuit(roa_meta):
    code, _, _ = roa_meta("wires", "--episodes", 1, "--circuit", "c.toml", "--wire-resistance", "0")
    assert code == 0
