"""The device that a network was trained on goes with it, from the run to every command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from meta.commands import cli
from meta.data.tasks import Tasks
from meta.evaluation.evaluate import evaluate
from meta.learning.writing import Writing, trained_device
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.train import train
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.layers.programmed import ProgrammedLayer

TABLE_1 = load_device("zhang2021")
HALF = replace(
    TABLE_1, name="mine", memristor=replace(TABLE_1.memristor, k=TABLE_1.memristor.k / 2)
).scaled(0.5)
SMALL = {"filters": 4, "iterations": 1, "batch": 1, "queries": 2, "validation_tasks": 2, "epochs": 1}


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """mine.toml in an empty folder: cells that switch half as fast, at half the currents."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(HALF.to_toml())
    return tmp_path / "mine.toml"


def test_networks_and_checkpoints_hold_the_device(bars, mine):
    network = train(bars, Training(device=str(mine), **SMALL), Path("run"))
    mine.unlink()
    for one in (network, Network.load(Path("run/last.safetensors"))):
        assert trained_device(one) == HALF
        assert Writing.of(one).device == HALF


def test_a_run_without_a_device_is_the_design_point_s(bars, mine):
    network = train(bars, Training(**SMALL), mine.parent / "run")
    assert trained_device(network) == default_device()


@pytest.mark.long
def test_a_run_goes_on_with_its_device_and_sees_that_another_took_its_place(bars, mine):
    how = Training(device=str(mine), **{**SMALL, "epochs": 2})
    train(bars, how, Path("whole"))

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(bars, how, Path("run"), callbacks=[stop])
    mine.write_text(TABLE_1.to_toml())
    with pytest.raises(InputError, match=r"no longer that of this run: k \[1/s\] was .*, and is"):
        train(bars, how, Path("run"), resume=True)
    mine.unlink()
    resumed = train(bars, how, Path("run"), resume=True)
    whole = Network.load(Path("whole/best.safetensors"))
    assert trained_device(resumed) == HALF
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert (ours == theirs).all()


def test_networks_of_earlier_versions_are_of_the_design_point_or_ask():
    network = Network(Architecture(filters=4)).eval()
    network.note = {"training": {"device": "zhang2021"}}
    assert trained_device(network) == default_device()
    network.note = {"training": {"device": "out/fit/device.toml"}}
    with pytest.raises(InputError, match="which its file lacks; name it with --device"):
        Writing.of(network)


def test_a_network_is_evaluated_on_its_own_device_and_by_its_own_method(bars):
    robust = Network(Architecture(filters=4, erased=0.02)).eval()
    tasks = Tasks(dataset=bars, queries=2)
    (row,) = evaluate(robust, tasks, count=2, sigmas=[0.0])
    assert row.method == "roa-robust"
    with pytest.raises(InputError, match="method 'roa' cannot write this network, which has an erased"):
        evaluate(robust, tasks, Writing(), count=2, sigmas=[0.0])
    energies = {}
    for device in (HALF, HALF.scaled(0.25)):
        robust.note = {"device": device.to_dict()}
        (row,) = evaluate(robust, tasks, count=2, sigmas=[0.0])
        energies[device.memristor.current_scale] = row.write_energy
    assert energies[0.5] == pytest.approx(2 * energies[0.25])
    assert energies[0.5] > 0


@pytest.mark.long
def test_commands_say_the_device_and_another_one_has_to_be_asked_for(mine, command):
    network = Network(Architecture(filters=4)).eval()
    network.save(Path("n.safetensors"), device=HALF.to_dict())
    asked = ("--network", "n.safetensors", "--dataset", "glyphs", "--queries", "1")
    code, out, _ = command(cli.main, "adapt", *asked, "-o", "a", "--json", "a.json")
    assert code == 0
    assert "device mine, current scale 0.5; wires 1 Ohm a segment, source 10 Ohm" in out
    assert ProgrammedLayer.load(Path("a/fc.npz")).device == HALF
    told = json.loads(Path("a.json").read_text())
    assert (told["device"], told["current_scale [-]"], told["lines"]["r_bit [Ohm]"]) == ("mine", 0.5, 1)
    other = ("--device", "zhang2021", "-o", "b")
    code, out, _ = command(cli.main, "adapt", *asked, *other)
    assert code == 0
    assert "written on device zhang2021 (current scale 1), not on device mine (current scale 0.5)" in out
    assert ProgrammedLayer.load(Path("b/fc.npz")).device == TABLE_1
    count = ("--tasks", "2", "--sigma-wn", "0", "--relative-rate", "1", "--json", "e.json")
    code, out, _ = command(cli.main, "evaluate", *asked, *count)
    assert code == 0
    assert "device mine, current scale 0.5; without wires" in out
    told = json.loads(Path("e.json").read_text())
    assert (told["device"], told["lines"]) == ("mine", "without wires")
