"""A whole network behind its circuits, and its sweep."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from meta.circuits.adaptation import adapt_episode
from meta.circuits.behind_circuit import Hardware, classes, head_inputs, on_chips
from meta.circuits.evaluation import evaluate_behind
from meta.circuits.subject import NetworkSubject
from meta.commands import cli
from meta.data.tasks import Tasks
from meta.network.architecture import HEAD, Architecture
from meta.network.convolution import convolve
from meta.network.convolutional import Network
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.converter_use import Use
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.scaling import voltage_from_input, weight_from_state
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.memristor import conductance
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.deployed import deploy, read_chip
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize, chip_of, outputs
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read_model import ReadModel
from roa_circuit.sweeps import sweep

PERFECT = Crossbar(rows=1, columns=2)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network(Architecture(filters=6), torch.Generator().manual_seed(1)).eval()


def layers_of(episode, circuit, seed=0):
    ready = {}
    for name, layer in episode.layers.items():
        rows, columns = layer.crossbar.shape
        own = type(layer)(
            **{
                **vars(layer),
                "crossbar": Crossbar(**{**vars(circuit), "rows": rows, "columns": columns}),
                "read_model": ReadModel.weights,
            }
        )
        deployed = deploy(own, layer, TileSize(rows=40), Compensation())
        chips = [chip_of(one.tile, None, seed) for one in deployed.arrays]
        ready[name] = on_chips(deployed, chips, in_situ=False)
    return ready


@pytest.mark.long
def test_perfect_circuits_of_linear_cells_are_the_network_itself(network, bars):
    episode = adapt_episode(network, Tasks(dataset=bars, queries=4))
    network.requires_grad_(False)
    layers = layers_of(episode, PERFECT)
    x = episode.task.query
    for name in Architecture().convolutions:
        layer = episode.layers[name]
        state = after_pulses(layer.initial_state, layer.pulses, layer.device)
        g = torch.from_numpy(weight_from_state(state))[:, :-1]
        weight = g.T.reshape(len(g.T), x.shape[1], 3, 3)
        windows = torch.nn.functional.unfold(x, 3, padding=1).transpose(1, 2).flatten(0, 1)
        y = torch.from_numpy(layers[name](windows.double().numpy())).float()
        wanted = convolve(x, weight.float())
        seen = y.reshape(len(x), *x.shape[2:], -1).movedim(3, 1)
        torch.testing.assert_close(seen, wanted, atol=1e-4, rtol=1e-4)
        x = network.normed(name, wanted, network.architecture.steps)
    np.testing.assert_array_equal(classes(network, episode.task.query, layers), episode.answers)


def test_what_a_layer_is_called_changes_no_number(network, bars):
    episode = adapt_episode(network, Tasks(dataset=bars, queries=4))
    renamed = {
        f"layer{n}": replace(layer, name=f"layer{n}") for n, layer in enumerate(episode.layers.values())
    }
    one, other = (Hardware().holding(layers, 0).values() for layers in (episode.layers, renamed))
    for layer, own, named in zip(episode.layers.values(), one, other, strict=True):
        np.testing.assert_array_equal(own(layer.inputs), named(layer.inputs))


@pytest.mark.long
def test_inputs_that_drivers_cannot_make_are_refused(network, bars):
    head = adapt_episode(network, Tasks(dataset=bars, queries=4)).layers[HEAD]
    ready = Hardware().holding({HEAD: head}, 0)[HEAD]
    x = head.inputs.copy()
    x[1, 2] = -0.25
    with pytest.raises(InputError, match=r"row 2 of read 1 is -0\.25: drivers have no negative"):
        ready(x)


def test_each_read_model_is_the_circuit_that_it_says(network, bars):
    head = adapt_episode(network, Tasks(dataset=bars, queries=4)).layers[HEAD]
    device, state = head.device, after_pulses(head.initial_state, head.pulses, head.device)
    volts, lines = voltage_from_input(head.inputs, device), default_crossbar(*head.crossbar.shape)
    currents = []
    for model in ReadModel:
        ready = Hardware().holding({HEAD: replace(head, read_model=model)}, 0)[HEAD]
        exact = model is ReadModel.cells
        expected = read_currents_dense(lines, state, volts, device, exact=exact)
        y = replace(head, read_model=model).outputs(expected)
        np.testing.assert_allclose(ready(head.inputs * head.input_scale), y, rtol=1e-6, atol=1e-8)
        currents.append(expected)
    assert np.abs(currents[0] / currents[1] - 1).max() > 1e-3


@pytest.mark.long
def test_wires_cost_answers_and_compensation_gives_them_back(network, bars):
    subject = NetworkSubject(network=network, tasks=Tasks(dataset=bars, queries=4))
    vary = {"wire_resistance": [0.0, 2000.0], "compensation": ["nothing", "calibrated"]}
    found = sweep(subject, vary, repeats=2).agreement.mean("repeat")
    assert found.sel(wire_resistance=0.0, compensation="nothing") > 0.95
    lost = found.sel(wire_resistance=2000.0, compensation="nothing")
    assert lost < 0.9
    assert found.sel(wire_resistance=2000.0, compensation="calibrated") > lost + 0.05


@pytest.mark.long
def test_noise_and_faults_reach_every_layer_and_seeds_tell_episodes_apart(network, bars):
    subject = NetworkSubject(network=network, tasks=Tasks(dataset=bars, queries=4))
    found = sweep(subject, {"stuck_on": [0.0, 0.3], "sense_offset": [0.0, 1e-6]}, repeats=2)
    assert found.agreement.sel(stuck_on=0.3, sense_offset=0.0).mean() < 0.9
    assert found.agreement.sel(stuck_on=0.0, sense_offset=1e-6).mean() < 1.0
    again = sweep(subject, {"stuck_on": [0.3], "sense_offset": [0.0]}, repeats=2)
    assert (again.accuracy.squeeze() == found.accuracy.sel(stuck_on=0.3, sense_offset=0.0)).all()


@pytest.mark.long
def test_converters_of_every_layer_are_told_of_where_they_do_not_suit(network, bars):
    """One range serves all layers: a wide one leaves each few codes, a narrow one cuts readings off."""
    tasks = Tasks(dataset=bars, queries=2)
    hardware = Hardware(imperfections=Imperfections(adc_bits=8, adc_range=1e-3))
    (row,) = evaluate_behind(network, tasks, hardware, count=2)
    told = [text.split(" uses ")[0] for text in row.warnings]
    assert told == ["conv1: ADC", "conv2: ADC", "fc: ADC"]  # which leave nothing for those between
    layers = hardware.holding(adapt_episode(network, tasks, reads=1).layers, 0)
    x = np.full((3, 10), 0.7)
    y = layers["conv1"](x)
    assert y.shape == (3, 6)
    (use,) = layers["conv1"].usage.uses()
    most = 10 * 0.07 * conductance(1.0, 0.05, default_device().memristor)
    assert use.largest < 1.1 * most
    assert use.used <= 1 + round(255 * 1.1 * most / 1e-3)
    subject = NetworkSubject(network=network, tasks=tasks, hardware=hardware)
    found = subject.evaluate({"adc_range": 1e-8}, [0])
    (worst,) = Use.of_numbers({name: values[0] for name, values in found.items()})
    assert worst.warning.startswith("ADC saturates: ")


@pytest.mark.long
def test_the_command_sweeps_a_network(command, tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    network.save(Path("n.safetensors"))
    roa_meta = partial(command, cli.main, "sweep", "--network", "n.safetensors", "--dataset", "glyphs")
    vary = ("--vary", "wire_resistance=0,50", "--vary", "sigma_wn=2", "--queries", "3")
    code, out, error = roa_meta(*vary, "--repeats", "1", "--workers", "1", "--sensitivity", "none")
    assert (code, error) == (0, "")
    assert "2 points of 5-way 1-shot glyphs" in out
    with xr.open_dataset("out/sweep/sweep.nc") as data:
        assert data.accuracy.shape == (2, 1, 1)
    assert json.loads(Path("out/sweep/report.json").read_text())["point_command"].endswith("--queries 3")
    assert "did you mean 'sigma_wn'" in roa_meta("--vary", "sigma_w=1")[2]


def test_what_no_point_could_compute_is_said_before_the_first(network, bars):
    coloured = Network(Architecture(filters=4, channels=3))
    with pytest.raises(InputError, match="28 x 28 x 1"):
        NetworkSubject(network=coloured, tasks=Tasks(dataset=bars))
    with pytest.raises(InputError, match=r"shots \+ queries = 1 \+ 20"):
        NetworkSubject(network=network, tasks=Tasks(dataset=bars, queries=20))


@pytest.mark.long
def test_the_head_that_is_checked_gives_what_the_whole_network_does(network, bars):
    tasks, hardware = Tasks(dataset=bars, queries=4), Hardware(in_situ=True)
    subject = NetworkSubject(network=network, tasks=tasks, hardware=hardware)
    point = {"sense_gain": 0.1, "wire_resistance": 0.5, "compensation": "permuted+calibrated"}
    episode, layers = subject.behind(point, 3)
    whole = layers[HEAD](head_inputs(network, episode.task.query, layers))
    deployed, chips = subject.head_chips(point, 3)
    pairs = list(zip(deployed.arrays, chips, strict=True))
    own = outputs(
        deployed.tiles, [array.corrected(read_chip(array, chip), chip) for array, chip in pairs]
    )
    np.testing.assert_allclose(own, whole, rtol=1e-6, atol=1e-9 * np.abs(whole).max())


@pytest.mark.long
def test_a_circuit_s_amplifiers_end_the_lines_of_every_layer(network, bars):
    circuitry = Circuitry(amplifier=Amplifier(r_feedback=1e4), lines=Wiring(r_bit=2.0))
    plain = NetworkSubject(network=network, tasks=Tasks(dataset=bars, queries=4))
    amplified = replace(plain, hardware=Hardware(circuitry=circuitry))
    found = amplified.evaluate({"amplifier_gain": 9.0, "word_resistance": 3.0}, [0, 1])
    same = {"sense_resistance": 1e3, "word_resistance": 3.0, "bit_resistance": 2.0}
    assert found == plain.evaluate(same, [0, 1])
    assert min(found["agreement"]) < 1.0
    assert amplified.describe()["circuit"] != plain.describe()["circuit"]


@pytest.mark.ngspice
def test_the_command_checks_heads_in_ngspice(command, tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    network.save(Path("n.safetensors"))
    how = ("--network", "n.safetensors", "--dataset", "glyphs", "--queries", "1", "--workers", "1")
    Path("c.toml").write_text('[amplifier]\n"r_feedback [Ohm]" = 2e3\n"gain [-]" = 50\n')
    asked = ("--vary", "wire_resistance=0.5", "--repeats", "1", "--check", "100%", "--circuit", "c.toml")
    code, out, error = command(cli.main, "sweep", *how, *asked)
    assert (code, error) == (0, "")
    assert "head of 5-way 1-shot glyphs in ngspice, 1 point" in out
    [checked] = json.loads(Path("out/sweep/report.json").read_text())["checks"]["points"]
    assert checked["failed"] == ""
    assert checked["spice_error"] < 1e-6
    assert "agreement" not in checked  # the head's own, where the sweep has the network's
    with xr.open_dataset("out/sweep/sweep.nc") as data:
        assert checked["accuracy"] == data.accuracy.item()
