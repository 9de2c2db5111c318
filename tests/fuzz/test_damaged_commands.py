"""Damaged files and options: one line, a documented exit code, and nothing is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).with_name("campaign.py")


def misdeeds(count, seed, folder):
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "NUMBA_CACHE_DIR": "/proc/none",  # numpy computes: a child need not load what is compiled
    }
    command = [sys.executable, CAMPAIGN, str(count), str(seed), folder]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.long
def test_a_sample_of_damaged_commands(tmp_path):
    assert misdeeds(4, 2021, tmp_path) == []


@pytest.mark.slow
@pytest.mark.ngspice
def test_commands_succeed_whose_files_are_whole(tmp_path):
    assert misdeeds(1000, -1, tmp_path) == []


@pytest.mark.slow
@pytest.mark.ngspice
@pytest.mark.parametrize("seed", range(6))
def test_a_campaign_of_damaged_commands(tmp_path, seed):
    assert misdeeds(500, seed, tmp_path) == []
