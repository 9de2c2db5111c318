"""Layers larger than a tile in ngspice, and the equality that lets reads be swept."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from netlists.commands import cli
from netlists.decks.deck import read_deck, sweep_deck
from netlists.layers.shipped import load_layer
from netlists.simulation.ngspice import simulate
from netlists.verification.engines import Analysis, Phase
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.chips.circuitry import BARE
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.parameters import load_device
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize, split

pytestmark = pytest.mark.ngspice


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_frozen_cells_read_as_dynamic_ones(make_layer, scale):
    """The claim behind Analysis.sweep, for currents of any size and states of every kind."""
    layer = make_layer(rows=16, columns=5, reads=6, device=load_device("zhang2021").scaled(scale))
    state = layer.initial_state.copy()
    state[:2, 0] = 0.0, 1.0
    volts = 0.1 * layer.inputs
    both = []
    for build in (read_deck, sweep_deck):
        deck = build(layer.crossbar, state, volts, layer.device)
        both.append(simulate(deck.text, time_limit=60).matrix(deck.vectors, len(volts)))
    np.testing.assert_allclose(both[1], both[0], rtol=1e-8)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_tiled_layer_against_the_surrogate(make_layer, tmp_path, phase):
    layer = make_layer(rows=9, columns=6, density=0.4)
    arrays, bench = Arrays(tile=TileSize(rows=4, columns=3)), Testbench(phase=phase, time_limit=120)
    result = verify(layer, arrays, bench, keep_in=tmp_path)
    assert result.passed
    assert result.tiles == 4
    if phase is not Phase.write:
        assert result.max_relative_current_error < 1e-7
        assert result.prediction_agreement == 1.0
    if phase is not Phase.read:
        assert result.max_state_error < 5e-4
    kinds = {Phase.both: ("read", "write")}.get(phase, (str(phase),))
    places = ("0-0", "0-3", "4-0", "4-3")
    wanted = {f"{kind}-{place}.cir" for kind in kinds for place in places}
    assert {path.name for path in tmp_path.iterdir()} == wanted


def test_two_tiles_of_four_are_those_of_all(make_layer, tmp_path):
    """The decks of a sample are the decks of the whole, byte for byte, and so are its errors."""
    layer = make_layer(rows=9, columns=6, density=0.2)
    arrays, bench = Arrays(tile=TileSize(rows=4, columns=3), seed=3), Testbench(time_limit=120)
    every = verify(layer, arrays, bench, keep_in=tmp_path / "all")
    some = verify(layer, replace(arrays, tiles=2), bench, keep_in=tmp_path / "some")
    decks = {path.name: path.read_text() for path in (tmp_path / "some").iterdir()}
    assert len(decks) == 4
    assert all((tmp_path / "all" / name).read_text() == text for name, text in decks.items())
    assert some.passed
    assert (some.tiles, some.tiles_in_layer, some.max_output_error) == (2, 4, None)
    assert 0 < some.max_state_error <= every.max_state_error
    assert 0 < some.write_energy_spice < every.write_energy_spice


def test_a_tile_without_pulses_is_only_read(make_layer):
    layer = make_layer(rows=8, columns=3)
    layer.pulses[4:] = 0
    arrays = Arrays(tile=TileSize(rows=4, columns=4))
    result = verify(layer, arrays, Testbench(analysis=Analysis.sweep, time_limit=60))
    assert result.passed
    assert result.max_state_error > 0


def test_a_shipped_convolution_on_the_command_line(tmp_path, monkeypatch, capsys):
    """conv1 is one tile of 9 x 65; a smaller one makes it four, of which three are drawn."""
    options = ["--phase", "read", "--reads", "3", "--tile", "6x32", "--tiles", "3", "--seed", "1"]
    options += ["--output-dir", tmp_path / "out"]
    arguments = ["verify", "--layer", "conv1", *options, "--json", tmp_path / "v.json"]
    monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    assert stop.value.code == 0
    assert "read of 3 tiles of up to 6x32 weights; ngspice takes about" in said.err
    report = json.loads((tmp_path / "v.json").read_text())
    assert (report["tiles"], report["tiles_in_layer"], report["passed"]) == (3, 4, True)
    assert report["max_state_error"] is None
    assert report["options"] == {
        "phase": "read", "engine": "ngspice", "analysis": "sweep", "tile": "6x32", "tiles": 3,
        "reads": 3, "seed": 1, "pulses": None, "compensation": "nothing", "ignored": [],
        "cell_model": None, "mapping": "reference",
    }  # fmt: skip
    assert (tmp_path / "out" / "report.html").stat().st_size > 50_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv1", "conv2", "conv3", "conv4", "fc"])
def test_every_shipped_layer_reads_as_the_surrogate_says(name):
    """The read phase of the whole network, 16 reads a tile: some ten minutes on two cores."""
    result = verify(load_layer(name), bench=Testbench(phase=Phase.read, time_limit=1800))
    assert result.passed
    assert result.max_relative_current_error < 1e-6
    assert result.wall_seconds < 2.5 * max(result.estimated_seconds, 2.0)
    assert result.tiles == len(split(load_layer(name)))


def test_placed_states_are_written_and_read_in_ngspice(make_layer):
    """The states that a placement asks for, with pulses on top: both engines, and the ideal outputs."""
    layer = make_layer(rows=10, columns=4, reads=6, density=0.2)
    layer.initial_state[:] = 0.5 + 0.5 * (layer.initial_state - 0.5)
    layer = layer.behind(BARE, Wiring(r_word=5.0, r_bit=5.0))
    placed, errors = Compensation(placed=True), {}
    found = verify(layer, Arrays(compensation=placed), Testbench(workers=1))
    assert found.passed, found
    assert found.max_state_error < 5e-3
    assert found.placed["error"] < 1e-7
    unwritten = replace(layer, pulses=0 * layer.pulses)
    for choice in (Compensation(), placed):
        bench = Testbench(phase=Phase.read, workers=1)
        errors[choice.name] = verify(unwritten, Arrays(compensation=choice), bench).ideal_mac_error
    assert errors["placed"] < 0.1 * errors["nothing"]
