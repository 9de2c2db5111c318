"""Every golden deck runs, unchanged, in the plain simulator that it is for."""

import shutil
import subprocess
from pathlib import Path

import pytest

from netlists.simulation.vacask import find_program

GOLDEN = Path(__file__).parents[1] / "golden"
COMPILED = "write_compiled.cir"  # for an ngspice with OSDI, and its cell beside it


@pytest.mark.ngspice
@pytest.mark.parametrize("name", sorted(p.name for p in GOLDEN.glob("*.cir") if p.name != COMPILED))
def test_plain_ngspice_runs_every_golden_deck(name, tmp_path):
    done = subprocess.run(
        ["ngspice", "-b", GOLDEN / name], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr
    assert "rror" not in said
    lines = said.splitlines()
    if name.startswith("write"):
        assert sum(line.startswith("omega_") and "failed" not in line for line in lines) == 6
    else:
        assert sum(line[:1].isdigit() for line in lines) == 2  # a row a read


@pytest.mark.vacask
@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.sim")))
def test_plain_vacask_runs_every_golden_deck(name, tmp_path):
    shutil.copy(GOLDEN / name, tmp_path)
    subprocess.run(
        [find_program(), "--quiet-progress", name], cwd=tmp_path, capture_output=True, check=True
    )
    assert (tmp_path / "out.raw").stat().st_size > 0
