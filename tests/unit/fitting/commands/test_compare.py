"""`roa-fit compare`: devices of any law side by side."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fitting.judgement.devices import STATES, side
from roa_circuit.device.memristor import after_dose, current, state_derivative
from roa_circuit.device.notes import Measured, Notes
from roa_circuit.device.parameters import load_device
from roa_circuit.device.spread import Spread

TABLE_1 = load_device("zhang2021")


def with_edges(share):
    """Table 1 with pulses of this `edge_fraction`."""
    pulses = dataclasses.replace(TABLE_1.pulses, edge_fraction=share)
    return dataclasses.replace(TABLE_1, pulses=pulses)


def test_numbers_are_those_of_closed_forms():
    one, p = side(with_edges(1e-12), 0.01), TABLE_1.memristor
    dose = p.k * 3e-6 * (np.exp(1.1 * p.mu1) - np.exp(-1.1 * p.mu2))
    np.testing.assert_allclose(one.raised, (1 - STATES) - 1 / (1 / (1 - STATES) + dose), rtol=1e-9)
    assert one.pulses_up == pytest.approx((1 / 0.1 - 1 / 0.9) / dose)
    passed = (np.arange(500) + 0.5)[:, None] / 500  # the state moves while the current flows
    energy = np.mean(np.abs(current(after_dose(STATES, passed * dose, p), -1.1, p))) * 1.1 * 3e-6
    assert one.energy_up == pytest.approx(energy, rel=1e-6)
    assert one.up[1] - one.up[0] == pytest.approx(one.raised[0])
    assert one.sigma_wn is None


@pytest.mark.parametrize(("way", "share"), [("up", 0.01), ("up", 0.5), ("down", 0.5)])
def test_a_pulse_has_its_edges(way, share):
    """They were left out: a device with slow edges was compared as if its pulses were rectangles."""
    device, p = with_edges(share), TABLE_1.memristor
    V, width = (-1.1, 3e-6) if way == "up" else (1.4, 30e-6)
    edge, states, energies = share * width, [], []
    for start in STATES:

        def slope(t, y):
            v = V * np.interp(t, [0.0, edge, edge + width, 2.0 * edge + width], [0.0, 1.0, 1.0, 0.0])
            return [state_derivative(y[0], v, p), v * current(y[0], v, p)]

        found = solve_ivp(
            slope, (0.0, 2.0 * edge + width), [start, 0.0], method="LSODA", max_step=edge / 5.0,
            rtol=1e-9, atol=[1e-12, 1e-18],
        )  # fmt: skip
        states.append(found.y[0, -1])
        energies.append(found.y[1, -1])
    one = side(device, 0.01)
    changed = one.raised if way == "up" else one.lowered
    np.testing.assert_allclose(changed, np.abs(np.array(states) - STATES), rtol=1e-5)
    energy = one.energy_up if way == "up" else one.energy_down
    assert energy == pytest.approx(np.mean(energies), rel=2e-3)  # edges by Simpson's rule
    assert side(with_edges(0.5), 0.01).pulses_up < 0.97 * side(with_edges(0.01), 0.01).pulses_up


def test_levels_count_the_edges_of_their_pulses():
    assert side(with_edges(2.0), 1e-3).levels < side(with_edges(0.01), 1e-3).levels


def test_what_the_measurement_did_not_tell_is_repeated(roa_fit, tmp_path):
    notes = Notes(currents=("delta from a book",), writes=("mu1 from a book",), measured=Measured())
    path = tmp_path / "mine.toml"
    path.write_text(dataclasses.replace(TABLE_1, name="mine", notes=notes).to_toml())
    code, out, _ = roa_fit("compare", path, "zhang2021", "--output-dir", tmp_path)
    assert code == 0
    said = [line for line in out.splitlines() if line.startswith("device mine: ")]
    assert len(said) == 2
    assert said[0].endswith("amperes, siemens and joules are in part assumed: delta from a book")
    assert "mu1 from a book; no potentiation was measured" in said[1]
    assert "device zhang2021: " not in out
    one, other = json.loads((tmp_path / "compare.json").read_text())["devices"]
    assert (one["remarks"], other["remarks"]) == (said, [])
    assert "mu1 from a book; no potentiation was measured" in (tmp_path / "compare.html").read_text()


def test_noise_leaves_fewer_levels():
    names = ("k", "mu1")
    spread = Spread(names=names, log_covariance=((0.01, 0.0), (0.0, 0.01)), sigma_wn=0.05, devices=9)
    noisy = dataclasses.replace(TABLE_1, spread=spread)
    few, many = side(noisy, 0.01).levels, side(TABLE_1, 0.001).levels
    assert 2 <= few < side(TABLE_1, 0.01).levels < many


def test_what_a_law_does_not_say_is_a_remark():
    from roa_circuit.device.laws.table import Table

    branches = {n: TABLE_1.memristor.constants[n] for n in ("gamma", "delta", "alpha", "beta")}
    table = Table(
        states=(0.0, 0.5, 1.0), up=(-1.1,), down=(), raises=((0.1, 0.05, 0.0),), lowers=(),
        width_up=3e-6, width_down=3e-6, **branches,
    )  # fmt: skip
    one = side(dataclasses.replace(TABLE_1, memristor=table), 0.01)
    assert one.raised is not None
    assert one.lowered is None
    assert one.levels is None
    assert "says nothing of" in one.remarks[0]


@pytest.mark.parametrize(("threshold", "way"), [("v_on", "up"), ("v_off", "down")])
def test_a_pulse_below_its_threshold_is_a_remark(roa_fit, tmp_path, threshold, way):
    path = tmp_path / "still.toml"
    path.write_text(load_device("vteam").with_constants(**{threshold: 1.2}).to_toml())
    code, _, err = roa_fit("compare", path, "zhang2021", "--output-dir", tmp_path)
    assert (code, err) == (0, "")
    text = (tmp_path / "compare.json").read_text()
    one = json.loads(text)["devices"][0]
    other = "up" if way == "down" else "down"
    assert one[f"pulses_{way}"] is None
    assert one[f"pulses_{other}"] > 0
    assert "Infinity" not in text
    assert "moves nothing" in " ".join(one["remarks"])


def test_the_command_writes_a_table_a_page_and_numbers(roa_fit, tmp_path):
    code, out, _ = roa_fit("compare", "zhang2021", "vteam", "--output-dir", tmp_path)
    assert code == 0
    assert "2 devices side by side" in out
    found = json.loads((tmp_path / "compare.json").read_text())
    assert [one["law"] for one in found["devices"]] == ["zhang2021", "vteam"]
    assert len(found["devices"][1]["raised"]) == len(found["devices"][1]["states"])
    page = (tmp_path / "compare.html").read_text()
    assert page.count("<svg") == 3
    assert "k_off [1/s]" in page


@pytest.mark.parametrize(
    ("given", "said"),
    [(["zhang2021"], "2 to 7 devices"), (["zhang2021", "none.toml"], "none.toml"),
     (["zhang2021", "vteam", "--noise", "2"], "between 0 and 100 %")],
)  # fmt: skip
def test_bad_input_is_one_line(roa_fit, tmp_path, given, said):
    code, _, err = roa_fit("compare", *given, "--output-dir", tmp_path / "o")
    assert code == 2
    assert said in err
    assert not (tmp_path / "o").exists()


def test_less_than_one_pulse_is_said_so():
    from fitting.presentation.side_by_side import rows

    pulses = dataclasses.replace(TABLE_1.pulses, potentiation_voltage=-3.0)
    sides = [side(one, 0.01) for one in (dataclasses.replace(TABLE_1, pulses=pulses), TABLE_1)]
    found = {name: values for name, *values in rows(sides)}
    assert sides[0].pulses_up < 1e-6
    assert found["pulses up"] == ["< 1", f"{sides[1].pulses_up:.3g}"]


def test_a_device_that_potentiation_turns_down_is_said_to_be_reversed():
    """Its Gmin stood above its Gmax without a word."""
    law = TABLE_1.memristor
    turned = TABLE_1.with_constants(gamma=0.1 * law.alpha * law.beta / law.delta)
    assert side(TABLE_1, 0.01).said == []
    assert side(turned, 0.01).said == ["zhang2021: reversed: potentiation lowers its current at 0.05 V"]
