"""Refusals of `roa-meta` before anything is printed, downloaded or trained, each with a way out."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from meta.commands import cli
from meta.network.architecture import Architecture
from meta.network.convolutional import Network


@pytest.fixture
def roa_meta(command, monkeypatch, tmp_path):
    """Run roa-meta in a folder of its own; gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    return partial(command, cli.main)


def pictures(folder, shape=(28, 28), classes=6):
    rng = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        for index in range(classes):
            inside = folder / split / str(index)
            inside.mkdir(parents=True)
            for number in range(3):
                Image.fromarray(rng.integers(0, 120, shape, dtype=np.uint8)).save(
                    inside / f"{number}.png"
                )
    return folder


def refused(found):
    code, out, error = found
    assert (code, out) == (2, "")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("name", ["evaluate", "adapt", "sweep --vary wire_resistance=1,2", "wires"])
@pytest.mark.parametrize("dataset", ["omniglot", "glyphs"])
def test_a_network_of_other_images_is_refused_before_any_download(roa_meta, monkeypatch, name, dataset):
    monkeypatch.setattr("meta.data.datasets.load_omniglot", None)  # called for a download
    asked = (*name.split(), "--network", "cifar-fs", "--dataset", dataset)
    error = refused(roa_meta(*asked))
    assert "images are 28 x 28 x 1 (rows, columns, channels), this network takes 32 x 32 x 3" in error
    assert "train one on such images with `roa-meta pretrain`" in error


def test_pictures_of_another_size_are_refused_with_how_to_scale_them(roa_meta, tmp_path):
    folder = pictures(tmp_path / "own", (40, 40, 3))
    how = ("--dataset", "folder", "--data", folder, "--tasks", 2, "--shots", 1, "--queries", 1)
    code, _, error = roa_meta("evaluate", "--network", "cifar-fs", *how)
    assert code == 2
    said = error.splitlines()[-1]
    assert "images are 40 x 40 x 3" in said
    assert "scale the pictures to 32 x 32 pixels" in said
    assert "mogrify -resize 32x32!" in said
    assert "`roa-meta pretrain`" in said


def test_a_misspelt_name_of_a_network_is_answered_with_the_right_one(roa_meta):
    error = refused(roa_meta("evaluate", "--network", "cifarfs"))
    assert "cifarfs: no such file, nor a shipped network; did you mean 'cifar-fs'?" in error


def test_options_are_named_as_they_were_given(roa_meta, tmp_path):
    error = refused(roa_meta("pretrain", "-o", "run", "--dataset", "glyphs", "--score-every", 0))
    assert "--score-every 0 must be at least 1" in error
    error = refused(roa_meta("train", "-o", "run", "--dataset", "glyphs", "--head-rate-scale", -1))
    assert "--head-rate-scale -1" in error


@pytest.mark.parametrize(
    ("first", "asked", "message"),
    [
        ({"channels": 3, "size": 32}, (), "takes images of 32 x 32 x 3, these are 28 x 28 x 1: start"),
        ({"filters": 4}, ("--filters", 3), "has filters = 4, and this training asks for 3: give --filt"),
        ({"erased": 0.02}, ("--filters", 64), "writes its head from an erased state, and this training"),
    ],
)
def test_a_network_to_start_from_that_does_not_fit_says_what_differs(
    roa_meta, tmp_path, first, asked, message
):
    Network(Architecture(**first), torch.Generator().manual_seed(0)).save(tmp_path / "n.safetensors")
    small = ("--dataset", "glyphs", "--epochs", 1, "--iterations", 1, "-o", "run")
    error = refused(roa_meta("train", "--start-network", "n.safetensors", *small, *asked))
    assert message in error
    assert "Architecture(" not in error


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("pretrain", ("--filters", 0), "filters = 0 must be at least 1"),
        ("pretrain", ("--views", "many"), "many"),
        ("train", ("--ways", 40), "ways = 40 must lie between 2 and the 6 classes"),
    ],
)
def test_what_is_refused_is_refused_before_a_training_is_announced(
    roa_meta, tmp_path, name, asked, message
):
    folder = pictures(tmp_path / "own")
    error = refused(roa_meta(name, "-o", "run", "--dataset", "folder", "--data", folder, *asked))
    assert message in error


@pytest.mark.long
@pytest.mark.parametrize("name", ["train", "pretrain"])
def test_a_run_goes_on_with_its_own_images_and_settings_alone(roa_meta, tmp_path, name):
    """Grey pictures in a run of colour once ended in torch's list of sizes."""
    colour, grey = pictures(tmp_path / "colour", (28, 28, 3)), pictures(tmp_path / "grey")
    tasks = {"train": ("--iterations", 1, "--batch", 1, "--queries", 1), "pretrain": ("--batch", 9)}
    small = ("--filters", 2, "--epochs", 1, "--validation-tasks", 1, *tasks[name], "-o", "run")
    code, _, error = roa_meta(name, "--dataset", "folder", "--data", colour, *small)
    assert code == 0, error
    assert "1 epoch" in error
    again = (name, "--resume", "-o", "run", "--epochs", 2)
    error = refused(roa_meta(*again, "--data", grey))
    assert "the images are not those that this run was begun with" in error
    error = refused(roa_meta(*again, "--data", colour, "--filters", 3))
    assert "this run has filters = 2, not 3" in error
