"""roa-spice sweep: what it prints, what it leaves behind, and that its points come again."""

import csv
import json
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from netlists.commands import cli
from roa_circuit.device.memristor import current
from roa_circuit.layers.programmed import ProgrammedLayer

CLUSTER = """
import time
from distributed import LocalCluster

cluster = LocalCluster(
    n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
)
print(cluster.scheduler_address, flush=True)
time.sleep(60)
"""

HOW = ("--layer", "layer.npz", "--workers", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, make_layer):
    monkeypatch.chdir(tmp_path)
    make_layer(rows=12, columns=4, reads=20).save(Path("layer.npz"))


@pytest.mark.long
def test_a_grid_with_its_tornado_and_its_budget(command):
    vary = ("--vary", "wire_resistance=0:200:3", "--vary", "sigma_wn=0,2", "--vary", "scheme=V/2,V/3")
    asked = ("--repeats", "2", "--target", "agreement=80%", "--json", "all.json")
    code, out, error = command(cli.main, "sweep", *HOW, *vary, *asked)
    assert (code, error) == (0, "")
    assert "12 points of layer synthetic, 2 chips each" in out
    assert "wires varied, source 10 Ohm, sense 10 Ohm" in out  # it once said 1 Ohm, its default
    assert "Budget for agreement of at least 80 %" in out
    found = json.loads(Path("all.json").read_text())
    assert found["lines"]["r_word [Ohm]"] == "varied"
    assert {one["field"] for one in found["tornado"]} == {"wire_resistance", "sigma_wn"}
    for one in found["budget"]["alone"]:
        assert one["unlimited"] or one["low"] <= one["allowed"] < one["high"]
        assert one["mean"] >= 0.8
    assert found["budget"]["reached"] >= 0.8
    with xr.open_dataset("out/sweep/sweep.nc") as data:
        assert data.agreement.shape == (3, 2, 2, 2)
        means = data.agreement.mean("repeat").values.ravel()
    rows = list(csv.DictReader(Path("out/sweep/sweep.csv").read_text().splitlines()))
    assert [float(row["agreement"]) for row in rows] == pytest.approx(means, rel=1e-5)
    assert [row["wire_resistance [Ohm]"] for row in rows[::4]] == ["0.0", "100.0", "200.0"]


@pytest.mark.long
def test_the_command_of_a_point_gives_its_numbers_again(command):
    vary = ("--vary", "wire_resistance=1:100:3log", "--vary", "stuck_on=0,0.1")
    asked = ("--repeats", "2", "--seed", "5", "--sense-resistance", "50", "--compensation", "calibrated")
    assert command(cli.main, "sweep", *HOW, *vary, *asked)[0] == 0
    words = shlex.split(json.loads(Path("out/sweep/report.json").read_text())["point_command"])
    point = ("--vary", "wire_resistance=10.0", "--vary", "stuck_on=0.1", "--repeats", "2", "--seed", "5")
    assert command(cli.main, *words[1:], *point, "--output-dir", "one")[0] == 0
    with xr.open_dataset("out/sweep/sweep.nc") as whole, xr.open_dataset("one/sweep.nc") as one:
        there = whole.sel(wire_resistance=10.0, stuck_on=0.1)
        np.testing.assert_array_equal(there.mac_error, one.mac_error.squeeze())


@pytest.mark.long
def test_a_file_describes_a_sweep_and_options_have_the_last_word(command):
    Path("s.toml").write_text(
        'design = "sobol"\npoints = 8\nrepeats = 2\n[vary]\nsigma_wn = "0:4"\nwire_resistance = "0:10"\n'
    )
    code, out, _ = command(cli.main, "sweep", "s.toml", *HOW, "--points", "4", "--vary", "sigma_wn=1")
    assert code == 0
    assert "4 points of layer synthetic, 2 chips each" in out
    assert json.loads(Path("out/sweep/report.json").read_text())["sweep"]["vary"]["sigma_wn"] == [1.0]
    again, *_ = command(cli.main, "sweep", "out/sweep/sweep.toml", *HOW)
    assert again == 0


@pytest.mark.long
def test_sobol_indices_of_a_layer(command):
    vary = ("--vary", "wire_resistance=0:100", "--vary", "read_disturb=0:1", "--design", "sobol")
    asked = ("--points", "4", "--metric", "mac_error", "--sensitivity", "sobol", "--samples", "16")
    assert command(cli.main, "sweep", *HOW, *vary, *asked)[0] == 0
    wires, disturb = json.loads(Path("out/sweep/report.json").read_text())["sobol"]
    assert (wires["field"], disturb["field"]) == ("wire_resistance", "read_disturb")
    assert wires["total"] == pytest.approx(1.0, abs=0.15)
    assert disturb["total"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.slow
def test_of_a_cluster_that_is_killed_one_line_is_left():
    """Dask logged a screen of tracebacks above it."""
    start = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    vary = ("--vary", "wire_resistance=0:100:20000", "--output-dir", "out")
    with subprocess.Popen([sys.executable, "-c", CLUSTER], **start) as cluster:
        address = cluster.stdout.readline().strip()
        asked = ["sweep", *HOW, *vary, "--scheduler", address]
        program = "from netlists.commands import cli; cli.main()"
        with subprocess.Popen([sys.executable, "-c", program, *asked], **start) as sweep:
            points = Path("out/points.jsonl")
            while sweep.poll() is None and not (points.exists() and points.read_text().count("\n") > 9):
                time.sleep(0.05)
            cluster.kill()
            _, error = sweep.communicate()
    assert sweep.returncode == 3, error
    said = f"error: --scheduler {address} went away; what was stored is kept"
    assert error.startswith(said)
    assert error.count("\n") == 1


def test_a_sweep_without_one_point_that_could_be_computed_says_so_at_its_end(command):
    code, out, err = command(cli.main, "sweep", *HOW, "--vary", "c_word=1e-9,1e-8")
    assert code == 3
    assert "lag behind pulses" in out + err
    assert err.endswith("error: no point of the sweep could be computed: see why above\n")
    assert Path("out/sweep/report.html").exists()


@pytest.mark.ngspice
def test_spot_checks_find_ngspice_and_surrogate_alike(command):
    vary = ("--vary", "wire_resistance=5", "--vary", "compensation=nothing,predistorted+calibrated")
    asked = ("--vary", "sigma_wn=1", "--reads", "6", "--check", "100%")
    code, out, _ = command(cli.main, "sweep", *HOW, *vary, *asked)
    assert code == 0
    assert "layer synthetic in ngspice, 2 points" in out
    for one in json.loads(Path("out/sweep/report.json").read_text())["checks"]["points"]:
        assert one["failed"] == ""
        assert one["spice_error"] < 1e-6
        assert one["state_error"] < 5e-3
        assert one["same_answers"] == 1.0
        assert one["mac_error"] > 0


CIRCUIT = """
"temperature [K]" = 350
"c_word [F]" = 1e-16
"c_bit [F]" = 1e-16
[lines]
"r_word [Ohm]" = 2
"r_bit [Ohm]" = [1, 3, 2, 5]
sense = "top"
[amplifier]
"r_feedback [Ohm]" = 5e3
"gain [-]" = 200
"gain_bandwidth [Hz]" = 1e9
"""


@pytest.fixture
def circuit():
    Path("circuit.toml").write_text(CIRCUIT)
    return ("--circuit", "circuit.toml")


def test_a_point_of_a_circuit_is_what_solve_says_of_it(command, circuit):
    layer = ProgrammedLayer.load(Path("layer.npz"))
    replace(layer, pulses=np.zeros_like(layer.pulses)).save(Path("still.npz"))
    np.savetxt("states.csv", layer.initial_state, delimiter=",")
    np.savetxt("inputs.csv", 0.1 * layer.inputs, delimiter=",")
    Path("device.toml").write_text(layer.device.to_toml())
    vary = ("--vary", "amplifier_gain=20,200", "--vary", "temperature=350")
    code, *_ = command(cli.main, "sweep", "--layer", "still.npz", *circuit, *vary, "--json", "s.json")
    assert code == 0
    Path("circuit.toml").write_text(CIRCUIT.replace("200", "20"))
    files = ("--states", "states.csv", "--inputs", "inputs.csv", "--device", "device.toml")
    drivers = ("--source-resistance", layer.crossbar.r_source)  # which the layer's file has
    assert command(cli.main, "solve", *files, *circuit, *drivers, "-o", "i.csv")[0] == 0
    seen = np.loadtxt("i.csv", delimiter=",")
    volts = 0.1 * layer.inputs[:, :, None]
    ideal = current(layer.initial_state, volts, layer.device.memristor).sum(axis=1)
    error = np.sqrt(np.mean((seen - ideal) ** 2) / np.mean(ideal**2))
    with xr.open_dataset("out/sweep/sweep.nc") as data:
        assert data.current_error.sel(amplifier_gain=20.0).item() == pytest.approx(error, rel=1e-7)
    beside = json.loads(Path("s.json").read_text())["subject"]["circuit"]["beside"]
    assert beside["amplifier"]["gain [-]"] == 200
    assert "gain_bandwidth 1e+09 Hz" in Path("out/sweep/report.html").read_text()


@pytest.mark.long
def test_options_win_over_the_file_and_another_circuit_needs_another_folder(command, circuit):
    vary = (*circuit, "--vary", "wire_resistance=0,1", "--drive", "right")
    code, _, error = command(cli.main, "sweep", *HOW, *vary)
    assert (code, error.count("\n")) == (2, 1)
    assert "gives r_bit line by line; vary wire_factor" in error
    vary = (*circuit, "--vary", "amplifier_gain=10,100", "--drive", "right")
    code, *_ = command(cli.main, "sweep", *HOW, *vary, "--wire-resistance", "2")
    assert code == 0
    document = json.loads(Path("out/sweep/report.json").read_text())["subject"]["circuit"]
    assert (document["r_bit"], document["drive"], document["sense"]) == (2.0, "right", "top")
    Path("circuit.toml").write_text(CIRCUIT.replace("350", "300"))
    code, _, error = command(cli.main, "sweep", *HOW, *vary, "--wire-resistance", "2")
    assert (code, error.count("\n")) == (2, 1)
    assert "points of another circuit" in error


@pytest.mark.ngspice
def test_spot_checks_simulate_the_circuit_of_the_file(command, circuit):
    vary = ("--vary", "amplifier_gain=10", "--vary", "wire_factor=3", "--vary", "temperature=330")
    asked = (*circuit, *vary, "--reads", "3", "--check", "100%")
    assert command(cli.main, "sweep", *HOW, *asked)[0] == 0
    [one] = json.loads(Path("out/sweep/report.json").read_text())["checks"]["points"]
    assert one["failed"] == ""
    assert one["spice_error"] < 1e-6
    assert one["state_error"] < 5e-3
    with xr.open_dataset("out/sweep/sweep.nc") as data:
        assert one["mac_error"] == pytest.approx(data.mac_error.item(), rel=1e-2)


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "nothing is varied"),
        (("--vary", "wire_resistence=1"), "did you mean 'wire_resistance'"),
        (("--vary", "sigma_wn=0:4"), "add a count"),
        (("--vary", "sigma_wn=0,1", "--target", "acuracy=95%"), "did you mean 'accuracy'"),
        (("--vary", "sigma_wn=0,1", "--target", "accuracy=95"), "no share"),
        (("--vary", "sigma_wn=0,1", "--target", "accuracy"), "such as accuracy=95%"),
        (("--vary", "resistance=0,1"), "did you mean 'bit_resistance'?"),
        (("--vary", "sigma_wn=0,1", "--check", "half"), "no share"),
        (("--vary", "scheme=V/2,V/3", "--target", "accuracy=0.5"), "a varied number with two ends"),
        (("--vary", "sigma_wn=0,1", "--sensitivity", "sobol"), "two varied numbers or more"),
        (("--vary", "sigma_wn=0,1", "--sensitivity", "sobl"), "did you mean 'sobol'"),
        (("--vary", "sigma_wn=0,1", "--metric", "mac"), "did you mean 'mac_error'"),
        (
            (
                "--vary",
                "scheme=V/4",
            ),
            "scheme 'V/4' is unknown",
        ),
        (("missing.toml",), "cannot be read"),
        (("--vary", "amplifier_gain=1,2"), "the circuit has no amplifiers; add a section [amplifier]"),
        (("--vary", "temperature=1"), "wires of 1 K conduct without resistance"),
        (("--vary", "c_word=1 pV"), "expected F"),
        (("--vary", "sigma_wn=0,1", "--circuit", "none.toml"), "none.toml"),
        (("--vary", "sigma_wn=0,1", "--points", "9"), "points = 9: a grid has as many points as its"),
        (("--vary", "sigma_wn=0,1", "--samples", "128"), "--samples 128: is about Sobol' indices"),
    ],
)
def test_mistakes_are_one_line(command, options, says):
    code, _, error = command(cli.main, "sweep", *HOW, *options)
    assert code == 2
    assert says in error
    assert error.count("\n") == 1
    assert not list(Path("out").rglob("*.nc"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"repeats = {2**79}", "repeats: the whole number has more than the 64 bits"),
        (f"repeats = {2**62}", f"repeats = {2**62} must be at most 100,000"),
        (f'design = "sobol"\npoints = {10**12}', "1,000,000,000,000 points are more than"),
    ],
)
def test_counts_without_end_are_refused_before_anything_is_made(command, line, says):
    """2**79 chips were listed one by one until the memory ended."""
    Path("s.toml").write_text(f"{line}\n[vary]\nsigma_wn = [0, 1]\n")
    began = time.monotonic()
    code, _, error = command(cli.main, "sweep", "s.toml", *HOW)
    assert (code, error.count("\n")) == (2, 1)
    assert says in error
    assert time.monotonic() - began < 2
    assert not Path("out").exists()


def test_converters_are_told_of_at_every_point_not_at_the_base_alone(command):
    """At the base the range suits; at one point readings are cut off, at another few codes are met."""
    Path("x.toml").write_text('"adc_bits [-]" = 8\n"adc_range [A]" = 2e-5\n')
    layer = ProgrammedLayer.load(Path("layer.npz"))
    volts = 0.1 * layer.inputs[:, :, None]
    currents = current(layer.initial_state, volts, layer.device.memristor).sum(axis=1)
    low, high = 0.5 * currents.max(), 100 * currents.max()
    vary = ("--vary", f"adc_range={low},{1.05 * currents.max()},{high}", "--wire-resistance", "0")
    asked = ("--imperfections", "x.toml", "--sensitivity", "none")
    code, out, _ = command(cli.main, "sweep", *HOW, *vary, *asked)
    assert code == 0
    (line,) = (line for line in out.splitlines() if "ADC" in line and "codes" not in line)
    where = f"and most at adc range {1e6 * low:.3g} µA"
    assert line.startswith(f"at 2 of 3 points, {where}: ADC saturates: ")
    told = json.loads(Path("out/sweep/report.json").read_text())["warnings"]
    assert [one["point"]["adc_range"] for one in told] == pytest.approx([low, high])
    share = float(told[0]["warning"].split(" % of readings lie beyond")[0].split()[-1])
    assert share == pytest.approx(100 * np.mean(currents > low * 255.5 / 255), abs=3)
    assert "ADC uses " in told[1]["warning"]
    assert "ADC saturates" in Path("out/sweep/report.html").read_text()


@pytest.mark.long
def test_reads_that_would_move_states_are_told_of(command):
    vary = ("--vary", "full_scale_voltage=0.1,1.4", "--sensitivity", "none")
    code, out, _ = command(cli.main, "sweep", *HOW, *vary)
    assert code == 0
    assert "at 1 of 2 points, and most at full scale voltage 1.4 V: reads of up to 1.4 V" in out


@pytest.mark.long
def test_the_page_of_a_monte_carlo_says_what_converters_do(command):
    Path("x.toml").write_text('"adc_bits [-]" = 8\n"adc_range [A]" = 1.0\n"sense_gain [-]" = 0.01\n')
    code, out, _ = command(cli.main, "sweep", *HOW, "--chips", "3", "--imperfections", "x.toml")
    assert code == 0
    (said,) = (line for line in out.splitlines() if line.startswith("ADC uses 1 of its 256 codes"))
    page = Path("out/sweep/report.html").read_text().replace("\xa0", " ")
    assert ">Readout<" in page
    assert f"On the chip that it suits least: {said}." in page


def test_what_was_varied_and_changed_no_number_is_said(command):
    """Reads are settled: the capacitance of a line plays no part in them."""
    vary = ("--vary", "c_word=1e-15,2e-15", "--vary", "wire_resistance=0,1", "--sensitivity", "none")
    code, _, error = command(cli.main, "sweep", *HOW, *vary)
    assert (code, error) == (
        0,
        "--vary c_word ignored: no number of any chip differs between its values\n",
    )
    assert json.loads(Path("out/sweep/report.json").read_text())["ignored"] == ["vary c_word"]


@pytest.mark.long
def test_a_range_without_its_converter_is_said_unless_the_sweep_has_one(command):
    Path("x.toml").write_text('"adc_range [A]" = 2e-5\n"sense_gain [-]" = 0.1\n')
    asked = ("--imperfections", "x.toml", "--sensitivity", "none")
    code, _, error = command(cli.main, "sweep", *HOW, *asked, "--vary", "wire_resistance=0,1")
    assert (code, error) == (
        0,
        "--imperfections: adc_range ignored: changes nothing without adc_bits\n",
    )
    assert json.loads(Path("out/sweep/report.json").read_text())["ignored"] == ["adc_range"]
    asked = (*asked, "--vary", "adc_bits=4,6", "-o", "bits")
    assert command(cli.main, "sweep", *HOW, *asked)[::2] == (0, "")


@pytest.mark.long
def test_what_an_axis_sets_in_any_case_is_refused_or_said(command):
    """The lines of --wire-resistance stood under a table that had none of them."""
    Path("x.toml").write_text('"sense_gain [-]" = 0.1\n')
    vary = ("--vary", "wire_resistance=0,1", "--vary", "sense_gain=0,0.2", "--sensitivity", "none")
    code, _, error = command(cli.main, "sweep", *HOW, *vary, "--wire-resistance", "7")
    assert code == 2
    assert "--wire-resistance 7.0: changes nothing where --vary sets it; leave it out" in error
    code, _, error = command(cli.main, "sweep", *HOW, *vary, "--imperfections", "x.toml")
    assert (code, error) == (0, "--imperfections: sense_gain ignored: --vary gives the values\n")
    assert json.loads(Path("out/sweep/report.json").read_text())["ignored"] == ["sense_gain"]
    word = ("--vary", "word_resistance=0,1", "--sensitivity", "none", "-o", "word")
    assert command(cli.main, "sweep", *HOW, *word, "--wire-resistance", "7")[::2] == (0, "")


@pytest.mark.long
def test_where_no_chip_differs_repeats_and_seed_are_said_to_change_nothing(command):
    vary = ("--vary", "wire_resistance=0,1", "--sensitivity", "none")
    code, _, error = command(cli.main, "sweep", *HOW, *vary, "--repeats", "3", "--seed", "7")
    assert code == 0
    said = [line.split(":")[0] for line in error.splitlines()]
    assert said == ["--repeats 3 ignored", "--seed 7 ignored"]
    assert json.loads(Path("out/sweep/report.json").read_text())["ignored"] == ["repeats", "seed"]
    asked = ("--vary", "wire_resistance=0,1", "--vary", "sigma_wn=0,1", "--repeats", "3", "-o", "drawn")
    assert command(cli.main, "sweep", *HOW, *asked)[::2] == (0, "")


@pytest.mark.long
def test_chips_without_anything_varied_give_a_distribution_and_a_yield(command):
    Path("real.toml").write_text('"stuck_on [-]" = 0.1\n"sense_gain [-]" = 0.05\n')
    asked = ("--chips", "12", "--imperfections", "real.toml", "--target", "agreement=80%", "--figures")
    code, out, error = command(cli.main, "sweep", *HOW, *asked)
    assert (code, error) == (0, "")
    assert "12 chips of layer synthetic" in out
    assert "Yield: agreement of at least 80 %" in out
    found = json.loads(Path("out/sweep/report.json").read_text())["distributions"]
    first = found[0]
    assert first["metric"] == "agreement"
    assert first["yield"]["good"] == sum(value >= 0.8 for value in first["values"])
    assert first["quantiles"]["0.05"] is None
    assert first["quantiles"]["0.5"] == np.median(first["values"])
    rows = list(csv.DictReader(Path("out/sweep/sweep.csv").read_text().splitlines()))
    assert sorted(float(row["agreement"]) for row in rows) == pytest.approx(first["values"], rel=1e-5)
    page = Path("out/sweep/report.html").read_text()
    assert page.count("<svg") == 4
    assert "<script" not in page
    assert Path("out/sweep/figures/chips-agreement.png").exists()


def test_chips_that_are_all_alike_are_one_line(command):
    code, _, error = command(cli.main, "sweep", *HOW, "--chips", "5")
    assert code == 2
    assert "all chips are alike; say what they differ in with --imperfections FILE" in error
    assert error.count("\n") == 1


def test_a_sweep_says_which_inputs_calibration_reads_again(command):
    asked = ("--vary", "compensation=nothing,calibrated,calibrated:64", "--sensitivity", "none")
    code, _, error = command(cli.main, "sweep", *HOW, *asked)
    assert code == 0
    reads = len(ProgrammedLayer.load(Path("layer.npz")).inputs)
    again = f"calibrated:64 has {reads} inputs to read, which come again until there are 64"
    assert error.splitlines() == [f"layer synthetic: {again}"]


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        ("stuck_on=0,150%", "stuck_on = 1.5: stuck_on = 1.5"),
        ("wire_resistance=-5,1", "wire_resistance = -5"),
        ("sigma_wn=0,-2", "sigma_wn = -2"),
        ("temperature=300,-300", "temperature = -300"),
    ],
)
def test_a_value_that_cannot_be_is_bad_input(command, tmp_path, vary, said):
    """It was a row that failed, with exit code 0."""
    options = ["--layer", "fc", "--vary", vary, "--repeats", "1", "--output-dir", tmp_path]
    code, _, err = command(cli.main, "sweep", *options)
    assert code == 2
    assert said in err
