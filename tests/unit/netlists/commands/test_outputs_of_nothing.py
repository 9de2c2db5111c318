"""Layers whose outputs are all 0: no error is a share of them, and tables say '-' where one would be."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from roa_circuit.layers.programmed import ProgrammedLayer

MAPPINGS = ("reference", "pair")


@pytest.fixture(params=MAPPINGS)
def layer(request, command, tmp_path, monkeypatch):
    """A layer of 3 x 4 weights that are all 0, behind wires."""
    monkeypatch.chdir(tmp_path)
    np.savetxt("zero.csv", np.zeros((3, 4)), delimiter=",")
    made = ("--weights", "zero.csv", "--mapping", request.param, "-o", "zero.npz")
    assert command(cli.main, "layer", *made)[0] == 0
    return Path("zero.npz")


def test_compensate_has_no_share_of_nothing(layer, command):
    code, out, _ = command(cli.main, "compensate", "--layer", layer, "--json", "c.json")
    assert code == 0
    rows = [line.replace("│", " ").split() for line in out.splitlines() if "│ nothing" in line]
    assert [row[-2:] for row in rows] == [["-", "-"]]
    assert "outputs are all 0 behind perfect wires" in out
    assert max(map(len, out.splitlines())) < 200
    found = json.loads(Path("c.json").read_text())["recovered"]
    assert {(one["mac_error"], one["agreement"]) for one in found} == {(None, None)}


def test_a_sweep_needs_outputs_or_labels(layer, command):
    asked = ("sweep", "--layer", layer, "--vary", "compensation=nothing,placed")
    code, _, error = command(cli.main, *asked)
    assert (code, error.count("\n")) == (2, 1)
    assert "its outputs behind perfect wires are all 0" in error
    one = ProgrammedLayer.load(layer)
    replace(one, labels=np.zeros(len(one.inputs), dtype=np.int64)).save(layer)
    code, out, error = command(cli.main, *asked)
    assert code == 0, error
    assert "accuracy" in out
    assert not any(name in out for name in ("agreement", "MAC error", "current error", "failed"))


@pytest.mark.ngspice
def test_verify_has_no_share_of_nothing(layer, command):
    asked = ("--wire-resistance", "0", "--phase", "read", "-o", "out")
    code, out, error = command(cli.main, "verify", "--layer", layer, *asked)
    assert code == 0, error
    named = ("outputs, worst", "outputs, rms", "same largest")
    rows = [line for line in out.splitlines() if any(name in line for name in named)]
    assert [row.replace("│", " ").split()[-1] for row in rows] == ["-"] * 3
    found = json.loads(Path("out/report.json").read_text())
    names = ("mac_error", "ideal_mac_error", "ideal_agreement", "prediction_agreement")
    assert [found[name] for name in (*names, "max_output_error")] == [None] * 5
