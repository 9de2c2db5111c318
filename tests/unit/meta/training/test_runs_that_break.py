"""Runs that are cut off, doubled, damaged or diverge: nothing is lost or mixed, and one line said."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from meta.data.fewshot import FewShotDataset
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.train import train
from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.basics.locks import held
from roa_circuit.circuit.design_point import default_device

HOW = Training(
    dataset="bars", ways=2, queries=1, filters=2, epochs=1, iterations=2, batch=1, validation_tasks=2
)
COMMAND = [
    sys.executable, "-c", "from meta.commands.entry import main; main()", "train", "--dataset", "glyphs",
    "--ways", "2", "--queries", "1", "--filters", "2", "--epochs", "1", "--iterations", "400",
    "--batch", "1",
    "--validation-tasks", "2",
]  # fmt: skip


@pytest.fixture(scope="module")
def bars():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (9, 4, 28, 28), dtype=np.uint8)
    splits = {"train": np.arange(4), "validation": np.arange(4, 6), "test": np.arange(6, 9)}
    return FewShotDataset(name="bars", images=images, classes=splits)


class Cut(Exception):
    """A power cut."""


def cut(epoch, iteration):
    raise Cut


@pytest.mark.long
def test_a_run_cut_off_in_its_first_epoch_goes_on_from_the_network_that_it_started_from(bars, tmp_path):
    train(bars, HOW, tmp_path / "first")
    start, again = (Network.load(tmp_path / "first" / "best.safetensors") for _ in range(2))
    second = replace(HOW, seed=7)
    whole = train(bars, second, tmp_path / "whole", start=start)
    with pytest.raises(Cut):
        train(bars, second, tmp_path / "cut", start=again, on_iteration=cut)
    resumed = train(bars, second, tmp_path / "cut", resume=True)
    assert resumed.note["start"] == whole.note["start"] == again.note
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name])
    others = replace(bars, images=255 - bars.images)
    with pytest.raises(InputError, match="images are not those that this run was begun with"):
        train(others, second, tmp_path / "cut", resume=True)


def test_a_second_training_into_the_same_folder_is_refused(bars, tmp_path):
    with (
        held(tmp_path, "another training"),
        pytest.raises(InputError, match="another training is writing"),
    ):
        train(bars, HOW, tmp_path)
    train(bars, HOW, tmp_path)  # the lock went with whoever held it
    with pytest.raises(InputError, match="holds a run already"):
        train(bars, HOW, tmp_path)


def test_a_run_whose_state_is_missing_or_damaged_is_refused(bars, tmp_path):
    train(bars, HOW, tmp_path)
    state = tmp_path / "state.safetensors"
    content = state.read_bytes()
    for damaged in (b"", content[:100], content[: len(content) // 2], b"\xff" * 8 + content[8:]):
        state.write_bytes(damaged)
        with pytest.raises(InputError, match=r"state\.safetensors: not a training checkpoint"):
            train(bars, HOW, tmp_path, resume=True)
    state.unlink()
    with pytest.raises(InputError, match="is missing"):
        train(bars, HOW, tmp_path, resume=True)


def test_a_run_that_diverges_ends_in_one_line_and_keeps_its_state(bars, tmp_path):
    with pytest.raises(ConvergenceError, match=r"diverges in epoch 1, step \d+.*lower --learning-rate"):
        train(bars, replace(HOW, learning_rate=1e4, iterations=50), tmp_path)
    assert (tmp_path / "state.safetensors").exists()


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_learning_rate_that_is_none_is_refused(value):
    with pytest.raises(InputError, match="learning_rate"):
        replace(HOW, learning_rate=value)


NAMES = ('q"x.toml', "back\\slash.toml", 'x"\nseed = 5\ny = "', "tab\there.toml", "[v2].toml")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_device_changes_what_a_configuration_says(tmp_path, name):
    path = tmp_path / "config.toml"
    path.write_text(replace(HOW, device=name).to_toml())
    assert Training.from_toml(path) == replace(HOW, device=name)


def test_a_device_that_changed_since_is_noticed(bars, tmp_path):
    device = tmp_path / 'the "device".toml'
    device.write_text(default_device().to_toml())
    how = replace(HOW, device=str(device))
    train(bars, how, tmp_path / "run")
    train(bars, how, tmp_path / "run", resume=True)
    other = replace(default_device().memristor, k=2e-4)
    device.write_text(replace(default_device(), memristor=other).to_toml())
    with pytest.raises(InputError, match="is no longer that of this run"):
        train(bars, how, tmp_path / "run", resume=True)


NOTES = [
    "null", "[]", '{"training": 3}', '{"training": {"method": 5}}', '{"training": {"batch": 1e999}}',
    '{"epoch": {"epoch": "x"}}', '{"start": {"start": [1]}}', "{" * 2000,
    '{"training": {"ways": 1' + "0" * 400 + "}}",
]  # fmt: skip


@pytest.mark.parametrize("note", NOTES)
def test_a_network_with_a_note_of_another_kind_is_refused(bars, tmp_path, note):
    path = tmp_path / "network.safetensors"
    Network(HOW.architecture(1, 28)).save(path, training={})
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    head["__metadata__"]["note"] = note
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    with pytest.raises(InputError, match="damaged"):
        Network.load(path)


@pytest.mark.parametrize("change", [{"steps": 10**9}, {"filters": 4096}, {"ways": 2.5}, {"size": "28"}])
def test_an_architecture_beyond_all_use_is_refused_before_it_takes_memory(change):
    with pytest.raises(InputError, match=next(iter(change)) if "filters" not in change else "weights"):
        replace(HOW.architecture(1, 28), **change)


@pytest.mark.long
@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow)]
)
def test_a_signal_ends_a_training_with_its_own_code_and_one_line(tmp_path, number, code):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = tmp_path / "run"
    started = subprocess.Popen(
        [*COMMAND, "-o", str(run)], stderr=subprocess.PIPE, text=True, env=environment
    )
    while not (run / "config.toml").exists():
        assert started.poll() is None, started.stderr.read()
        time.sleep(0.05)
    started.send_signal(number)
    _, said = started.communicate(timeout=60)
    *_, last = said.splitlines()
    assert (started.returncode, last) == (code, f"error: ended by {signal.Signals(number).name}")
    assert "Traceback" not in said
    assert not list(run.glob(".roa-*"))
