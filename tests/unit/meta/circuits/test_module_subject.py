"""Sweeps of any torch network: its metrics, what they refuse, and other processes."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.convert import convert
from meta.circuits.conversion.named import NamedModule, named_module
from meta.circuits.conversion.subject import ModuleSubject
from meta.commands.cli import main
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.imperfections import Imperfections

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(9, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))

def labelled():
    torch.manual_seed(0)
    net, x = Net(), torch.rand(20, 9)
    return net, x, net(x).argmax(1)

def plain(): return labelled()[:2]
def few(): return *labelled()[:2], [0, 1]
def wrong(): return *labelled()[:2], [0.5] * 20
def alone(): return labelled()[0]
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "sweptnets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("sweptnets", None)


def test_metrics_are_those_of_the_converted_network(own):
    x = Imperfections(adc_bits=5, adc_range="layer", stuck_on=0.05)
    subject = ModuleSubject(named=named_module("sweptnets:labelled"), hardware=Hardware(imperfections=x))
    assert [one.name for one in subject.metrics] == ["accuracy", "agreement", "output_error"]
    found = subject.evaluate({"wire_resistance": 20.0, "mapping": "reference"}, [3, 4])
    named = subject.named
    for index, seed in enumerate((3, 4)):
        hardware = subject._at({"wire_resistance": 20.0, "mapping": "reference"})
        assert hardware.crossbar.r_word == hardware.crossbar.r_bit == 20.0
        with torch.no_grad():
            own_outputs = convert(named.network, hardware, named.sample, seed=seed)(named.sample)
            ideal = named.network(named.sample)
        right = (own_outputs.argmax(1).numpy() == named.labels).mean()
        assert found["accuracy"][index] == found["agreement"][index] == right
        error = ((own_outputs - ideal) ** 2).mean().sqrt() / (ideal**2).mean().sqrt()
        assert found["output_error"][index] == pytest.approx(float(error), rel=1e-6)
    assert found["output_error"][0] != found["output_error"][1]


def test_perfect_chips_lose_nothing_and_are_drawn_once(own):
    perfect = replace(Hardware(), crossbar=replace(Hardware().crossbar, r_source=0.0, r_sense=0.0))
    subject = ModuleSubject(named=named_module("sweptnets:plain"), hardware=perfect)
    assert [one.name for one in subject.metrics] == ["agreement", "output_error"]
    found = subject.evaluate({"wire_resistance": 0.0}, [0, 1, 2])
    assert found["agreement"] == [1.0] * 3
    assert max(found["output_error"]) < 1e-6
    assert not subject.chance


def test_outputs_that_are_no_classes_have_an_error_alone():
    torch.manual_seed(0)
    named = NamedModule(network=nn.Conv2d(1, 2, 3).eval(), sample=torch.rand(2, 1, 6, 6))
    (metric,) = ModuleSubject(named=named).metrics
    assert metric.name == "output_error"
    assert 0 < ModuleSubject(named=named).evaluate({"wire_resistance": 50.0}, [0])["output_error"][0] < 1


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("few", r"2 labels, but outputs of \(20, 3\)"),
        ("wrong", "labels must be one whole number for each item"),
        ("alone", "must return the torch network, a sample of its inputs"),
    ],
)
def test_what_does_not_fit_is_said(own, function, says):
    with pytest.raises(InputError, match=says):
        ModuleSubject(named=named_module(f"sweptnets:{function}"))


def test_what_writes_alone_have_is_no_field(own):
    fields = ModuleSubject(named=named_module("sweptnets:plain")).fields
    assert "sigma_wn" not in fields
    assert {"wire_resistance", "adc_bits", "stuck_on", "mapping"} <= set(fields)


@pytest.mark.long
def test_another_process_imports_the_code_first(own):
    held = pickle.dumps(ModuleSubject(named=named_module("sweptnets:labelled")))
    code = (
        "import pickle, sys; s = pickle.loads(bytes.fromhex(sys.stdin.read()));"
        "print(s.name, s.evaluate({'wire_resistance': 5.0}, [0])['agreement'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], input=held.hex(), capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("network sweptnets:labelled [")


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["roa-meta", "sweep", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


@pytest.mark.long
def test_the_command(own, monkeypatch, capsys):
    asked = ["--module", "sweptnets:labelled"]
    varied = ["--vary", "wire_resistance=1,200", "-o", "out", "--workers", "1"]
    assert run(monkeypatch, *asked, *varied) == 0
    document = json.loads((own / "out" / "report.json").read_text())
    assert document["points"] == 2
    lines = (own / "out" / "sweep.csv").read_text().splitlines()
    errors = np.genfromtxt(lines, delimiter=",", names=True)["output_error"]
    assert errors[0] < errors[1]
    capsys.readouterr()
    for beside, says in (
        (["--ways", "3"], "--ways: is of few-shot networks"),
        (["--shots", "5"], "--shots: is of few-shot networks"),
        (["--check", "50%"], "roa-spice verify --module"),
        (["--in-situ"], "cells of a converted network are set"),
        (["--vary", "sigma_wn=0,1"], "sigma_wn"),
    ):
        assert run(monkeypatch, *asked, *varied, *beside) == 2
        assert says in " ".join(capsys.readouterr().err.split())
    assert run(monkeypatch, "--weights", "w.safetensors", *varied) == 2
    assert "add --module" in capsys.readouterr().err
