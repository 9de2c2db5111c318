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
@pytest.mark.parametrize(
    "source",
    [pytest.param("drawn", marks=pytest.mark.long), pytest.param("given", marks=pytest.mark.slow)],
)
def test_an_ltp_ltd_curve_becomes_a_layer_that_ngspice_agrees_with(
    source, command, tmp_path, measured_data
):
    roa_fit, roa_spice = partial(command, fit_command.main), partial(command, spice_command.main)
    given = source == "given"
    path = measured_data("../cases") / "bugs-ltp-ltd.csv" if given else curve(tmp_path / "ltp_ltd.csv")
    said = ("--pulse=-1V,1us", "--read", "0.1V", "--unit", "uS")  # as columns say, too
    code, out, _ = roa_fit(path, *said, "--output-dir", tmp_path / "fit")
    assert code == 0, out
    device = load_device(tmp_path / "fit" / "device.toml")
    assert device.memristor.name == "windows"
    assert device.pulses.potentiation_voltage == -1.0
    weights = np.random.default_rng(0).uniform(-0.8, 0.8, (4, 3))
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


@pytest.mark.ngspice
@pytest.mark.long
def test_a_measured_table_goes_from_the_fit_to_a_layer_ngspice_and_an_evaluation(command, tmp_path):
    """Its file could not be read again: a number in it was written as numpy shows it."""
    from meta.commands import cli as meta_command

    roa_spice, found = partial(command, spice_command.main), tmp_path / "found.json"
    device, layer = tmp_path / "fit" / "device.toml", tmp_path / "layer.npz"
    fitted = ("--law", "table", "--output-dir", tmp_path / "fit")
    assert command(fit_command.main, curve(tmp_path / "ltp_ltd.csv"), *fitted)[0] == 0
    assert load_device(device).memristor.name == "table"
    np.savetxt(tmp_path / "w.csv", np.random.default_rng(0).uniform(-0.8, 0.8, (4, 3)), delimiter=",")
    made = ("layer", "--weights", tmp_path / "w.csv", "--device", device, "-o", layer, "--json", found)
    assert roa_spice(*made)[0] == 0
    assert json.loads(found.read_text())["rms_error"] < 0.03
    asked = ("verify", "--layer", layer, "--json", found, "--output-dir", tmp_path / "v")
    code, _, err = roa_spice(*asked)
    assert code == 2
    assert "the law is a table, which has pulses of -1 V, 1.2 V and says nothing of" in err
    assert roa_spice(*made, "--ideal")[0] == 0
    code, out, err = roa_spice(*asked, "--phase", "read")
    assert code == 0, out + err
    assert json.loads(found.read_text())["max_relative_current_error"] < 1e-6
    few = ("--dataset", "glyphs", "--tasks", 2, "--sigma-wn", 0, "--relative-rate", 1, "--queries", 5)
    code, out, err = command(meta_command.main, "evaluate", *few, "--device", device, "--json", found)
    assert code == 0, out + err
    said = json.loads(found.read_text())
    assert (said["device"], said["current_scale [-]"]) == ("ltp_ltd", 1.0)
    assert said["rows"][0]["accuracy"] > 0.6  # chance is 0.2


@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("name", ["nb_sto", "afefet"])
def test_a_network_learns_on_a_measured_device_and_its_head_is_that_of_ngspice(
    name, command, measured_data, tmp_path
):
    """Glyphs, three ways: trained on the device's law, adapted in one write, its head verified."""
    from meta.commands import cli as meta_command

    folder = measured_data("devices")
    roa_fit, roa_spice = partial(command, fit_command.main), partial(command, spice_command.main)
    roa_meta = partial(command, meta_command.main)
    if name == "nb_sto":
        files = [folder / f"nb_sto_{kind}.csv" for kind in ("depression", "potentiation")]
        how = ["--pulse=-2V,1s", "--pulse", "1V,1s", "--read", "0.3V", "--polarity", "positive-sets",
               "--law", "windows"]  # fmt: skip
    else:
        files = [folder / "afefet_potentiation_cycles.csv"]
        how = ["--pulse=-1V,1us", "--read", "0.1V", "--law", "table"]
    assert roa_fit(*files, *how, "--output-dir", tmp_path / "fit")[0] == 0
    device = tmp_path / "fit" / "device.toml"
    if name == "afefet":  # what its owner knows besides: half of a pulse moves nothing
        text = device.read_text()
        text = text.replace('"within [V]" = 0.0', '"within [V]" = 0.1')
        device.write_text(text.replace('"inert [V]" = 0.0', '"inert [V]" = 0.75'))
    trained = ("--dataset", "glyphs", "--ways", 3, "--filters", 8, "--device", device)
    short = (
        "--epochs",
        3,
        "--iterations",
        60,
        "--batch",
        4,
        "--pulses-from",
        2,
        "--validation-tasks",
        20,
    )
    code, out, err = roa_meta("train", "-o", tmp_path / "run", *trained, *short)
    assert code == 0, out + err
    network = next((tmp_path / "run").glob("*.safetensors"))
    asked = ("--network", network, "--dataset", "glyphs", "--json", tmp_path / "a.json")
    code, out, err = roa_meta("adapt", *asked, "-o", tmp_path / "a", "--wire-resistance", 0.1)
    assert code == 0, out + err
    found = tmp_path / "v.json"
    layer = ("--layer", tmp_path / "a" / "fc.npz", "--json", found, "--output-dir", tmp_path / "v")
    code, out, err = roa_spice("verify", *layer)
    assert code == 0, out + err
    said = json.loads(found.read_text())
    assert said["max_relative_current_error"] < 1e-6
    assert said["max_state_error"] < 5e-3
