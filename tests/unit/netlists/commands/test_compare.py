"""roa-spice compare: runs side by side, of which nothing is simulated again."""

import json
from functools import partial

import pytest

from netlists.commands.cli import main


@pytest.fixture
def roa_spice(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(command, main)


@pytest.fixture
def run(tmp_path):
    """Leave what a verification leaves, with these values."""

    def leave(name, wires, **values):
        document = {
            "layer": "fc", "phase": "read", "passed": True, "max_relative_current_error": 1e-10,
            "accuracy_ideal": 0.96, "accuracy_surrogate": 0.96, "accuracy_spice": 0.96,
            "ideal_mac_error": 0.05, "lines": {"r_word [Ohm]": wires, "r_bit [Ohm]": 1.0}, **values,
        }  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(document))

    return leave


def test_settings_that_differ_and_what_was_found(roa_spice, run, tmp_path):
    run("good", 1.0)
    run("bad", 500.0, accuracy_spice=0.747, passed=False)
    code, _, err = roa_spice("compare", "good", "bad", "--json", "found.json")
    assert (code, err) == (0, "")
    told = json.loads((tmp_path / "found.json").read_text())
    assert told["runs"] == ["good", "bad"]
    assert told["differing"] == {"lines: r_word [Ohm]": ["1.0", "500.0"]}
    assert told["found"]["accuracy, simulator"] == ["96.0 %", "74.7 %"]
    assert told["found"]["passed"] == ["yes", "no"]
    assert "states of both engines apart, worst" not in told["found"]
    page = (tmp_path / "out/compare/compare.html").read_text()
    assert "2 verifications side by side" in page
    assert "not all passed" in page
    assert "Right answers of each run" in page


def test_what_runs_say_of_their_devices_is_said_once(roa_spice, run, tmp_path):
    """Energies stood side by side, and what they rest on only in the reports of their own."""
    one, other = "device mine: joules are in part assumed: delta from a book", "device b: x"
    run("good", 1.0, write_energy_spice=1e-9, remarks=[one])
    run("bad", 500.0, write_energy_spice=2e-9, remarks=[one, other])
    code, out, _ = roa_spice("compare", "good", "bad", "--json", "found.json")
    expected = [f"good, bad: {one}", f"bad: {other}"]
    assert (code, [text for text in out.splitlines() if "device" in text]) == (0, expected)
    assert json.loads((tmp_path / "found.json").read_text())["remarks"] == expected
    page = (tmp_path / "out/compare/compare.html").read_text()
    assert all(text in page for text in expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"kind": "sweep"}', "is of no verification of one layer"),
        ("[1, 2", "is no JSON"),
        (None, "other/report.json"),
    ],
)
def test_what_is_no_verification_is_refused_in_a_line(roa_spice, run, tmp_path, content, said):
    run("good", 1.0)
    (tmp_path / "other").mkdir()
    if content:
        (tmp_path / "other" / "report.json").write_text(content)
    code, _, err = roa_spice("compare", "good", "other")
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_one_run_is_none_to_compare(roa_spice, run):
    run("good", 1.0)
    code, _, err = roa_spice("compare", "good")
    assert (code, "compare takes 2 to 9 runs, not 1" in err) == (2, True)
