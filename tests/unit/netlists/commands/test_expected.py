"""What commands say of a simulator's time before they start it."""

import numpy as np
import pytest

from netlists.commands import cli
from netlists.commands._expected import expect


def test_nobody_is_told_of_three_seconds(capsys):
    expect("reads", 2.9)
    assert capsys.readouterr().err == ""
    expect("16 reads", 200.0)
    assert capsys.readouterr().err == "16 reads: about 3 min\n"


@pytest.mark.ngspice
def test_solve_and_program_say_how_long_a_simulator_takes(tmp_path, command):
    """Before it runs: the time limit ends the second one."""
    np.savetxt(tmp_path / "s.csv", np.full((64, 64), 0.5), delimiter=",")
    np.savetxt(tmp_path / "v.csv", np.full((2, 64), 0.1), delimiter=",")
    files = ["--states", tmp_path / "s.csv", "--inputs", tmp_path / "v.csv", "-o", tmp_path / "k.csv"]
    code, _, err = command(cli.main, "solve", *files, "--engine", "ngspice")
    assert code == 0
    assert "2 reads of 64 x 64 cells in ngspice: about" in err
    files = ["--wanted", tmp_path / "s.csv", "-o", tmp_path / "r.csv", "--start", "0"]
    code, _, err = command(cli.main, "program", *files, "--engine", "ngspice", "--time-limit", "1")
    assert code == 3
    assert "the first of at most 20 rounds, 128 pulses of a row: about" in err


@pytest.mark.ngspice
def test_a_first_round_of_many_pulses_is_said(tmp_path, command):
    """A round of one pulse a row was said: 16 rows that took half a minute were brief."""
    np.savetxt(tmp_path / "s.csv", np.linspace(0.0, 0.95, 128).reshape(16, 8), delimiter=",")
    files = ["--wanted", tmp_path / "s.csv", "-o", tmp_path / "r.csv", "--start", "0"]
    code, _, err = command(cli.main, "program", *files, "--engine", "ngspice", "--time-limit", "0.5")
    assert code == 3
    assert "pulses of a row: about" in err
