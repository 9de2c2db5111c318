"""roa-spice layer: weights of one's own become a layer that every other command takes."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savetxt("w.csv", rng.uniform(-0.6, 0.6, (6, 3)), delimiter=",")
    np.save("w.npy", np.loadtxt("w.csv", delimiter=","))
    np.savetxt("x.csv", rng.uniform(0, 4, (5, 6)), delimiter=",")
    np.savetxt("right.csv", [0, 1, 2, 1, 0], fmt="%d")
    return tmp_path


def test_weights_are_written_as_whole_pulses_allow(files, command):
    asked = ("--weights", "w.csv", "--activations", "x.csv", "--labels", "right.csv", "--json", "l.json")
    code, out, _ = command(cli.main, "layer", *asked, "-o", "mine.npz")
    assert (code, "next: roa-spice verify --layer mine.npz" in out) == (0, True)
    layer = ProgrammedLayer.load(files / "mine.npz")
    g = np.loadtxt("w.csv", delimiter=",")
    reached = 2 * after_pulses(layer.initial_state, layer.pulses, layer.device) - 1
    assert np.abs(reached[:, :-1] - g).max() < 0.12  # half a pulse where pulses are coarsest
    assert np.sqrt(np.mean((reached[:, :-1] - g) ** 2)) == pytest.approx(
        json.loads((files / "l.json").read_text())["rms_error"]
    )
    volts = layer.inputs * layer.device.pulses.full_scale
    G = conductance(0.5 * (reached + 1), layer.device.pulses.read_voltage, layer.device.memristor)
    energy = json.loads((files / "l.json").read_text())["read_energy"]
    power = np.mean([(v[:, None] ** 2 * G).sum() for v in volts])  # lines of 1 Ohm take next to nothing
    assert energy["joules_a_read"] == pytest.approx(power * energy["seconds_a_read"], rel=0.05)
    assert "energy of a read" in out
    np.testing.assert_array_equal(reached[:, -1], 0)
    np.testing.assert_allclose(layer.inputs * layer.input_scale, np.loadtxt("x.csv", delimiter=","))
    assert (layer.name, list(layer.labels)) == ("mine", [0, 1, 2, 1, 0])


@pytest.mark.parametrize("share", [0.01, 1.0])
def test_edges_that_the_plan_leaves_out_are_said_where_they_show(files, command, share):
    """The counts are those of flat tops; on slow edges each pulse does more, and nothing said so."""
    device = load_device("vteam")
    pulses = dataclasses.replace(device.pulses, edge_fraction=share)
    Path("slow.toml").write_text(dataclasses.replace(device, pulses=pulses).to_toml())
    asked = ("--weights", "w.csv", "--device", "slow.toml", "--json", "l.json", "-o", "mine.npz")
    code, out, _ = command(cli.main, "layer", *asked)
    assert code == 0
    told, layer = json.loads(Path("l.json").read_text()), ProgrammedLayer.load(files / "mine.npz")
    g, law = np.loadtxt("w.csv", delimiter=","), device.memristor
    state, count = layer.initial_state, layer.pulses
    for sign, V, T in (
        (1, pulses.potentiation_voltage, pulses.potentiation_width),
        (-1, pulses.depression_voltage, pulses.depression_width),
    ):
        dose = law.dose(np.array(V), np.array(T), edge=share * T)
        one = law.after_dose(state, dose * np.abs(count), np.full(state.shape, V))
        state = np.where(np.sign(count) == sign, one, state)
    error = np.sqrt(np.mean((2 * state[:, :-1] - 1 - g) ** 2))
    assert told["rms_error_with_edges"] == pytest.approx(error, rel=1e-6)
    assert ("edges of 100 % of that add " in out) is (share == 1.0)
    assert (f"which brings g within {error:.2g} rms" in out) is (share == 1.0)


@pytest.mark.long
def test_ideal_cells_have_their_weights_and_are_read_in_ngspice(files, command):
    assert command(cli.main, "layer", "--weights", "w.npy", "-o", "mine.npz", "--ideal")[0] == 0
    layer = ProgrammedLayer.load(files / "mine.npz")
    np.testing.assert_allclose(2 * layer.initial_state[:, :-1] - 1, np.load("w.npy"), atol=1e-15)
    assert not layer.pulses.any()
    asked = ("--layer", "mine.npz", "--phase", "read", "--reads", "2")
    code, out, _ = command(cli.main, "verify", *asked)
    assert (code, "passed" in out) == (0, True)


MISTAKES = {
    "range": (("--weights", "x.csv"), "x.csv: weights g must lie in [-1, 1], row 0, column 0"),
    "rows": (("--weights", "w.csv", "--activations", "right.csv"), "weights have 6 rows"),
    "negative": (
        ("--weights", "w.csv", "--activations", "minus.csv"),
        "read max(x, 0) and max(-x, 0) apart",
    ),
    "transposed": (("--weights", "w.csv", "--activations", "three.csv"), "transpose them"),
    "kernel": (("--weights", "kernel.npy"), "save kernel.reshape(len(kernel), -1).T"),
    "siemens": (("--weights", "siemens.csv"), "add --conductances for siemens"),
    "both": (("--weights", "w.csv", "--ideal", "--start", "0.1"), "leave one out"),
    "labels": (
        ("--weights", "w.csv", "--activations", "x.csv", "--labels", "two.csv"),
        "labels must be 5",
    ),
    "classes": (
        ("--weights", "w.csv", "--activations", "x.csv", "--labels", "six.csv"),
        "outside [0, 2]",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(files, command, mistake):
    (files / "minus.csv").write_text("-1,0,0,0,0,0\n")
    (files / "two.csv").write_text("0\n1\n")
    (files / "six.csv").write_text("0\n1\n2\n6\n0\n")
    (files / "three.csv").write_text("1,0,0\n")
    (files / "siemens.csv").write_text("1e-5,2e-5\n3e-5,4e-5\n")
    np.save("kernel.npy", np.zeros((4, 2, 3, 3)))
    asked, message = MISTAKES[mistake]
    code, _, error = command(cli.main, "layer", *asked, "-o", "mine.npz")
    assert (code, message in error, error.count("\n")) == (2, True, 1)
    assert not (files / "mine.npz").exists()


def test_a_deck_of_slices_says_how_many_reads_an_input_takes(command, tmp_path):
    (tmp_path / "x.toml").write_text('"dac_bits [-]" = 8\n"dac_slices [-]" = 4\n')
    files = [
        "--imperfections",
        tmp_path / "x.toml",
        "-o",
        tmp_path / "r.cir",
        "--json",
        tmp_path / "r.json",
    ]
    code, out, _ = command(
        cli.main, "netlist", "--layer", "fc", "--phase", "read", "--reads", "2", *files
    )
    assert (code, "each input is read in 4 slices" in out) == (0, True)
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["reads"], found["slices"]) == (2, 4)
