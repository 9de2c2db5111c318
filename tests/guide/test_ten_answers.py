"""The ten everyday questions: each is answered from an empty folder in three commands, and rightly.

The commands are those that docs/how-do-i.md prints. The numbers are compared with slow and obvious ones.
"""

import csv
import dataclasses
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from netlists.layers.shipped import load_layer
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.recovery import Compensation, recover
from roa_circuit.solver.dense import read_currents_dense

pytestmark = [pytest.mark.long, pytest.mark.ngspice]

PAGE = Path(__file__).parents[2] / "docs" / "how-do-i.md"
PROGRAMS = {
    "roa-fit": "fitting.commands.cli",
    "roa-spice": "netlists.commands.cli",
    "roa-meta": "meta.commands.cli",
}
ANSWERS = {
    title: re.sub(r"\\\n\s*", "", block).replace("$ ", "").splitlines()
    for title, block in re.findall(
        r"^### (.*?)\n.*?^```console\n(.*?)^```$",
        PAGE.read_text("utf-8").split("## Ten whole answers")[1],
        re.M | re.S,
    )
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, with no more than a user's own files."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    weights, inputs = rng.uniform(-0.5, 0.5, (16, 5)), rng.random((40, 16))
    np.savetxt("W.csv", weights, delimiter=",", fmt="%.5f")
    np.savetxt("X.csv", inputs, delimiter=",", fmt="%.5f")
    np.savetxt("Y.csv", (inputs @ weights).argmax(axis=1), fmt="%d")
    np.savetxt("STATES.csv", rng.uniform(0.2, 0.8, (6, 4)), delimiter=",", fmt="%.4f")
    return tmp_path


@pytest.fixture
def answer(folder, command):
    """Type the commands of an answer; gives what each printed."""

    def run(title, lines=None):
        said = []
        for line in lines or ANSWERS[title]:
            program, *words = shlex.split(line)
            if program in PROGRAMS:
                code, out, complaint = command(import_module(PROGRAMS[program]).main, *words)
                assert code == 0, f"{line}: {complaint}"
                said.append(out)
            else:
                subprocess.run(["sh", "-c", line], check=True)
        return said

    return run


def table(name):
    return np.loadtxt(name, delimiter=",")


def test_there_are_ten_answers_of_at_most_three_commands():
    assert len(ANSWERS) == 10
    assert all(1 <= len(lines) <= 3 for lines in ANSWERS.values())


def test_own_weights_behind_wires_and_a_converter(answer):
    """Currents of the dense twin, with the states of ngspice's deck, through a converter of 63 codes."""
    answer("My own weights behind 2 Ω wires and a 6-bit converter")
    found = json.loads(Path("verify.json").read_text())
    deck = Path("out/verify/read.cir").read_text()
    states = [float(w) for w in re.findall(r"^Xword\d+_col\d+ .* w0=(\S+)", deck, re.M)]
    state = np.array(states).reshape(16, 10)
    lines = Crossbar(rows=16, columns=10, r_word=2.0, r_bit=2.0, r_source=10.0, r_sense=10.0)
    device, x = default_device(), table("X.csv")
    currents = read_currents_dense(lines, state, voltage_from_input(x, device), device)
    differences = currents[:, 0::2] - currents[:, 1::2]
    (converter,) = found["converters"]
    largest = np.quantile(np.abs(differences), 0.999)
    assert converter["codes"] == 63
    step = largest / 31
    read = step * np.clip(np.round(differences / step), -31, 31)
    with np.load("mine.npz") as layer:  # written through perfect wires, by Eq. 6
        meant = after_pulses(layer["initial_state"], layer["pulses"], device)
    perfect = read_currents_dense(lines.ideal(), meant, voltage_from_input(x, device), device)
    wanted = perfect[:, 0::2] - perfect[:, 1::2]
    error = np.sqrt(np.mean((read - wanted) ** 2) / np.mean(wanted**2))
    assert found["ideal_mac_error"] == pytest.approx(error, rel=0.05)
    right = (read.argmax(axis=1) == table("Y.csv")).mean()
    assert found["accuracy_spice"] == pytest.approx(right, abs=0.026)


def test_an_ltp_ltd_curve_becomes_a_device(answer):
    """A curve in ln G, whose exponent is known, is found again; a layer is then made of such cells."""
    count, power, dose = np.arange(31), 1.5, 0.12

    def left(first):
        return (first ** (1 - power) + (power - 1) * dose * count) ** (1 / (1 - power))

    up = 1 - left(0.9)
    noise = 1 + 0.005 * np.random.default_rng(1).standard_normal((31, 2))
    curve = 2.0 * 10.0 ** np.stack([up, left(up[-1])], axis=1) * noise
    np.savetxt("LTP.csv", curve, delimiter=",", header="LTP [uS],LTD [uS]", comments="")
    answer("My LTP/LTD curve in an array")
    law = load_device("out/fit/device.toml").memristor
    assert law.name == "windows"
    assert law.p == pytest.approx(power, abs=0.25)
    assert law.q == pytest.approx(power, abs=0.25)
    with np.load("mine.npz") as layer:
        assert layer["pulses"].shape == (16, 10)


def test_a_map_of_the_ir_drop(answer):
    """Cell currents of the map add up to what the dense twin senses; drops are drive less voltage."""
    answer("A map of the IR drop")
    with Path("out/map/map.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    layer = load_layer("fc")

    def of(name):
        return np.array([float(row[name]) for row in rows]).reshape(layer.crossbar.shape)

    volts = voltage_from_input(layer.inputs[3:4], layer.device)
    sensed = read_currents_dense(layer.crossbar, of("omega"), volts, layer.device)
    assert of("cell_current [A]").sum(axis=0) == pytest.approx(sensed[0], rel=1e-6)
    assert of("drive [V]")[:, 0] == pytest.approx(volts[0], rel=1e-6)
    assert of("ir_drop [V]") == pytest.approx(of("drive [V]") - of("cell_voltage [V]"), abs=1e-9)


def test_a_deck_for_spectre(answer):
    """Every cell stands between its own nodes, with the state that the map of this layer has."""
    answer("A deck for Spectre")
    deck = Path("crossbar.scs").read_text()
    assert 'ahdl_include "memristor.va"' in deck
    assert "module memristor" in Path("memristor.va").read_text()
    cells = re.findall(
        r"^Xword(\d+)_col(\d+) \(word\1_col\2 bit\2_row\1\) memristor w0=(\S+)", deck, re.M
    )
    layer = load_layer("fc")
    assert len(cells) == layer.crossbar.rows * layer.crossbar.columns
    state = np.array([float(w) for *_, w in cells]).reshape(layer.crossbar.shape)
    still = layer.pulses == 0
    assert state[still] == pytest.approx(layer.initial_state[still], abs=2e-3)
    segments = re.findall(r"^R(?:word|bit)\d+_(?:col|row)\d+ \(.*\) resistor r=(\S+)", deck, re.M)
    assert set(segments) == {"1"}
    assert len(segments) == 2 * 65 * 6  # one on each line, of each cell


@pytest.fixture
def pictures(folder):
    """Bars of six lengths and places, with noise: six classes in each part."""
    from PIL import Image

    rng = np.random.default_rng(2)
    for part in ("train", "validation", "test"):
        for kind in range(6):
            home = folder / "PICTURES" / part / f"{part}{kind}"
            home.mkdir(parents=True)
            for number in range(5):
                shape = rng.uniform(0, 40, (28, 28))
                across = slice(4 * kind + 1, 4 * kind + 5)
                shape[across if part != "test" else slice(8, 20), slice(6, 22)] += 200 * (part != "test")
                shape[slice(6, 22), across] += 200 * (part == "test")
                Image.fromarray(np.clip(255 - shape, 0, 255).astype(np.uint8)).save(
                    home / f"{number}.png"
                )


def test_training_on_pictures(answer, pictures):
    """Bars that no training has seen are told apart far more often than by chance."""
    answer("Training on my pictures")
    (found,) = json.loads(Path("evaluated.json").read_text())["rows"]
    assert (found["ways"], found["tasks"]) == (5, 10)
    assert found["accuracy"] > 0.6  # by chance it is 0.2


def test_a_hundred_chips(answer):
    """The yield is that of the table, and the worst chip is what its seed gives alone."""
    answer("A hundred chips")
    with Path("out/sweep/sweep.csv").open(newline="") as file:
        chips = {int(row["seed"]): float(row["accuracy"]) for row in csv.DictReader(file)}
    assert len(chips) == 100
    told = json.loads(Path("chips.json").read_text())["distributions"][0]
    assert told["yield"]["share"] == np.mean([one >= 0.8 for one in chips.values()])
    faults = Imperfections(sense_gain=0.01, flicker=0.02)
    (alone,) = recover(
        load_layer("fc"), imperfections=faults, seed=told["worst_seed"], choices=[Compensation()]
    )
    assert alone.accuracy == pytest.approx(min(chips.values()), abs=1e-6)


@pytest.fixture
def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_cluster(answer, free_port):
    """Workers in processes of their own find what this process finds."""
    *parts, last = [line.replace("8786", str(free_port)) for line in ANSWERS["A cluster"]]
    started = []
    try:
        for line in parts:
            words = shlex.split(line.removesuffix("&"))
            with Path("dask.log").open("a") as log:
                started.append(subprocess.Popen([sys.executable, "-m", *words], stdout=log, stderr=log))
        answer("A cluster", [last])
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    with Path("out/cluster/sweep.csv").open(newline="") as file:
        found = {
            float(row["wire_resistance [Ohm]"]): float(row["accuracy"]) for row in csv.DictReader(file)
        }
    for ohms, accuracy in found.items():
        layer = load_layer("fc")
        wired = dataclasses.replace(layer.crossbar, r_word=ohms, r_bit=ohms)
        (here,) = recover(dataclasses.replace(layer, crossbar=wired), choices=[Compensation()])
        assert accuracy == pytest.approx(here.accuracy, abs=1e-6)
    assert set(found) == {1.0, 100.0}


def test_how_much_energy(answer):
    """That of a read is the power of all drivers over the time of a read; parts add up to the whole."""
    *_, said = answer("How much energy")
    found = json.loads(Path("map.json").read_text())
    energy, (array,) = found["energy"], found["arrays"]
    drivers = np.array(array["drives [V]"]) @ np.array(array["word_current [A]"])[:, 0]
    assert energy["joules_a_read"] == pytest.approx(drivers * energy["seconds_a_read"], rel=1e-5)
    assert sum(energy["joules_by_part"].values()) == pytest.approx(energy["joules_a_read"], rel=1e-6)
    program = json.loads(Path("program.json").read_text())
    assert f"{1e9 * program['energy']:.1f} nJ" in said


def test_two_devices_compared(answer):
    """Conductances at the read voltage, from the constants of Table 1."""
    answer("Two devices compared")
    first, second = json.loads(Path("compare.json").read_text())["devices"]
    assert (first["name"], second["name"]) == ("zhang2021", "vteam")
    volts = first["read_voltage"]
    assert first["gmax"] == pytest.approx(3.01e-3 * np.sinh(0.5 * volts) / volts, rel=1e-6)
    assert first["gmin"] == pytest.approx(1.58e-3 * (1 - np.exp(-0.5 * volts)) / volts, rel=1e-6)
    volts, edges = np.linspace(0, -1.1, 100_001), 0.01 * 3e-6
    rate = 1e-4 * (np.exp(-19.25 * volts) - np.exp(13.0 * volts))
    dose = rate[-1] * 3e-6 + 2 * edges * rate.mean()  # of 1/(1 - omega), by a pulse with its edges
    assert first["pulses_up"] == pytest.approx((1 / 0.1 - 1 / 0.9) / dose, rel=0.01)  # over four fifths


def test_write_and_verify(answer):
    """Every cell reads within 6 % of its target, by fewer pulses than cells would need from nothing."""
    answer("Write and verify")
    assert np.abs(table("reached.csv") - table("STATES.csv")).max() <= 0.06
    assert json.loads(Path("program.json").read_text())["endings"]["reached"] == 24
