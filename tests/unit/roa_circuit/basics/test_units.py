"""SI prefixes at the boundary."""

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering, parse_duration, parse_quantity, percent


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


def test_per_cent_is_a_share_where_nothing_else_is_asked_for():
    assert parse_quantity("5%") == 0.05
    assert parse_quantity("0.5 %", unit="-") == 0.005
    for text, unit in (("5%", "V"), ("5m%", "")):
        with pytest.raises(InputError, match="share"):
            parse_quantity(text, unit=unit)


@pytest.mark.parametrize("text", ["10m", "5 M", "1e3m"])
def test_a_lone_m_is_no_time(text):
    with pytest.raises(InputError, match="minutes"):
        parse_duration(text)
