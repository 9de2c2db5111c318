"""Where lines are driven and sensed and what each resists: said in files, checked once."""

import dataclasses
import json

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.toml import dumps
from roa_circuit.chips.circuitry import Circuitry, described
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar, said
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.wiring import AS_IT_IS, WIRES, Wiring
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.read import read_currents

UNEVEN = Crossbar(
    rows=4,
    columns=3,
    r_source=(1.0, 2.0, 3.0, 4.0),
    r_word=5.0,
    r_bit=[6.0, 7.0, 8.0],
    r_sense=np.array([9.0, 0.0, 11.0]),
    drive="both",
    sense="top",
    breaks=(Break(line="word", row=2, column=1),),
)


def test_arrays_lists_and_tuples_are_the_same_crossbar():
    assert UNEVEN.r_sense == (9.0, 0.0, 11.0)
    assert UNEVEN == dataclasses.replace(UNEVEN, r_bit=np.array([6, 7, 8]))
    assert hash(UNEVEN) == hash(dataclasses.replace(UNEVEN))
    assert Crossbar.from_dict(json.loads(json.dumps(UNEVEN.to_dict()))) == UNEVEN


MISTAKES = {
    "count": ({"r_word": [1.0, 2.0]}, "r_word has shape (2,): give one number, or 4, one a word line"),
    "other lines": ({"r_bit": [1.0] * 4}, "r_bit has shape (4,): give one number, or 3, one a bit line"),
    "matrix": ({"r_word": np.ones((4, 3))}, "r_word has shape (4, 3)"),
    "ragged": ({"r_word": [[1.0], [1.0, 2.0]]}, "must be a number of Ohm, or one for each word line"),
    "text": ({"r_source": "1k"}, "r_source = '1k' must be a number of Ohm"),
    "truth": ({"r_source": True}, "r_source = True must be a number of Ohm"),
    "negative": ({"r_bit": [1.0, -2.0, 3.0]}, "r_bit[1] = -2.0 Ohm must be finite and not negative"),
    "missing": ({"r_sense": [1.0, np.nan, 3.0]}, "r_sense[1] = nan Ohm must be finite"),
    "drive": ({"drive": "rihgt"}, "drive 'rihgt' is unknown; did you mean 'right'"),
    "sense": ({"sense": "both"}, "sense 'both' is unknown"),
    "type": ({"drive": 1}, "drive 1 is unknown"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_the_line_and_what_would_do(mistake):
    change, message = MISTAKES[mistake]
    with pytest.raises(InputError) as raised:
        Crossbar(**{"rows": 4, "columns": 3} | change)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_part_keeps_its_own_lines():
    part = UNEVEN.part([1, 2], [2, 0])
    assert (part.r_source, part.r_word, part.r_bit) == ((2.0, 3.0), 5.0, (8.0, 6.0))
    assert (part.drive, part.sense) == ("both", "top")
    assert part.breaks == ()  # column 1 is not in it
    assert UNEVEN.part([2], [0, 1]).breaks == (Break(line="word", row=0, column=1),)
    assert UNEVEN.part(range(4), range(3)) == UNEVEN


def test_resistances_are_said_as_a_span():
    assert (said(1.5), said((2.0, 2.0)), said((3.0, 1.0))) == ("1.5", "2", "1 to 3")


def test_wires_of_one_resistance_are_word_and_bit_lines():
    wires = Wiring.of_wires(3.0)
    assert {name for name, value in vars(wires).items() if value is not None} == set(WIRES)
    assert wires.on(Crossbar(rows=2, columns=2, r_sense=1.0)) == Crossbar(
        rows=2, columns=2, r_word=3.0, r_bit=3.0, r_sense=1.0
    )
    assert Wiring.of_wires(None) == AS_IT_IS


LINES = Wiring(r_word=(1.0, 2.0, 3.0, 4.0), r_sense=5.0, drive="both")


def test_a_circuit_file_wires_an_array():
    circuitry = Circuitry(lines=LINES, temperature=400.15, wire_coefficient=4e-3)
    text = dumps(circuitry.to_dict())
    assert Circuitry.from_toml(text) == circuitry
    assert "[lines]" in text
    assert '"r_word [Ohm]" = [1.0, 2.0, 3.0, 4.0]' in text
    bare, device = Crossbar(rows=4, columns=3, r_bit=7.0), default_device()
    crossbar, _ = circuitry.applied(bare, device, Wiring(drive="right"))
    assert crossbar.r_word == pytest.approx((1.4, 2.8, 4.2, 5.6))  # warm
    assert (crossbar.r_bit, crossbar.r_sense) == pytest.approx((9.8, 5.0))
    assert crossbar.drive == "right"  # what is asked for wins
    assert "lines: r_word 1 to 4 Ohm, r_sense 5 Ohm, drive both" in described(circuitry.to_dict())
    assert Circuitry().to_dict() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[lines]\n"r_wrod [Ohm]" = 1', "[lines] has an unknown key 'r_wrod [Ohm]'; did you mean"),
        ("[lines]\nr_word = 1", "did you mean 'r_word [Ohm]'"),
        ("lines = 3", "must be a section [lines]"),
    ],
)
def test_a_mistake_in_the_file_is_answered_with_what_to_do(text, message):
    with pytest.raises(InputError) as raised:
        Circuitry.from_toml(text, source="c.toml")
    assert str(raised.value).startswith("c.toml: ")
    assert message in str(raised.value)


def test_layer_files_keep_the_lines(make_layer, tmp_path):
    layer = make_layer(crossbar=UNEVEN, rows=4, columns=3)
    layer.save(tmp_path / "uneven.npz")
    assert ProgrammedLayer.load(tmp_path / "uneven.npz").crossbar == UNEVEN


def test_tiles_take_their_lines_with_them(make_layer):
    rng = np.random.default_rng(0)
    crossbar = Crossbar(
        rows=9, columns=6, r_source=rng.random(9), r_bit=rng.random(6), drive="both", sense="top"
    )
    tiles = split(make_layer(crossbar=crossbar, rows=9, columns=6), TileSize(rows=4, columns=3))
    assert len(tiles) == 4
    for tile in tiles:
        own, first = tile.layer.crossbar, tile.first_row
        assert own.r_source == crossbar.r_source[first : first + own.rows]
        assert own.r_bit == (*crossbar.r_bit[tile.columns], crossbar.r_bit[-1])
        assert (own.drive, own.sense) == ("both", "top")


def test_a_second_driver_rescues_what_a_break_cuts_off():
    """The far half of a broken word line is read and written nearly as if it were whole."""
    device, state = default_device(), np.full((3, 6), 0.5)
    whole = Crossbar(rows=3, columns=6, r_source=10.0, r_word=1.0, r_bit=1.0, drive="both")
    broken = dataclasses.replace(whole, breaks=(Break(line="word", row=1, column=3),))
    volts, pulses = np.array([[0.0, 0.1, 0.0]]), np.zeros((3, 6), dtype=np.int64)
    pulses[1] = 1

    def read_and_moved(crossbar):
        written = write_in_situ(crossbar, state, pulses, device).state
        return np.stack([read_currents(crossbar, state, volts, device)[0], written[1] - 0.5])[:, 3:]

    expected = read_and_moved(whole)
    np.testing.assert_allclose(read_and_moved(broken), expected, rtol=0.01)
    assert (read_and_moved(dataclasses.replace(broken, drive="left")) < 0.1 * expected).all()
