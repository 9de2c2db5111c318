"""roa-meta from the outside: exit codes, one line of complaint, JSON."""

import dataclasses
import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch

from meta.circuits.behind_circuit import Hardware
from meta.commands import cli
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from roa_circuit.device.notes import Notes
from roa_circuit.device.parameters import load_device
from roa_circuit.layers.programmed import ProgrammedLayer


@pytest.fixture
def roa_meta(command):
    """Run roa-meta; gives (exit code, stdout, stderr)."""
    return partial(command, cli.main)


@pytest.fixture
def small_network(tmp_path):
    path = tmp_path / "small.safetensors"
    Network(Architecture(filters=4), torch.Generator().manual_seed(0)).save(path)
    return path


@pytest.mark.long
@pytest.mark.parametrize("name", ["adapt", "evaluate"])
def test_what_the_measurement_of_a_device_did_not_tell_is_said(roa_meta, small_network, tmp_path, name):
    """Both print joules, times and counts of pulses."""
    notes = Notes(currents=("delta from a book",), writes=("mu1 from a book",))
    noted = dataclasses.replace(load_device("zhang2021"), name="mine", notes=notes)
    (tmp_path / "noted.toml").write_text(noted.to_toml())
    few = {"adapt": ("-o", tmp_path / "layers"), "evaluate": ("--tasks", 2, "--sigma-wn", 0)}[name]
    asked = ("--network", small_network, "--dataset", "glyphs", "--queries", 1, "--relative-rate", 2)
    told = tmp_path / "x.json"
    code, out, _ = roa_meta(name, *asked, *few, "--device", tmp_path / "noted.toml", "--json", told)
    assert code == 0
    expected = [
        "device mine: amperes, siemens and joules are in part assumed: delta from a book",
        "device mine: counts, times and joules of pulses are in part assumed: mu1 from a book",
    ]
    assert [line for line in out.splitlines() if line.startswith("device mine: ")] == expected
    assert json.loads(told.read_text())["remarks"] == expected


@pytest.mark.long
def test_adapt_writes_layers_that_verify_can_read(roa_meta, small_network, tmp_path):
    code, out, _ = roa_meta(
        "adapt", "--network", small_network, "--queries", 2, "--relative-rate", 20,
        "--wire-resistance", "2 Ohm", "-o", tmp_path / "layers", "--json", tmp_path / "a.json",
    )  # fmt: skip
    assert code == 0
    assert "query accuracy" in out
    layer = ProgrammedLayer.load(tmp_path / "layers" / "fc.npz")
    assert layer.crossbar.shape == (5, 6)
    assert layer.crossbar.r_word == layer.crossbar.r_bit == 2.0
    report = json.loads((tmp_path / "a.json").read_text())
    assert [row["layer"] for row in report["layers"]] == ["conv1", "conv2", "conv3", "conv4", "fc"]


def test_evaluate_reports_one_row_a_noise_level(roa_meta, small_network, tmp_path):
    code, out, _ = roa_meta(
        "evaluate", "--network", small_network, "--dataset", "glyphs", "--tasks", 2, "--queries", 2,
        "--sigma-wn", "0,1", "--relative-rate", 2, "--json", tmp_path / "e.json",
    )  # fmt: skip
    assert code == 0
    found = json.loads((tmp_path / "e.json").read_text())
    rows, cycle = found["rows"], found["cycle"]
    assert found["of"] == {
        "network": str(small_network), "method": "roa", "head": None, "trained_ways": None,
        "dataset": "glyphs", "data": None, "mapping": "reference", "views": None,
        "cells_per_feature": None, "ways": 5, "shots": 1, "queries": 2, "tasks": 2,
    }  # fmt: skip
    assert "5-way 1-shot, 2 queries a class, 2 tasks, mapping reference" in " ".join(out.split())
    assert [row["sigma_wn"] for row in rows] == [0, 1]
    parts = cycle["adaptation"]["energy"] + cycle["next_task"]["energy"]
    assert cycle["cycle"]["energy"] == pytest.approx(parts)
    assert parts > 0
    assert "Murmann" in cycle["consumption"]["sources"]["adc_step"]
    assert set(rows[0]) == {
        "method", "dataset", "ways", "shots", "sigma_wn", "reading", "relative_rate", "steps", "tasks",
        "accuracy", "ci95", "paper", "pulses_per_weight", "write_energy", "write_seconds",
        "erase_energy", "erase_seconds", "initial_map", "cosine", "head", "digital",
    }  # fmt: skip


@pytest.mark.parametrize(("sigma", "said"), [("0", False), ("0,1", True)])
def test_an_erase_in_write_noise_says_of_which_cells_it_is(roa_meta, tmp_path, sigma, said):
    path = tmp_path / "erased.safetensors"
    Network(Architecture(filters=4, erased=0.02), torch.Generator().manual_seed(0)).save(path)
    few = ("--method", "roa-robust", "--dataset", "glyphs", "--tasks", 2, "--queries", 2)
    head = ("--mapping", "pair", "--views", "mirror", "--cells-per-feature", 2)
    code, out, _ = roa_meta("evaluate", "--network", path, *few, *head, "--sigma-wn", sigma)
    assert code == 0
    assert "mapping pair, views mirror, cells per feature 2" in " ".join(out.split())
    assert ("erase: of cells as a write without noise leaves them" in out) is said


@pytest.mark.parametrize(("rate", "faint"), [(1e-6, True), (100, False)])
def test_a_write_of_hardly_any_pulse_is_told(roa_meta, tmp_path, rate, faint):
    """It was reported like any other: chance, at 0 pulses and 0 J."""
    path = tmp_path / "erased.safetensors"
    Network(Architecture(filters=4, erased=0.02), torch.Generator().manual_seed(0)).save(path)
    few = ("--dataset", "glyphs", "--tasks", 2, "--queries", 2, "--sigma-wn", 0)
    how = ("--method", "roa-robust", "--relative-rate", rate)
    code, out, _ = roa_meta("evaluate", "--network", path, *few, *how)
    assert code == 0
    assert ("fewer than one a class" in " ".join(out.split())) is faint


def test_the_document_is_there_before_the_table(roa_meta, small_network, tmp_path, monkeypatch):
    """`| head` closed the pipe and took minutes of work with it."""

    def unread(*_):
        raise SystemExit

    monkeypatch.setattr("meta.commands.evaluate._show", unread)
    few = ("--dataset", "glyphs", "--tasks", 2, "--queries", 2, "--sigma-wn", 0, "--relative-rate", 2)
    roa_meta("evaluate", "--network", small_network, *few, "--json", tmp_path / "e.json")
    assert len(json.loads((tmp_path / "e.json").read_text())["rows"]) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("named", "trained"),
    [([], 20), (["--trained-ways", 5], 5), (["--ways", 20], 20), (["--method", "roa-wc"], 5)],
)
def test_plain_evaluate_has_the_network_of_the_reproduction(roa_meta, named, trained):
    few = ("--tasks", 2, "--queries", 1, "--sigma-wn", 0, "--relative-rate", 1)
    code, out, _ = roa_meta("evaluate", "--dataset", "glyphs", *few, *named)
    assert code == 0
    assert f"trained for {trained} ways" in " ".join(out.split())


@pytest.mark.long
def test_energy_of_an_erased_head_has_the_erase_beside_it(roa_meta, tmp_path):
    few = ("--tasks", 2, "--queries", 1, "--sigma-wn", 0, "--json", tmp_path / "e.json")
    code, out, _ = roa_meta("evaluate", "--dataset", "glyphs", *few, "--method", "roa-robust")
    assert code == 0
    assert "The full cycle of the first of 2 tasks" in " ".join(out.split())
    assert "erase, pulses in cells" in " ".join(out.split())
    [row] = json.loads((tmp_path / "e.json").read_text())["rows"]
    assert row["erase_energy"] > 100 * row["write_energy"] > 0
    assert row["erase_seconds"] > 100 * row["write_seconds"] > 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["evaluate", "--dataset", "omniglott"], "did you mean 'omniglot'"),
        (["evaluate", "--data", "nowhere"], "nowhere: no such file"),
        (["evaluate", "--ways", 20], "train --ways 20"),
        (["evaluate", "--trained-ways", 20], "--network is one already"),
        (["evaluate", "--dataset", "glyphs", "--sigma-wn", "0,x"], "--sigma-wn: 'x'"),
        (["evaluate", "--dataset", "glyphs", "--sigma-wn", "-1"], "sigma_wn"),
        (["evaluate", "--dataset", "glyphs", "--tasks", 1], "--tasks 1"),
        (["evaluate", "--device", "zhang"], "did you mean 'zhang2021'"),
        (["evaluate", "--network", "nowhere.safetensors"], "nowhere.safetensors"),
        (["adapt", "--wire-resistance", "1 V"], "expected Ohm"),
        (["adapt", "--wire-resistance", "-1"], "must be 0 Ohm or more"),
        (["adapt", "--shots", 30], "at most the 20 pictures"),
        (["train", "--dataset", "glyphs"], "--output"),
        (["train", "-o", "x", "--resume"], "no run to go on with"),
        (["train", "-o", "x", "--method", "offline"], "train 'roa' for it"),
        (["evaluate", "--reading", "litteral"], "did you mean 'literal'"),
        (["evaluate", "--reading", "half", "--sigma-wn", "0"], "--reading half: changes nothing of"),
        (["train", "-o", "x", "--rho", 2, "--dataset", "glyphs"], "rho = 2"),
        (
            ["train", "-o", "x", "--resume", "--start-network", "n.safetensors"],
            "a run that goes on has its network",
        ),
        (
            ["train", "-o", "x", "--hardware-wires", 2],
            "--hardware-wires: is about validations in ngspice",
        ),
        (["train", "-o", "x", "--wire-spread", 0.1], "about the wires of a circuit; add --circuit"),
        (["train", "-o", "x", "--circuit", "no.toml", "--dataset", "glyphs"], "no.toml"),
        (["train", "-o", "x", "--on-divergence", "stop"], "add --validate-every N"),
        (["reproduce", "ablation", "--methods", "roa"], "--methods: the ablation has its own"),
        (
            ["reproduce", "table2", "--trainings", "2"],
            "--trainings 2: says what --train is to train; add",
        ),
        (
            ["reproduce", "table2", "--dataset", "glyphs", "--ways", "2.5"],
            "must be a whole number from 2",
        ),
        (["evaluate", "--dataset", "glyphs", "--tasks", 10**9], "--tasks"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_is_one_helpful_line(roa_meta, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    Network(Architecture(filters=4)).save(tmp_path / "n.safetensors")
    if arguments[0] in {"evaluate", "adapt"} and "--network" not in arguments:
        arguments = [*arguments, "--network", "n.safetensors"]
    code, _, err = roa_meta(*arguments)
    assert code == 2
    assert complaint in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["n.safetensors"]


def test_a_network_for_any_ways_is_not_asked_for_by_those_it_was_not_trained_for(roa_meta):
    asked = ("--dataset", "glyphs", "--method", "roa-robust", "--trained-ways", 10, "--tasks", 2)
    code, _, error = roa_meta("evaluate", *asked)
    assert (code, error.count("\n")) == (2, 1)
    assert "--trained-ways 10: the network of roa-robust was trained for 20 ways" in error


@pytest.mark.parametrize("words", [["evaluate", "--tasks", 2], ["adapt", "-o", "layers"]])
def test_a_network_says_which_images_it_takes(roa_meta, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    Network(Architecture(filters=4, channels=3, size=32)).save(tmp_path / "n.safetensors")
    code, _, error = roa_meta(*words, "--dataset", "glyphs", "--network", "n.safetensors")
    assert code == 2
    assert "28 x 28 x 1 (rows, columns, channels), this network takes 32 x 32 x 3" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "layers").exists()


@pytest.mark.parametrize(
    ("where", "complaint"), [("gpu", "must be cpu or cuda"), ("cuda:99", "no such GPU")]
)
@pytest.mark.parametrize("words", [["train"], ["evaluate"], ["reproduce", "table2"]])
def test_a_command_says_where_it_cannot_compute(roa_meta, tmp_path, words, where, complaint):
    out = [] if words == ["evaluate"] else ["-o", tmp_path / "run"]
    code, _, error = roa_meta(*words, *out, "--dataset", "glyphs", "--compute", where)
    assert code == 2
    assert complaint in error
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_a_network_is_evaluated_behind_the_wires_that_are_asked_for(roa_meta, small_network, tmp_path):
    """Over those of a file, whose other lines stay."""
    (tmp_path / "c.toml").write_text('[lines]\n"r_word [Ohm]" = 1.0\n"r_sense [Ohm]" = 2.0\n')
    code, out, error = roa_meta(
        "evaluate", "--network", small_network, "--dataset", "glyphs", "--tasks", 2, "--sigma-wn", 0,
        "--queries", 1, "--relative-rate", 1, "--circuit", tmp_path / "c.toml",
        "--wire-resistance", "30 Ohm", "--json", tmp_path / "j.json",
    )  # fmt: skip
    assert code == 0, error
    assert "behind the circuit" in out
    lines = json.loads((tmp_path / "j.json").read_text())["lines"]
    named = ("r_word [Ohm]", "r_bit [Ohm]", "r_sense [Ohm]")
    assert [lines[name] for name in named] == [30.0, 30.0, 2.0]


@pytest.mark.long
def test_write_noise_reaches_the_circuit_of_an_adaptation(
    roa_meta, small_network, tmp_path, monkeypatch
):
    """At 4 the network answered as by chance, and behind the circuit as if nothing disturbed it."""
    (tmp_path / "c.toml").write_text('[lines]\n"r_word [Ohm]" = 1.0\n')
    (tmp_path / "x.toml").write_text('"sigma_wn [-]" = 0.5\n')
    written, holding = [], Hardware.holding
    monkeypatch.setattr(
        Hardware, "holding", lambda self, *a: written.append(holding(self, *a)) or written[-1]
    )
    asked = ("adapt", "--dataset", "glyphs", "--network", small_network, "--queries", 1)
    asked = (*asked, "--relative-rate", 20, "-o", tmp_path / "layers", "--circuit", tmp_path / "c.toml")
    for sigma in (0, 4):
        assert roa_meta(*asked, "--sigma-wn", sigma)[0] == 0
    quiet, noisy = ([array.state for array in found["fc"].arrays] for found in written)
    assert np.abs(np.subtract(noisy, quiet)).max() > 0.05
    code, _, error = roa_meta(*asked, "--sigma-wn", 4, "--imperfections", tmp_path / "x.toml")
    assert code == 2
    assert "--sigma-wn 4: --imperfections has a sigma_wn, too; leave one of them out" in error


@pytest.mark.long
@pytest.mark.parametrize("name", ["adapt", "evaluate"])
def test_imperfections_of_a_write_count_where_it_goes_through_the_wires(
    roa_meta, small_network, tmp_path, name
):
    useless = '"write_gain [-]" = 0.01\n"adc_range [A]" = 1e-3\n'
    (tmp_path / "x.toml").write_text(useless + '"sense_gain [-]" = 0.01\n')
    few = {"adapt": ("-o", tmp_path / "layers"), "evaluate": ("--tasks", 2, "--sigma-wn", 0)}[name]
    asked = ("--dataset", "glyphs", "--network", small_network, "--queries", 1, "--relative-rate", 1)
    code, _, error = roa_meta(
        name, *asked, *few, "--imperfections", tmp_path / "x.toml", "--json", tmp_path / "j.json"
    )
    assert code == 0
    assert error.splitlines() == [
        "--imperfections: write_gain ignored: every cell gets its pulses in full; add --in-situ to write"
        " through the wires",
        "--imperfections: adc_range ignored: changes nothing without adc_bits",
    ]
    assert json.loads((tmp_path / "j.json").read_text())["ignored"] == ["write_gain", "adc_range"]
    (tmp_path / "x.toml").write_text(useless)
    code, _, error = roa_meta(name, *asked, *few, "--imperfections", tmp_path / "x.toml")
    assert (code, error.count("\n")) == (2, 1)
    assert "write_gain would change nothing, so leave the file out: every cell gets its" in error


@pytest.mark.long
def test_a_training_leaves_no_temporary_folder(tmp_path):
    """torch makes an empty one for its compiler as soon as an optimiser is made."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("TORCHINDUCTOR_CACHE_DIR", None)
    words = (
        "train --dataset glyphs --ways 2 --queries 1 --filters 2 --epochs 1 --iterations 1 --batch 1"
        " --validation-tasks 1 -o out"
    )
    start = [sys.executable, "-c", "from meta.commands.cli import main; main()", *words.split()]
    subprocess.run(start, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert list(temporary.iterdir()) == []
