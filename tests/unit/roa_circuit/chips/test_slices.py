"""Bit slices of inputs: their codes, what they add up to, and the same in surrogate and modules."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.convert import convert
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.slices import Slices
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR
from roa_circuit.circuit.periphery import convert as rounded
from roa_circuit.layers.deployed import deploy, read_chip
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize

DEVICE = default_device()
FULL = DEVICE.pulses.full_scale


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(8, 1), (8, 2), (8, 4), (8, 8), (6, 2), (3, 3)]),
    st.lists(st.floats(-0.1, 1.3), min_size=6, max_size=6),
)
def test_slices_add_up_to_the_code_of_the_whole(how, values):
    bits, count = how
    slices = Slices(bits=bits, count=count, largest=0.7)
    asked = np.reshape(values, (3, 2))
    parts = slices.driven(asked)
    assert parts.shape == (3 * count, 2)
    assert parts.min() >= 0
    assert parts.max() <= 0.7 * (1 + 1e-12)
    steps = parts * (2 ** (bits // count) - 1) / 0.7
    assert np.allclose(steps, np.round(steps), atol=1e-9)
    assert np.allclose(slices.added(parts), rounded(asked, bits, 0.7), atol=1e-12)
    assert slices.shares.sum() == pytest.approx(1.0)


def test_the_code_180_in_slices():
    """180 = 2 + 3 * 4^2 + ... = 10 11 01 00 in pairs of bits."""
    volts = Slices(bits=8, count=4, largest=3.0).driven(np.array([[3.0 * 180 / 255]]))
    assert volts.ravel() == pytest.approx([0.0, 1.0, 3.0, 2.0])


def chip(columns=5, **x):
    lines = Crossbar(rows=4, columns=columns)
    return draw(Imperfections(**x), lines, DEVICE, np.random.default_rng(0))


def test_every_slice_passes_the_converter_by_itself():
    one = chip(dac_bits=4, dac_slices=2, adc_bits=3, adc_range=7e-6)
    W = np.linspace(1e-6, 4e-6, 20).reshape(4, 5)
    asked = np.array([[FULL * 9 / 15, 0, FULL, 0]])
    volts = one.drive(asked)
    assert np.allclose(volts, FULL / 3 * np.array([[1, 0, 3, 0], [2, 0, 3, 0]]))
    found = one.sense(volts @ W, np.full((4, 5), 0.5), volts)
    step = 7e-6 / 7
    each = np.clip(np.round(volts @ W / step), 0, 7) * step
    assert np.allclose(found, (each[:1] + 4 * each[1:]) / 5, atol=1e-15)


def test_linear_cells_without_converters_give_the_whole():
    whole, parted = chip(dac_bits=8), chip(dac_bits=8, dac_slices=4)
    W, asked = np.random.default_rng(1).uniform(0, 1e-5, (4, 5)), np.linspace(0, FULL, 12).reshape(3, 4)
    state = np.full((4, 5), 0.5)
    found = [one.sense(one.drive(asked) @ W, state, one.drive(asked)) for one in (whole, parted)]
    assert np.allclose(*found, rtol=1e-12)


def layer(mapping=PAIR):
    rng = np.random.default_rng(2)
    weights = rng.uniform(-0.6, 0.6, (4, 2))
    states = mapping.states_of(weights)
    crossbar = Crossbar(rows=4, columns=states.shape[1], r_word=5.0, r_bit=5.0)
    return ProgrammedLayer(
        name="drawn", crossbar=crossbar, device=DEVICE, initial_state=states,
        pulses=np.zeros(states.shape, dtype=np.int64), inputs=rng.uniform(0, 1, (7, 4)),
        labels=np.zeros(0, dtype=np.int64), mapping=mapping,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["nothing", "calibrated"])
def test_a_layer_reads_slices_and_is_calibrated_by_them(how):
    deployed = deploy(layer(), layer(), TileSize(), Compensation.parse(how))
    x = Imperfections(dac_bits=8, dac_slices=8, adc_bits=9, adc_range="layer")
    scores = []
    for one in (x, replace(x, dac_slices=0)):
        chips = deployed.chips(one, 0)
        sensed = [read_chip(a, c) for a, c in zip(deployed.arrays, chips, strict=True)]
        scores.append(deployed.scores(sensed, chips)["mac_error"])
    assert max(scores) < 0.01
    assert scores[0] != scores[1]


def test_calibration_leaves_out_what_lies_beyond_a_converters_range():
    """Test patterns reach further than the seven reads that the range was found from."""
    deployed = deploy(layer(), layer(), TileSize(), Compensation.parse("calibrated"))
    (array,) = deployed.arrays
    (one,) = deployed.chips(Imperfections(adc_bits=12, adc_range="layer"), 0)
    assert np.abs(array.wanted).max() > one.adc.full[0]
    gain, offset = array.correction(read_chip(array, one)[7:], one)
    assert np.allclose(gain, 1.0, atol=0.05)
    assert np.allclose(offset, 0.0, atol=1e-9)
    nowhere = np.full((16, 2), np.nan)
    assert np.array_equal(array.correction(nowhere, one)[0], [1.0, 1.0])


def test_ranges_are_those_of_the_slices():
    deployed = deploy(layer(), layer(), TileSize(), Compensation())
    x = Imperfections(dac_bits=8, dac_slices=8, adc_bits=8, adc_range="layer", adc_percentile=100)
    (parted,), (whole,) = (deployed.chips(one, 0) for one in (x, replace(x, dac_slices=0)))
    (array,) = deployed.arrays
    volts = parted.drive(DEVICE.pulses.full_scale * array.own.inputs)
    assert set(np.round(volts.ravel() / FULL, 12)) == {0.0, 1.0}
    assert float(parted.adc.full[0]) == pytest.approx(np.abs(array.seen(x)).max())
    assert float(parted.adc.full[0]) != pytest.approx(float(whole.adc.full[0]))
    assert array.seen(x).shape == (7 * 8, 2)


def test_a_converted_network_reads_slices_and_passes_gradients():
    torch.manual_seed(0)
    network, x = nn.Linear(6, 3), torch.rand(9, 6)
    parts = Imperfections(dac_bits=8, dac_slices=4, adc_bits=10, adc_range="layer")
    parted, whole = (
        convert(network, Hardware(imperfections=one), x) for one in (parts, replace(parts, dac_slices=0))
    )
    ideal = network(x)
    errors = [float((one(x) - ideal).detach().abs().max()) for one in (parted, whole)]
    assert max(errors) < 0.02
    assert errors[0] != errors[1]
    parted(x).square().sum().backward()
    found = parted.weight.grad.clone()
    network.zero_grad()
    ideal.square().sum().backward()
    assert torch.allclose(found, network.weight.grad, rtol=0.1, atol=0.1)
    assert parted.summary().seconds == pytest.approx(4 * whole.summary().seconds)


@pytest.mark.parametrize("given", [{"dac_slices": 2}, {"dac_bits": 8, "dac_slices": 3}])
def test_slices_part_all_bits(given):
    with pytest.raises(InputError, match=r"must part dac_bits = \d into equal parts"):
        Imperfections(**given)
