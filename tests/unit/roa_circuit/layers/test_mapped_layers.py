"""Layers of every mapping: files, tiles, orders and readouts, against what columns must add up to."""

import json
from dataclasses import replace

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.converter_use import uses
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.layers.compensation import as_it_is, heaviest_nearest
from roa_circuit.layers.deployed import deploy, read_chip
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import CHOICES, Compensation, ideal_currents, recover
from roa_circuit.layers.tiling import TileSize, outputs, split
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import read_currents

MAPPINGS = [REFERENCE, PAIR, Mapping(every=2), Mapping(every=3), Mapping(every=16)]


def a_layer(mapping, rows=9, count=7, *, crossbar=None, seed=0, reads=4):
    """Random weights on their columns; nothing is written."""
    rng = np.random.default_rng(seed)
    states = mapping.states_of(rng.uniform(-0.8, 0.8, (rows, count)))
    return ProgrammedLayer(
        name="synthetic",
        device=default_device(),
        crossbar=crossbar or default_crossbar(*states.shape),
        initial_state=states,
        pulses=np.zeros(states.shape, dtype=np.int64),
        inputs=rng.random((reads, rows)),
        labels=rng.integers(0, count, reads),
        mapping=mapping,
    )


def perfect(mapping, rows=9, count=7):
    return Crossbar(rows=rows, columns=mapping.lines(count))


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_a_layer_file_keeps_its_mapping(mapping, tmp_path):
    a_layer(mapping).save(tmp_path / "one.npz")
    assert ProgrammedLayer.load(tmp_path / "one.npz").mapping == mapping


def test_a_file_from_before_there_was_a_choice_has_a_reference_column(tmp_path):
    path = tmp_path / "old.npz"
    a_layer(REFERENCE).save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays["header"]))
    del header["mapping"]
    np.savez(path, **{**arrays, "header": np.array(json.dumps(header))})
    assert ProgrammedLayer.load(path).mapping == REFERENCE
    header["mapping"] = "pear"
    np.savez(path, **{**arrays, "header": np.array(json.dumps(header))})
    with pytest.raises(InputError, match="did you mean 'pair'"):
        ProgrammedLayer.load(path)


@pytest.mark.parametrize("size", ["64x64", "4x3", "9x4", "3x1"])
@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_tiles_add_up_to_the_product_of_inputs_and_weights(mapping, size):
    layer = a_layer(mapping, crossbar=perfect(mapping))
    tiles = split(layer, TileSize.parse(size))
    y = outputs(tiles, [ideal_currents(tile.layer, tile.layer.inputs) for tile in tiles])
    g = mapping.weights_of(layer.initial_state)
    np.testing.assert_allclose(y, layer.inputs @ g, atol=0.02 * np.abs(y).max())  # Eq. 2 is curved
    whole = layer.outputs(layer.joined(ideal_currents(layer, layer.inputs)))
    np.testing.assert_allclose(y, whole, atol=1e-12)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_lines_of_their_own_go_with_their_columns(mapping):
    lines = mapping.lines(7)
    crossbar = replace(default_crossbar(9, lines), r_bit=tuple(np.arange(1.0, lines + 1)))
    tiles = split(a_layer(mapping, crossbar=crossbar), TileSize(rows=9, columns=3))
    for tile in tiles:
        own = np.array(tile.layer.crossbar.r_bit)
        plus = tile.layer.mapping.plus(len(own))
        np.testing.assert_array_equal(own[plus], mapping.plus(lines)[tile.columns] + 1.0)


def test_currents_of_another_number_of_lines_are_refused():
    with pytest.raises(InputError, match=r"currents of 9 lines; mapping pair has 14 columns, read by 7"):
        a_layer(PAIR).outputs(np.zeros((1, 9)))


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_an_order_keeps_together_what_is_subtracted_as_currents(mapping):
    rng, lines = np.random.default_rng(1), mapping.lines(7)
    G, volts = rng.random((5, lines)), rng.random((3, 5))
    G[:, mapping.references(lines)] = rng.random((5, 1))  # references are all alike
    order = heaviest_nearest(default_crossbar(5, lines), G, volts, mapping)
    currents = order.inputs(volts) @ order.place(G)
    np.testing.assert_allclose(order.outputs(mapping.joined(currents)), mapping.joined(volts @ G))
    np.testing.assert_array_equal(order.restore(mapping.joined(order.place(G))), mapping.joined(G))
    channels = mapping.joined(volts @ G)
    np.testing.assert_array_equal(order.outputs(order.place_channels(channels)), channels)
    same = as_it_is((5, lines), mapping)
    np.testing.assert_array_equal(same.outputs(channels), channels)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_perfect_wires_leave_nothing_to_recover(mapping):
    for one in recover(a_layer(mapping, crossbar=perfect(mapping))):
        assert one.agreement == 1
        assert one.weight_error < 1e-6
        assert one.mac_error < 1e-5


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_every_compensation_gives_something_back(mapping):
    crossbar = replace(default_crossbar(40, mapping.lines(8)), r_word=4.0, r_bit=4.0)
    layer = a_layer(mapping, 40, 8, crossbar=crossbar, reads=20)
    layer.initial_state[:] = 0.5 + 0.5 * (layer.initial_state - 0.5)
    found = {str(one.compensation): one for one in recover(layer)}
    assert list(found) == [str(choice) for choice in CHOICES]
    assert found["calibrated"].mac_error < 0.6 * found["nothing"].mac_error
    assert found["predistorted"].mac_error < 0.1 * found["nothing"].mac_error
    assert found["predistorted"].weight_error < 1e-2 * found["nothing"].weight_error


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_surrogate_and_dense_twin_agree_on_drawn_arrays(mapping):
    layer = a_layer(mapping, 12, 6)
    faults = Imperfections(
        stuck_on=0.05, stuck_off=0.05, open=0.02, broken_bit=0.1, sense_gain=0.02,
        subtractor_mismatch=0.01, subtractor_offset=1e-8,
    )  # fmt: skip
    chip = draw(faults, layer.crossbar, layer.device, np.random.default_rng(3), mapping=mapping)
    state, volts = chip.start(layer.initial_state), chip.drive(0.1 * layer.inputs)
    what = chip.crossbar, state, volts, chip.device
    ours, theirs = (
        chip.afresh().sense(one, state, volts)
        for one in (read_currents(*what), read_currents_dense(*what))
    )
    assert ours.shape == (4, mapping.channels(layer.crossbar.columns))
    np.testing.assert_allclose(ours, theirs, atol=1e-9 * np.abs(theirs).max())


def test_differences_are_converted_with_a_code_for_nothing_and_as_many_on_either_side():
    chip = draw(
        Imperfections(adc_bits=3, adc_range=3e-6),
        Crossbar(rows=1, columns=4),
        default_device(),
        np.random.default_rng(0),
        mapping=PAIR,
    )
    plus = 1e-6 * np.array([[5.0, 1.0], [2.4, 9.0], [1.0, 0.0]])
    minus = 1e-6 * np.array([[5.4, 2.6], [0.0, 0.0], [9.0, 0.3]])
    currents, state, volts = PAIR.laid(plus, minus), np.full((1, 4), 0.5), np.zeros((3, 1))
    sensed = chip.sense(currents, state, volts)
    np.testing.assert_allclose(sensed, 1e-6 * np.array([[0.0, -2.0], [2.0, 3.0], [-3.0, 0.0]]))
    alone = chip.sense_alone(currents, state, volts)  # a cell of a pair, read in write-verify
    np.testing.assert_allclose(alone[1], 1e-6 * np.array([2.0, 0.0, 3.0, 0.0]))
    [use] = uses([(chip, volts, currents)])
    assert (use.codes, use.used, use.lowest, use.highest) == (7, 5, 1 / 6, 1 / 6)
    assert use.clipped == 1 / 3
    assert "raise adc_range, these readings reach 9 µA" in use.warning


def test_a_signed_converter_of_one_bit_is_refused():
    what = Imperfections(adc_bits=1, adc_range=1e-6), Crossbar(rows=1, columns=2), default_device()
    with pytest.raises(InputError, match="one bit leaves them the code 0 alone; give 2 or more"):
        draw(*what, np.random.default_rng(0), mapping=PAIR)
    assert draw(*what, np.random.default_rng(0)).mapping == REFERENCE


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_a_deployed_layer_is_calibrated_to_its_ideal(mapping):
    layer = a_layer(mapping, reads=12)
    choice = Compensation(permuted=True, calibrated=True)
    deployed = deploy(layer, layer, TileSize(rows=9, columns=4), choice)
    # A gain error of either bit line of a difference is not a gain of the difference.
    faults = {"sense_offset": 1e-7} | ({"sense_gain": 0.05} if mapping.apart else {})
    chips = deployed.chips(Imperfections(**faults), 1)
    scores = deployed.scores(
        [read_chip(array, chip) for array, chip in zip(deployed.arrays, chips, strict=True)], chips
    )
    assert scores["agreement"] == 1.0
    assert scores["mac_error"] < 5e-3


@pytest.mark.parametrize("mapping", [PAIR, Mapping(every=3)], ids=str)
def test_calibration_takes_off_offsets_of_subtractors_but_no_mismatch(mapping):
    layer = a_layer(mapping, 40, 6, reads=20)
    offset, uneven = Imperfections(subtractor_offset=1e-6), Imperfections(subtractor_mismatch=0.02)
    choices = Compensation(), Compensation(calibrated=True)

    def errors(x):
        return [one.mac_error for one in recover(layer, imperfections=x, choices=choices)]

    before, after = errors(offset)
    assert before > 0.1
    assert after == pytest.approx(errors(None)[1], rel=1e-6)
    before, after = errors(uneven)  # which is no gain of the difference, but a share of one side
    assert after > 0.5 * before > 0.1
    found = [one.weight_error for one in recover(layer, imperfections=uneven, choices=choices[:1])]
    assert found[0] > recover(layer, choices=choices[:1])[0].weight_error
