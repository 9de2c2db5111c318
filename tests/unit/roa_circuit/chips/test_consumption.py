"""Figures of converters and digital circuits: each has a source, and a file replaces them."""

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.consumption import UNITS, load, published


def test_every_published_number_has_its_source():
    found = published()
    assert set(found.sources) == set(UNITS)
    assert all(len(source) > 10 for source in found.sources.values())
    assert found.adc == pytest.approx(found.adc_step * 256)
    assert found.dac == pytest.approx(8 * found.dac_bit)


def test_a_file_replaces_some_and_is_named_as_their_source(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '"adc_bits [-]" = 6\n"digital_mac [J]" = 1e-12\n[sources]\ndigital_mac = "my chip"\n'
    )
    found, usual = load(file), published()
    assert (found.adc_bits, found.digital_mac) == (6, 1e-12)
    assert found.adc == usual.adc / 4
    assert found.sources["adc_bits"] == f"given in {file}"
    assert found.sources["digital_mac"] == "my chip"
    assert found.sources["dac_bit"] == usual.sources["dac_bit"]


def test_converters_of_a_few_columns_are_quick():
    found = published()
    assert found.conversion_seconds(65) == pytest.approx(found.columns_per_adc / found.adc_rate)
    assert found.conversion_seconds(2) == pytest.approx(2 / found.adc_rate)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('"adc_stp [J]" = 1', "did you mean 'adc_step"),
        ('"adc_step [pJ]" = 1', "unknown key"),
        ('"adc_step [J]" = -1.0', "must not be negative"),
        ('"adc_bits [-]" = 6.5', "must be a whole number"),
        ('"adc_rate [1/s]" = 0', "must be greater than 0"),
        ('"driver_efficiency [-]" = 1.5', "at most 1"),
        ('"digital_mac [J]" = nan', "finite"),
        ('"digital_mac [J]" = "small"', "finite number"),
        ("[sources]\nadc = 'x'", "unknown key 'adc'"),
        ("sources = 3", "must be a section of texts"),
        ("adc_step", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        load(file)
    assert str(file) in str(caught.value)
