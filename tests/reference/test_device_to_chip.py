"""From an LTP/LTD curve to cells in ngspice, and to a network that learns on measured devices."""

import json
from functools import partial

import numpy as np
import pytest

from fitting.commands import cli as fit_command
from netlists.commands import cli as spice_command
from roa_circuit.device.parameters import load_device


def curve(path):
    """50 pulses up and 50 down, exponentials with 1 % of noise: what an instrument's file shows."""
    rng, n = np.random.default_rng(7), np.arange(1, 51)
    up = 10.0 + 80.0 * (1.0 - np.exp(-n / 18.0))
    down = 10.0 + (up[-1] - 10.0) * np.exp(-n / 18.0)
    rows = [
        f"{k + 1},{-1.0 if k < 50 else 1.2},1e-6,0.1,{G * (1 + 0.01 * rng.standard_normal()):.4f}"
        for k, G in enumerate(np.concatenate([up, down]))
    ]
    head = "pulse_number,voltage [V],width [s],read_voltage [V],conductance [uS]"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.mark.ngspice
@pytest.mark.long
def test_an_ltp_ltd_curve_becomes_a_layer_that_ngspice_agrees_with(command, tmp_path):
    roa_fit, roa_spice = partial(command, fit_command.main), partial(command, spice_command.main)
    code, out, _ = roa_fit(curve(tmp_path / "ltp_ltd.csv"), "--output-dir", tmp_path / "fit")
    assert code == 0, out
    device = load_device(tmp_path / "fit" / "device.toml")
    assert device.memristor.name == "windows"
    assert device.pulses.potentiation_voltage == -1.0
    weights = np.random.default_rng(0).uniform(-0.8, 0.8, (16, 5))
    np.savetxt(tmp_path / "w.csv", weights, delimiter=",")
    path = tmp_path / "layer.npz"
    made = ("--weights", tmp_path / "w.csv", "--device", tmp_path / "fit" / "device.toml", "-o", path)
    code, out, err = roa_spice("layer", *made)
    assert code == 0, err
    found = tmp_path / "verify.json"
    code, out, err = roa_spice(
        "verify", "--layer", path, "--json", found, "--output-dir", tmp_path / "v"
    )
    assert code == 0, out + err
    said = json.loads(found.read_text())
    assert said["max_relative_current_error"] < 1e-6
    assert said["max_state_error"] < 5e-3
