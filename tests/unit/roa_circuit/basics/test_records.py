"""Numbers of files: bare, or as text with an SI prefix or a percent sign, as on a command line."""

from dataclasses import dataclass

import pytest

from netlists.commands import cli
from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError
from roa_circuit.chips import imperfections

UNITS = {"share": "-", "wire": "Ohm", "edges": "s"}


@dataclass(frozen=True)
class Some:
    share: float = 0.0
    wire: float = 0.0
    edges: tuple[float, ...] = ()


@pytest.mark.parametrize(
    ("key", "given", "wanted"),
    [
        ("share [-]", "5%", 0.05),
        ("share [-]", 0.05, 0.05),
        ("wire [Ohm]", "4.7k", 4700.0),
        ("wire [Ohm]", "2 Ohm", 2.0),
        ("edges [s]", ["30 us", 1e-6], [3e-5, 1e-6]),
        ("wire [Ohm]", "layer", "layer"),  # a word, of which the record itself knows
    ],
)
def test_text_is_the_number_that_it_says(key, given, wanted):
    (value,) = records.values(Some, {key: given}, UNITS).values()
    assert value == wanted


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("wire [Ohm]", "5%", "is a share"),
        ("wire [Ohm]", "2 V", "is in V, expected Ohm"),
        ("share [-]", "5 per cent", "is not a number"),
    ],
)
def test_other_text_is_refused_by_its_key(key, given, said):
    with pytest.raises(InputError, match=said) as refused:
        records.values(Some, {key: given}, UNITS)
    assert str(refused.value).startswith(key)


def test_imperfections_take_percentages(tmp_path):
    file = tmp_path / "real.toml"
    file.write_text('"stuck_on [-]" = "2%"\n"adc_bits [-]" = 6\n"adc_range [A]" = "0.1 mA"\n')
    found = imperfections.load(file)
    assert (found.stuck_on, found.adc_range) == (0.02, 1e-4)


def test_time_limits_are_durations(command, tmp_path):
    read = ("verify", "--layer", "fc", "--phase", "read", "-o", tmp_path / "out")
    code, _, error = command(cli.main, *read, "--time-limit", "2min")
    assert code == 0, error
    code, _, error = command(cli.main, *read, "--time-limit", "5m")
    assert code == 2
    assert "write min for minutes" in error
