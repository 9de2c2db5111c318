"""What ships, and what the first commands find in it, changes only when it is meant to."""

import json
import runpy
from pathlib import Path

import pytest

from fitting.commands import cli

ROOT = Path(__file__).parents[3]
GOLDEN = runpy.run_path(str(ROOT / "tests" / "golden" / "regenerate_numbers.py"))
KEPT = GOLDEN["kept"]()


def test_shipped_layers_networks_and_pulses_are_the_same_to_the_byte():
    assert GOLDEN["shipped_files"]() == KEPT["files"]


@pytest.mark.long
def test_the_fit_of_the_shipped_pulses_finds_the_same_constants(command, tmp_path):
    """Processors differ in the last digits; a standard error of 0.05 % would show a slip of 1e-6."""
    arguments = [ROOT / "data" / "pulses.csv", "--strict", "--output-dir", tmp_path]
    assert command(cli.main, *arguments)[0] == 0
    found = GOLDEN["fitted"](json.loads((tmp_path / "fit.json").read_text()))
    for name, (value, error) in KEPT["fit"]["constants"].items():
        assert found["constants"][name] == [
            pytest.approx(value, rel=1e-6),
            pytest.approx(error, rel=1e-4),
        ]
    assert found["relative_rmse"] == pytest.approx(KEPT["fit"]["relative_rmse"], rel=1e-6)
