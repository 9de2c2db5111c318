"""The verification of the shipped head finds what it found when its numbers were kept."""

import json
import runpy
from pathlib import Path

import pytest

from netlists.commands import cli
from netlists.layers.shipped import load_layer
from roa_circuit.chips.in_situ import write_in_situ

GOLDEN = runpy.run_path(str(Path(__file__).parents[1] / "golden" / "regenerate_numbers.py"))
KEPT = GOLDEN["kept"]()["verify"]


READ = ("max_relative_current_error", "max_output_error")


@pytest.mark.long
@pytest.mark.ngspice
def test_the_head_is_read_with_the_same_numbers(command, tmp_path):
    """`roa-spice verify --layer fc --phase read`, and the surrogate's write before it."""
    asked = ("verify", "--layer", "fc", "--phase", "read", "--output-dir", tmp_path)
    assert command(cli.main, *asked)[0] == 0
    found = json.loads((tmp_path / "report.json").read_text())
    for name in GOLDEN["COUNTED"]:
        assert found[name] == KEPT[name], name
    for name in READ:
        assert found[name] < 2 * KEPT[name], name
    fc = load_layer("fc")
    written = write_in_situ(fc.crossbar, fc.initial_state, fc.pulses, fc.device)
    assert written.energy == pytest.approx(KEPT["write_energy_surrogate"], rel=1e-6)


@pytest.mark.slow
@pytest.mark.ngspice
def test_the_head_is_verified_with_the_same_numbers(command, tmp_path):
    """`roa-spice verify --layer fc`: the write and the reads of 65 x 6 cells."""
    assert command(cli.main, "verify", "--layer", "fc", "--output-dir", tmp_path)[0] == 0
    found = GOLDEN["verified"](json.loads((tmp_path / "report.json").read_text()))
    for name in GOLDEN["COUNTED"]:
        assert found[name] == KEPT[name], name
    for name in GOLDEN["CALCULATED"]:
        assert found[name] == pytest.approx(KEPT[name], rel=1e-6), name
    for name in GOLDEN["SIMULATED"]:  # other versions of ngspice choose other time steps
        assert found[name] == pytest.approx(KEPT[name], rel=1e-3), name
    for name in GOLDEN["DEVIATIONS"]:
        assert found[name] < 2 * KEPT[name], name
