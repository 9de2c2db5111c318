"""The description of what real arrays have: its TOML, its limits, its hints."""

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.imperfections import UNITS, Imperfections, load
from roa_circuit.circuit.components import LARGEST_OFFSET
from roa_circuit.device.spread import Spread

EVERYTHING = Imperfections(
    spread=Spread(names=("k", "mu1"), log_covariance=((0.04, 0.001), (0.001, 0.01)), sigma_wn=0.1),
    **{
        name: {"_bits": 8}.get(name[-5:], 0.004 * (index + 1))
        for index, name in enumerate(UNITS)
    }
    | {"adc_range": "layer", "age": 10.0, "dac_slices": 4},
)  # fmt: skip


def test_nothing_is_there_unless_asked_for():
    assert Imperfections().to_toml().strip() == ""
    assert Imperfections.from_toml("") == Imperfections()
    assert not Imperfections().drawn
    none = {name: getattr(Imperfections(), name) for name in UNITS}
    assert not any(none.values()), none


def test_limits_belong_to_what_they_allow():
    assert Imperfections(amplifier_mismatch=LARGEST_OFFSET / 5).drawn
    assert Imperfections(stuck_off=1.0).drawn
    assert Imperfections(stuck_on=0.5, stuck_off=0.5).drawn
    with pytest.raises(InputError, match="add up to more than 1"):
        Imperfections(stuck_on=0.5, stuck_off=0.51)
    with pytest.raises(InputError, match="amplifier_mismatch"):
        Imperfections(amplifier_mismatch=1.001 * LARGEST_OFFSET / 5)
    for name in ("dac_range", "temperature"):
        with pytest.raises(InputError, match="must be greater than 0"):
            Imperfections(**{name: 0.0})


@pytest.mark.parametrize(
    "x", [EVERYTHING, Imperfections(spread="device", open=1e-3), Imperfections(sigma_wn=0.0)]
)
def test_toml_round_trip(x):
    assert Imperfections.from_toml(x.to_toml()) == x


def test_every_field_is_read_and_written():
    keys = EVERYTHING.to_dict().keys()
    written = {f"{name} [{unit}]" for name, unit in UNITS.items() if name != "adc_range"}
    assert keys == written | {"spread", "adc_range"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('"stuk_on [-]" = 0.1', r"unknown key 'stuk_on \[-\]'; did you mean 'stuck_on \[-\]'"),
        ('"bandwidth [kHz]" = 1', r"did you mean 'bandwidth \[Hz\]'"),
        ('"open [-]" = 1.5', r"open = 1.5 must be a probability"),
        ('"sense_gain [-]" = 5', r"sense_gain = 5 must be at most 1, which is 100 %; 5 % is 0.05"),
        ('"open [-]" = -0.5', r"open = -0.5 must not be negative"),
        ('"open [-]" = "x"', r"open = 'x' must be a finite number \[-\]"),
        ('"open [-]" = nan', r"open = nan must be a finite number"),
        ('"dac_bits [-]" = 3.5', r"dac_bits = 3.5 must be a whole number"),
        ('"adc_bits [-]" = 8', r"adc_bits needs adc_range: .* \[A\]"),
        ('"stuck_off [-]" = 0.6\n"stuck_on [-]" = 0.6', r"add up to more than 1"),
        ('spread = "devices"', r"spread = 'devices' must be 'device'"),
        ('[spread]\nnames = ["kk"]', r"'kk' is no constant; did you mean 'k'"),
        ('"temperature [K]" = 0', r"temperature must be greater than 0"),
        ("[open", r"not valid TOML"),
    ],
)
def test_complaints_name_the_key_and_the_limit(tmp_path, text, complaint):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        load(path)


def test_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        load(tmp_path / "binary.toml")
