"""Ranges that a layer's inputs tell, and calibration through coarse converters."""

from dataclasses import replace

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.device.memristor import conductance
from roa_circuit.layers.deployed import deploy, read_chip
from roa_circuit.layers.patterns import calibration_inputs, repeated
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize
from roa_circuit.solver.read_model import ReadModel
from roa_circuit.sweeps.api import sweep

SIZE = TileSize(rows=16, columns=4)


def a_layer(mapping, *, ohms=0.0, seed=0, reads=60):
    rng = np.random.default_rng(seed)
    states = mapping.states_of(rng.uniform(-0.3, 0.3, (32, 8)))
    wires = default_crossbar(*states.shape) if ohms else Crossbar(rows=32, columns=states.shape[1])
    return ProgrammedLayer(
        name="synthetic",
        device=default_device(),
        crossbar=replace(wires, r_word=ohms, r_bit=ohms),
        initial_state=states,
        pulses=np.zeros(states.shape, dtype=np.int64),
        inputs=rng.random((reads, 32)),
        labels=np.empty(0, dtype=np.int64),
        mapping=mapping,
        read_model=ReadModel.weights,
    )


def scores(layer, choice="nothing", **imperfections):
    deployed = deploy(layer, layer, SIZE, Compensation.parse(choice))
    chips = deployed.chips(Imperfections(**imperfections), 0)
    pairs = zip(deployed.arrays, chips, strict=True)
    return deployed.scores([read_chip(*pair) for pair in pairs], chips)


@pytest.mark.parametrize("mapping", [REFERENCE, PAIR, Mapping(every=2)], ids=str)
@pytest.mark.parametrize("word", ["layer", "column"])
def test_a_range_is_the_percentile_of_what_perfect_wires_carry(mapping, word):
    layer = a_layer(mapping)
    deployed = deploy(layer, layer, SIZE, Compensation())
    x = Imperfections(adc_bits=6, adc_range=word, adc_percentile=90.0)
    G = conductance(layer.initial_state, layer.device.pulses.read_voltage, layer.device.memristor)
    volts = layer.device.pulses.full_scale * layer.inputs
    seen = []
    for tile in deployed.tiles:
        kept = mapping.part(tile.columns, G.shape[1])
        seen.append(np.abs(mapping.joined(volts[:, tile.rows] @ G[tile.rows][:, kept])))
    for chip, sizes in zip(deployed.chips(x, 0), seen, strict=True):
        if word == "layer":
            expected = np.percentile(np.concatenate([one.ravel() for one in seen]), 90.0)
        else:
            expected = np.percentile(sizes, 90.0, axis=0)
        np.testing.assert_allclose(chip.adc.full, np.broadcast_to(expected, chip.adc.full.shape))


def test_faults_and_the_reads_to_come_do_not_change_a_range():
    layer = a_layer(PAIR)
    deployed = deploy(layer, layer, SIZE, Compensation())
    one, other = (
        deployed.chips(Imperfections(adc_bits=6, adc_range="layer", stuck_on=s), 0) for s in (0, 0.2)
    )
    np.testing.assert_array_equal(one[0].adc.full, other[0].adc.full)
    np.testing.assert_array_equal(
        deployed.reading(0.1 * layer.inputs).tiles[0].layer.inputs, 0.1 * layer.inputs[:, :16]
    )


@pytest.mark.parametrize("ohms", [0.0, 1.0])
def test_subtracting_before_the_converter_needs_far_fewer_bits(ohms):
    """What pairs and references of groups are for: outputs at 6 bits, range a layer."""
    error = {
        str(mapping): scores(a_layer(mapping, ohms=ohms), adc_bits=6, adc_range="layer")["mac_error"]
        for mapping in (REFERENCE, PAIR, Mapping(every=4))
    }
    assert error["pair"] < 0.2 * error["reference"]
    assert error["reference:4"] < 0.3 * error["reference"]


def test_a_range_that_fits_is_better_than_one_of_a_whole_network():
    layer = a_layer(PAIR)
    wide, fitting = (scores(layer, adc_bits=6, adc_range=one)["mac_error"] for one in (1e-4, "layer"))
    assert fitting < 0.1 * wide


@pytest.mark.parametrize("mapping", [PAIR, Mapping(every=4)], ids=str)
def test_calibration_through_a_coarse_converter_is_averaged_and_does_no_harm(mapping):
    """Where the converter is finer than what wires cost, gains come back; where not, nothing is lost."""
    layer = a_layer(mapping, ohms=10.0)
    error = {
        (bits, choice): scores(layer, choice, adc_bits=bits, adc_range="layer")["mac_error"]
        for bits in (3, 4, 8)
        for choice in ("nothing", "calibrated", "calibrated:64")
    }
    for bits in (3, 4):
        assert error[bits, "calibrated"] < 1.03 * error[bits, "nothing"]
        assert error[bits, "calibrated:64"] < 1.03 * error[bits, "nothing"]
    assert error[8, "calibrated:64"] < 0.8 * error[8, "nothing"]


def test_a_reference_that_is_digitised_apart_is_harmed_by_coarse_calibration():
    """Eight patterns of noise much more than 64 inputs."""
    layer = a_layer(REFERENCE, ohms=10.0)
    for bits in (4, 6):
        nothing, few, many = (
            scores(layer, choice, adc_bits=bits, adc_range="layer")["mac_error"]
            for choice in ("nothing", "calibrated", "calibrated:64")
        )
        assert few > 1.15 * nothing
        assert nothing < many < 1.06 * nothing


def test_the_number_of_calibration_reads_is_part_of_the_name():
    one = Compensation.parse("permuted+calibrated:64")
    assert (one.calibration_reads, one.name) == (64, "permuted+calibrated:64")
    assert Compensation.parse("calibrated:8").name == "calibrated"
    for text, complaint in (
        ("calibrated:0", "takes 1 to"),
        ("calibrated:many", "no whole number"),
        ("permuted:3", "unknown"),
        ("calibrated:64+calibrated:9", "calibrated stands there twice; leave one out"),
        ("placed+placed", "placed stands there twice"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=complaint):
            Compensation.parse(text)


@pytest.mark.parametrize(("inputs", "reads"), [(5, 64), (16, 64), (45, 64), (16, 9)])
def test_calibration_by_many_reads_takes_inputs_alone_again_if_there_are_few(inputs, reads):
    layer = a_layer(PAIR, reads=inputs)
    found = calibration_inputs(layer, reads)
    assert len(found) == reads
    taken = {one.tobytes() for one in found}
    largest = np.argsort(-layer.inputs.sum(axis=1))[: min(inputs, reads)]
    assert taken == {layer.inputs[index].tobytes() for index in largest}
    said = repeated(inputs, reads)
    assert said.startswith(f"calibrated:{reads} has {inputs} inputs to read") or (
        said == "" and inputs >= reads
    )


def test_few_inputs_read_again_calibrate_better_than_noise():
    """Five inputs in a range of 8 bits that they fill: dither tells their gains over 64 reads."""
    layer = a_layer(PAIR, ohms=10.0, reads=5)
    error = {
        choice: scores(layer, choice, adc_bits=8, adc_range="layer")["mac_error"]
        for choice in ("nothing", "calibrated", "calibrated:64")
    }
    assert error["calibrated:64"] < 0.8 * error["nothing"]
    assert error["calibrated:64"] < error["calibrated"]


def test_sweeps_vary_mapping_bits_and_ranges_in_words(make_layer):
    """One call compares what chips differ in most; pairs need fewer bits than a reference column."""
    vary = {"mapping": "reference,reference:2,pair", "adc_bits": [4], "adc_range": "layer,column,1e-4"}
    found = sweep(make_layer(rows=12, columns=5, reads=12), vary)
    assert dict(found.mac_error.sizes) == {"mapping": 3, "adc_bits": 1, "adc_range": 3, "repeat": 1}
    error = {
        m: float(found.mac_error.sel(mapping=m, adc_range="layer").mean()) for m in found.mapping.values
    }
    assert error["pair"] < error["reference"]
    fitting, wide = (
        float(found.mac_error.sel(mapping="pair", adc_range=r).mean()) for r in ("layer", "0.0001")
    )
    assert fitting < wide
