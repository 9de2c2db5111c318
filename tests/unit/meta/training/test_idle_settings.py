"""Settings that a method has no use for: they change no weight, and are said."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from meta.commands import cli
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
