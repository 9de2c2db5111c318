"""A device of one's own, from the file to energies and outputs, by every command that has cells."""

import dataclasses
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from netlists.commands import cli
from netlists.layers.shipped import load_layer
from roa_circuit.circuit.design_point import chosen_device, default_crossbar, default_device
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import conductance, current
from roa_circuit.device.notes import Measured, Notes
from roa_circuit.device.parameters import Device, Pulses, load_device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.read import read_currents

OWN = Device(
    name="mine",
    citation="a wafer",
    memristor=Memristor(k=1e-4, mu1=19.25, mu2=13.0, gamma=2e-4, delta=0.5, alpha=2e-5, beta=0.5),
    pulses=Pulses(
        read_voltage=0.05, potentiation_voltage=-1.1, potentiation_width=3e-6,
        depression_voltage=1.4, depression_width=30e-6,
    ),
)  # fmt: skip


@pytest.fixture
def spice(command, monkeypatch, tmp_path):
    """Run roa-spice in a folder with a device, states, voltages and weights."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(OWN.to_toml())
    np.savetxt("states.csv", np.full((4, 3), 0.5), delimiter=",")
    np.savetxt("volts.csv", np.full((1, 4), 0.1), delimiter=",")
    np.savetxt("weights.csv", np.zeros((4, 3)), delimiter=",")
    return partial(command, cli.main)


def test_a_file_s_own_scale_counts_and_the_design_point_only_where_no_device_is_named():
    assert chosen_device(None) == default_device()
    assert chosen_device(None).memristor.current_scale == 0.01
    assert chosen_device("zhang2021") == load_device("zhang2021")
    assert chosen_device(None, 0.5) == chosen_device("zhang2021", 0.5)


@pytest.mark.parametrize("own", [1.0, 0.25])
def test_a_scale_in_the_file_is_multiplied_by_one_that_is_asked_for(tmp_path, own):
    path = tmp_path / "mine.toml"
    path.write_text(OWN.scaled(own).to_toml())
    assert chosen_device(path).memristor.current_scale == own
    assert chosen_device(path, 0.1).memristor.current_scale == pytest.approx(0.1 * own)


def test_a_layer_has_the_file_s_own_currents(spice):
    made = ("--weights", "weights.csv", "--device", "mine.toml", "--ideal", "--json", "l.json")
    code, out, _ = spice("layer", *made, "-o", "l.npz")
    assert code == 0
    assert "device mine, current scale 1; wires 1 Ohm a segment, source 10 Ohm, sense 10 Ohm" in out
    layer = ProgrammedLayer.load(Path("l.npz"))
    assert layer.device == OWN
    seen = read_currents(layer.crossbar.ideal(), layer.initial_state, np.full((1, 4), 0.1), layer.device)
    p = OWN.memristor
    eq_2 = 0.5 * p.gamma * np.sinh(p.delta * 0.1) + 0.5 * p.alpha * (1 - np.exp(-p.beta * 0.1))
    np.testing.assert_allclose(seen, 4 * eq_2, rtol=1e-12)
    told = json.loads(Path("l.json").read_text())
    assert (told["device"], told["current_scale [-]"], told["lines"]["r_word [Ohm]"]) == ("mine", 1.0, 1)


def test_programming_takes_the_energy_of_the_file_s_own_currents(spice):
    """The dose of 12 cells' pulses at V I(omega, V) T, by Eq. 2 halfway, and what idle cells take."""
    lines = ("--wire-resistance", "20", "--source-resistance", "0", "--sense-resistance", "0")
    asked = ("--wanted", "states.csv", "--start", "0.1", *lines, "--json", "p.json", "-o", "o.csv")
    code, out, _ = spice("program", *asked, "--device", "mine.toml")
    told = json.loads(Path("p.json").read_text())
    assert (code, told["failed"]) == (0, [])
    assert "device mine, current scale 1; wires 20 Ohm a segment" in out
    assert told["energy"] == pytest.approx(6.15e-9, rel=2e-3)
    p, pulse = OWN.memristor, OWN.pulses
    V, T = pulse.potentiation_voltage, pulse.potentiation_width
    each = abs(V * current(0.3, V, p)) * T  # omega from 0.1 to 0.5
    assert 0.5 * each < told["energy"] / told["pulses"] < 2.5 * each


@pytest.mark.parametrize("engine", ["surrogate", "dense"])
def test_solve_reads_the_same_cells_as_program_writes(spice, engine):
    asked = ("--states", "states.csv", "--inputs", "volts.csv", "-o", "i.csv", "--engine", engine)
    assert spice("solve", *asked, "--device", "mine.toml")[0] == 0
    wanted = read_currents(default_crossbar(4, 3), np.full((4, 3), 0.5), np.full((1, 4), 0.1), OWN)
    np.testing.assert_allclose(np.loadtxt("i.csv", delimiter=","), wanted[0], rtol=1e-9)


@pytest.mark.parametrize("name", ["netlist", "compensate", "sweep"])
def test_every_command_with_cells_takes_the_device_and_says_so(spice, name):
    options = {
        "netlist": ("-o", "x.cir", "--reads", "1"),
        "compensate": ("--reads", "2", "--tile", "32x5"),
        "sweep": ("--reads", "2", "--vary", "source_resistance=1", "--sensitivity", "none"),
    }[name]
    told = Path("x.json")
    code, out, _ = spice(name, *options, "--device", "mine.toml", "--json", told)
    assert code == 0
    assert "cells of device mine (current scale 1), not of its own zhang2021 (0.01)" in out
    assert "device mine, current scale 1; wires 1 Ohm a segment" in out
    assert ("source varied" in out) == (name == "sweep")
    document = json.loads(told.read_text())
    assert (document["device"], document["current_scale [-]"]) == ("mine", 1.0)


NOTED = dataclasses.replace(
    OWN, notes=Notes(currents=("delta from a book",), writes=("mu1 from a book",), measured=Measured())
)
CURRENTS = "device mine: amperes, siemens and joules are in part assumed: delta from a book"
WRITES = (
    "device mine: counts, times and joules of pulses are in part assumed: mu1 from a book;"
    " no potentiation was measured, all of it is assumed;"
    " no depression was measured, all of it is assumed"
)
COMMANDS = {
    "layer": ("layer", "--weights", "weights.csv", "-o", "l.npz"),
    "ideal layer": ("layer", "--weights", "weights.csv", "--ideal", "-o", "l.npz"),
    "program": ("program", "--wanted", "states.csv", "-o", "o.csv"),
    "solve": ("solve", "--states", "states.csv", "--inputs", "volts.csv", "-o", "i.csv"),
    "netlist": ("netlist", "-o", "x.cir", "--reads", "1"),
    "compensate": ("compensate", "--reads", "2", "--tile", "32x5"),
    "map": ("map", "--output-dir", "out"),
    "sweep": ("sweep", "--reads", "2", "--vary", "source_resistance=1", "--sensitivity", "none",
              "--output-dir", "out"),
    "verify": ("verify", "--phase", "read", "--reads", "2", "--output-dir", "out"),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.ngspice] * (n == "verify")) for n in COMMANDS]
)
def test_every_command_repeats_what_the_measurement_did_not_tell(spice, name):
    """Joules and counts of pulses were printed without a word on what they rest on."""
    Path("noted.toml").write_text(NOTED.to_toml())
    code, out, _ = spice(*COMMANDS[name], "--device", "noted.toml", "--json", "x.json")
    assert code == 0
    of_reads_alone = name in ("ideal layer", "solve", "compensate")
    expected = [CURRENTS] if of_reads_alone else [CURRENTS, WRITES]
    assert [line for line in out.splitlines() if line.startswith("device mine: ")] == expected
    told = json.loads(Path("x.json").read_text())
    assert told["remarks"] == expected
    if name in ("map", "sweep", "verify"):
        page = Path("out/report.html").read_text()
        assert all(text in page for text in expected)


def test_a_layer_keeps_the_notes_of_its_device(spice):
    Path("noted.toml").write_text(NOTED.to_toml())
    asked = ("--weights", "weights.csv", "--device", "noted.toml", "-o", "l.npz")
    assert spice("layer", *asked)[0] == 0
    code, out, _ = spice("compensate", "--layer", "l.npz")
    assert (code, CURRENTS in out.splitlines()) == (0, True)
    code, out, _ = spice("compensate", "--layer", "l.npz", "--device", "mine.toml")
    assert (code, "not of its own" in out) == (0, False)
    assert "in part assumed" not in out


def test_a_section_that_is_not_read_is_said(spice):
    Path("typed.toml").write_text(OWN.to_toml() + "\n[spraed]\ndevices = 3\n")
    asked = ("--weights", "weights.csv", "--device", "typed.toml", "--json", "l.json", "-o", "l.npz")
    code, out, _ = spice("layer", *asked)
    line = "device mine: of its file, spraed means nothing here and is not read"
    assert (code, line in out.splitlines()) == (0, True)
    assert json.loads(Path("l.json").read_text())["remarks"] == [line]


@pytest.mark.ngspice
def test_verify_takes_it_in_ngspice(spice):
    assert spice("layer", "--weights", "weights.csv", "--ideal", "-o", "l.npz")[0] == 0
    asked = ("--layer", "l.npz", "--phase", "read", "--reads", "2", "--json", "v.json")
    code, out, _ = spice("verify", *asked, "--device", "mine.toml")
    assert code == 0
    assert "device mine, current scale 1; wires 1 Ohm a segment" in out
    told = json.loads(Path("v.json").read_text())
    assert (told["device"], told["current_scale [-]"]) == ("mine", 1.0)
    assert told["max_relative_current_error"] < 1e-6


def test_the_device_of_a_layer_is_not_replaced_unasked(spice):
    assert spice("layer", "--weights", "weights.csv", "--device", "mine.toml", "-o", "l.npz")[0] == 0
    code, out, _ = spice("compensate", "--layer", "l.npz")
    assert code == 0
    assert "device mine, current scale 1" in out
    assert "not of its own" not in out


@pytest.mark.long
def test_conductances_are_siemens_of_the_device(spice):
    omega = np.array([[0.25, 0.75, 0.0], [1.0, 0.5, 0.1], [0.3, 0.2, 0.9], [0.4, 0.6, 0.8]])
    np.savetxt("s.csv", omega, delimiter=",")
    np.savetxt("g.csv", conductance(omega, 0.05, OWN.memristor), delimiter=",")
    files = ("--inputs", "volts.csv", "--device", "mine.toml")
    assert spice("solve", "--states", "s.csv", *files, "-o", "a.csv")[0] == 0
    assert spice("solve", "--states", "g.csv", "--conductances", *files, "-o", "b.csv")[0] == 0
    np.testing.assert_allclose(*(np.loadtxt(f, delimiter=",") for f in ("a.csv", "b.csv")), rtol=1e-9)
    made = ("layer", "--weights", "g.csv", "--conductances", "--ideal", "--device", "mine.toml")
    assert spice(*made, "-o", "l.npz")[0] == 0
    state = ProgrammedLayer.load(Path("l.npz")).initial_state
    np.testing.assert_allclose(state[:, :-1], omega, atol=1e-9)
    asked = ("--wanted", "g.csv", "--conductances", "--device", "mine.toml", "--tolerance", "0.2")
    assert spice("program", *asked, "-o", "o.csv", "--json", "p.json")[0] in (0, 1)
    assert np.abs(np.loadtxt("o.csv", delimiter=",") - omega).max() < 0.25


REFUSED = {
    "as states": (("solve", "--states", "g.csv", "--inputs", "volts.csv"), "add --conductances"),
    "as targets": (("program", "--wanted", "g.csv"), "add --conductances"),
    "of other cells": (("program", "--wanted", "g.csv", "--conductances"), "name the cells with"),
    "scheme": (("program", "--wanted", "states.csv", "--scheme", "V/3", "--circuit", "t.toml"),
               "rows are selected by the circuit's transistors"),
    "lines": (("solve", "--states", "states.csv", "--inputs", "volts.csv", "--wire-resistance", "5",
               "--word-resistance", "1", "--bit-resistance", "2"), "give both lines theirs"),
    "matrix": (("solve", "--states", "states.csv", "--inputs", "volts.csv", "--matrix", "klu"),
               "--matrix klu: is about ngspice, not surrogate"),
    "cell": (("program", "--wanted", "states.csv", "--cell", "osdi"), "--cell osdi: is about ngspice"),
    "deck": (("netlist", "--engine", "vacask", "--cell", "osdi"), "is about ngspice, not vacask"),
    "reads of a write": (("verify", "--phase", "write", "--reads", "2"), "--phase write reads nothing"),
    "mapped": (("compensate", "--imperfections", "w.toml"), "compensate reads mapped states and writes"),
    "reads": (("netlist", "--phase", "write", "--reads", "3"), "--reads 3: the deck of a write"),
    "writes": (("solve", "--states", "states.csv", "--inputs", "volts.csv", "--imperfections", "w.toml"),
               "sigma_wn, write_gain would change nothing: solve only reads"),
    "subtractors": (("solve", "--states", "states.csv", "--inputs", "volts.csv", "--imperfections",
                     "u.toml"), "subtractor_mismatch would change nothing: solve gives the current of"),
    "negative drives, DAC": (("solve", "--states", "states.csv", "--inputs", "below.csv",
                              "--imperfections", "dac.toml"), "dac_bits: codes begin at 0, and row"),
    "negative drives, ADC": (("solve", "--states", "states.csv", "--inputs", "below.csv",
                              "--imperfections", "adc.toml"), "or leave adc_bits out"),
    "no subtractors": (("netlist", "--imperfections", "u.toml"), "--mapping pair subtracts before"),
    "readouts": (("netlist", "--imperfections", "r.toml"), "sense_gain, adc_bits would change nothing"),
    "spread": (("solve", "--states", "states.csv", "--inputs", "volts.csv", "--device", "mine.toml",
                "--imperfections", "d.toml"), "device 'mine' has none; `roa-fit spread` measures it"),
    "spread of a sweep": (("sweep", "--vary", "sigma_wn=1", "--device", "mine.toml", "--imperfections",
                           "d.toml"), "device 'mine' has none"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_misread_or_change_nothing_is_one_line(spice, case):
    Path("t.toml").write_text("[transistor]\n")
    Path("w.toml").write_text('"sigma_wn [-]" = 1.0\n"write_gain [-]" = 0.1\n')
    Path("r.toml").write_text('"sense_gain [-]" = 0.1\n"adc_bits [-]" = 4\n"adc_range [A]" = 1e-5\n')
    Path("u.toml").write_text('"subtractor_mismatch [-]" = 0.01\n')
    Path("dac.toml").write_text('"dac_bits [-]" = 8\n')
    Path("adc.toml").write_text('"adc_bits [-]" = 8\n"adc_range [A]" = 1e-5\n')
    np.savetxt("below.csv", -np.loadtxt("volts.csv", delimiter=",", ndmin=2), delimiter=",")
    Path("d.toml").write_text('spread = "device"\n')
    np.savetxt("g.csv", np.random.default_rng(0).uniform(1e-5, 9e-5, (4, 3)), delimiter=",")
    asked, message = REFUSED[case]
    output = () if asked[0] in ("sweep", "compensate") else ("-o", "out")
    code, _, error = spice(*asked, *output)
    assert (code, error.count("\n")) == (2, 1)
    assert message in error
    assert not Path("out").exists()


def test_what_only_a_part_of_has_no_effect_is_said(spice):
    Path("x.toml").write_text('"sigma_wn [-]" = 1.0\n"sense_gain [-]" = 0.1\n')
    asked = ("--states", "states.csv", "--inputs", "volts.csv", "-o", "i.csv", "--json", "s.json")
    code, _, error = spice("solve", *asked, "--imperfections", "x.toml")
    assert (code, error) == (
        0,
        "--imperfections: sigma_wn ignored: solve only reads, states as they are\n",
    )
    assert json.loads(Path("s.json").read_text())["ignored"] == ["sigma_wn"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('"adc_range [A]" = 1e-3\n"adc_inl [LSB]" = 1.0', "adc_range, adc_inl ignored: changes nothing"),
        ('adc_range = "layer"\n"adc_percentile [-]" = 99.0', "adc_range, adc_percentile ignored: "),
        ('"dac_range [V]" = 0.2', "dac_range ignored: changes nothing without dac_bits"),
        ('"stuck_on_resistance [Ohm]" = 1e3', "stuck_on_resistance ignored: changes nothing without"),
        ('"temperature [K]" = 400.0', "temperature ignored: changes nothing without bandwidth"),
    ],
)
def test_an_imperfection_without_what_it_is_about_is_said(spice, lines, said):
    Path("x.toml").write_text(lines + "\n")
    asked = ("--states", "states.csv", "--inputs", "volts.csv", "-o", "i.csv", "--json", "s.json")
    code, _, error = spice("solve", *asked, "--imperfections", "x.toml")
    assert (code, error.count("\n")) == (2, 1)
    names = said.split(" ignored")[0]
    assert f"--imperfections: {names} would change nothing without " in error
    Path("x.toml").write_text(lines + '\n"sense_gain [-]" = 1e-300\n')  # which moves no bit
    code, _, error = spice("solve", *asked, "--imperfections", "x.toml")
    assert (code, error.count("\n")) == (0, 1)
    assert error.startswith(f"--imperfections: {said}")
    names = error.split(": ")[1].removesuffix(" ignored").split(", ")
    assert json.loads(Path("s.json").read_text())["ignored"] == names
    plain = np.loadtxt("i.csv", delimiter=",")
    spice("solve", *asked)
    np.testing.assert_array_equal(np.loadtxt("i.csv", delimiter=","), plain)


@pytest.mark.long
def test_cells_that_would_age_and_have_no_age_are_said(spice):
    Path("x.toml").write_text('"drift_exponent [-]" = 0.1\n"sense_gain [-]" = 0.01\n')
    asked = (
        "compensate",
        "--reads",
        "2",
        "--tile",
        "32x5",
        "--imperfections",
        "x.toml",
        "--json",
        "s.json",
    )
    code, _, error = spice(*asked)
    assert (code, error) == (
        0,
        "--imperfections: drift_exponent ignored: changes nothing without age\n",
    )
    assert json.loads(Path("s.json").read_text())["ignored"] == ["drift_exponent"]
    assert spice(*asked, "--age", "1d")[::2] == (0, "")


CHANCELESS = {
    "solve": ("--states", "states.csv", "--inputs", "volts.csv", "-o", "i.csv"),
    "program": ("--wanted", "states.csv", "--start", "0.5", "-o", "p.csv"),
    "netlist": ("--reads", "1", "-o", "x.cir"),
    "compensate": ("--reads", "2", "--tile", "32x5"),
    "layer": ("--weights", "weights.csv", "--activations", "volts.csv", "-o", "l.npz"),
    "map": ("--read-index", "1", "-o", "map"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", CHANCELESS)
def test_a_seed_is_said_to_be_ignored_where_nothing_is_drawn(spice, name):
    code, _, error = spice(name, *CHANCELESS[name], "--seed", "3", "--json", "s.json")
    assert (code, error.count("\n")) == (0, 1)
    assert error.startswith("--seed 3 ignored: ")
    assert json.loads(Path("s.json").read_text())["ignored"] == ["seed"]
    assert spice(name, *CHANCELESS[name])[2] == ""


def test_a_seed_counts_where_something_is_drawn(spice):
    Path("x.toml").write_text('"driver_gain [-]" = 0.1\n')
    found = []
    for seed in ("3", "4"):
        asked = (*CHANCELESS["solve"], "--imperfections", "x.toml", "--seed", seed)
        assert spice("solve", *asked)[::2] == (0, "")
        found.append(np.loadtxt("i.csv", delimiter=","))
    assert (found[0] != found[1]).all()


@pytest.mark.parametrize(
    ("name", "more"), [("solve", ()), ("solve", ("--engine", "dense")), ("program", ())]
)
def test_a_time_limit_without_a_simulator_is_refused(spice, name, more):
    code, _, error = spice(name, *CHANCELESS[name], *more, "--time-limit", "5")
    assert (code, error.count("\n")) == (2, 1)
    assert "--time-limit 5: is about simulators, not " in error


def test_weights_that_no_cell_holds_are_refused_in_python_too():
    x = np.full((1, 2), 0.5)
    with pytest.raises(ValueError, match=r"divide all by 2\.5, and multiply the outputs"):
        ProgrammedLayer.of_weights(np.array([[1.0], [-2.5]]), x)
    with pytest.raises(ValueError, match="inputs of a window x filters"):
        ProgrammedLayer.of_weights(np.zeros((2, 1, 3, 3)), x)
    with pytest.raises(ValueError, match=r"read max\(x, 0\) and max\(-x, 0\) apart"):
        ProgrammedLayer.of_weights(np.zeros((2, 1)), -x)


def test_signed_inputs_are_read_in_two_passes_as_the_message_says():
    rng = np.random.default_rng(1)
    w, x = rng.uniform(-1, 1, (5, 3)), rng.standard_normal((4, 5))
    device = load_layer("fc").device
    y = []
    for part in (np.maximum(x, 0), np.maximum(-x, 0)):
        layer = ProgrammedLayer.of_weights(w, part, start=None)
        a = 2.0 / np.diff([conductance(o, 0.05, device.memristor) for o in (0.0, 1.0)])[0]
        perfect, volts = layer.crossbar.ideal(), 0.1 * layer.inputs
        seen = read_currents(perfect, layer.initial_state, volts, device, exact=False)
        y.append(layer.input_scale * 10 * a * (seen[:, :-1] - seen[:, -1:]))
    np.testing.assert_allclose(y[0] - y[1], x @ w, atol=1e-9)
