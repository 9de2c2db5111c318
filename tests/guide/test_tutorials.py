"""The tutorials: each runs from top to bottom in an empty folder, and finds what its text says."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "tutorials"
FOUND = {
    "deck_in_simulator": lambda v: (
        abs(v["measured"] / v["expected"] - 1).max() < 1e-6 and abs(v["reached"] - v["surrogate"]) < 5e-3
    ),
    "ltp_to_chip": lambda v: (
        v["choice"].contest.best.form.title == "windows, ln G"
        and abs(v["fitted"].p - v["power"]) < 0.3
        and abs(v["fitted"].q - v["power"]) < 0.3
    ),
    "my_classifier": lambda v: (
        float(v["at"]) > 0.9 and float(v["accuracy"].sel(wire_resistance=50, adc_bits=6)) < 0.8
    ),
    "one_write_omniglot": lambda v: v["episode"].accuracy > 0.4 + v["episode"].accuracy_before,
    "own_law": lambda v: (
        abs(v["choice"].fit.memristor.constants["v_0"] - 0.1) < 0.005
        and abs(v["spice"] / v["fast"] - 1).max() < 1e-4
    ),
    "torch_through_wires": lambda v: v["before"] + 20 < v["after"],
    "which_imperfection": lambda v: (
        v["swings"][0].axis.name == "sense_gain"
        and (v["better"] >= v["goal"]).sum() > (v["accuracy"] >= v["goal"]).sum() + 10
    ),
}
"""What must be true of a tutorial's own variables at its end."""


def test_every_tutorial_has_a_claim_and_its_pictures_are_told_in_words():
    assert {path.stem for path in SOURCES.glob("*.py")} == set(FOUND)
    for path in SOURCES.glob("*.py"):
        cells = re.split(r"(?m)^# %%", path.read_text("utf-8"))
        silent = [
            cell for cell in cells if "plt.show()" in cell and not re.match(r' alt="[^"]{30,}"', cell)
        ]
        assert silent == []


@pytest.mark.long
@pytest.mark.ngspice
@pytest.mark.parametrize("name", FOUND)
def test_a_tutorial_finds_what_it_says(name, tmp_path, monkeypatch):
    """As a script in this process, which has most imports already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROA_SHARED_DATA", raising=False)
    with mpl.rc_context({"backend": "agg"}):
        import matplotlib.pyplot as plt
        import torch

        threads = torch.get_num_threads()
        try:
            found = runpy.run_path(str(SOURCES / f"{name}.py"))
        finally:
            torch.set_num_threads(threads)
            plt.close("all")
    assert FOUND[name](found)


@pytest.mark.long
@pytest.mark.ngspice
def test_a_tutorial_becomes_a_page_with_its_output_and_pictures(tmp_path):
    ran = subprocess.run(
        [sys.executable, ".ci/tutorials.py", tmp_path, "deck_in_simulator"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "deck_in_simulator.md").read_text("utf-8")
    assert page.startswith("# Open the deck in your simulator\n")
    assert "```text\n100 lines; the cells of the first word line:\nXword0_col0 word0_col0" in page
    assert page.count('<img alt="Above: the voltage') == 1
    assert (tmp_path / "deck_in_simulator.ipynb").stat().st_size > 10_000
