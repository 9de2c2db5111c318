"""roa-spice compare with sweeps: the same points side by side, and what each concluded."""

import json
from functools import partial
from pathlib import Path

import pytest

from netlists.commands.cli import main

METRICS = ",".join(f"{name},{name} ±95 %,{name} worst" for name in ("accuracy", "mac_error"))
HEAD = f"wire_resistance [Ohm],{METRICS},failed\n"


@pytest.fixture
def roa_spice(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(command, main)


@pytest.fixture
def sweep(tmp_path):
    """Leave what a sweep leaves, with these lines of sweep.csv and these fields of report.json."""

    def leave(name, lines, *, head=HEAD, **values):
        document = {
            "subject": {"layer": "fc", "mapping": "reference"}, "metric": "accuracy",
            "point_command": "", "tornado": [],
            "sweep": {"repeats": 2, "vary": {"wire_resistance": [1.0, 100.0]}},
            "budget": None, "distributions": [], **values,
        }  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(document))
        (tmp_path / name / "sweep.csv").write_text(head + "".join(f"{line}\n" for line in lines))

    return leave


def test_points_that_both_have_stand_beside_each_other(roa_spice, sweep):
    sweep("one", ["1.0,0.96,0.01,0.95,0.05,,0.05,", "100.0,0.9,0.02,0.88,0.7,,0.7,"])
    pair = {"layer": "fc", "mapping": "pair"}
    sweep("two", ["100.0,0.92,0.01,0.9,0.6,,0.6,", "300.0,0.5,,0.5,0.9,,0.9,"], subject=pair)
    code, _, err = roa_spice("compare", "one", "two", "--json", "found.json")
    assert (code, err) == (0, "")
    told = json.loads(Path("found.json").read_text())
    assert told["differing"] == {"subject: mapping": ["reference", "pair"]}
    assert told["points"]["accuracy"] == {"wire resistance 100 Ω": ["90.00 %", "92.00 %"]}
    assert told["points"]["mac_error"] == {"wire resistance 100 Ω": ["70.00 %", "60.00 %"]}
    page = Path("out/compare/compare.html").read_text()
    assert "2 sweeps side by side" in page
    assert "intervals as bands" in page


def test_a_failed_point_is_said_to_have_failed(roa_spice, sweep):
    sweep("one", ["1.0,0.96,,0.96,0.05,,0.05,", "100.0,,,,,,,diverged"])
    sweep("two", ["1.0,0.97,,0.97,0.05,,0.05,", "100.0,0.92,,0.9,0.6,,0.6,"])
    assert roa_spice("compare", "one", "two")[0] == 0
    told = json.loads(Path("out/compare/compare.json").read_text())
    assert told["points"]["accuracy"]["wire resistance 100 Ω"] == ["failed", "92.00 %"]
    assert told["found"]["failed"] == ["1", "0"]
    assert "1 failed" in Path("out/compare/compare.html").read_text()


def test_allowances_and_swings_are_named(roa_spice, sweep):
    lines = ["1.0,0.96,,0.96,0.05,,0.05,"]
    swing = {"field": "wire_resistance", "at_low": 0.96, "at_high": 0.5}
    allowed = {"field": "wire_resistance", "unit": "Ohm", "allowed": 341.0}
    sweep("one", lines, tornado=[swing], budget={"target": "accuracy ≥ 0.9", "alone": [allowed]})
    sweep("two", lines)
    assert roa_spice("compare", "one", "two")[0] == 0
    told = json.loads(Path("out/compare/compare.json").read_text())["found"]
    assert told["wire resistance allowed for accuracy ≥ 0.9"] == ["341 Ω", "–"]
    assert told["accuracy, wire resistance from end to end"] == ["96.0 % … 50.0 %", "–"]


def test_chips_of_monte_carlos_are_compared_seed_by_seed(roa_spice, sweep):
    head, alone = "seed,accuracy,failed\n", {"repeats": 2, "vary": {}}
    spread = {"metric": "accuracy", "values": [0.9, 0.8], "mean": 0.85, "worst": 0.8}
    sweep("one", ["0,0.9,", "1,0.8,"], head=head, sweep=alone, distributions=[spread])
    sweep("two", ["0,0.7,", "1,0.6,"], head=head, sweep=alone)
    assert roa_spice("compare", "one", "two")[0] == 0
    told = json.loads(Path("out/compare/compare.json").read_text())
    assert told["points"]["accuracy"] == {
        "seed 0": ["90.00 %", "70.00 %"],
        "seed 1": ["80.00 %", "60.00 %"],
    }
    assert told["found"]["accuracy, worst of the chips"] == ["80.0 %", "–"]
    assert "chips whose accuracy lies at or below" in Path("out/compare/compare.html").read_text()


def test_sweeps_of_other_axes_have_no_point_in_common(roa_spice, sweep):
    sweep("one", ["1.0,0.96,,0.96,0.05,,0.05,"])
    sweep(
        "two", ["1.0,0.96,,0.96,0.05,,0.05,"], head=HEAD.replace("wire_resistance [Ohm]", "sigma_wn [-]")
    )
    assert roa_spice("compare", "one", "two")[0] == 0
    assert json.loads(Path("out/compare/compare.json").read_text())["points"] == {}
    assert "no point in common" in Path("out/compare/compare.html").read_text()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"head": "a,b\n"}, "is not the table of"),
        ({"tornado": [3]}, "is damaged"),
        ({"budget": [1]}, "is damaged"),
        ({"sweep": 3}, "nor of a sweep"),
        ({"metric": ["accuracy"]}, "is not the table of"),
    ],
)
def test_what_is_damaged_is_refused_in_a_line(roa_spice, sweep, broken, said):
    sweep("one", ["1.0,0.96,,0.96,0.05,,0.05,"])
    sweep("two", ["1.0,0.96,,0.96,0.05,,0.05,"], **broken)
    code, _, err = roa_spice("compare", "one", "two")
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def test_a_sweep_and_a_verification_are_of_two_kinds(roa_spice, sweep, tmp_path):
    sweep("one", ["1.0,0.96,,0.96,0.05,,0.05,"])
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "report.json").write_text('{"max_relative_current_error": 1e-9}')
    code, _, err = roa_spice("compare", "one", "two")
    assert (code, "compare runs of one kind" in err) == (2, True)


def test_a_report_without_its_table_is_refused(roa_spice, sweep, tmp_path):
    sweep("one", ["1.0,0.96,,0.96,0.05,,0.05,"])
    sweep("two", ["1.0,0.96,,0.96,0.05,,0.05,"])
    (tmp_path / "two" / "sweep.csv").unlink()
    code, _, err = roa_spice("compare", "one", "two")
    assert (code, "two/sweep.csv: cannot be read" in err) == (2, True)
