"""Parameter sets: round trips, units, and complaints that help."""

import dataclasses

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.parameters import Device, load_device, shipped

TABLE_1 = load_device("zhang2021")


def test_the_shipped_set_is_table_1():
    assert shipped() == ["vteam", "yakopcic", "zhang2021"]
    assert dataclasses.astuple(TABLE_1.memristor) == (1e-4, 19.25, 13.0, 3.01e-3, 0.5, 1.58e-3, 0.5, 1.0)
    assert "Table 1" in TABLE_1.citation


def test_toml_round_trip_is_exact(tmp_path):
    odd = dataclasses.replace(TABLE_1.scaled(1 / 3), citation='a "quoted"\nline \\ µ')
    path = tmp_path / "odd.toml"
    path.write_text(odd.to_toml(), encoding="utf-8")
    assert load_device(path) == odd


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('"mu1 [1/V]"', '"mu_1 [1/V]"'), r"mu_1.*did you mean 'mu1 \[1/V\]'"),
        (('"k [1/s]" = 0.0001', ""), r"lacks 'k \[1/s\]'"),
        (("0.00301", "-1.0"), r"gamma = -1 A must be greater than 0"),
        (("0.00301", "nan"), r"gamma = nan must be a finite number"),
        (("0.00301", '"x"'), r"gamma = 'x' must be a finite number"),
        (("-1.1", "1.1"), r"potentiation_voltage = 1.1 V must be less than 0"),
        (("[pulses]", "[pulse]"), r"section \[pulses\] is missing"),
        (("[memristor]", "memristor]"), r"not valid TOML"),
    ],
)
def test_complaints_name_the_key_and_the_limit(change, complaint):
    text = TABLE_1.to_toml()
    assert change[0] in text
    with pytest.raises(InputError, match=complaint):
        Device.from_toml(text.replace(*change))


def test_unknown_names_and_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="did you mean 'zhang2021'"):
        load_device("zhang2012")
    with pytest.raises(InputError, match="cannot be read"):
        load_device(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        load_device(binary)


def test_the_design_point_scales_currents_alone():
    device = default_device()
    assert device.memristor.current_scale == 0.01
    assert device.scaled(1.0) == TABLE_1
    assert default_crossbar(3, 2).shape == (3, 2)


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    """The fit of a table leaves such currents, and its file could not be read again."""
    memristor = TABLE_1.memristor.changed(gamma=np.float64(5.25e-6))
    (tmp_path / "device.toml").write_text(dataclasses.replace(TABLE_1, memristor=memristor).to_toml())
    assert load_device(tmp_path / "device.toml").memristor.gamma == 5.25e-6
