"""Offsets of amplifiers: in the surrogate, in its dense twin, drawn, swept and calibrated away."""

import dataclasses

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.memristor import conductance
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import read_currents
from roa_circuit.sweeps import LayerSubject, sweep

DEVICE = default_device()
ARRAYS = {
    "wires": default_crossbar(6, 4),
    "no wires": Crossbar(rows=6, columns=4),
    "both ends": Crossbar(rows=6, columns=4, r_word=3.0, r_bit=(1.0, 0.0, 9.0, 2.0), drive="both"),
    "broken": Crossbar(
        rows=6, columns=4, r_word=50.0, r_bit=2.0, breaks=(Break(line="bit", row=2, column=1),)
    ),
}


def array(seed=3):
    rng = np.random.default_rng(seed)
    return rng.random((6, 4)), rng.uniform(-0.05, 0.1, (5, 6)), rng.normal(0, 5e-3, 4)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("crossbar", ARRAYS.values(), ids=ARRAYS)
def test_bit_lines_end_where_they_are_told(crossbar, exact):
    state, volts, ends = array()
    found, expected = (
        read(crossbar, state, volts, DEVICE, exact=exact, ends=ends)
        for read in (read_currents, read_currents_dense)
    )
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())
    assert np.abs(found / read_currents(crossbar, state, volts, DEVICE, exact=exact) - 1).max() > 0.01


def test_amplifiers_that_differ_have_no_offset_in_common_unless_it_is_given():
    crossbar = Crossbar(rows=2, columns=200)
    for common in ((), (0.05,) * 200):
        given = dataclasses.replace(crossbar, amplifier_offset=common)
        chip = draw(Imperfections(amplifier_mismatch=1e-3), given, DEVICE, np.random.default_rng(0))
        own = np.array(chip.crossbar.amplifier_offset) - (common or 0.0)
        assert abs(own.mean()) < 4e-4
        assert own.std() == pytest.approx(1e-3, rel=0.2)


def test_voltages_count_from_where_all_lines_end():
    """Drivers and ends raised alike change nothing."""
    state, volts, _ = array()
    raised = read_currents(ARRAYS["wires"], state, volts + 0.02, DEVICE, ends=np.full(4, 0.02))
    np.testing.assert_allclose(raised, read_currents(ARRAYS["wires"], state, volts, DEVICE), rtol=1e-10)


def test_ends_are_one_for_each_bit_line():
    state, volts, _ = array()
    with pytest.raises(InputError, match="ends must be 4 finite voltages, one a bit line, or empty"):
        read_currents(ARRAYS["wires"], state, volts, DEVICE, ends=np.zeros(3))


@pytest.mark.parametrize("gain", [None, 7.0])
def test_an_offset_is_read_with_what_it_drives(gain):
    """Kirchhoff at the input of one amplifier, the cells straight: no solver at all."""
    straight = dataclasses.replace(DEVICE.memristor, delta=1e-6, beta=1e-6)
    device = dataclasses.replace(DEVICE, memristor=straight)
    state, volts, _ = array()
    circuitry = Circuitry(amplifier=Amplifier(r_feedback=2e3, gain=gain, offset=4e-3))
    seen = circuitry.settled(Crossbar(rows=6, columns=1), state[:, :1], device)
    G, R, A = conductance(state[:, 0], 0.05, straight), 2e3, gain or 1e12
    # sum of G (V - x) = (x - out) / R, out = A (offset - x)
    x = (volts @ G + A * 4e-3 / R) / (G.sum() + (1 + A) / R)
    out = x - R * (volts @ G - x * G.sum())
    read = -out * (1 + 1 / A) / R
    np.testing.assert_allclose(seen.currents(volts)[:, 0], read, rtol=1e-9)
    weights, rest = seen.weights()
    np.testing.assert_allclose((volts @ weights + rest)[:, 0], read, rtol=1e-9)


def drawn(imperfections, crossbar, seed=0):
    return draw(imperfections, crossbar, DEVICE, np.random.default_rng(seed))


def test_mismatch_is_drawn_for_every_column_about_the_circuits_offset():
    circuitry = Circuitry(amplifier=Amplifier(r_feedback=1e4, offset=1e-3))
    wide, _ = circuitry.applied(Crossbar(rows=1, columns=2000), DEVICE)
    chip = drawn(Imperfections(amplifier_mismatch=2e-3), wide)
    offsets = np.array(circuitry.offsets(chip.crossbar))
    assert offsets.mean() == pytest.approx(1e-3, abs=5 * 2e-3 / np.sqrt(2000))
    assert offsets.std() == pytest.approx(2e-3, rel=0.1)
    both = drawn(Imperfections(amplifier_mismatch=2e-3, sense_offset=1e-9, stuck_on=0.1), wide)
    assert both.crossbar.amplifier_offset == chip.crossbar.amplifier_offset
    other = drawn(Imperfections(sense_offset=1e-9, stuck_on=0.1), wide)
    np.testing.assert_array_equal(other.sense_offset, both.sense_offset)
    assert drawn(None, wide).crossbar.amplifier_offset == (1e-3,) * 2000


def test_offsets_go_with_their_lines_onto_tiles(make_layer):
    circuitry = Circuitry(amplifier=Amplifier(r_feedback=1e4, offset=[1e-3, 2e-3, 3e-3, 0.0]))
    tiles = split(make_layer(columns=4).behind(circuitry), TileSize(rows=8, columns=2))
    assert [tile.layer.crossbar.amplifier_offset for tile in tiles] == [(1e-3, 2e-3, 0), (3e-3, 0)]


MISTAKES = {
    "too few": ('"offset [V]" = [1e-3, 0]', "has 2 offsets, the array 6 bit lines: give one for all"),
    "text": ('"offset [V]" = "1mS"', "offset [V]: '1mS' is in S, expected V"),
    "text in a list": ('"offset [V]" = [0, "m"]', "offset = 'm' must be a finite number [V]"),
    "unit": ('"offset [mV]" = 1', "did you mean 'offset [V]'"),
    "volts": ('"offset [V]" = [0, -5]', "offset = 5 V must lie within +-0.5 V"),
    "a list of none": ('"offset [V]" = []', "has 0 offsets, the array 6 bit lines"),
    "a list of gains": ('"gain [-]" = [10, 20]', "gain = [10, 20] must be a finite number [-]"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(mistake, make_layer):
    text, message = MISTAKES[mistake]

    def placed():
        circuitry = Circuitry.from_toml(f'[amplifier]\n"r_feedback [Ohm]" = 1e4\n{text}')
        return make_layer(columns=6).behind(circuitry)

    with pytest.raises(InputError) as raised:
        placed()
    assert message in str(raised.value)


def test_mismatch_is_no_more_than_amplifiers_could_have():
    with pytest.raises(InputError, match=r"amplifier_mismatch = 1 V must be at most 0\.1 V"):
        Imperfections(amplifier_mismatch=1.0)


def test_mismatch_needs_amplifiers(make_layer):
    message = "amplifier_mismatch: the circuit has no amplifiers"
    with pytest.raises(InputError, match=message):
        sweep(LayerSubject(layer=make_layer()), {"amplifier_mismatch": [0.0, 1e-3]})
    chip = drawn(Imperfections(amplifier_mismatch=1e-3), default_crossbar(6, 4))
    with pytest.raises(InputError, match=message):
        Circuitry().settled(chip.crossbar, array()[0], DEVICE)


def test_offsets_are_swept_and_calibrated_away(make_layer):
    layer = make_layer(rows=8, columns=4, reads=12)
    subject = LayerSubject(layer=layer, circuitry=Circuitry(amplifier=Amplifier(r_feedback=1e3)))
    both = ["nothing", "calibrated"]
    found = sweep(subject, {"amplifier_mismatch": [0.0, 5e-3], "compensation": both}, repeats=2)
    errors = found.current_error.sel(compensation="nothing")
    assert errors.sel(amplifier_mismatch=5e-3).min() > 3 * errors.sel(amplifier_mismatch=0).max()
    assert errors.sel(amplifier_mismatch=5e-3).std() > 0
    rest = found.current_error.sel(compensation="calibrated")
    assert rest.max() < 0.01 * errors.sel(amplifier_mismatch=5e-3).min()
    alike = sweep(subject, {"amplifier_offset": [-2e-3, 0.0]}).current_error.values.ravel()
    assert alike[0] > 3 * alike[1]


def test_noise_has_the_temperature_of_the_circuit_unless_it_has_its_own(make_layer):
    def error(circuit=None, **noise):
        subject = LayerSubject(
            layer=make_layer(),
            circuitry=Circuitry(wire_coefficient=0.0, **({"temperature": circuit} if circuit else {})),
            imperfections=Imperfections(bandwidth=1e9, **noise),
        )
        return subject.evaluate({}, [0])["mac_error"]

    assert error(400.0) == error(temperature=400.0) != error()
    assert error(400.0, temperature=300.15) == error()
