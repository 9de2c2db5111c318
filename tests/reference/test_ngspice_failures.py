"""What goes wrong inside ngspice comes out as one error with its words and the deck."""

import sys
import time

import pytest

from netlists import cli
from netlists.ngspice import simulate
from roa_circuit.errors import SimulatorError

pytestmark = pytest.mark.ngspice

BROKEN = {
    "unknown model": ("R1 a 0 nonsense\n.op", "nonsense"),
    "unknown subcircuit": ("X1 a 0 nothing\n.op", "nothing"),
    "voltage loop": ("V2 a 0 2\n.tran 1u 10u", "singular matrix"),
    "no analysis": ("R1 a 0 1", ""),
    "missing file": (".include nowhere.lib\n.op", "nowhere.lib"),
    "no convergence": ("B1 b 0 V=V(b)>0.5 ? 0 : V(a)\nR1 b 0 1\n.tran 1n 10u", "too small"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_deck_is_quoted_and_kept(tmp_path, case):
    body, words = BROKEN[case]
    deck = f"* broken\nV1 a 0 1\n{body}\n.end\n"
    with pytest.raises(SimulatorError) as caught:
        simulate(deck, name="broken", time_limit=20, keep_in=tmp_path)
    error = caught.value
    assert "\n" not in str(error)
    assert words in error.log + str(error)
    assert error.deck == tmp_path / "broken-failed.cir"
    assert error.deck.read_text() == deck


def test_the_time_limit_holds(tmp_path):
    deck = "* long\nV1 a 0 sin(0 1 1G)\nR1 a b 1\nC1 b 0 1n\n.tran 1n 1\n.save v(b)\n.end\n"
    started = time.monotonic()
    with pytest.raises(SimulatorError, match="time limit of 1 s") as caught:
        simulate(deck, time_limit=1, keep_in=tmp_path)
    assert time.monotonic() - started < 10
    assert "circuit" in caught.value.log.lower()


def test_a_users_spiceinit_changes_nothing(tmp_path, monkeypatch):
    """Regression: ngspice obeys ~/.spiceinit, which can change how a deck is read."""
    (tmp_path / ".spiceinit").write_text("set ngbehavior=ltpsa\necho intruder\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    deck = "* quiet\nV1 a 0 1\nR1 a 0 1\n.op\n.end\n"
    run = simulate(deck, time_limit=20)
    assert "intruder" not in run.log
    assert run.vectors["v1#branch"] == pytest.approx(-1.0)


def test_a_time_limit_on_the_command_line_is_exit_code_3(make_layer, tmp_path, monkeypatch, capsys):
    make_layer(rows=40, columns=8, density=0.9).save(tmp_path / "layer.npz")
    arguments = ["verify", "--layer", tmp_path / "layer.npz", "--time-limit", "0.6"]
    monkeypatch.setattr(sys, "argv", ["roa-spice", *map(str, arguments), "--output-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    error = capsys.readouterr().err
    assert stop.value.code == 3
    assert "ngspice, write: no result within the time limit" in error
    assert f"deck kept at {tmp_path / 'write-failed.cir'}" in error
    assert not (tmp_path / "report.md").exists()
