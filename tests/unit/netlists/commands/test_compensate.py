"""roa-spice compensate: the table, the numbers, and the states to map."""

import json
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.device.memristor import current
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, make_layer):
    monkeypatch.chdir(tmp_path)
    make_layer(rows=12, columns=4, reads=6).save(Path("layer.npz"))


def test_the_shipped_head_behind_wires(command):
    code, out, _ = command(cli.main, "compensate", "--wire-resistance", "5", "--json", "c.json")
    assert code == 0
    assert "predistorted, calibrated" in out
    found = {one["compensation"]: one for one in json.loads(Path("c.json").read_text())["recovered"]}
    assert found["nothing"]["mac_error"] == pytest.approx(0.115, abs=0.01)
    assert found["calibrated"]["mac_error"] < 0.02
    assert found["predistorted"]["mac_error"] < 1e-3
    assert found["predistorted"]["agreement"] == 1.0


CIRCUIT = """
"temperature [K]" = 340
[lines]
"r_bit [Ohm]" = [1, 5, 2, 3]
[transistor]
[amplifier]
"r_feedback [Ohm]" = 1e4
"gain [-]" = 100
"""


@pytest.mark.parametrize(
    ("between", "curvature"),
    [
        (("--wire-resistance", "3", "--source-resistance", "10", "--sense-resistance", "10"), 1e-4),
        (("--circuit", "circuit.toml", "--source-resistance", "10"), 5e-4),
    ],
)
def test_mapped_states_undo_what_lies_between_when_solved(command, between, curvature):
    Path("circuit.toml").write_text(CIRCUIT)
    asked = ("--layer", "layer.npz", "--predistorted", "mapped.csv", "--json", "c.json")
    code, _, error = command(cli.main, "compensate", *asked, *between)
    assert (code, error) == (0, "")
    document = json.loads(Path("c.json").read_text())
    assert ("amplifier" in document["circuit"]) == ("--circuit" in between)
    layer = ProgrammedLayer.load(Path("layer.npz"))
    volts = 0.1 * layer.inputs
    np.savetxt("inputs.csv", volts, delimiter=",")
    Path("device.toml").write_text(layer.device.to_toml())
    files = ("--states", "mapped.csv", "--inputs", "inputs.csv", "--device", "device.toml")
    assert command(cli.main, "solve", *files, *between, "-o", "i.csv")[0] == 0
    wanted = after_pulses(layer.initial_state, layer.pulses, layer.device)
    ideal = current(wanted, volts[:, :, None], layer.device.memristor).sum(axis=1)
    seen = np.array(document["gain"]) * np.loadtxt("i.csv", delimiter=",")
    np.testing.assert_allclose(seen, ideal, rtol=curvature)  # of Eq. 2, which nothing undoes


def test_states_of_a_tiled_layer_are_refused(command):
    asked = ("--layer", "layer.npz", "--tile", "5x2", "--predistorted", "mapped.csv")
    code, _, error = command(cli.main, "compensate", *asked)
    assert code == 2
    assert "needs 6 tiles of 5x2, not one" in error
    assert not Path("mapped.csv").exists()


@pytest.mark.parametrize("mapping", ["reference:2", "pair"])
def test_ranges_that_inputs_tell_are_those_of_each_arrangement(command, make_layer, mapping):
    """Permuted columns got each other's ranges, and placed ones those of cells that stood elsewhere."""
    rng = np.random.default_rng(1)
    weights = rng.normal(0.0, 0.2, (16, 6)) * np.array([1.0, 0.1, 0.5, 0.2, 1.0, 0.05])
    layer = ProgrammedLayer.of_weights(
        weights.clip(-1, 1), rng.random((200, 16)), mapping=Mapping.parse(mapping)
    )
    layer.save(Path("uneven.npz"))
    Path("converters.toml").write_text('"adc_bits [-]" = 8\nadc_range = "column"\n')
    options = ["--layer", "uneven.npz", "--wire-resistance", "5"]
    found = []
    for more in ([], ["--imperfections", "converters.toml"]):
        assert command(cli.main, "compensate", *options, *more, "--json", "c.json")[0] == 0
        rows = json.loads(Path("c.json").read_text())["recovered"]
        found.append({one["compensation"]: one["mac_error"] for one in rows})
    without, digitised = found
    for name, error in without.items():
        assert digitised[name] < error + 0.01, name  # 8 bits, and readings beyond the range
