"""`roa-spice program`: write-verify on the command line."""

import json

import numpy as np
import pytest

from netlists.commands import cli


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "target.csv"
    np.savetxt(path, np.random.default_rng(0).uniform(0.15, 0.85, (5, 3)), delimiter=",")
    return path


def test_an_array_is_programmed(command, tmp_path, target):
    files = ["--wanted", target, "-o", tmp_path / "states.csv", "--json", tmp_path / "p.json"]
    code, out, _ = command(cli.main, "program", *files, "--wire-resistance", "5", "--tolerance", "0.06")
    assert code == 0
    assert "15 reached" in out
    report = json.loads((tmp_path / "p.json").read_text())
    assert report["endings"]["reached"] == 15
    assert report["failed"] == []
    assert report["energy"] > 0
    assert 0 < report["read_energy"]["joules_a_read"] < report["energy"]
    reached, wanted = (np.loadtxt(f, delimiter=",") for f in (tmp_path / "states.csv", target))
    assert np.abs(reached - wanted).max() < 0.08


@pytest.mark.long
def test_faulty_cells_are_named_and_fail_the_command(command, tmp_path, target):
    (tmp_path / "faults.toml").write_text('"stuck_on [-]" = 0.3\n')
    files = ["--wanted", target, "-o", tmp_path / "s.csv", "--json", tmp_path / "p.json"]
    code, out, _ = command(
        cli.main, "program", *files, "--imperfections", tmp_path / "faults.toml", "--seed", "1"
    )
    report = json.loads((tmp_path / "p.json").read_text())
    assert code == 1
    assert report["drawn"]["stuck_on"] == report["endings"]["stuck"] > 0
    assert {cell["why"] for cell in report["failed"]} >= {"stuck"}
    assert "stuck" in out


@pytest.mark.long
def test_a_converter_that_reads_no_cell_apart_is_told_of(command, tmp_path, target):
    """Every cell was 'stuck', and no word of the range that is a thousand times too wide."""
    (tmp_path / "x.toml").write_text('"adc_bits [-]" = 6\n"adc_range [A]" = 1e-3\n')
    asked = [
        "--wanted",
        target,
        "-o",
        tmp_path / "s.csv",
        "--json",
        tmp_path / "p.json",
        "--rounds",
        "2",
    ]
    code, out, _ = command(cli.main, "program", *asked, "--imperfections", tmp_path / "x.toml")
    assert code == 1
    assert "ADC uses 1 of its 64 codes: 100.0 % of readings at the lowest code" in out
    (use,) = json.loads((tmp_path / "p.json").read_text())["converters"]
    assert (use["name"], use["used"], use["codes"]) == ("ADC", 1, 64)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--scheme", "V/4"], "scheme 'V/4' is unknown"),
        (["--start", "2"], "--start"),
        (["--wanted", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_input_is_one_line(command, tmp_path, target, arguments, complaint):
    code, _, err = command(cli.main, "program", "--wanted", target, "-o", tmp_path / "s.csv", *arguments)
    assert code == 2
    assert complaint in err
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.long
def test_a_circuit_file_holds_for_programming(command, tmp_path, target):
    """Warm cells take fewer pulses, behind transistors too."""
    pulses = {}
    for kelvins in (300.15, 330.0):
        text = f'"temperature [K]" = {kelvins}\n"activation_energy [eV]" = 0.1\n[transistor]\n'
        (tmp_path / "c.toml").write_text(text)
        files = ["--wanted", target, "-o", tmp_path / "s.csv", "--json", tmp_path / "p.json"]
        code, _, _ = command(cli.main, "program", *files, "--circuit", tmp_path / "c.toml")
        report = json.loads((tmp_path / "p.json").read_text())
        pulses[kelvins] = report["pulses"]
        assert (code, report["failed"]) == (0, [])
        assert report["scheme"] == "ideal"
        assert report["circuit"]["activation_energy [eV]"] == 0.1
    assert pulses[330.0] < pulses[300.15]


@pytest.mark.parametrize(
    ("circuit", "options", "complaint"),
    [
        ('"c_word [F]" = 1e-9', [], "the surrogate's write knows no lag"),
        ('"c_word [F]" = 1e-12\n"read_hold [s]" = 1e-11', [], "ends before reads have settled"),
        (
            '"c_word [F]" = 1e-9\n"read_hold [s]" = 1e-8',
            ["--engine", "ngspice"],
            "ends before reads have settled",
        ),
    ],
)
def test_lines_too_slow_to_follow_are_refused(command, tmp_path, target, circuit, options, complaint):
    (tmp_path / "c.toml").write_text(circuit)
    files = ["--wanted", target, "-o", tmp_path / "s.csv", "--circuit", tmp_path / "c.toml"]
    code, _, err = command(cli.main, "program", *files, "--wire-resistance", "20", *options)
    assert code == 2
    assert complaint in err
    assert not (tmp_path / "s.csv").exists()


def test_one_output_has_uneven_converters_as_many_have(command, tmp_path):
    np.savetxt(tmp_path / "g.csv", [[0.3], [-0.2], [0.1]], delimiter=",")
    (tmp_path / "c.toml").write_text(
        '"adc_bits [-]" = 8\n"adc_range [A]" = 1e-5\n"adc_dnl [LSB]" = 0.3\n'
    )
    files = ["--wanted", tmp_path / "g.csv", "-o", tmp_path / "s.csv", "--mapping", "pair"]
    code, out, _ = command(cli.main, "program", *files, "--imperfections", tmp_path / "c.toml")
    assert code in (0, 1)
    assert "mapping pair" in out
    code, _, err = command(cli.main, "program", *files[:-1], "pair:lower")
    assert code == 2
    assert "--mapping pair:lower: write-verify brings each cell to a state of its own" in err


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_cells_are_read_by_the_voltage_that_the_dac_makes(command, tmp_path, target, bits):
    """53.3 mV of 4 bits once passed for 50, and every cell read 0.1 too high; 66.7 of 2 bits, 0.5."""
    (tmp_path / "x.toml").write_text(f'"dac_bits [-]" = {bits}\n')
    asked = [
        "--wanted",
        target,
        "-o",
        tmp_path / "s.csv",
        "--wire-resistance",
        "0",
        "--tolerance",
        "0.06",
    ]
    code, out, error = command(cli.main, "program", *asked, "--imperfections", tmp_path / "x.toml")
    assert code == 0, error
    assert "DAC" not in out
    reached, wanted = (np.loadtxt(f, delimiter=",") for f in (tmp_path / "s.csv", target))
    assert np.abs(reached - wanted).max() < 0.0601


def test_a_dac_whose_nearest_code_is_0_reads_no_cell(command, tmp_path, target):
    (tmp_path / "x.toml").write_text('"dac_bits [-]" = 1\n')
    asked = ["--wanted", target, "-o", tmp_path / "s.csv", "--imperfections", tmp_path / "x.toml"]
    code, _, error = command(cli.main, "program", *asked)
    assert (code, error.count("\n")) == (2, 1)
    assert "dac_bits = 1: the code nearest to the read voltage of 50 mV is 0" in error
