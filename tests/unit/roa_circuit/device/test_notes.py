"""What a device file says that its measurement did not tell."""

import dataclasses

import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.footing import remarks
from roa_circuit.device.notes import Measured, Notes
from roa_circuit.device.parameters import Device, load_device

TABLE_1 = load_device("zhang2021")
OWN = {
    "potentiation_voltage": (-1.1, -1.1), "potentiation_width": (3e-6, 3e-6),
    "depression_voltage": (1.4, 1.4), "depression_width": (3e-5, 3e-5),
}  # fmt: skip


def noted(**notes):
    return dataclasses.replace(TABLE_1, notes=Notes(**notes))


@pytest.mark.parametrize(
    "notes",
    [
        Notes(),
        Notes(currents=("delta from here",), writes=("mu1 from there", 'a "quoted" µ')),
        Notes(measured=Measured()),
        Notes(writes=("k",), measured=Measured(**OWN)),
    ],
)
def test_notes_come_back_from_a_file_and_from_a_layer(notes, tmp_path, make_layer):
    device = dataclasses.replace(TABLE_1, notes=notes)
    path = tmp_path / "noted.toml"
    path.write_text(device.to_toml(), encoding="utf-8")
    assert load_device(path) == device
    layer = make_layer(device=device)
    layer.save(tmp_path / "l.npz")
    assert type(layer).load(tmp_path / "l.npz").device == device


def test_a_file_without_notes_has_none_to_say():
    assert "notes" not in TABLE_1.to_dict()
    assert remarks(TABLE_1) == []
    assert remarks(noted(measured=Measured(**OWN))) == []


def test_pulses_are_held_against_those_that_were_measured():
    """They are edited by hand: what is said of them must follow."""
    one_way = {name: ends for name, ends in OWN.items() if name.startswith("pot")}
    device = noted(measured=Measured(**one_way))
    assert remarks(device)[0].endswith(
        "in part assumed: no depression was measured, all of it is assumed"
    )
    within = noted(measured=Measured(**OWN | {"depression_voltage": (1.0, 1.5)}))
    assert remarks(within) == []
    pulses = dataclasses.replace(within.pulses, depression_voltage=1.6)
    [said] = remarks(dataclasses.replace(within, pulses=pulses))
    assert "depression pulses of 1.6 V, 30 µs were not measured (1 V to 1.5 V, 30 µs were)" in said
    longer = dataclasses.replace(within.pulses, potentiation_width=4e-6)
    [said] = remarks(dataclasses.replace(within, pulses=longer))
    assert "potentiation pulses of -1.1 V, 4 µs were not measured (-1.1 V, 3 µs were)" in said
    near = dataclasses.replace(within.pulses, potentiation_width=3.02e-6)
    assert remarks(dataclasses.replace(within, pulses=near)) == []


def test_what_is_of_writes_alone_is_not_said_of_reads():
    device = noted(currents=("delta from here",), writes=("mu1 from there",))
    assert len(remarks(device)) == 2
    [said] = remarks(device, writes=False)
    assert said == "device zhang2021: amperes, siemens and joules are in part assumed: delta from here"
    assert ("not measured", "mu1 from there") in device.facts().rows


def test_a_section_that_means_nothing_is_kept_in_mind_and_said():
    """A typing error, [spraed], once left a device without its spread and without a word."""
    document = TABLE_1.to_dict() | {"spraed": {"sigma_wn [-]": 0.1}, "author": "me"}
    device = Device.from_dict(document)
    assert device == TABLE_1
    assert device.unread == ("spraed", "author")
    assert "spraed, author means nothing here and is not read" in remarks(device, writes=False)[0]
    for name in ("vteam", "yakopcic"):
        assert Device.from_dict(load_device(name).to_dict()).unread == ()


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("all is well", r"notes = 'all is well' must be a section \[notes\]"),
        ({"current": ["x"]}, r"unknown key 'current'; did you mean 'currents'"),
        ({"currents": "x"}, r"currents = 'x' must be a list of lines of text"),
        ({"writes": [1.0]}, r"writes = \[1.0\] must be a list of lines of text"),
        ({"writes": [" "]}, r"must be a list of lines of text"),
        ({"measured": 1}, r"must be a section \[notes.measured\]"),
        ({"measured": {"voltage [V]": [1.0, 1.0]}}, r"\[notes.measured\] has an unknown key"),
        ({"measured": {"depression_voltage [V]": [1.0, 2.0]}}, "both voltage and width of depression"),
        ({"measured": {"depression_voltage [V]": [2.0, 1.0]}}, "must be in order, and greater than 0"),
        ({"measured": {"potentiation_voltage [V]": [-1.0, 1.0]}}, "must be in order, and less than 0"),
        ({"measured": {"depression_width [s]": [1e-6]}}, "must be two numbers"),
        ({"measured": {"depression_width [s]": [1e-6, "x"]}}, "must be a finite number"),
    ],
)
def test_damaged_notes_are_refused_in_one_line(section, complaint):
    with pytest.raises(InputError, match=complaint):
        Device.from_dict(TABLE_1.to_dict() | {"notes": section})
