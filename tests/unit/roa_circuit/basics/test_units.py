"""SI prefixes at the boundary."""

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering, parse_quantity, percent


@pytest.mark.parametrize(
    ("text", "value"),
    [("4.7k", 4700), ("30 us", 30e-6), ("0.35", 0.35), ("1e3", 1e3), ("1meg", 1e6), ("2M", 2e6),
     ("5 mV", 5e-3), ("-1.1V", -1.1), (".5", 0.5), ("10 Ohm", 10), ("1 kΩ", 1e3)],
)  # fmt: skip
def test_prefixes_and_units_are_read_as_si(text, value):
    assert parse_quantity(text) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("text", ["", "k", "1x", "nan", "inf", "1e999", "1 2", "--1", "1;.end"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(InputError):
        parse_quantity(text, what="--wire-resistance")


def test_the_wrong_unit_is_refused():
    with pytest.raises(InputError, match="is in V, expected Ohm"):
        parse_quantity("3V", unit="Ohm")


def test_engineering_notation():
    assert engineering(3e-6, "s") == "3 µs"
    assert engineering(0.0, "A") == "0 A"
    assert engineering(-12_300, "Ohm") == "-12.3 kOhm"
    assert engineering(999.6e-6, "s") == "1 ms"


def test_percent_signs_stand_off():
    assert percent(0.96) == "96.0 %"
    assert percent(0.98667, 2) == "98.67 %"
    assert percent(0.0008827, 3, significant=True) == "0.0883 %"
    assert percent(1.523, 2, significant=True) == "152 %"
