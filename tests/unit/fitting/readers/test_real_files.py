"""Measured files of other people, read as they came: what they hold, or the options that they need."""

import numpy as np
import pytest

from fitting import read_measurements
from fitting.judgement.hints import hints
from fitting.readers.conventions import Conventions
from roa_circuit.basics.errors import InputError

PULSE = Conventions(pulse=(-1.0, 1e-6), read_voltage=0.1)
BOTH = ((-1.0, 1e-6), (1.0, 1e-6))


@pytest.fixture(scope="module")
def devices(measured_data):
    return measured_data("devices")


@pytest.mark.parametrize("name", ["A_depression", "C_potentiation", "E_depression", "nb_sto_depression"])
def test_trains_of_one_device_lack_only_their_pulse_and_read_voltage(devices, name):
    with pytest.raises(InputError, match=r"missing \(or give --pulse -1.1V,3us --read 0.1V\)$"):
        read_measurements(devices / f"{name}.csv")


@pytest.mark.parametrize(
    ("name", "readings", "pulses", "first", "last"),
    [
        ("A_depression", 78, 100.6, 4.17692e-8, 3.15385e-9),
        ("C_depression", 50, 49, 116.848e-6, None),
        ("E_potentiation", 50, 49, 2.35e-11, 5.59e-9),
        ("nb_sto_potentiation", 101, 100, 6.35208e-7, None),
        ("nb_sto_depression", 101, 100, 5.9116e-4, None),
    ],
)
def test_a_pulse_column_counts_pulses_fractions_included(devices, name, readings, pulses, first, last):
    """The number of the first reading is 0: no pulse came before it."""
    m = read_measurements(devices / f"{name}.csv", PULSE)
    assert len(m.labels) == 1
    assert len(m) == readings
    assert m.pulses.sum() == pytest.approx(pulses)
    np.testing.assert_allclose(m.width, m.pulses * 1e-6)
    assert m.conductance[0] == pytest.approx(first)
    assert last is None or m.conductance[-1] == pytest.approx(last)


def test_cycles_are_columns_with_units_in_every_title(devices):
    m = read_measurements(devices / "afefet_potentiation_cycles.csv", PULSE)
    assert m.labels[0] == "cycle 0 (S)"
    assert (len(m.labels), len(m)) == (8, 8 * 254)
    assert m.conductance[0] == pytest.approx(1.08094e-5)
    assert m.pulses.sum() == 8 * 253


def test_normalised_readings_keep_their_sign_and_say_so(devices):
    path = devices / "gong_et_al.csv"
    with pytest.raises(InputError, match="--unit 1, as readings of both signs are normalised"):
        read_measurements(path)
    m = read_measurements(path, Conventions(pulses=BOTH, read_voltage=0.1, unit="1"))
    assert m.normalised
    assert m.labels == ("column 1", "column 2")
    assert (len(m), m.pulses.sum()) == (2000, 2000)
    assert m.conductance.min() < -1.2
    assert m.conductance[0] == pytest.approx(-0.84444)
    assert set(m.voltage[:1000]) == {-1.0}
    assert set(m.voltage[1000:]) == {1.0}
    shifted = m.fitted()
    assert shifted.conductance.min() == pytest.approx(0.1 * np.ptp(m.conductance))
    np.testing.assert_allclose(np.diff(shifted.conductance), np.diff(m.conductance), atol=1e-12)
    assert "is added to each" in shifted.assumed[-1]


def test_an_export_of_a_parameter_analyser_says_itself_what_it_swept(devices):
    m = read_measurements(devices / "b1500_dualset.csv")
    assert len(m) == 262
    assert m.sweep.all()
    assert (m.read_voltage.min(), m.read_voltage.max()) == (0.0, 1.3)
    assert m.current.max() == pytest.approx(5e-3, rel=1e-3)
    assert m.limited.sum() == 32
    assert len(m.fitted()) == 230
    assert any("--dwell" in hint for hint in hints(m))


@pytest.mark.parametrize(("name", "limited", "sign"), [("set1", 115, 1), ("reset1", 0, -1)])
def test_sweeps_with_units_and_marks_of_compliance_in_the_cells(devices, name, limited, sign):
    """The resistance beside them is V / I, and left alone."""
    m = read_measurements(devices / f"hfo2_{name}.txt")
    assert len(m) == 202
    assert m.sweep.all()
    assert m.limited.sum() == limited
    assert sign * m.read_voltage[1] == pytest.approx(0.01)
    assert "Resistance (is V / I)" in m.ignored
    assert len(m.fitted()) == 202 - limited
    assert any("--dwell" in hint for hint in hints(m))


CASES = [
    ("data-blocks-side-by-side", {"unit": "A"}, 4, 160, 160, 5.17577e-6, 4.95253e-4),
    ("data-pulse-index-column", {"unit": "A"}, 2, 60, 60, 5.17577e-6, 3.31949e-4),
    ("data-wide-pulse-number", {"unit": "Ohm"}, 3, 60, 60, 1 / 2.18993e8, 1 / 4.02341e7),
    ("data-pulse-gaps", None, 1, 11, 48, 2.35e-11, 5.51e-9),
    ("data-negative-at-noise-floor", {}, 1, 49, 48, 5.78e-12, 2.94e-7),
    ("data-robust-loss-holds", None, 2, 58, 58, 2.24891e-6, 2.82636e-5),
    ("bugs-columns-two", {}, 2, 20, 20, 98e-6, 217e-6),
    ("bugs-columns-index", {}, 2, 12, 12, 15e-6, 31e-6),
    ("bugs-columns-pulse-number", {}, 2, 12, 12, 15e-6, 95e-6),
    ("bugs-ltp-ltd", None, 1, 100, 100, 1.0022e-5, 1.01112e-4),
]


@pytest.mark.parametrize(("name", "how", "trains", "readings", "pulses", "least", "most"), CASES)
def test_tables_that_were_misread(measured_data, name, how, trains, readings, pulses, least, most):
    """No count is a train, no comma is lost; `how` is beside a pulse and a read voltage, unless None."""
    given = {} if how is None else {"pulse": (-1.0, 1e-6), "read_voltage": 0.1, **how}
    m = read_measurements(measured_data("../cases") / f"{name}.csv", Conventions(**given))
    assert (len(m.labels), len(m), m.pulses.sum()) == (trains, readings, pulses)
    assert m.conductance.min() == pytest.approx(least)
    assert m.conductance.max() == pytest.approx(most, rel=1e-5)


def test_a_small_export_with_columns_named_and_without(measured_data):
    path = measured_data("../cases") / "data-b1500-easyexpert.csv"
    named = {"columns": {"voltage": "Vrow [V]", "current": "Irow [A]"}, "dwell": 0.02}
    for how in (named, {"dwell": 0.02}):
        m = read_measurements(path, Conventions(**how))
        assert (len(m), m.limited.sum()) == (26, 2)
        assert (m.read_voltage.min(), m.read_voltage.max()) == (0.0, pytest.approx(0.97))
        assert m.current.max() == pytest.approx(4.0006e-3)


def test_a_loop_without_a_word_gets_its_dwell_and_its_polarity(measured_data):
    m = read_measurements(measured_data("../cases") / "data-hysteresis-loop-no-hint.csv")
    said = " ".join(hints(m))
    assert "--dwell 1.84s from the times of the points" in said
    assert "--polarity positive-sets" in said
