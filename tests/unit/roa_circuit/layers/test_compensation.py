"""Calibration, pre-distortion and permutation against what they must give back."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.scaling import mapping_constants
from roa_circuit.device.memristor import conductance, conductance_range
from roa_circuit.layers.compensation import calibrate, heaviest_nearest, predistort
from roa_circuit.layers.recovery import CHOICES, Compensation, mapped, recover
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import effective_weights

DEVICE = default_device()
BOUNDS = conductance_range(DEVICE.pulses.read_voltage, DEVICE.memristor)
PER_SIEMENS, _ = mapping_constants(DEVICE)


def array(rows, columns, ohms):
    return Crossbar(rows=rows, columns=columns, r_source=10.0, r_word=ohms, r_bit=ohms, r_sense=10.0)


def conductances(shape, half_range, seed=0):
    states = 0.5 + 0.5 * np.random.default_rng(seed).uniform(-half_range, half_range, shape)
    return conductance(states, DEVICE.pulses.read_voltage, DEVICE.memristor)


def test_calibration_undoes_gains_and_offsets():
    rng = np.random.default_rng(0)
    wanted, gain, offset = rng.random((4, 3)), np.array([1.1, 0.7, 1.0]), np.array([0.1, 0.0, -0.2])
    found = calibrate(wanted * gain + offset, wanted, np.tile(offset, (2, 1)))
    np.testing.assert_allclose(found.gain, 1 / gain)
    np.testing.assert_allclose((wanted * gain + offset) * found.gain + found.offset, wanted, atol=1e-15)


def test_a_column_that_always_reads_the_same_is_left_out():
    wanted = np.array([[1.0, 1.0], [2.0, 0.5]])
    found = calibrate(wanted * [1.0, 0.0] + [0.0, 0.3], wanted, np.array([[0.0, 0.3]]))
    assert found.gain[1] == 0
    np.testing.assert_array_equal(np.array([[2.0, 0.3]]) * found.gain + found.offset, [[2.0, 0.0]])


def test_calibration_needs_reads_of_the_same_columns():
    with pytest.raises(InputError, match=r"measured \(4, 3\), wanted \(4, 2\)"):
        calibrate(np.ones((4, 3)), np.ones((4, 2)), np.ones((1, 3)))
    with pytest.raises(InputError, match="needs test reads"):
        calibrate(np.ones((0, 3)), np.ones((0, 3)), np.ones((1, 3)))


@pytest.mark.parametrize("ohms", [0.0, 1.0, 5.0])
def test_predistortion_meets_the_wanted_weights_where_there_is_room(ohms):
    crossbar, wanted = array(33, 9, ohms), conductances((33, 9), 0.4)
    found = predistort(crossbar, wanted, *BOUNDS, tolerance=1e-9)
    weights = LinearNetwork(crossbar, found.conductances).effective_weights()
    np.testing.assert_allclose(found.gain * weights, wanted, rtol=1e-7)
    assert found.clipped == 0
    assert found.iterations < 20
    if not ohms:
        np.testing.assert_allclose(found.conductances, wanted, rtol=1e-2)


@pytest.mark.long
@pytest.mark.parametrize("ohms", [5.0, 20.0, 50.0])
def test_predistortion_at_the_ends_of_the_range_is_near_the_optimum(ohms, monkeypatch):
    benchmark = Path(__file__).parents[4] / "benchmarks" / "compensation.py"
    monkeypatch.syspath_prepend(benchmark.parent)
    least_squares = runpy.run_path(str(benchmark))["least_squares"]
    crossbar, wanted = array(20, 6, ohms), conductances((20, 6), 1.0)
    found = predistort(crossbar, wanted, *BOUNDS)
    assert found.conductances.min() >= BOUNDS[0]
    assert found.conductances.max() <= BOUNDS[1]
    assert found.clipped > 0
    _, optimum = least_squares(crossbar, wanted, 200)
    assert optimum <= found.error <= max(1.6 * optimum, 1e-5 * wanted.max())
    plain = LinearNetwork(crossbar, wanted).effective_weights()
    gain = (plain * wanted).sum(axis=0) / (plain**2).sum(axis=0)
    assert found.error < 0.25 * np.sqrt(np.mean((gain * plain - wanted) ** 2))


def test_an_order_is_undone_at_the_output():
    rng = np.random.default_rng(1)
    G, volts = rng.random((5, 4)), rng.random((3, 5))
    order = heaviest_nearest(array(5, 4, 1.0), G, volts)
    currents = order.inputs(volts) @ order.place(G)
    np.testing.assert_allclose(order.outputs(currents), volts @ G)
    np.testing.assert_array_equal(order.restore(order.place(G)), G)
    carried = volts.mean(axis=0)[:, None] * G
    assert (np.diff(order.place(carried).sum(axis=1)) >= 0).all()
    assert (np.diff(order.place(carried).sum(axis=0)) <= 0).all()


@pytest.mark.parametrize("ends", [{}, {"drive": "right", "sense": "top"}, {"drive": "both"}])
def test_heavy_lines_near_the_ends_lose_least(ends):
    crossbar, rng = dataclasses.replace(array(40, 10, 20.0), **ends), np.random.default_rng(2)
    G, volts = conductances((40, 10), 1.0), 0.1 * rng.random((20, 40)) ** 4
    order = heaviest_nearest(crossbar, G, volts)
    V_r, p = DEVICE.pulses.read_voltage, DEVICE.memristor

    def lost(G, volts):
        states = (G - BOUNDS[0]) / (BOUNDS[1] - BOUNDS[0])
        return 1 - (volts @ effective_weights(crossbar, states, DEVICE)).sum() / (volts @ G).sum()

    assert p.current_scale == 0.01
    assert V_r == 0.05
    assert lost(order.place(G), order.inputs(volts)) < 0.97 * lost(G, volts)


def behind(layer, ohms, **more):
    crossbar = dataclasses.replace(layer.crossbar, r_word=ohms, r_bit=ohms, **more)
    return dataclasses.replace(layer, crossbar=crossbar)


def by_choice(layer, **options):
    return {str(one.compensation): one for one in recover(layer, **options)}


def test_perfect_wires_leave_nothing_to_recover(make_layer):
    layer = behind(make_layer(rows=9, columns=4, reads=6), 0.0, r_source=0.0, r_sense=0.0)
    for one in recover(layer):
        assert one.agreement == 1
        assert one.weight_error < 1e-6
        assert one.mac_error < 1e-5


@pytest.mark.parametrize("tile", [None, TileSize(rows=20, columns=5)])
def test_each_compensation_gives_something_back(make_layer, tile):
    layer = behind(make_layer(rows=48, columns=9, reads=20), 4.0)
    layer.initial_state[:] = 0.5 + 0.6 * (layer.initial_state - 0.5)
    found = by_choice(layer, tile=tile)
    assert list(found) == [str(choice) for choice in CHOICES]
    nothing = found["nothing"]
    assert found["calibrated"].mac_error < 0.5 * nothing.mac_error
    assert found["calibrated"].weight_error < 0.5 * nothing.weight_error
    assert found["predistorted"].mac_error < 0.05 * nothing.mac_error
    assert found["predistorted"].weight_error < 1e-3 * nothing.weight_error
    assert found["predistorted, calibrated"].mac_error < 0.05 * nothing.mac_error


def test_calibration_alone_knows_the_chip(make_layer):
    layer = behind(make_layer(rows=24, columns=5, reads=20), 0.0, r_source=0.0, r_sense=0.0)
    found = by_choice(layer, imperfections=Imperfections(sense_gain=0.05, sense_offset=1e-7), seed=2)
    assert found["nothing"].mac_error > 0.05
    assert found["predistorted"].mac_error == pytest.approx(found["nothing"].mac_error, rel=0.01)
    assert found["calibrated"].mac_error < 1e-6


def test_what_is_mapped_lies_in_range(make_layer):
    (tile,) = split(behind(make_layer(rows=30, columns=4), 50.0))
    _, states, gain, clipped = mapped(tile, Compensation(predistorted=True))
    assert clipped > 0
    assert states.min() >= 0
    assert states.max() <= 1
    assert (gain > 1).all()
