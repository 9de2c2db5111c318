"""Pretraining: a classifier's features tell new classes apart, and a run goes on as if never stopped."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from meta.commands import cli
from meta.data.tasks import Tasks, channels_first
from meta.data.turns import turned
from meta.evaluation.evaluate import evaluate
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from meta.training.augmentation import Augmentation, pasted
from meta.training.configuration import Training
from meta.training.pretrain import learning_rate, pretrain
from meta.training.pretraining import Pretraining
from meta.training.train import train
from roa_circuit.basics.errors import ConvergenceError, InputError

HOW = Pretraining(
    filters=3, epochs=2, batch=80, warm_up=4, learning_rate=0.2, validate_every=1, validation_tasks=4,
    turned_classes=False,
)  # fmt: skip


@pytest.mark.long
def test_means_of_features_are_of_the_precision_that_they_are_taken_off_in(bars, tmp_path):
    """Of a training in bfloat16, they were off by a thousandth."""
    network = pretrain(bars, replace(HOW, epochs=1), tmp_path)
    images = channels_first(bars.split("train")).flatten(0, 1).float() / 255
    weights = network.initial_weights()
    for quarters, mean in enumerate(network.get_buffer("mean_features")):
        view = torch.rot90(images, quarters, (-2, -1))
        with torch.no_grad():
            maps = network.architecture.body.outputs(
                view, lambda name, x: network.convolved(name, x, weights[name], 0)
            )
        found = F.normalize(maps.flatten(1), dim=-1).mean(0)
        assert torch.allclose(found, mean, rtol=0, atol=1e-5)


@pytest.mark.long
def test_features_of_a_classifier_tell_new_classes_apart(bars, tmp_path):
    how = replace(HOW, epochs=5, validate_every=5, validation_tasks=10, views="mirror")
    rows = []
    network = pretrain(bars, how, tmp_path / "run", on_epoch=rows.append)
    assert rows[-1].loss < rows[0].loss
    assert rows[-1].accuracy_train > 3 / 12
    assert rows[0].cosine is None
    assert rows[-1].accuracy_noise > 0.5
    (row,) = evaluate(network, Tasks(dataset=bars, seed=3), Writing.of(network), count=20, sigmas=[4.0])
    assert row.accuracy > 0.5
    assert network.architecture.views == "mirror"
    assert str(Writing.of(network).mapping) == "pair"


def test_a_pasted_box_is_of_another_image_and_counts_by_its_area():
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 12, 9)
    for seed in range(8):
        mixed, order, kept = pasted(images, np.random.default_rng(seed))
        own = mixed == images
        theirs = mixed == images[order]
        assert bool((own | theirs).all())
        moved = order != torch.arange(6)
        assert torch.allclose(own[moved].double().mean((1, 2, 3)), torch.tensor(kept).double())
        assert sorted(order.tolist()) == list(range(6))
    assert 0 <= kept < 1


def test_with_validation_classes_learned_too_no_choice_is_left(bars, tmp_path):
    with pytest.raises(InputError, match=r"give head_rate, as a run on train alone found it"):
        replace(HOW, classes="train+validation")
    with pytest.raises(InputError, match=r"classes = 'test' must be train or train\+validation"):
        replace(HOW, classes="test")
    how = replace(HOW, classes="train+validation", head_rate=0.6, epochs=1)
    rows = []
    network = pretrain(bars, how, tmp_path / "run", on_epoch=rows.append)
    assert rows[0].accuracy_noise is None
    assert network.rate(HEAD, 0).item() == pytest.approx(0.6)
    assert network.get_buffer("mean_features").abs().sum() > 0
    alone = pretrain(bars, replace(how, classes="train"), tmp_path / "alone")
    assert alone.note["epoch"]["rate"] == 0.6
    assert not torch.equal(network.get_buffer("mean_features"), alone.get_buffer("mean_features"))


@pytest.mark.long
def test_a_run_goes_on_to_the_same_weights(bars, tmp_path):
    class Stopped(Exception):
        pass

    def stop(row):
        raise Stopped

    how = replace(HOW, pasted=0.5)
    whole = pretrain(bars, how, tmp_path / "whole")
    with pytest.raises(Stopped):
        pretrain(bars, how, tmp_path / "run", on_epoch=stop)
    gone_on = pretrain(bars, how, tmp_path / "run", resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, gone_on.state_dict()[name]), name
    read = [(tmp_path / run / "metrics.csv").read_text().splitlines() for run in ("whole", "run")]
    without_time = [[line.split(",")[:1] + line.split(",")[2:] for line in lines] for lines in read]
    assert without_time[0] == without_time[1]
    with pytest.raises(InputError, match=r"this run has seed = 0, not 1"):
        pretrain(bars, replace(how, seed=1), tmp_path / "run", resume=True)
    others = replace(bars, images=255 - bars.images)
    with pytest.raises(InputError, match="images are not those that this run was begun with"):
        pretrain(others, how, tmp_path / "run", resume=True)
    with pytest.raises(InputError, match="holds a run already"):
        pretrain(bars, HOW, tmp_path / "run")


@pytest.mark.long
def test_episodes_in_noise_go_on_from_a_pretrained_network(bars, tmp_path):
    first = pretrain(bars, replace(HOW, epochs=1), tmp_path / "first")
    how = Training(
        method="roa-robust", ways=3, filters=3, backbone="residual", centred=True, mapping="pair",
        epochs=1, iterations=2, batch=2, validation_tasks=2, learning_rate=1e-3,
    )  # fmt: skip
    network = train(bars, how, tmp_path / "second", start=first)
    assert network.architecture == replace(first.architecture, ways=3)
    assert not torch.equal(network.weights["res4_conv2"], first.weights["res4_conv2"])
    with pytest.raises(
        InputError, match=r"to start from has backbone = residual, and .* give --backbone"
    ):
        train(bars, replace(how, backbone="blocks"), tmp_path / "third", start=first)


def test_a_training_that_diverges_says_at_which_rate(bars, tmp_path):
    with pytest.raises(ConvergenceError, match=r"diverges in epoch 1, step \d+, at a learning rate of"):
        pretrain(bars, replace(HOW, learning_rate=1e30, warm_up=0), tmp_path / "run")


def test_the_rate_rises_and_falls():
    how = replace(HOW, warm_up=10)
    rates = [learning_rate(step, 100, how) for step in range(100)]
    assert np.argmax(rates) == 9
    assert rates[0] == pytest.approx(0.02, rel=1e-3)
    assert rates[-1] < 1e-4


def test_images_are_changed_within_their_range_and_alike_from_a_seed():
    images = torch.rand(5, 3, 20, 20)
    one, same = (Augmentation()(images, np.random.default_rng(1)) for _ in range(2))
    assert torch.equal(one, same)
    assert one.shape == images.shape
    assert 0 <= float(one.min()) <= float(one.max()) <= 1
    none = Augmentation(zoom=1, stretch=1, shift=0, mirror=False, gain=0, offset=0)
    assert torch.allclose(none(images, np.random.default_rng(1)), images, atol=1e-5)


def test_turns_are_those_of_torch():
    images = torch.rand(4, 2, 5, 5)
    found = turned(images, torch.arange(4))
    for k in range(4):
        assert torch.equal(found[k], torch.rot90(images[k], k, (-2, -1)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, "epochs = 0 must be at least 1"),
        ({"learning_rate": -1.0}, "learning_rate = -1.0 must be a positive number"),
        ({"momentum": 1.0}, r"momentum = 1.0 must lie in \[0, 1\)"),
        ({"mapping": "twin"}, "twin"),
        ({"mapping": "pair:push-pull"}, "can only rise; take --mapping pair"),
        ({"mapping": "reference:8"}, "reference:8: changes nothing without a circuit"),
    ],
)
def test_settings_out_of_range_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        replace(HOW, **given)


def test_too_few_validation_classes_are_told_with_both_ways_out(bars, tmp_path):
    few = replace(bars, classes=bars.classes | {"validation": bars.classes["validation"][:4]})
    with pytest.raises(InputError, match=r"the 4 classes of .*folders train.*--head-rate 0\.6"):
        pretrain(few, HOW, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_a_residual_network_passes_from_the_command_to_its_circuits(command, bars, tmp_path):
    roa_meta = partial(command, cli.main)
    for split, classes in bars.classes.items():
        for index in classes:
            folder = tmp_path / "bars" / split / str(index)
            folder.mkdir(parents=True)
            for number, image in enumerate(bars.images[index, :6]):
                Image.fromarray(image).save(folder / f"{number}.png")
    where = ("--dataset", "folder", "--data", tmp_path / "bars")
    code, out, _ = roa_meta(
        "pretrain", "-o", tmp_path / "run", *where, "--filters", 2, "--epochs", 1, "--batch", 40,
        "--validation-tasks", 2, "--json", tmp_path / "p.json",
    )  # fmt: skip
    assert code == 0
    assert "validation" in out
    assert json.loads((tmp_path / "p.json").read_text())["training"]["backbone"] == "residual"
    best = tmp_path / "run" / "best.safetensors"
    assert Network.load(best).architecture.centred
    perfect = "".join(f'"r_{name} [Ohm]" = 0.0\n' for name in ("word", "bit", "source", "sense"))
    (tmp_path / "c.toml").write_text("[lines]\n" + perfect)
    code, _, _ = roa_meta(
        "evaluate", "--network", best, *where, "--tasks", 2, "--queries", 2, "--sigma-wn", 0,
        "--circuit", tmp_path / "c.toml", "--json", tmp_path / "e.json",
    )  # fmt: skip
    assert code == 0
    (row,) = json.loads((tmp_path / "e.json").read_text())["rows"]
    assert row["agreement"] == 1.0
    code, _, _ = roa_meta("adapt", "--network", best, *where, "--queries", 2, "-o", tmp_path / "layers")
    assert code == 0
    made = {path.stem for path in (tmp_path / "layers").glob("*.npz")}
    assert made == {*Network.load(best).architecture.layers}
    code, _, _ = roa_meta("evaluate", "--network", best, *where, "--tasks", 2, "--method", "roa")
    assert code == 2
