"""A backbone of one's own: adopted by name, checked against itself, trained and read like the others."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.commands.cli import main
from meta.network import backbones
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.own_backbone import adopt_backbone
from roa_circuit.basics.errors import InputError

CODE = '''
import functools
from dataclasses import dataclass
from meta.network.backbones import Convolution

@dataclass
class Two:
    """Names, sizes and the way through them, as a test wants them wrong."""

    channels: int
    filters: int
    second: str = "conv1"
    inputs: int = 0
    kernel: int = 3
    side: int = 4

    @property
    def convolutions(self):
        n = self.filters
        return {
            "wide": Convolution(inputs=self.channels, filters=n, kernel=5, pools=True),
            self.second: Convolution(inputs=self.inputs or n, filters=n, kernel=self.kernel, pools=True),
        }

    def pooled(self, size):
        return (size // self.side) ** 2

    def outputs(self, images, layer):
        return functools.reduce(lambda x, name: layer(name, x), self.convolutions, images)

class Skips(Two):
    def outputs(self, images, layer):
        return layer("conv1", images)

class Breaks(Two):
    def outputs(self, images, layer):
        return images / None

def two(channels, filters): return Two(channels, filters)
def head(channels, filters): return Two(channels, filters, second="fc")
def markup(channels, filters): return Two(channels, filters, second="<b>")
def even(channels, filters): return Two(channels, filters, kernel=4)
def unlike(channels, filters): return Two(channels, filters, inputs=7)
def sizes(channels, filters): return Two(channels, filters, side=3)
def skips(channels, filters): return Skips(channels, 1, side=2)
def breaks(channels, filters): return Breaks(channels, filters)
def number(channels, filters): return 3
def raises(channels, filters): raise OSError("no such thing")
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A working directory with the code above, whose names are forgotten afterwards."""
    (tmp_path / "ownnets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    before = dict(backbones.OWN)
    yield tmp_path
    backbones.OWN.clear()
    backbones.OWN.update(before)
    sys.modules.pop("ownnets", None)


def architecture(name="two", **changes):
    return replace(
        Architecture(
            ways=3, backbone=adopt_backbone(f"ownnets:{name}"), filters=2, size=16, erased=0.02
        ),
        **changes,
    )


def test_its_features_are_those_of_torch(own):
    torch.manual_seed(0)
    network, images = Network(architecture()).eval(), torch.rand(3, 1, 16, 16)
    with torch.no_grad():
        found = network.features(images, network.initial_weights(), 0)
        x = images
        for name, pad in (("wide", 2), ("conv1", 1)):
            x = F.conv2d(x, network.weights[name], padding=pad) / (1 + 1e-5) ** 0.5
            x = F.relu(F.max_pool2d(x, 2))
    assert torch.allclose(found, 32**0.5 * F.normalize(x.flatten(1), dim=-1), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("head", "named 'fc'"),
        ("markup", "take letters, digits"),
        ("even", "kernel of 4; odd ones"),
        ("unlike", "gives conv1 2 maps; it has 7 inputs"),
        ("sizes", "for one image of 16 x 16; its last convolution and `pooled` say 50 features"),
        ("skips", "never uses wide"),
        ("breaks", "fails on an image: TypeError"),
        ("number", "returned int, which has no convolutions"),
        ("raises", "cannot be made: OSError: no such thing"),
    ],
)
def test_what_does_not_fit_is_said(own, name, says):
    with pytest.raises(InputError, match=says):
        architecture(name)


def test_names_are_asked_for_and_found(own):
    with pytest.raises(InputError, match="code of its own, which runs only when asked for"):
        Architecture(backbone="ownnets:two", erased=0.02)
    with pytest.raises(InputError, match=r"has no function 'tow'; did you mean 'two'"):
        adopt_backbone("ownnets:tow")
    with pytest.raises(InputError, match=r"must be PACKAGE.MODULE:FUNCTION"):
        adopt_backbone("ownnets")
    assert adopt_backbone("residual") == "residual"


@pytest.mark.long
def test_another_process_imports_it_anew(own):
    held = pickle.dumps(architecture())
    code = (
        "import pickle, sys; a = pickle.loads(bytes.fromhex(sys.argv[1]));"
        "print(a.body.made.filters, a.features)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, held.hex()], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["2", "32"]


def test_a_file_never_runs_its_code_by_itself(own, capsys):
    network = Network(architecture())
    network.save(own / "n.safetensors", training={"method": "roa-robust"})
    rest = ["--network", "n.safetensors", "--dataset", "glyphs", "--ways", "2", "--tasks", "2"]
    backbones.OWN.clear()
    assert run("evaluate", *rest) == 2
    assert "give --backbone ownnets:two" in capsys.readouterr().err.replace("\n", " ")
    assert run("evaluate", *rest, "--backbone", "ownnets:head") == 2
    assert run("evaluate", "--backbone", "ownnets:two") == 2
    assert "shipped networks have their own" in capsys.readouterr().err.replace("\n", " ")


def run(*words):
    before, sys.argv = sys.argv, ["roa-meta", *words]
    try:
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        sys.argv = before
    return end.value.code or 0


@pytest.mark.long
def test_it_is_pretrained_and_evaluated_behind_a_circuit(own):
    """As the guide has it: one name in both commands."""
    rng = np.random.default_rng(0)
    from PIL import Image

    for label in range(36):
        (own / "pictures" / f"c{label:02}").mkdir(parents=True)
        own_bars = rng.integers(255, size=16)
        for k in range(16):
            noisy = np.clip(own_bars + rng.normal(0, 30, (16, 16)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(own / "pictures" / f"c{label:02}" / f"{k}.png")
    data = ["--dataset", "folder", "--data", "pictures"]
    taught = ["--filters", "4", "--epochs", "2", "--warm-up", "2", "--validation-tasks", "3"]
    named = ["--backbone", "ownnets:two"]
    assert run("pretrain", *data, *named, *taught, "--score-every", "1", "-o", "run") == 0
    (own / "wires.toml").write_text('[lines]\n"r_word [Ohm]" = 1.0\n"r_bit [Ohm]" = 1.0\n')
    asked = [
        "--network",
        "run/best.safetensors",
        *data,
        "--ways",
        "2",
        "--tasks",
        "3",
        "--sigma-wn",
        "0",
    ]
    asked += ["--circuit", "wires.toml", "--mapping", "pair", "--json", "e.json"]
    assert run("evaluate", *asked, *named) == 0
    (row,) = json.loads((own / "e.json").read_text())["rows"]
    assert row["accuracy"] > 0.6
    assert row["agreement"] > 0.9
