"""Where searches of laws from files begin: currents, thresholds and rates are those of the readings."""

import dataclasses

import numpy as np
import pytest

from fitting import fit_device
from fitting.model.beginnings import beginnings
from fitting.model.formulaic import law_by_formulas
from fitting.readers.measurements import Measurements
from roa_circuit.basics import toml
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device


def trains(volts):
    """Trains of 20 pulses up and 20 down, that go through most of 1 to 5 uS in steps of a like size."""
    V = np.concatenate([np.repeat([-v, v], 20) for v in volts])
    G = np.tile(
        np.concatenate([np.linspace(1.2e-6, 5e-6, 20), np.linspace(4.8e-6, 1e-6, 20)]), len(volts)
    )
    return Measurements(
        source="made", labels=tuple(f"{v} V" for v in volts),
        train=np.repeat(np.arange(len(volts)), 40), voltage=V, width=np.full(len(V), 2e-3),
        read_voltage=np.full(len(V), 0.05), current=0.05 * G, sweep=np.zeros(len(V), dtype=bool),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["vteam", "yakopcic"])
@pytest.mark.parametrize("volts", [(0.3,), (0.2, 0.25, 0.3)])
def test_a_search_begins_as_conducting_and_as_quick_as_the_device(name, volts):
    found = list(beginnings(load_device(name).memristor, trains(volts)))
    assert len(found) > 8
    for law in found:
        low, high = map(float, law.conductance_range(0.05))
        assert 0.6e-6 < low < 1e-6
        assert 5e-6 < high < 8e-6
    share = 0.05  # of the range, a pulse
    for law in found[3:]:  # with thresholds below the pulses
        for sign in (-1.0, 1.0):
            speed = np.abs(
                [float(law.state_derivative(np.array(0.5), np.array(sign * v))) for v in volts]
            )
            assert float(np.mean(speed)) * 2e-3 == pytest.approx(share, rel=0.2)
            assert (speed > 0).all()


def test_they_are_the_same_each_time():
    law, m = load_device("vteam").memristor, trains((0.2, 0.3))
    assert [one.constants for one in beginnings(law, m)] == [one.constants for one in beginnings(law, m)]


def test_what_was_not_measured_stays_as_in_the_file():
    """Without pulses of depression nothing says how quick it is."""
    law, m = load_device("vteam").memristor, trains((0.3,))
    up = m.of_rows(np.flatnonzero(m.voltage < 0))
    assert {one.constants["k_off"] for one in beginnings(law, up)} == {law.constants["k_off"]}
    still = dataclasses.replace(up, voltage=0.0 * up.voltage, width=0.0 * up.width)
    assert {one.constants["k_on"] for one in beginnings(law, still)} == {law.constants["k_on"]}


def own_vteam(rng):
    """LTP and LTD by VTEAM with a linear window, in closed form: the state decays by a share a pulse."""
    up, down = np.arange(1, 51), np.arange(1, 51)
    x = np.concatenate([np.exp(-0.06 * up), 1.0 - (1.0 - np.exp(-3.0)) * np.exp(-0.05 * down)])
    R = 15e3 + 85e3 * x
    m = trains((1.0,))
    V = np.repeat([-1.0, 1.2], 50)
    return dataclasses.replace(
        m, train=np.zeros(100, dtype=np.intp), voltage=V, width=np.full(100, 1e-5),
        read_voltage=np.full(100, 0.1), sweep=np.zeros(100, dtype=bool),
        current=0.1 / R * (1.0 + 0.01 * rng.standard_normal(100)),
    )  # fmt: skip


@pytest.mark.long
def test_a_law_describes_its_own_curve():
    """Far from the constants of its file: the search ended 16 % off where 1 % is the noise."""
    prior = load_device("zhang2021")
    form = law_by_formulas("vteam", prior.memristor)
    fit = fit_device(own_vteam(np.random.default_rng(31)), prior, form=form)
    assert fit.relative_rmse < 0.012
    found = fit.memristor.constants
    assert found["p_off"] == pytest.approx(1.0, abs=0.15)
    assert found["p_on"] == pytest.approx(1.0, abs=0.15)


def test_currents_bend_as_sweeps_do():
    """An exponent that is hardly felt in the file is at once what a sweep says of it."""
    law = load_device("yakopcic").memristor
    truth = law.changed(a_1=1e-4, a_2=1e-4, b=2.0)
    V = np.concatenate([np.full(10, 0.05), np.linspace(0.1, 1.5, 15)])
    one = trains((1.0,))
    m = dataclasses.replace(
        one, train=np.zeros(25, dtype=np.intp), voltage=np.append(np.full(10, -1.0), np.zeros(15)),
        width=np.append(np.full(10, 1e-5), np.zeros(15)), read_voltage=V, sweep=V > 0.05,
        current=np.asarray(truth.current(np.append(np.linspace(0.1, 0.6, 10), np.full(15, 0.6)), V)),
    )  # fmt: skip
    begun = next(iter(beginnings(law, m)))
    assert begun.constants["b"] == pytest.approx(2.0, rel=0.25)


def test_a_law_file_is_found_beside_the_parameter_set_that_names_it(tmp_path, monkeypatch):
    lab = tmp_path / "lab"
    lab.mkdir()
    document = load_device("vteam").to_dict()
    (lab / "formulas.toml").write_text(toml.dumps({"law": document.pop("law")}), encoding="utf-8")
    document["memristor"]["law"] = "formulas.toml"
    (lab / "mine.toml").write_text(toml.dumps(document), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    prior = load_device("zhang2021").memristor
    assert law_by_formulas("lab/mine.toml", prior).begins == load_device("vteam").memristor
    (lab / "formulas.toml").unlink()
    (lab / "mine.toml").rename(lab / "other.toml")  # forms are kept by their name
    with pytest.raises(InputError, match=r"lab.formulas\.toml: cannot be read"):
        law_by_formulas("lab/other.toml", prior)
