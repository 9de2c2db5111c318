"""A run is a folder: configuration, metrics, and a training that can be killed at any moment."""

import dataclasses
import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.events import Events
from meta.training.train import epochs_done, learning_rate, train
from roa_circuit.basics.errors import InputError

SMALL = {"filters": 4, "iterations": 2, "batch": 2, "queries": 2, "validation_tasks": 2}


def weights(folder):
    return Network.load(folder / "last.safetensors").state_dict()


def same(first, second):
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.long
@pytest.mark.parametrize("method", ["roa", "roa-robust", pytest.param("maml++", marks=pytest.mark.slow)])
def test_a_resumed_run_gives_the_same_weights(bars, tmp_path, method):
    how = Training(method=method, epochs=4, pulses_from=1, **SMALL)
    train(bars, how, tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(network, row):
        if row.epoch == 1:
            raise Stop

    with pytest.raises(Stop):
        train(bars, how, tmp_path / "broken", callbacks=[stop])
    train(bars, how, tmp_path / "broken", resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    lines = (tmp_path / "broken" / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1", "2", "3"]


@pytest.mark.long
@pytest.mark.parametrize(("method", "any_number"), [("roa", True), ("roa-robust", False)])
def test_weights_come_again_on_as_many_threads_and_of_every_layer_on_any(
    bars, tmp_path, method, any_number
):
    """As docs/training.md promises: roa-robust alone sums in an order that goes with the threads."""
    how, before = Training(method=method, epochs=2, pulses_from=1, **SMALL), torch.get_num_threads()
    found = {}
    try:
        for threads, name in ((1, "one"), (2, "two"), (2, "again"), (1, "first")):
            torch.set_num_threads(threads)
            train(bars, how, tmp_path / name)
            found[name] = weights(tmp_path / name)
    finally:
        torch.set_num_threads(before)
    assert same(found["one"], found["first"])
    assert same(found["two"], found["again"])
    assert same(found["one"], found["two"]) or not any_number


@pytest.fixture
def pictures(tmp_path):
    """A folder of few small pictures, so that a process has loaded it at once."""
    rng = np.random.default_rng(0)
    for index, split in enumerate(4 * ["train"] + 2 * ["validation"] + 2 * ["test"]):
        folder = tmp_path / "pictures" / split / f"class{index}"
        folder.mkdir(parents=True)
        for number in range(4):
            picture = (rng.random((28, 28)) < 0.1 + 0.08 * index).astype(np.uint8)
            Image.fromarray(255 * picture).save(folder / f"{number}.png")
    return tmp_path / "pictures"


@pytest.mark.slow
def test_a_run_survives_kill_9(pictures, tmp_path):
    """Killed after its first epoch, it goes on to the weights of a run never killed."""
    how = Training(
        dataset="folder", ways=2, epochs=4, iterations=2, pulses_from=1, filters=4, queries=2, batch=2,
        validation_tasks=2,
    )  # fmt: skip
    (tmp_path / "config.toml").write_text(how.to_toml())

    def start(folder, *more):
        command = [sys.executable, "-m", "meta", "train", "-o", tmp_path / folder, "--data", pictures]
        return subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    killed = start("killed", "--config", tmp_path / "config.toml")
    try:
        while not (tmp_path / "killed" / "metrics.csv").exists():
            assert killed.poll() is None
            time.sleep(0.005)
    finally:
        killed.kill()  # SIGKILL: nothing can be tidied up
    assert killed.wait() == -signal.SIGKILL
    assert len((tmp_path / "killed" / "metrics.csv").read_text().splitlines()) < 1 + how.epochs
    assert start("killed", "--resume").wait() == 0
    assert start("whole", "--config", tmp_path / "config.toml").wait() == 0
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_a_run_that_could_not_be_validated_is_not_begun(bars, tmp_path):
    """Six classes are kept for validation: nobody should learn that after the first epoch."""
    with pytest.raises(
        InputError, match="ways = 8 must lie between 2 and the 6 classes of the validation"
    ):
        train(bars, Training(ways=8, **SMALL), tmp_path / "run")
    own = dataclasses.replace(bars, name="folder")
    with pytest.raises(InputError, match="take fewer --ways, or make folders train, validation"):
        train(own, Training(ways=8, **SMALL), tmp_path / "run")
    alone = own.classes | {"validation": own.classes["validation"][:1]}
    with pytest.raises(InputError, match="has 1 class, and a task needs 2 or more; make folders"):
        train(dataclasses.replace(own, classes=alone), Training(ways=2, **SMALL), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_is_a_cosine():
    how = Training(epochs=2, iterations=50, learning_rate=1e-2, final_learning_rate=1e-4)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.Adam([parameter], 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 100, 1e-4)
    for iteration in range(100):
        assert learning_rate(iteration, how) == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
        optimiser.step()
        schedule.step()


def test_configurations_round_trip_through_toml(tmp_path):
    how = Training(method="roa-wc", ways=20, learning_rate=2e-3, rho=0.7, second_order=False)
    (tmp_path / "c.toml").write_text(how.to_toml())
    assert Training.from_toml(tmp_path / "c.toml") == how
    assert Training.from_toml(tmp_path / "c.toml", seed=3).seed == 3
    robust = Training(method="roa-robust", max_pulses=9, erased=0.1, same_length=False, noise_scale=0.5)
    (tmp_path / "c.toml").write_text(robust.to_toml())
    assert Training.from_toml(tmp_path / "c.toml") == robust
    assert (robust.pulse_cap, robust.noise) == (9, (0.0, 0.5, 1.0, 2.0))
    assert robust.architecture(1, 28).erased == 0.1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[training]\nlerning_rate = 1e-3", "did you mean 'learning_rate'"),
        ('[training]\nepochs = "many"', "epochs = 'many' must be a int"),
        ("[training]\nbatch = true", "batch = True must be a int"),
        ("[training]\nbatch = 0", "batch = 0 must be at least 1"),
        ('[training]\nmethod = "offline"', "train 'roa' for it"),
        ('[training]\nmethod = "rao"', "did you mean 'roa'"),
        ("[training]\nsame_length = false", "roa has none, roa-robust has"),
        (
            '[training]\nmethod = "roa-robust"\nnoise_scale = -1.0',
            "noise_scale = -1.0 must be 0 or more",
        ),
        ("[train]\nbatch = 1", r"unknown section \[train\]"),
        ("batch =", "not valid TOML"),
    ],
)
def test_wrong_configurations_are_one_helpful_line(tmp_path, text, complaint):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(InputError, match=complaint):
        Training.from_toml(tmp_path / "c.toml")


def test_a_run_is_resumed_with_its_own_configuration_only(bars, tmp_path):
    train(bars, Training(epochs=1, **SMALL), tmp_path)
    with pytest.raises(InputError, match="epochs = 1, not 2"):
        train(bars, Training(epochs=2, **SMALL), tmp_path, resume=True)


@pytest.mark.long
def test_tensorboard_sees_what_the_table_has(bars, tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    how = Training(epochs=2, **SMALL)
    train(bars, how, tmp_path, callbacks=[Events(tmp_path)])
    found = EventAccumulator(str(tmp_path / "events")).Reload()
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    losses = [float(line.split(",")[lines[0].split(",").index("loss")]) for line in lines[1:]]
    seen = found.Scalars("training/loss")
    assert [event.step for event in seen] == [0, 1]
    assert [event.value for event in seen] == pytest.approx(losses)
    assert epochs_done(tmp_path) == 2


@pytest.mark.long
def test_a_run_goes_on_from_a_network_of_other_ways(bars, tmp_path):
    """Blocks and rates stay; the new head's columns are drawn as the old one's lie."""
    small = Training(epochs=1, ways=3, **SMALL)
    first = train(bars, small, tmp_path / "three")
    first.weights["fc"].data.mul_(0.2)  # away from the ends of the range
    new = first.with_new_head(400, torch.Generator().manual_seed(1))
    for name, tensor in first.state_dict().items():
        if "fc" not in name or "rates" in name:
            assert torch.equal(tensor, new.state_dict()[name])
    old = first.weights["fc"]
    torch.testing.assert_close(new.weights["fc"].mean(0), old.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(new.weights["fc"].std(0), old.std(0), atol=0.05, rtol=0)
    four = train(bars, Training(epochs=1, ways=4, **SMALL), tmp_path / "four", start=first)
    assert four.architecture.ways == 4
    assert four.note["start"]["training"]["ways"] == 3


def test_a_run_goes_on_from_a_network_of_other_steps(bars, tmp_path):
    """Whose last step holds for those that follow, at another rate."""
    start = Network(Architecture(filters=4), torch.Generator().manual_seed(3))
    with torch.no_grad():
        start.scales["conv2"].copy_(torch.arange(8.0).view(2, 4))
        start.log_rates["conv4"].fill_(-1.0)
    how = Training(
        method="maml++", filters=4, epochs=1, iterations=1, batch=1, queries=2, validation_tasks=2,
        rate_scale=0.5, learning_rate=0.0, final_learning_rate=0.0,
    )  # fmt: skip
    network = train(bars, how, tmp_path / "run", start=start)
    assert network.scales["conv2"][:, 0].tolist() == [0, 4, 4, 4, 4, 4]
    assert network.log_rates["conv4"].tolist() == pytest.approx([-1 + math.log(0.5)] * 5)
    assert torch.equal(network.weights["fc"], start.weights["fc"])
