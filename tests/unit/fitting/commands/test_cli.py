"""roa-fit as its users meet it: files, table, exit codes, one line for bad input."""

import dataclasses
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from fitting.commands import cli
from fitting.commands._outputs import write_all
from fitting.judgement.left_open import NORMALISED
from fitting.readers import example
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable
from roa_circuit.device.notes import Measured, Notes
from roa_circuit.device.parameters import load_device

PULSES = Path(__file__).parents[4] / "data" / "pulses.csv"
FILES = {"device.toml", "fit.json", "memristor.lib", "memristor.va", "report.html"}


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """The shipped pulses fitted into a new folder, once; gives (folder, the JSON file, stdout)."""
    place, out, err = tmp_path_factory.mktemp("whole"), io.StringIO(), io.StringIO()
    folder, report = place / "a" / "b", place / "f.json"
    words = ["roa-fit", PULSES, "--output-dir", folder, "--json", report]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [str(word) for word in words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
    assert (stop.value.code, err.getvalue()) == (0, "")
    return folder, report, out.getvalue()


@pytest.mark.long
def test_a_run_says_what_came_out_and_names_its_files(whole_run):
    folder, _, out = whole_run
    assert {file.name for file in folder.iterdir()} == FILES
    assert all(str(folder / name) in out for name in FILES)
    assert "FITTED: 7 of 7" in out
    assert "LAW HOLDS: Eq. 1-2: misfit 0.97 % over all 1,131 readings" in out
    assert "gamma [mA]" in out


@pytest.mark.long
def test_the_document_has_every_constant_and_what_made_it(whole_run):
    folder, report, _ = whole_run
    result = json.loads(report.read_text())
    assert set(result["parameters"]["k"]) >= {"value", "unit", "stderr", "ci95", "identifiable"}
    assert {"relative_rmse", "n_points", "seconds"} <= set(result)
    assert result["n_points"] == 1131
    made = json.loads((folder / "fit.json").read_text())["provenance"]
    assert "versions" in made
    assert made["command"].endswith(f"{folder} --json {report}")
    assert made["inputs"][0]["sha256"] == hashlib.sha256(PULSES.read_bytes()).hexdigest()


@pytest.mark.long
def test_the_device_has_the_fitted_constants_and_cites_data_and_verdict(whole_run):
    folder, report, _ = whole_run
    device = load_device(folder / "device.toml")
    assert device.memristor.mu1 == json.loads(report.read_text())["parameters"]["mu1"]["value"]
    assert device.pulses == load_device("zhang2021").pulses
    assert "pulses.csv" in device.citation
    assert "LAW HOLDS" in device.citation
    assert ".subckt memristor" in (folder / "memristor.lib").read_text()
    assert "module memristor(te, be);" in (folder / "memristor.va").read_text()


@pytest.mark.long
def test_the_page_says_what_the_data_determine(whole_run):
    page = (whole_run[0] / "report.html").read_text()
    assert "7 of 7" in page
    assert "determined by these data: k, μ₁, μ₂, γ, δ, α, β" in page


@pytest.mark.long
def test_a_fit_loads_nothing_that_takes_longer_than_it(tmp_path):
    """lmfit fits, but pandas and scipy.stats, which it brings along, take longer to load than to use."""
    code = (
        "import sys\nfrom fitting.commands import cli\ntry: cli.main()\nfinally: "
        "print({'lmfit', 'pandas', 'scipy.stats', 'torch', 'numba'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(PULSES), "--output-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "{'lmfit'}"


@pytest.mark.long
def test_what_is_not_identifiable_is_said_everywhere(roa_fit, some_trains, tmp_path):
    source = some_trains(lambda train: train.startswith("cycles"))
    code, out, _ = roa_fit(source, "--output-dir", tmp_path / "o", "--json", tmp_path / "f.json")
    assert code == 0
    assert "held at the prior: delta, beta" in out
    assert "known only together with those" in out
    result = json.loads((tmp_path / "f.json").read_text())["parameters"]
    assert [name for name in result if not result[name]["identifiable"]] == [
        "gamma", "delta", "alpha", "beta",
    ]  # fmt: skip
    assert result["gamma"]["stderr"] is None
    assert "not identifiable, from zhang2021" in (tmp_path / "o" / "device.toml").read_text()


@pytest.mark.long
def test_how_it_was_weighed_and_how_intervals_were_found_is_said(roa_fit, tmp_path):
    how = ["--loss", "huber", "--intervals", "profile"]
    code, out, _ = roa_fit(PULSES, "--output-dir", tmp_path / "o", *how)
    assert code == 0
    assert "readings weigh by their size (no state was read twice); huber loss" in out
    assert "intervals: profile likelihood" in out
    result = json.loads((tmp_path / "o" / "fit.json").read_text())
    assert result["intervals"] == "profile likelihood"
    assert result["weighting"]["name"] == "relative"
    assert result["loss"]["name"] == "huber"
    assert result["loss"]["size"] == pytest.approx(1.345 * 0.0095, rel=0.1)
    assert "Intervals: profile likelihood" in (tmp_path / "o" / "report.html").read_text()


@pytest.mark.long
def test_a_law_that_is_rejected_marks_the_device_and_strict_fails(roa_fit, table, tmp_path):
    """A fall by equal steps: Eq. 1-2 meet it to a percent, and cannot be right."""
    rng = np.random.default_rng(0)
    rows = [
        f"t{train},{1.4 if n else 0},{3e-5 if n else ''},0.05,{g:.6g},"
        for train in range(3)
        for n, g in enumerate(np.linspace(2.4e-3, 1.4e-3, 20) * (1 + 0.001 * rng.standard_normal(20)))
    ]
    source = table(*rows)
    alone = (source, "--law", "zhang2021", "--output-dir", tmp_path / "o")
    code, out, _ = roa_fit(*alone, "--compare", "--strict")
    assert code == 1
    assert "FITTED" in out
    assert "LAW REJECTED: Eq. 1-2: misfit" in out
    assert "held-out trains" in out
    assert "add " not in out
    assert "LAW REJECTED" in load_device(tmp_path / "o" / "device.toml").citation
    assert "law rejected" in (tmp_path / "o" / "report.html").read_text()
    law = json.loads((tmp_path / "o" / "fit.json").read_text())["verdict"]
    assert law["word"] == "rejected"
    assert {v["law"] for v in law["laws"]} >= {"Eq. 1-2", "constant step"}
    code, out, _ = roa_fit(source, "--law", "windows", "--output-dir", tmp_path / "w", "--strict")
    assert (code, "\nwhy this law: --law windows; of its forms " in out) == (0, True)
    assert load_device(tmp_path / "w" / "device.toml").memristor.name == "windows"


@pytest.mark.long
def test_data_of_another_law_end_with_1_and_without_a_device(roa_fit, table, tmp_path):
    rows = [f"a,-1.1,3e-6,0.05,{1e-3 * (1 + 9 * (i % 2))}," for i in range(40)]
    code, out, _ = roa_fit(table(*rows), "--output-dir", tmp_path / "o")
    assert code == 1
    assert "FAILED" in out
    assert "no device written" in out
    assert {file.name for file in (tmp_path / "o").iterdir()} == {"fit.json", "report.html"}


def test_alone_it_says_what_there_is(roa_fit):
    code, out, err = roa_fit()
    assert (code, err) == (2, "")
    assert all(command in out for command in ("fit", "inspect", "design", "spread"))


@pytest.mark.long
def test_a_failed_run_leaves_no_device_of_an_earlier_one(roa_fit, table, tmp_path, whole_run):
    """device.toml of yesterday beside a report that says `no device written`."""
    out = tmp_path / "o"
    shutil.copytree(whole_run[0], out)
    rng = np.random.default_rng(0)
    rows = [f"a,-1.1,3e-6,0.05,{G:.4g}," for G in 10.0 ** rng.uniform(-6, -3, 40)]
    code, said, _ = roa_fit(table(*rows), "--output-dir", out)
    assert code == 1
    assert "no device written" in said
    assert "taken away, of an earlier run: " in said
    assert sorted(path.name for path in out.iterdir()) == ["fit.json", "report.html"]


def test_inspect_shows_what_it_understood_and_writes_nothing(roa_fit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("set.csv").write_text("d1,d2\n160,150\n162,\n163,155\n")
    how = ["--pulse", "-1.1V,3us", "--read", "100mV", "--unit", "uA"]
    code, out, err = roa_fit("inspect", "set.csv", *how)
    assert (code, err) == (0, "")
    assert "5 readings; 2 trains, pulses of -1.1 V, " in out
    assert [p.name for p in tmp_path.iterdir()] == ["set.csv"]
    code, out, _ = roa_fit("inspect", PULSES, "--most", 2, "--json", "trains.json")
    assert "and 5 more" in out
    trains = json.loads(Path("trains.json").read_text())["trains"]
    assert len(trains) == 7
    assert trains[0]["pulses"][0] == {"voltage": -0.6, "width": 0.02, "count": 150}
    code, _, err = roa_fit("inspect", "set.csv", "--pulse", "1V", *how[2:])
    assert (code, err.count("\n")) == (2, 1)
    assert "--pulse '1V': must be a voltage and a width" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([PULSES, "--polarity", "up"], "--polarity 'up' is unknown"),
        ([PULSES, "--read", "0"], "no current flows at 0 V"),
        ([PULSES, "--where", "x"], "--where 'x': must be of the form"),
        ([PULSES, "--pulse", "0,1us"], "needs a voltage that is not 0"),
        ([PULSES, PULSES, PULSES, *["--pulse", "1V,1us"] * 2], "2 times --pulse for 3 files"),
        ([PULSES, "--weighting", "reads"], "no state was read twice"),
        ([PULSES, "--loss", "l1"], "--loss 'l1' is unknown"),
        ([PULSES, "--intervals", "covarance"], "did you mean 'covariance'"),
        (["missing.csv"], "cannot be read"),
        ([PULSES, "--prior", "zhang2012"], "did you mean 'zhang2021'"),
        ([PULSES, "--prior", PULSES], "not valid TOML"),
        (["fit"], "which FILE"),
        ([PULSES, "--nonsense"], "No such option"),
        ([PULSES.parent], "Is a directory"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(roa_fit, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    code, out, err = roa_fit(*arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "work"),
    [
        (["fit", PULSES], "fitting.judgement.choice.chosen"),
        (["spread", PULSES], "fitting.population.spread.spread"),
        (["design"], "fitting.planning.design.design"),
    ],
)
def test_outputs_that_cannot_be_written_leave_nothing(roa_fit, tmp_path, monkeypatch, words, work):
    """It is found out before the work, not after it: here there is none to do."""
    monkeypatch.setattr(work, None)
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    code, _, err = roa_fit(*words, "--output-dir", tmp_path / "o", "--json", blocker / "f.json")
    assert code == 2
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [blocker]


@pytest.mark.long
def test_a_design_says_what_its_device_assumes(roa_fit, tmp_path):
    notes = Notes(currents=(), writes=("mu1 from a book",), measured=Measured())
    noted = dataclasses.replace(load_device("zhang2021"), name="mine", notes=notes)
    (tmp_path / "mine.toml").write_text(noted.to_toml())
    few = ("--pulses", 30, "--iv-points", 10, "--output-dir", tmp_path / "o")
    asked = ("--device", tmp_path / "mine.toml", "--json", tmp_path / "d.json")
    code, out, _ = roa_fit("design", *asked, *few)
    [said] = json.loads((tmp_path / "d.json").read_text())["remarks"]
    assert (code, said in out.splitlines()) == (0, True)
    assert "mu1 from a book" in said


def test_write_all_spares_what_was_there(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept").write_text("kept")
    (tmp_path / "wall").write_text("")
    new = tmp_path / "x" / "y" / "new"
    files = {tmp_path / "old" / "new": b"1", new: b"2", tmp_path / "wall" / "z": b"3"}
    with pytest.raises(InputError):
        write_all(files)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["kept", "old", "wall"]
    with pytest.raises(InputError, match="is a folder"):
        write_all({tmp_path / "old": b""})


def test_a_result_takes_the_place_of_no_device(roa_fit, tmp_path, monkeypatch):
    """As root, --json /dev/stdout put a file there."""
    monkeypatch.setattr("fitting.judgement.choice.chosen", None)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a device or a pipe; name a file"):
        check_writable(Path("/dev/stdout"))  # it touches nothing
    for path in ("-", tmp_path / "pipe"):
        code, _, err = roa_fit(PULSES, "--output-dir", tmp_path / "o", "--json", path)
        assert (code, "a device or a pipe; name a file" in err) == (2, True)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.long
def test_the_installed_command_never_shows_a_traceback(tmp_path):
    """As a newcomer runs it, in a folder of its own, on a binary file."""
    (tmp_path / "x.csv").write_bytes(bytes(range(256)))
    command = [sys.executable, "-c", "from fitting.commands.cli import main; main()", "x.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: x.csv: is a binary file")
    assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


def test_inspect_says_what_is_what_and_what_is_missing(roa_fit, tmp_path):
    path = tmp_path / "ltp.csv"
    path.write_text("pulse,d1 (uS),note\n1,5,a\n2,60,b\n4,7,c\n")
    code, _, err = roa_fit("inspect", path)
    assert code == 2
    assert "give --pulse -1.1V,3us --read 0.1V" in err
    report = tmp_path / "i.json"
    options = ["--pulse=-1V,1us", "--read", "0.1V", "--drop-outlier", "3", "--ignore", "note"]
    code, out, _ = roa_fit("inspect", path, *options, "--json", report)
    assert code == 0
    assert "4 pulses: 1 potentiating amplitude" in out
    assert "read as: 'pulse' is pulse number; 'd1 (uS)' is a train of conductance [uS]" in out
    assert "not used: note (as asked), the reading of line 3 (as asked)" in out
    found = json.loads(report.read_text())
    assert found["trains"][0]["pulses"] == [{"voltage": -1.0, "width": 1e-6, "count": 4}]
    assert found["trains"][0]["merged"] == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--pulse=-1V,1us,2", "--pulse", "1V,1us"], "give N with all of them, or with none"),
        (["--pulse=-1V,1us,x"], "'x' is no number of pulses"),
        (["--pulse=-1V,1us", "--width", "1us"], "a pulse has its width"),
        (["--layout", "diagonal"], "--layout 'diagonal' is unknown"),
        (["--drop-outlier", "x"], "must be a line of the file"),
        (["--dwell", "0s"], "must be a time above 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused(roa_fit, tmp_path, options, complaint):
    path = tmp_path / "t.csv"
    path.write_text("pulse,G [uS]\n1,5\n2,6\n")
    code, _, err = roa_fit("inspect", path, "--read", "0.1V", *options)
    assert code == 2
    assert complaint in err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--width", "2us"], "has a column for the width of each pulse, so --width is one too many"),
        (["--dwell", "20ms"], "has no I-V sweep, whose points --dwell is about"),
        (["--drop-outlier", "²"], "must be a line of the file"),
        (["--drop-outlier", "9" * 5000], "must be a line of the file"),
    ],
)
def test_an_option_that_the_table_has_no_use_for_is_refused(roa_fit, tmp_path, options, complaint):
    path = tmp_path / "t.csv"
    head = "voltage [V],width [s],read_voltage [V],conductance [S]\n"
    path.write_text(head + "".join(f"-1,1e-6,0.1,{n}e-5\n" for n in range(1, 9)))
    assert roa_fit("inspect", path)[0] == 0
    code, _, err = roa_fit("inspect", path, *options)
    assert (code, err.count("\n")) == (2, 1)
    assert complaint in err


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--unit", "uS"], "unit"),
        (["--si"], "si"),
        (["--layout", "columns"], "layout"),
        (["--column", "voltage=voltage [V]"], "column"),
        (["--where", "train=a"], "where"),
        (["--read", "0.1"], "read"),
        (["--width", "1e-06"], "width"),
    ],
)
def test_an_option_without_which_the_same_is_read_is_said(roa_fit, table, tmp_path, options, name):
    path = table(*(f"a,-1,1e-6,0.1,{n}e-5," for n in range(1, 9)))
    report = tmp_path / "i.json"
    code, _, err = roa_fit("inspect", path, *options, "--json", report)
    assert code == 0
    assert err == f"{' '.join(options)} ignored: the same is read without it\n"
    assert json.loads(report.read_text())["ignored_options"] == [name]


def test_a_file_is_cut_into_cells_once_whatever_is_asked_of_it(roa_fit, tmp_path, monkeypatch):
    from fitting.readers import tables

    opened, read = [], tables.read_sheet
    monkeypatch.setattr(tables, "read_sheet", lambda *how: opened.append(how[0]) or read(*how))
    path = tmp_path / "wide.csv"
    path.write_text("left,right\n" + "".join(f"{n}e-6,{2 * n}e-6\n" for n in range(1, 9)))
    options = ["--pulse=-1V,1us", "--read", "0.1V", "--unit", "S", "--layout", "columns"]
    assert roa_fit("inspect", path, *options)[0] == 0
    assert opened == [path]


def test_an_option_that_one_of_the_files_needs_is_no_idle_one(roa_fit, tmp_path):
    rows, report = "".join(f"{n},{n}\n" for n in range(1, 9)), tmp_path / "i.json"
    for name, title in (("a", "left [uS]"), ("b", "left")):
        (tmp_path / f"{name}.csv").write_text(f"pulse,{title}\n{rows}")
    files, how = [tmp_path / "a.csv", tmp_path / "b.csv"], ["--pulse=-1V,1us", "--read", "0.1V"]
    assert roa_fit("inspect", *files, *how)[0] == 2
    code, _, err = roa_fit("inspect", *files, *how, "--unit", "uS", "--json", report)
    assert (code, err) == (0, "")
    assert json.loads(report.read_text())["ignored_options"] == []
    assert roa_fit("inspect", files[0], *how, "--unit", "A")[2].startswith("--unit A ignored: ")


def test_titles_and_counts_of_thousands_of_digits_are_no_numbers(roa_fit, tmp_path):
    """int() of 5,000 digits is an error of its own: it ended in a traceback."""
    path, many = tmp_path / "t.csv", "9" * 5000
    for title in (f"i_{many}", f"pulse {many}", many):
        path.write_text(f"train,{title},i_1,i_2\na,1,2,3\n")
        code, _, err = roa_fit("inspect", path, "--read", "0.1V", "--pulse=-1V,1us")
        assert (code, err.count("\n")) == (2, 1)
        assert len(err) < 1000


def test_pulses_twice_a_file_are_of_potentiation_and_depression(roa_fit, tmp_path):
    for name in "ab":
        rows = "".join(f"{n},{n + 4},{20 - n}\n" for n in range(1, 6))
        (tmp_path / f"{name}.csv").write_text(f"pulse,LTP [uS],LTD [uS]\n{rows}")
    four = ["--pulse=-1V,1us", "--pulse", "1V,1us", "--pulse=-2V,1us", "--pulse", "2V,1us"]
    code, out, _ = roa_fit("inspect", tmp_path / "a.csv", tmp_path / "b.csv", *four, "--read", "0.1V")
    assert code == 0
    assert "pulses of -2 V to 2 V" in out
    assert "2 potentiating amplitudes, 2 depressing amplitudes" in out


@pytest.mark.long
def test_a_bad_reading_is_named_and_no_robust_loss_makes_the_law_hold(roa_fit, table, tmp_path):
    """The misfit was 140 times the noise, and was called without a pattern."""
    rows = [f"a,-1,1e-6,0.1,{1e-5 * (1 + n / (n + 5)):.9g}," for n in range(30)]
    rows[1] = rows[1].replace(rows[1].split(",")[4], "2e-6")
    path = table(*rows)
    alone = ("--law", "zhang2021", "--loss", "soft_l1")
    _, out, _ = roa_fit(path, *alone, "--output-dir", tmp_path / "o")
    assert "LAW HOLDS" not in out
    _, out, _ = roa_fit("inspect", path)
    assert "--drop-outlier 3 takes that of line 3 for missing" in out


def test_the_example_is_the_shipped_file_and_stands_alone(roa_fit, tmp_path):
    assert example.example().read_bytes() == PULSES.read_bytes()
    code, out, _ = roa_fit("--example", "--output-dir", tmp_path / "o")
    assert (code, "7 of 7 constants" in out) == (0, True)
    made = json.loads((tmp_path / "o" / "fit.json").read_text())["provenance"]
    assert "pulses.csv" in str(made["inputs"])
    assert roa_fit("fit", PULSES, "--example")[0] == 2
    code, _, err = roa_fit("fit", "--output-dir", tmp_path / "o")
    assert (code, "--example" in err) == (2, True)


def test_the_command_leaves_linear_algebra_to_one_thread_unless_told():
    """Of two threads each waits for the other: a fit on busy cores took three times as long."""
    code = "import os, fitting.commands.cli; print(os.environ['OPENBLAS_NUM_THREADS'])"
    bare = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    for given, used in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bare | given
        )
        assert done.stdout.strip() == used


@pytest.mark.long
def test_a_device_of_normalised_readings_says_that_it_has_no_amperes(roa_fit, tmp_path):
    law = load_device("zhang2021").memristor
    omega = law.after_dose(np.full(40, 0.1), law.dose(np.array(-1.1), 3e-6) * np.arange(40))
    G = law.current(omega, 0.1)
    path = tmp_path / "t.csv"
    rows = "".join(f"{n},{g / G.max():.6g}\n" for n, g in enumerate(G))
    path.write_text("pulse,conductance [norm.]\n" + rows)
    how = ("--pulse=-1.1V,3us", "--read", "0.1V", "--law", "zhang2021", "--output-dir", tmp_path / "o")
    _, out, _ = roa_fit(path, *how)
    assert "not amperes" in " ".join(out.split())
    assert json.loads((tmp_path / "o" / "fit.json").read_text())["normalised"] is True
    device = load_device(tmp_path / "o" / "device.toml")
    assert "not amperes" in device.citation
    assert NORMALISED in device.notes.currents
    of_currents, of_writes = json.loads((tmp_path / "o" / "fit.json").read_text())["remarks"]
    assert of_currents.endswith(NORMALISED)
    assert "mu1, mu2 from zhang2021, not measured" in of_writes
    assert "the measured pulses are as --pulse -1.1V,3us says" in of_writes
    assert of_writes.endswith("no depression was measured, all of it is assumed")
    page = (tmp_path / "o" / "report.html").read_text()
    assert f"device {device.name}: amperes, siemens and joules are in part assumed" in page
    assert "no depression was measured, all of it is assumed" in page


@pytest.mark.long
@pytest.mark.parametrize("drift", [0.0, 0.004])
def test_a_drift_that_is_left_out_of_the_noise_is_said(roa_fit, tmp_path, drift):
    law, rng = load_device("zhang2021").memristor, np.random.default_rng(0)
    rows = ["voltage [V],width [s],read_voltage [V],current [A]"]
    for number in range(30):
        current = float(law.current(1 - 1 / (1 / 0.9 + 0.2 * number), 0.1))
        for again in range(20 if number == 29 else 1):
            reading = current * (1.0 - drift * again) * (1.0 + 1e-3 * rng.standard_normal())
            rows.append(f"{0 if again else -1.1},3e-6,0.1,{reading!r}")
    (tmp_path / "p.csv").write_text("\n".join(rows))
    asked = (tmp_path / "p.csv", "--law", "zhang2021", "-o", tmp_path / "o")
    _, out, _ = roa_fit(*asked)
    line = "re-readings, the drift of 1 state taken out"
    assert (line in out) is bool(drift)
    found = json.loads((tmp_path / "o" / "fit.json").read_text())
    assert found["noise_from"] == found["verdict"]["noise_from"] == (line if drift else "re-readings")
    assert (line in found["weighting"]["said"]) is bool(drift)
    assert (line in (tmp_path / "o" / "report.html").read_text()) is bool(drift)
    _, out, _ = roa_fit("inspect", tmp_path / "p.csv")
    assert (line in out) is bool(drift)


@pytest.mark.long
def test_a_population_notes_what_single_devices_do_not_tell(roa_fit, tmp_path):
    rng, law = np.random.default_rng(3), load_device("zhang2021").memristor
    rows = ["device,voltage [V],width [s],read_voltage [V],conductance [S]"]
    for name in "abcd":
        own = law.changed(gamma=law.gamma * float(np.exp(0.1 * rng.standard_normal())))
        omega = 0.1 * np.ones(1)
        for number in range(40):
            if number:
                omega = own.after_dose(omega, own.dose(np.array(-1.1), 3e-6))
            G = float(own.current(omega, 0.1)[0]) / 0.1 * (1.0 + 2e-3 * rng.standard_normal())
            rows.append(f"{name},{-1.1 if number else 0},3e-6,0.1,{G!r}")
    (tmp_path / "many.csv").write_text("\n".join(rows))
    code, out, _ = roa_fit("spread", tmp_path / "many.csv", "--output-dir", tmp_path / "o")
    assert code == 0
    device = load_device(tmp_path / "o" / "device.toml")
    assert device.notes.measured.potentiation_width == (3e-6, 3e-6)
    assert device.notes.measured.depression_voltage is None
    told = json.loads((tmp_path / "o" / "spread.json").read_text())["remarks"]
    assert "not told by one device's readings, the same in all" in told[-1]
    assert "no depression was measured, all of it is assumed" in told[-1]
    assert all(text in out for text in told)


UP_TWO, DOWN_TWO = (-1.0, -1.05), (1.3, 1.35)


def written(roa_fit, folder, voltages, *, counted=False):
    """(code, output, JSON document, device) of a fit to a train of Table 1's device at each voltage.

    counted : whether each row has three pulses
    """
    law, read, each = load_device("zhang2021").memristor, 0.1, 3 if counted else 1
    rows = ["train,voltage [V],width [s],read_voltage [V],current [A],applied_pulses"]
    for train, volts in enumerate(voltages):
        state, width = (0.05, 3e-6) if volts < 0 else (0.95, 3e-5)
        for number in range(20):
            if number:
                dose = law.dose(np.array(volts), np.array(each * width))
                state = float(law.after_dose(np.array(state), dose, volts))
            current = float(law.current(state, read))
            rows.append(f"t{train},{volts if number else 0},{width},{read},{current!r},{each}")
    (folder / "p.csv").write_text("\n".join(rows))
    asked = (folder / "p.csv", "--law", "zhang2021", "-o", folder, "--json", folder / "j.json")
    code, out, _ = roa_fit(*asked)
    found = json.loads((folder / "j.json").read_text())
    return code, out, found, load_device(str(folder / "device.toml"))


@pytest.mark.parametrize(
    ("voltages", "said"),
    [
        ((*UP_TWO, *DOWN_TWO),
         "potentiation pulses of -1.1 V, 3 µs were not measured (-1.05 V to -1 V, 3 µs were); "
         "depression pulses of 1.4 V, 30 µs were not measured (1.3 V to 1.35 V, 30 µs were)"),
        ((-1.0, *DOWN_TWO),
         "depression pulses of 1.4 V, 30 µs were not measured (1.3 V to 1.35 V, 30 µs were)"),
        ((-1.0, -1.0), "no depression was measured, all of it is assumed"),
        ((-1.0, 1.3), ""),
    ],
)  # fmt: skip
def test_pulses_of_the_device_that_the_data_do_not_have_are_said(roa_fit, tmp_path, voltages, said):
    code, out, found, _ = written(roa_fit, tmp_path, voltages)
    assert code == 0
    line = "device.toml writes with pulses of zhang2021, which it notes: "
    assert (line in out) is (found["pulses_beyond_data"] is not None) is bool(said)
    assert f"{line}{said}; edit its [pulses] to yours" in out or not said
    assert said in " ".join(found["remarks"])
    assert ("pulses of" in " ".join(found["remarks"])) is ("pulses of" in said)


@pytest.mark.parametrize("counted", [False, True])
def test_a_device_writes_with_the_pulses_that_were_measured(roa_fit, tmp_path, counted):
    """One by Eq. 1-2 had the paper's, whatever was measured; others the width of a row of pulses."""
    pulses = written(roa_fit, tmp_path, (-1.0, *DOWN_TWO), counted=counted)[-1].pulses
    assert (pulses.potentiation_voltage, pulses.potentiation_width) == (-1.0, 3e-6)
    assert (pulses.depression_voltage, pulses.depression_width) == (1.4, 3e-5), "of several, the prior's"
    assert pulses.read_voltage == 0.1


def test_a_device_notes_how_little_of_its_range_was_read(roa_fit, tmp_path):
    *_, found, device = written(roa_fit, tmp_path, (-0.9, -0.9))
    line = "of the range that the device has by its law"
    assert any(one.startswith("readings span") and one.endswith(line) for one in device.notes.currents)
    assert any(line in one for one in found["remarks"]), "and commands repeat it"
