"""Bit slices of inputs behind whole networks: each layer as its arrays are read, calibrated or not."""

import json

import numpy as np
import pytest
import torch

from meta.circuits.adaptation import adapt_episode
from meta.circuits.behind_circuit import Hardware, head_inputs, on_chips
from meta.commands import cli
from meta.data.tasks import Tasks
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.layers.deployed import deploy, read_chip
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize, outputs

SLICES = [2, 4]
MAPPINGS = ["reference", "pair"]
CHOICES = ["nothing", "calibrated"]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("slices", SLICES)
def test_a_layer_of_a_network_is_read_as_the_layer_alone(slices, mapping, choice, make_layer):
    """Seven reads, which neither 2 nor 4 slices part, through converters and faulty drivers."""
    lines = Crossbar(rows=6, columns=5, r_word=20.0, r_bit=20.0)
    layer = make_layer(6, 5, reads=7, crossbar=lines).mapped_as(Mapping.parse(mapping))
    deployed = deploy(layer, layer, TileSize(rows=4), Compensation.parse(choice))
    x = Imperfections(
        dac_bits=8, dac_slices=slices, adc_bits=9, adc_range="layer", driver_gain=0.05, sense_offset=1e-8
    )
    chips = deployed.chips(x, 3)
    pairs = list(zip(deployed.arrays, chips, strict=True))
    alone = [array.corrected(read_chip(array, chip.afresh()), chip) for array, chip in pairs]
    network = on_chips(deployed, chips, in_situ=True)
    found = network(layer.inputs * layer.input_scale)
    np.testing.assert_allclose(found, outputs(deployed.tiles, alone), rtol=1e-9, atol=1e-12)
    assert all((one.gain != 1.0).any() == (choice == "calibrated") for one in network.arrays)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("choice", CHOICES)
def test_blocks_of_a_network_read_parts_as_they_read_the_whole(mapping, choice, bars):
    """Their cells are linear: without a converter, parts add up to the input that was parted."""
    network = Network(Architecture(filters=4), torch.Generator().manual_seed(1)).eval()
    writing = Writing(relative_rate=20.0, mapping=Mapping.parse(mapping))
    episode = adapt_episode(network, Tasks(dataset=bars, queries=2, seed=1), writing, reads=1)
    seen = {}
    for slices in (0, *SLICES):
        hardware = Hardware(
            crossbar=default_crossbar(1, 2),
            imperfections=Imperfections(dac_bits=8, dac_slices=slices, driver_gain=0.05),
            compensation=Compensation.parse(choice),
        )
        seen[slices] = head_inputs(network, episode.task.query, hardware.holding(episode.sampled, 1))
    for slices in SLICES:
        np.testing.assert_allclose(seen[slices], seen[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("choice", CHOICES)
def test_evaluate_reads_slices(choice, tmp_path, command):
    file, found = tmp_path / "slices.toml", {}
    for slices in (0, 4):
        file.write_text(f'"dac_bits [-]" = 8\n"dac_slices [-]" = {slices}\n')
        out = tmp_path / f"{slices}.json"
        how = "evaluate --dataset glyphs --method roa --tasks 2 --queries 2 --sigma-wn 0 --mapping pair"
        asked = ["--imperfections", file, "--compensation", choice, "--json", out]
        code, _, said = command(cli.main, *how.split(), *map(str, asked))
        assert code == 0, said
        (found[slices],) = json.loads(out.read_text())["rows"]
    assert found[4]["accuracy"] == pytest.approx(found[0]["accuracy"], abs=0.1)


def test_layers_with_few_inputs_say_that_calibration_reads_them_again(tmp_path, command):
    """Of 5 support images conv1 has 3920 windows, conv4 has 45, and the head has 5 inputs."""
    file, out = tmp_path / "dac.toml", tmp_path / "found.json"
    file.write_text('"dac_bits [-]" = 8\n')
    how = "evaluate --dataset glyphs --method roa --tasks 2 --queries 1 --sigma-wn 0 --ways 5"
    asked = ["--compensation", "calibrated:64", "--imperfections", file, "--json", out]
    code, said, _ = command(cli.main, *how.split(), *map(str, asked))
    assert code == 0
    (row,) = json.loads(out.read_text())["rows"]
    again = "calibrated:64 has {} inputs to read, which come again until there are 64"
    expected = [f"conv4: {again.format(45)}", f"fc: {again.format(5)}"]
    assert [text for text in row["warnings"] if "calibrated" in text] == expected
    assert all(text in said for text in expected)
