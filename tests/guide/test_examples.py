"""The examples run, and print what they say they show."""

import runpy
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
SHORT = [
    "fit_my_device",
    "verify_a_layer",
    "wire_cliff",
    "own_network",
    "own_few_shot",
]
LONG = [
    "adapt_and_verify",
    "own_backbone",
    "own_head",
    "own_rules",
    "faults",
    "train_on_glyphs",
    "wires",
    "train_through_wires",
    "learning_curves",
]


@pytest.fixture(autouse=True)
def threads():
    """Those that an example sets are its own."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def printed(name, capsys, monkeypatch, folder):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(EXAMPLES)  # as python does with the folder of a file that it runs
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def test_every_example_is_known():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*SHORT, *LONG}


@pytest.mark.ngspice
@pytest.mark.parametrize("name", SHORT)
def test_an_example_runs_and_prints_its_result(name, capsys, monkeypatch, tmp_path):
    assert len(printed(name, capsys, monkeypatch, tmp_path).splitlines()) >= 4


@pytest.mark.slow
@pytest.mark.ngspice
@pytest.mark.parametrize("name", LONG)
def test_a_longer_example_runs(name, capsys, monkeypatch, tmp_path):
    assert printed(name, capsys, monkeypatch, tmp_path)
