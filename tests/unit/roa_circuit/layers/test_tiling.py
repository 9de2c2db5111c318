"""Tiling is a pure split: nothing lost, nothing twice, and with perfect wires the same outputs."""

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.layers.tiling import TileSize, assemble, outputs, sample, split
from roa_circuit.solver.read import read_currents


def read(layer):
    return read_currents(layer.crossbar, layer.initial_state, 0.1 * layer.inputs, layer.device)


@pytest.mark.parametrize("size", ["4x3", "4x100", "100x2", "1x1", "64x64", "8x5"])
def test_perfect_wires_give_the_outputs_of_the_whole(make_layer, size):
    layer = make_layer(rows=9, columns=7, crossbar=Crossbar(rows=9, columns=7))
    whole = read(layer)
    y = layer.outputs(whole)
    tiles = split(layer, TileSize.parse(size))
    np.testing.assert_allclose(outputs(tiles, [read(tile.layer) for tile in tiles]), y, atol=1e-12)


def test_every_weight_and_pulse_lies_on_one_tile(make_layer):
    layer = make_layer(rows=9, columns=7)
    tiles = split(layer, TileSize(rows=4, columns=4))
    assert [(t.first_row, t.first_column) for t in tiles] == [(0, 0), (0, 4), (4, 0), (4, 4)]
    assert [t.layer.crossbar.shape for t in tiles] == [(4, 5), (4, 3), (5, 5), (5, 3)]
    for name in ("initial_state", "pulses"):
        whole = assemble(tiles, [getattr(tile.layer, name) for tile in tiles])
        assert whole.shape == (9, 8)
        np.testing.assert_array_equal(np.delete(whole, 4, axis=1), getattr(layer, name))
        np.testing.assert_array_equal(whole[:, 4], whole[:, -1])
    np.testing.assert_array_equal(tiles[2].layer.inputs, layer.inputs[:, 4:])


def test_a_sample_is_drawn_by_its_seed(make_layer):
    tiles = split(make_layer(rows=9, columns=7), TileSize(rows=4, columns=4))
    assert sample(tiles, None, 0) == sample(tiles, 9, 0) == tiles
    drawn = {seed: sample(tiles, 2, seed) for seed in range(20)}
    assert drawn[3] == sample(tiles, 2, 3)
    places = {tuple(t.first_row + t.first_column / 8 for t in some) for some in drawn.values()}
    assert all(one < other for one, other in places)
    assert len({place for pair in places for place in pair}) == len(tiles)


def test_a_sample_leaves_room_for_what_it_lacks(make_layer):
    tiles = split(make_layer(rows=9, columns=7), TileSize(rows=4, columns=4))
    some = (tiles[0], tiles[3])
    whole = assemble(some, [tile.layer.initial_state for tile in some])
    assert whole.shape == (9, 8)
    np.testing.assert_array_equal(whole[:4, :5], tiles[0].layer.initial_state)
    np.testing.assert_array_equal(whole[4:, 5:], tiles[3].layer.initial_state)
    assert np.isnan(whole[:4, 5:]).all()
    assert np.isnan(whole[4:, :5]).all()
    assert assemble(tiles[:1], [tiles[0].layer.initial_state]).shape == (4, 5)


def test_a_layer_that_fits_is_left_alone(make_layer):
    """65 rows are 64 and a bias: the spare word line."""
    layer = make_layer(rows=65, columns=6)
    assert split(layer)[0].layer is layer
    assert len(split(make_layer(rows=66, columns=6))) == 2
    assert len(split(make_layer(rows=3, columns=66))) == 2


@pytest.mark.parametrize("rows", [1, 2])
def test_a_single_row_over_makes_no_tile(make_layer, rows):
    """It goes onto the spare word line, of the first tile as of any other."""
    layer = make_layer(rows=rows, columns=2)
    (tile,) = split(layer, TileSize(rows=1, columns=1))
    assert (tile.whole, tile.layer, tile.first_row, tile.first_column) == (True, layer, 0, 0)


def test_each_tile_has_its_own_wires(make_layer):
    """Shorter lines lose less: tiles come closer to perfect wires than the whole array."""
    crossbar = Crossbar(rows=24, columns=4, r_word=50.0, r_bit=50.0)
    layer = make_layer(rows=24, columns=4, crossbar=crossbar)
    perfect = read_currents(
        layer.crossbar.ideal(), layer.initial_state, 0.1 * layer.inputs, layer.device
    )
    y = layer.outputs(perfect)
    errors = []
    for size in (TileSize(), TileSize(rows=8, columns=2)):
        tiles = split(layer, size)
        errors.append(np.abs(outputs(tiles, [read(t.layer) for t in tiles]) - y).max())
    assert errors[1] < 0.3 * errors[0]


@pytest.mark.parametrize("text", ["64", "64x", "0x4", "4x0", "-1x2", "64x64x2", "a"])
def test_a_tile_that_is_none_is_said(text):
    with pytest.raises(InputError, match="tile"):
        TileSize.parse(text)


def test_arrays_of_another_number_of_tiles_are_not_joined(make_layer):
    tiles = split(make_layer(rows=9, columns=7), TileSize(rows=4, columns=4))
    with pytest.raises(ValueError, match="shorter"):
        assemble(tiles, [tile.layer.pulses for tile in tiles[:-1]])


def test_a_tile_size_reads_back():
    assert TileSize.parse(str(TileSize(rows=3, columns=7))) == TileSize(rows=3, columns=7)


def test_a_tile_has_64_weights_a_side_unless_asked_otherwise():
    assert str(TileSize()) == "64x64"
    assert str(TileSize(rows=1, columns=1)) == "1x1"


def test_currents_of_another_number_of_tiles_are_no_layer(make_layer):
    tiles = split(make_layer(rows=9, columns=7), TileSize(rows=4, columns=4))
    with pytest.raises(ValueError, match="shorter"):
        outputs(tiles, [read(tile.layer) for tile in tiles[:-1]])


def test_tiles_of_a_split_layer_say_so_and_carry_no_labels(make_layer):
    layer = make_layer(rows=9, columns=7)
    tiles = split(layer, TileSize(rows=4, columns=4))
    assert not any(tile.whole for tile in tiles)
    assert all(len(tile.layer.labels) == 0 for tile in tiles)
    assert split(layer)[0].whole
    assert (split(layer)[0].first_row, split(layer)[0].first_column) == (0, 0)
