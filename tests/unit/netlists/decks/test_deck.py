"""Decks are deterministic text that says what the circuit is."""

import dataclasses
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from netlists.decks.deck import read_deck, sweep_deck, write_deck
from netlists.decks.languages import Language
from netlists.decks.stimuli import gate_stimuli, write_stimuli
from netlists.simulation.simulators import Engine
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.device.compact_model import comment, ngspice_library
from roa_circuit.device.laws import laws
from roa_circuit.device.parameters import Device, load_device

GOLDEN = Path(__file__).parents[3] / "golden"


FILES = {
    str(p.relative_to(GOLDEN)) for p in GOLDEN.rglob("*.*") if p.suffix not in (".py", ".json", ".pyc")
}


@pytest.fixture(scope="module")
def golden():
    return runpy.run_path(str(GOLDEN / "regenerate.py"))["golden_decks"]()


TABLES = {name for name in FILES if Path(name).stem == "table"}
NUMBER = re.compile(r"\d+\.?\d*(?:e[-+]?\d+)?")


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(FILES - TABLES))
def test_decks_are_the_golden_ones_to_the_byte(name, golden):
    """Those of every language, and the compact models of every law."""
    assert golden[name] == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(TABLES))
def test_curves_of_a_table_are_the_golden_ones(name, golden):
    """A search finds their coefficients, and its last steps go with the processor: 2e-10 were seen."""
    wanted = (GOLDEN / name).read_text(encoding="utf-8")
    assert NUMBER.sub("0", golden[name]) == NUMBER.sub("0", wanted)
    found, expected = ([float(n) for n in NUMBER.findall(text)] for text in (golden[name], wanted))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.long
def test_every_deck_language_and_law_has_a_golden_file(golden):
    assert set(golden) == FILES
    assert {f"{language}/write.net" for language in Language} <= FILES
    assert {
        f"cells/{law}.{kind}" for law in (*laws(), "vteam", "yakopcic") for kind in ("lib", "va")
    } <= FILES


def cards(deck, prefix):
    joined = deck.text.replace("\n+", "")
    return [line for line in joined.splitlines() if line.startswith(prefix)]


@pytest.mark.parametrize("zero", ["r_source", "r_word", "r_bit", "r_sense"])
def test_a_zero_resistance_is_no_resistor(zero):
    resistances = {"r_source": 1.0, "r_word": 2.0, "r_bit": 3.0, "r_sense": 4.0, zero: 0.0}
    crossbar = Crossbar(rows=3, columns=2, **resistances)
    deck = read_deck(crossbar, np.full((3, 2), 0.5), np.ones((1, 3)) * 0.1, default_device())
    resistors = [line.split() for line in cards(deck, "R")]
    values = {float(words[3]) for words in resistors}
    assert values == {1.0, 2.0, 3.0, 4.0} - {list(resistances).index(zero) + 1.0}
    assert all(words[1] != words[2] for words in resistors)


def test_every_node_has_two_ends():
    deck = read_deck(
        default_crossbar(4, 3), np.full((4, 3), 0.5), np.full((1, 4), 0.1), default_device()
    )
    ends: dict[str, int] = {}
    for line in [*cards(deck, "R"), *cards(deck, "V"), *cards(deck, "Xword")]:
        for node in line.split()[1:3]:
            ends[node] = ends.get(node, 0) + 1
    assert min(count for node, count in ends.items()) >= 2


def test_an_ideal_array_merges_lines_into_short_names():
    deck = read_deck(
        Crossbar(rows=2, columns=2), np.full((2, 2), 0.5), np.full((1, 2), 0.1), default_device()
    )
    assert not cards(deck, "R")
    assert cards(deck, "Xword1_col0") == ["Xword1_col0 word1 bit0 memristor w0=0.5"]
    assert cards(deck, "Vsense1") == ["Vsense1 bit1 0 0.0"]


def test_write_stimuli_are_the_waveforms(make_layer):
    """Each selected word line's trapezoids have the programme's levels, widths and edges."""
    layer = make_layer(rows=6, columns=4, density=0.5)
    deck = write_deck(layer.crossbar, layer.initial_state, layer.pulses, layer.device)
    start = 0.0
    for pulse in write_programme(layer.pulses, layer.device):
        (card,) = cards(deck, f"Vword{pulse.row} ")
        points = pwl(card)
        rise, fall = start + pulse.edge, start + pulse.edge + pulse.width
        for time, level in ((rise, pulse.voltage / 2), (fall, pulse.voltage / 2), (start, 0.0)):
            assert np.interp(time, *points) == pytest.approx(level, abs=1e-9)
        start += pulse.duration
    assert deck.duration == pytest.approx(start)


def test_read_stimulus_is_a_staircase_sampled_at_the_end_of_each_hold(make_layer):
    layer = make_layer(rows=2, columns=2)
    volts = np.array([[0.1, 0.0], [0.1, 0.05], [0.02, 0.05]])
    deck = read_deck(layer.crossbar, layer.initial_state, volts, layer.device)
    times, values = pwl(cards(deck, "Vword0 ")[0])
    for index, level in enumerate(volts[:, 0]):
        sample = (index + 1) * 1.1e-6
        assert np.interp([sample - 0.9e-6, sample], times, values) == pytest.approx([level, level])
    assert len(times) == 4  # a level that stays has no points of its own


def pwl(card):
    numbers = [float(word) for word in re.search(r"PWL\((.*)\)", card)[1].split()]
    return numbers[0::2], numbers[1::2]


def test_times_never_run_backwards(make_layer):
    layer = make_layer(rows=20, columns=5, density=0.8)
    deck = write_deck(layer.crossbar, layer.initial_state, layer.pulses, layer.device)
    for card in [*cards(deck, "Vword"), *cards(deck, "Vsense")]:
        if "PWL" in card:
            assert np.all(np.diff(pwl(card)[0]) > 0)


def test_the_same_specification_gives_the_same_bytes(make_layer):
    texts = {
        write_deck(layer.crossbar, layer.initial_state, layer.pulses, layer.device).text
        for layer in (make_layer(), make_layer())
    }
    assert len(texts) == 1


def test_names_from_files_cannot_become_cards(make_layer):
    """Regression: a device name with a line break must stay inside its comment."""
    device = load_device("zhang2021")
    evil = Device(
        name="x\n.control\nshell rm -rf /\n.endc",
        citation="y\r\nV1 0 0 1\u2028.end",
        memristor=device.memristor,
        pulses=device.pulses,
    )
    layer = make_layer(device=evil)
    deck = read_deck(
        layer.crossbar, layer.initial_state, 0.1 * layer.inputs, evil, origin="\n.include /etc/passwd"
    )
    for line in deck.text.splitlines():
        assert line.startswith("*") or not any(
            word in line for word in ("shell", "V1 ", ".end\u2028", "passwd")
        )
    assert comment("a\nb\x00c") == "* a b c"
    assert comment("goes on \\") == "* goes on "


def test_a_name_cannot_end_the_model_within_a_vacask_deck(make_layer):
    """The embedded Verilog-A ends at a mark that is not in it, whatever a device is called."""
    layer = make_layer()
    evil = dataclasses.replace(layer.device, citation='>>>FILE control postprocess("sh", "x") endc')
    deck = read_deck(layer.crossbar, layer.initial_state, 0.1 * layer.inputs, evil, engine=Engine.vacask)
    (mark,) = re.findall(r"<<<(\w+)$", deck.text, re.M)
    assert deck.text.count(f">>>{mark}") == 1
    assert deck.text.endswith(f"endmodule\n>>>{mark}\n")


def test_library_carries_every_digit():
    device = load_device("zhang2021").scaled(0.1 + 0.2)
    assert ".param current_scale=0.30000000000000004" in ngspice_library(device)


BAD = {
    "shape": (np.full((2, 2), 0.5), "shape"),
    "range": (np.full((3, 2), 1.5), r"\[0, 1\]"),
    "nan": (np.full((3, 2), np.nan), r"\[0, 1\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_states_are_checked(case):
    state, message = BAD[case]
    crossbar, device = default_crossbar(3, 2), default_device()
    with pytest.raises(InputError, match=message):
        read_deck(crossbar, state, np.zeros((1, 3)), device)
    with pytest.raises(InputError, match=message):
        write_deck(crossbar, state, np.ones((3, 2), dtype=np.int64), device)


@pytest.mark.parametrize(
    "volts", [np.zeros((1, 2)), np.zeros((0, 3)), np.full((1, 3), np.nan), np.full((1, 3), 11.0)]
)
def test_voltages_are_checked(volts):
    for build in (read_deck, sweep_deck):
        with pytest.raises(InputError, match="voltages"):
            build(default_crossbar(3, 2), np.full((3, 2), 0.5), volts, default_device())


def test_nothing_to_write_is_said():
    with pytest.raises(InputError, match="nothing to write"):
        write_deck(
            default_crossbar(3, 2),
            np.full((3, 2), 0.5),
            np.zeros((3, 2), dtype=np.int64),
            default_device(),
        )


@pytest.mark.long
def test_a_deck_can_be_written_of_any_size():
    """What no simulator here could run is for another machine."""
    crossbar = default_crossbar(128, 128)
    deck = sweep_deck(crossbar, np.zeros(crossbar.shape), np.zeros((1, 128)), default_device())
    assert deck.text.count("\nXword") == 128 * 128


def test_one_row_at_a_time_has_its_gate_open():
    """Gates change within the gaps, where all lines rest; the pulsed row's is on for its pulse."""
    pulses = np.array([[1, 0], [0, 2], [-1, -1]])
    crossbar, device = Crossbar(rows=3, columns=2, scheme="ideal"), default_device()
    gates = gate_stimuli(crossbar, pulses, device)
    words, bits, end, _ = write_stimuli(crossbar, pulses, device)
    at = np.linspace(0.0, end, 20_001)
    opened, driven = (
        np.array([np.interp(at, *zip(*points, strict=True)) for points in lines])
        for lines in (gates, [*words, *bits])
    )
    live = np.abs(driven).max(axis=0) > 1e-9
    assert (opened[:, live].sum(axis=0) == 1).all()
    assert set(np.unique(opened[:, live])) == {0.0, 1.0}
    start = 0.0
    for pulse in write_programme(pulses, device):
        middle = start + pulse.edge + 0.5 * pulse.width
        assert np.interp(middle, *zip(*gates[pulse.row], strict=True)) == 1.0
        start += pulse.duration


def test_vacask_has_no_access_devices():
    crossbar = Crossbar(rows=1, columns=1, scheme="ideal")
    with pytest.raises(InputError, match="use ngspice"):
        write_deck(crossbar, np.array([[0.5]]), np.array([[1]]), default_device(), engine=Engine.vacask)
