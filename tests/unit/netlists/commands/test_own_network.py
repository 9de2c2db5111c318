"""`--module`: layers of a torch network of one's own, for commands of `roa-spice`."""

import csv
import json
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from meta import convert
from netlists.commands.cli import main
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.read import read_currents

CODE = """
import torch
from torch import nn

def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    return net, torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(1))

def alone():
    return nn.Linear(2, 2)

def broken():
    return network()[0], None
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE)

    def roa_spice(*arguments):
        monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    yield roa_spice
    sys.modules.pop("mine", None)


def test_a_layer_of_a_network_is_that_of_convert_with_the_weights_of_the_file(run, tmp_path):
    network, sample = given()
    with torch.no_grad():
        network[3].weight.mul_(-2.0)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    asked = ("--module", "mine:network", "--weights", "w.safetensors", "--layer", "3")
    code, said = run("layer", *asked, "-o", "out.npz")
    assert code == 0, said.err
    found = ProgrammedLayer.load(tmp_path / "out.npz")
    wanted = convert(network, None, sample).layers["3"]
    np.testing.assert_allclose(found.initial_state, wanted.initial_state, atol=1e-12)
    np.testing.assert_allclose(found.inputs, wanted.inputs, atol=1e-7)


@pytest.mark.long
def test_a_deck_and_a_comparison_of_compensations_are_made_of_a_layer_of_a_network(run, tmp_path):
    code, said = run("netlist", "--module", "mine:network", "--layer", "0", "-o", "deck.cir")
    assert code == 0, said.err
    assert "layer '0'" in (tmp_path / "deck.cir").read_text()
    code, said = run("compensate", "--module", "mine:network", "--layer", "0")
    assert code == 0, said.err
    assert "9 x 6 cells" in said.out


def given():
    """The network of the file, and the sample."""
    made = {}
    exec(CODE, made)
    return made["network"]()


@pytest.mark.long
def test_a_map_of_a_layer_of_a_network_has_the_currents_of_its_read(run, tmp_path):
    code, said = run("map", "--module", "mine:network", "--layer", "3", "--read-index", "2", "-o", "map")
    assert code == 0, said.err
    network, sample = given()
    layer = convert(network, None, sample).layers["3"]
    volts = voltage_from_input(layer.inputs[2:3], layer.device)
    wanted = read_currents(layer.crossbar, layer.initial_state, volts, layer.device, exact=True)
    (array,) = json.loads((tmp_path / "map" / "map.json").read_text())["arrays"]
    np.testing.assert_allclose(array["sensed [A]"], wanted[0], rtol=1e-6)
    assert "two columns an output" in (tmp_path / "map" / "report.html").read_text()


@pytest.mark.long
def test_a_sweep_of_a_layer_of_a_network_is_that_of_its_file(run, tmp_path):
    network, sample = given()
    convert(network, None, sample).layers["0"].save(tmp_path / "kernel.npz")
    how = ("--vary", "wire_resistance=1,100", "--sensitivity", "none", "--reads", "8", "--workers", "1")
    asked = {"file": ("--layer", "kernel.npz"), "own": ("--module", "mine:network", "--layer", "0")}
    rows = {}
    for name, which in asked.items():
        code, said = run("sweep", *which, *how, "--output-dir", name)
        assert code == 0, said.err
        lines = (tmp_path / name / "sweep.csv").read_text().splitlines()
        rows[name] = [float(row["mac_error"]) for row in csv.DictReader(lines)]
    assert rows["own"] == pytest.approx(rows["file"], rel=1e-5)
    assert rows["own"][1] > 5 * rows["own"][0] > 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--module", "mine"), "must be PACKAGE.MODULE:FUNCTION"),
        (("--module", "nowhere:network"), "cannot be imported"),
        (("--module", "mine:networks"), "did you mean 'network'"),
        (("--module", "mine:alone"), "must return the torch network, a sample"),
        (("--module", "mine:broken"), "sample is missing"),
        (("--module", "mine:network", "--weights", "mine.py"), "no safetensors file"),
        (("--module", "mine:network", "--layer", "4"), "layer '4' is not on chips"),
        (("--weights", "w.safetensors"), "add --module"),
    ],
)
def test_bad_input_is_one_helpful_line(run, arguments, complaint):
    layer = () if "--layer" in arguments else ("--layer", "3")
    code, said = run("compensate", *arguments, *layer)
    assert code == 2
    assert complaint in said.err
    assert said.err.count("\n") == 1


def test_a_layer_file_needs_the_name_of_the_layer(run):
    assert "--layer: is missing" in run("layer", "--module", "mine:network", "-o", "x.npz")[1].err
    assert "add --module" in run("layer", "--layer", "3", "-o", "x.npz")[1].err
    assert "--weights: is missing" in run("layer", "-o", "x.npz")[1].err
