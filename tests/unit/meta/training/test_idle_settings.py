"""Settings that a method has no use for: they change no weight, and are said."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from meta.commands import cli
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.train import train

HOW = Training(
    dataset="bars", ways=2, queries=1, filters=2, epochs=2, iterations=1, batch=1, pulses_from=8,
    validation_tasks=1,
)  # fmt: skip
IDLE = (
    ("roa-robust", {"pulses_from": 1}),
    ("roa-robust", {"relative_rate": 0.5}),
    ("roa-robust", {"second_order": False}),
    ("maml++", {"pulses_from": 1}),
    ("roa", {"multi_step_epochs": 1}),
)


@pytest.mark.long
@pytest.mark.parametrize(("method", "changed"), IDLE)
def test_what_is_called_idle_changes_no_weight(bars, tmp_path, method, changed):
    how, usual = replace(HOW, method=method, **changed), replace(HOW, method=method)
    assert list(how.idle) == list(changed)
    one, other = (train(bars, x, tmp_path / name) for x, name in ((how, "a"), (usual, "b")))
    assert all(torch.equal(w, other.state_dict()[key]) for key, w in one.state_dict().items())


@pytest.mark.long
def test_a_constraint_of_no_weight_is_called_idle_and_changes_none(bars, tmp_path):
    one = replace(HOW, method="roa", constraint_rate=0.0, rho=0.01)
    assert list(one.idle) == ["rho"]
    networks = [train(bars, x, tmp_path / str(x.rho)) for x in (one, replace(one, rho=None))]
    first, second = (network.state_dict() for network in networks)
    assert all(torch.equal(w, second[key]) for key, w in first.items())


@pytest.mark.parametrize(
    ("method", "changed"),
    [
        ("roa", {"pulses_from": 0, "relative_rate": 1.0, "second_order": False}),
        ("roa-wc", {"constraint_rate": 0.5}),  # weights at their ends feel it even at rho = 1
        ("maml++", {"multi_step_epochs": 1, "relative_rate": 1.0, "second_order": False}),
        ("maml", {"pulses_from": 0, "rate_scale": 2.0}),
        ("roa-robust", {"rate_scale": 2.0, "head_rate": 2.0, "noise_scale": 0.0}),
    ],
)
def test_what_a_method_uses_is_not_called_idle(method, changed):
    assert replace(Training(method=method), **changed).idle == {}


@pytest.mark.long
def test_a_training_says_which_of_its_settings_change_nothing(command, tmp_path):
    (tmp_path / "c.toml").write_text("[training]\nmulti_step_epochs = 3\niterations = 1\nqueries = 1\n")
    small = ("--filters", 2, "--ways", 2, "--batch", 1, "--epochs", 1, "--validation-tasks", 1)
    asked = ("--method", "roa-wc", "--config", tmp_path / "c.toml", "--dataset", "glyphs", *small)
    run = partial(command, cli.main, "train", *asked, "-o", tmp_path / "run")
    code, _, error = run("--json", tmp_path / "t.json")
    assert code == 0
    assert error.splitlines() == [
        "multi_step_epochs = 3 ignored: roa-wc has the loss of its last step alone",
        "roa-wc, 2-way 1-shot: 1 epoch of 1 step, 1 task each",
    ]
    assert json.loads((tmp_path / "t.json").read_text())["ignored"] == ["multi_step_epochs"]


SMALL = (
    "train", "--method", "roa", "--dataset", "glyphs", "--filters", 2, "--ways", 2, "--queries", 1,
    "--batch", 1, "--epochs", 1, "--iterations", 1, "--validation-tasks", 1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('"write_gain [-]" = 0.05\n"edge_fraction [-]" = 0.5', "write_gain, edge_fraction would change"),
        ('"adc_offset [LSB]" = 3\n"dac_range [V]" = 0.05', "adc_offset would change nothing without ad"),
        ('"temperature [K]" = 400.0', "temperature would change nothing without bandwidth"),
        ('"stuck_on_resistance [Ohm]" = 1e4', "stuck_on_resistance would change nothing without stuck"),
        ('"drift_exponent [-]" = 0.1', "drift_exponent would change nothing without age"),
        ('"subtractor_mismatch [-]" = 0.05', "subtractor_mismatch would change nothing: signal and ref"),
        ('"subtractor_mismatch [-]" = 0.05\n"write_gain [-]" = 0.05', "would change nothing: signal"),
    ],
)
def test_imperfections_of_which_none_plays_a_part_in_training_are_refused(
    command, tmp_path, lines, said
):
    (tmp_path / "x.toml").write_text(lines + "\n")
    asked = (*SMALL, "-o", tmp_path / "run", "--imperfections", tmp_path / "x.toml")
    code, _, error = command(cli.main, *asked)
    assert code == 2
    assert said in error.splitlines()[-1]
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_imperfections_that_play_no_part_in_training_are_said_and_change_no_weight(command, tmp_path):
    useful = '"driver_gain [-]" = 0.2\n'
    useless = '"write_gain [-]" = 0.05\n"adc_offset [LSB]" = 3\n"subtractor_mismatch [-]" = 0.05\n'
    (tmp_path / "c.toml").write_text('"c_word [F]" = 1e-15\n')
    files = {}
    for name, lines in (("few", useful), ("all", useful + useless)):
        (tmp_path / "x.toml").write_text(lines)
        own = ("--imperfections", tmp_path / "x.toml", "--circuit", tmp_path / "c.toml")
        told = tmp_path / f"{name}.json"
        code, _, error = command(cli.main, *SMALL, *own, "-o", tmp_path / name, "--json", told)
        assert code == 0, error
        files[name] = (tmp_path / name / "best.safetensors", error, json.loads(told.read_text()))
    assert "write_gain ignored: training gives every cell its pulses in full" in files["all"][1]
    assert "adc_offset ignored: changes nothing without adc_bits" in files["all"][1]
    assert "subtractor_mismatch ignored: signal and reference are digitised apart" in files["all"][1]
    assert "c_word ignored" in files["few"][1]
    kept = ["write_gain", "subtractor_mismatch", "adc_offset"]
    assert files["all"][2]["ignored"][:3] == kept
    first, second = (Network.load(path).state_dict() for path, *_ in files.values())
    assert all(torch.equal(w, second[key]) for key, w in first.items())
