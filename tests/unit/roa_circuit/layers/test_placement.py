"""Initial states placed for their wires: what is seen behind these is what was wanted."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import PAIR, Mapping
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.memristor import conductance
from roa_circuit.layers import placement
from roa_circuit.layers.deployed import deploy, settled, voltages, written
from roa_circuit.layers.placement import place, placed_tiles
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation, recover
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.read import effective_weights
from roa_circuit.sweeps import sweep
from roa_circuit.sweeps.layer import LayerSubject

PLACED, NOTHING = Compensation(placed=True), Compensation()


def layer_of(weights, mapping, *, pulses=None, reads=20, seed=0):
    """A layer whose initial state has these weights g, in any mapping."""
    rng = np.random.default_rng(seed)
    states = mapping.states_of(weights)
    return ProgrammedLayer(
        name="drawn",
        device=default_device(),
        crossbar=default_crossbar(*states.shape),
        mapping=mapping,
        initial_state=states,
        pulses=np.zeros(states.shape, dtype=np.int64) if pulses is None else pulses,
        inputs=rng.random((reads, len(states))),
        labels=np.empty(0, dtype=np.int64),
    )


def behind(layer, ohms):
    return layer.behind(BARE, Wiring(r_word=ohms, r_bit=ohms))


def seen(tile, states):
    """Effective weights g by unit drives through the dense twin, cells taken as linear."""
    layer = tile.layer
    volts = layer.device.pulses.read_voltage * np.eye(layer.crossbar.rows)
    currents = read_currents_dense(layer.crossbar, states, volts, layer.device, exact=False)
    W = currents / layer.device.pulses.read_voltage
    return layer.mapping.effective_weights(layer.mapping.joined(W), layer.device)


@pytest.mark.parametrize("mapping", [Mapping(), Mapping(every=3), PAIR])
@pytest.mark.parametrize("ohms", [1.0, 10.0])
def test_behind_the_wires_are_the_wanted_weights_times_one_gain(mapping, ohms):
    """By the dense twin, which placements do not use."""
    weights = 0.3 * np.random.default_rng(1).uniform(-1, 1, (8, 5))
    tiles = split(behind(layer_of(weights, mapping), ohms), TileSize(rows=4, columns=3))
    found = place(tiles, [tile.layer for tile in tiles], BARE)
    assert found.clipped == 0
    assert found.error < 1e-7
    for tile, states in zip(tiles, found.states, strict=True):
        wanted = weights[tile.rows, tile.columns]
        np.testing.assert_allclose(seen(tile, states), found.gain * wanted, atol=1e-7)
        references = mapping.references(states.shape[1])
        np.testing.assert_array_equal(states[:, references], 0.5)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 8), st.integers(1, 5), st.floats(0.0, 20.0), st.integers(0, 1000))
def test_a_placement_never_leaves_the_range_and_perfect_wires_change_nothing(rows, outputs, ohms, seed):
    weights = np.random.default_rng(seed).uniform(-1, 1, (rows, outputs))
    layer = layer_of(weights, Mapping(), reads=1)
    ends = Wiring(r_source=0.0, r_sense=0.0) if ohms == 0.0 else Wiring()
    tiles = split(behind(layer, ohms).behind(BARE, ends))
    found = place(tiles, [layer], BARE)
    assert all((0 <= one).all() and (one <= 1).all() for one in found.states)
    if ohms == 0.0:
        np.testing.assert_allclose(found.states[0], layer.initial_state, atol=1e-9)
        assert found.gain == pytest.approx(1.0, abs=1e-9)


def test_amplifiers_and_transistors_are_reckoned_with():
    around = Circuitry(
        amplifier=Amplifier(r_feedback=1e4, gain=100), transistor=Transistor(width_over_length=20)
    )
    weights = 0.3 * np.random.default_rng(2).uniform(-1, 1, (20, 4))
    layer = layer_of(weights, Mapping())
    tiles = split(layer.behind(around, Wiring(r_word=3.0, r_bit=3.0)))
    found = place(tiles, [layer], around)
    W = around.settled(tiles[0].layer.crossbar, found.states[0], tiles[0].layer.device).weights()[0]
    g = Mapping().effective_weights(W, tiles[0].layer.device)
    np.testing.assert_allclose(g, found.gain * weights, atol=1e-7)


def test_pulses_go_on_top_and_the_error_of_wires_is_gone():
    weights = 0.25 * np.random.default_rng(3).uniform(-1, 1, (40, 8))
    pulses = np.random.default_rng(4).integers(-1, 2, (40, 9)) * (
        np.random.default_rng(5).random((40, 9)) < 0.05
    )
    pulses[:, -1] = 0
    layer = layer_of(weights, Mapping(), pulses=pulses.astype(np.int64))
    wired = dataclasses.replace(layer, crossbar=Wiring(r_word=5.0, r_bit=5.0).on(layer.crossbar))
    errors = {}
    for choice in (NOTHING, PLACED):
        deployed = deploy(wired, layer, TileSize(), choice)
        (array,), (chip,) = deployed.arrays, deployed.chips(Imperfections(), 0)
        state = written(array, chip, in_situ=False)
        volts = voltages(array, chip)
        sensed = chip.sense(settled(array, chip, state).currents(volts), state, volts)
        errors[choice.name] = deployed.scores([sensed], [chip])["mac_error"]
    assert errors["placed"] < 0.1 * errors["nothing"]
    placed = deploy(wired, layer, TileSize(), PLACED).arrays[0]
    (chip,) = deploy(wired, layer, TileSize(), PLACED).chips(Imperfections(), 0)
    after = written(placed, chip, in_situ=False)
    moved = after != placed.tile.layer.initial_state
    np.testing.assert_array_equal(moved, pulses != 0)


def test_wires_that_are_misjudged_cost_in_proportion():
    weights = 0.25 * np.random.default_rng(3).uniform(-1, 1, (40, 8))
    layer = behind(layer_of(weights, Mapping()), 5.0)
    found = sweep(layer, {"compensation": ["placed"], "believed_wires": [0.8, 0.9, 1.0, 1.1, 1.2]})
    errors = found.mac_error.squeeze().values
    assert errors[2] < 0.01
    assert (errors[[0, 1, 3, 4]] > 2 * errors[2]).all()
    assert errors[0] > errors[1]
    assert errors[4] > errors[3]
    (again,) = recover(layer, choices=[Compensation.parse("placed@1.1")])
    assert again.mac_error == pytest.approx(errors[3], rel=1e-6)


def test_a_placement_is_worked_out_once_for_the_same_arrays(monkeypatch):
    weights = 0.3 * np.random.default_rng(6).uniform(-1, 1, (9, 3))
    layer = behind(layer_of(weights, Mapping()), 2.0)
    first = place(split(layer), [layer], BARE)
    monkeypatch.setattr(placement, "_effective", lambda *_: pytest.fail("worked out again"))
    other = dataclasses.replace(layer, pulses=layer.pulses + 1, inputs=layer.inputs[:1])
    assert place(split(other), [other], BARE) is first


def test_a_smaller_gain_makes_room_for_weights_at_the_ends():
    layer = behind(layer_of(np.ones((30, 4)), Mapping()), 20.0)
    found = place(split(layer), [layer], BARE)
    assert found.clipped == 0
    assert found.error < 1e-7
    assert found.gain < 0.95 * _mean_loss(layer)


def _mean_loss(layer):
    W = effective_weights(layer.crossbar, layer.initial_state, layer.device)
    G = conductance(layer.initial_state, layer.device.pulses.read_voltage, layer.device.memristor)
    return float((W / G).mean())


def test_cells_that_find_no_room_are_said():
    weights = np.random.default_rng(0).choice([-1.0, 1.0], (40, 12))
    layer = behind(layer_of(weights, Mapping()), 200.0)
    found = place(split(layer), [layer], BARE)
    assert found.clipped > 0.1
    assert found.error > 1e-3
    assert "at an end of their range" in found.said().replace("\n", " ")
    (one,) = recover(layer, choices=[PLACED])
    assert one.clipped == found.clipped


def test_placed_tiles_keep_their_pulses():
    layer = layer_of(0.2 * np.ones((6, 2)), Mapping(), pulses=np.ones((6, 3), dtype=np.int64))
    tiles = split(behind(layer, 1.0))
    (tile,) = placed_tiles(tiles, place(tiles, [layer], BARE))
    np.testing.assert_array_equal(tile.layer.pulses, layer.pulses)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("placed+predistorted", "leave predistorted out, or leave out placed"),
        ("placed+permuted", "leave permuted out"),
        ("calibrated@1.1", "nothing in it reckons with wires"),
        ("placed@0", "must be a factor greater than 0"),
        ("placed@half", "'half' is not a number"),
        ("placd", "did you mean 'placed'"),
    ],
)
def test_what_makes_no_sense_is_refused(text, says):
    with pytest.raises(InputError, match=says.replace("+", r"\+")):
        Compensation.parse(text)


def test_names_come_back():
    for text in ("placed", "placed@1.1", "placed+calibrated", "predistorted@0.9", "nothing"):
        assert Compensation.parse(text).name == text


def test_misjudging_wires_that_nothing_reckons_with_is_refused():
    layer = behind(layer_of(0.2 * np.ones((6, 2)), Mapping()), 1.0)
    with pytest.raises(InputError, match="nothing in it reckons with wires"):
        sweep(LayerSubject(layer=layer), {"believed_wires": [0.9, 1.1]})


def test_weights_that_are_all_0_are_placed_at_the_gain_of_the_wires():
    """Regression: every gain met them to the last digit, and the smallest was taken."""
    rng = np.random.default_rng(0)
    layer = ProgrammedLayer.of_weights(0.6 * rng.uniform(-1, 1, (7, 4)), rng.random((5, 7)))
    (tile,) = split(layer, TileSize())
    assert place([tile], [layer], BARE).gain > 0.99
    nothing, placed = (
        next(one for one in recover(layer) if one.compensation == how) for how in (NOTHING, PLACED)
    )
    assert placed.mac_error < nothing.mac_error + 0.01
