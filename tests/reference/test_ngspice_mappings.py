"""Mappings in ngspice: writes, reads and the subtraction as a circuit, against the surrogate."""

from dataclasses import replace

import numpy as np
import pytest

from netlists.decks.deck import read_deck, sweep_deck
from netlists.simulation.simulators import Engine
from netlists.verification.engines import Phase
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import chips_of
from roa_circuit.layers.tiling import split

DEVICE = default_device()
NAMES = ["reference:2", "pair", "pair:push-pull"]
AMPLIFIED = Circuitry(amplifier=Amplifier(r_feedback=1e4, gain=1e4, offset=1e-4))
IDEAL = Circuitry(amplifier=Amplifier(r_feedback=1e4))
OFFSET = Circuitry(amplifier=Amplifier(r_feedback=1e4, offset=1e-4))


def a_layer(name, rows=6, outputs=3, ohms=5.0, seed=0):
    rng = np.random.default_rng(seed)
    made = ProgrammedLayer.of_weights(
        rng.uniform(-0.4, 0.4, (rows, outputs)),
        rng.random((4, rows)),
        mapping=Mapping.parse(name),
        labels=rng.integers(0, outputs, 4),
    )
    lines = replace(default_crossbar(*made.crossbar.shape), r_word=ohms, r_bit=ohms)
    return replace(made, crossbar=lines)


@pytest.mark.long
@pytest.mark.ngspice
@pytest.mark.parametrize("name", NAMES)
def test_a_drawn_layer_is_written_read_and_subtracted_as_the_surrogate_says(name):
    """Currents and differences to 1e-6, states to 5e-3, the energy of the write to 1 %."""
    faults = Imperfections(stuck_on=0.05, stuck_off=0.05, write_gain=0.003, driver_gain=0.01)
    result = verify(a_layer(name), Arrays(imperfections=faults, seed=2))
    assert result.max_relative_current_error < 1e-6
    assert result.max_difference_error < 1e-6
    assert result.max_state_error < 5e-3
    assert result.write_energy_spice == pytest.approx(result.write_energy_surrogate, rel=0.01)
    assert result.passed


@pytest.mark.ngspice
def test_slices_of_inputs_are_reads_of_their_own_and_are_added_as_the_surrogate_says():
    layer = replace(a_layer("pair"), pulses=np.zeros((6, 6), dtype=np.int64))
    x = Imperfections(dac_bits=4, dac_slices=2, adc_bits=8, adc_range="layer", driver_gain=0.01)
    result = verify(layer, Arrays(imperfections=x), Testbench(phase=Phase.read))
    assert result.max_relative_current_error < 1e-6
    assert result.max_difference_error < 1e-6
    assert result.max_output_error < 1e-9
    assert result.passed
    whole = verify(layer, Arrays(imperfections=replace(x, dac_slices=0)), Testbench(phase=Phase.read))
    assert result.read_energy.seconds == pytest.approx(2 * whole.read_energy.seconds)
    assert result.read_energy.reads == whole.read_energy.reads == 4


@pytest.mark.ngspice
@pytest.mark.parametrize("circuitry", [BARE, IDEAL, AMPLIFIED], ids=["bare", "ideal", "amplified"])
@pytest.mark.parametrize("build", [read_deck, sweep_deck])
def test_the_subtraction_is_that_of_the_amplifiers_outputs(circuitry, build):
    layer = a_layer("pair").behind(circuitry)
    states = np.asarray(after_pulses(layer.initial_state, layer.pulses, DEVICE))
    volts = 0.1 * layer.inputs
    deck = build(layer.crossbar, states, volts, layer.device, circuitry=circuitry, mapping=layer.mapping)
    run = deck.run(name="read", time_limit=60)
    columns, subtracted = deck.measured(run), deck.subtracted(run)
    assert columns.shape == (4, 6)
    ours = layer.joined(circuitry.settled(layer.crossbar, states, layer.device).currents(volts))
    offset = layer.joined(columns) - ours  # amplifiers' offsets add the same to both
    np.testing.assert_allclose(offset, 0, atol=1e-6 * np.abs(columns).max())
    np.testing.assert_allclose(subtracted, layer.joined(columns), atol=1e-6 * np.abs(ours).max())
    assert f"diff{layer.output_count - 1}" in deck.text


@pytest.mark.ngspice
@pytest.mark.parametrize(
    "circuitry", [BARE, IDEAL, OFFSET, AMPLIFIED], ids=["bare", "ideal", "offset", "amplified"]
)
@pytest.mark.parametrize(("name", "build"), [("pair", read_deck), ("reference:2", sweep_deck)])
def test_subtractors_of_a_chip_are_amplifiers_among_uneven_resistors(name, build, circuitry):
    layer = a_layer(name).behind(circuitry)
    x, rng = Imperfections(subtractor_mismatch=0.02, subtractor_offset=1e-8), np.random.default_rng(1)
    chip = draw(x, layer.crossbar, layer.device, rng, mapping=layer.mapping)
    states = np.asarray(after_pulses(layer.initial_state, layer.pulses, DEVICE))
    volts = 0.1 * layer.inputs
    how = {"circuitry": circuitry, "mapping": layer.mapping, "subtractors": chip.subtractors}
    deck = build(chip.crossbar, states, volts, chip.device, **how)
    seen = circuitry.settled(chip.crossbar, states, chip.device)
    ours, dense = chip.joined(seen.currents(volts)), chip.joined(seen.densely(volts))
    largest = np.abs(dense).max()
    assert np.abs(layer.joined(seen.currents(volts)) - ours).max() > 0.1 * largest
    np.testing.assert_allclose(ours, dense, atol=1e-9 * largest)
    found = deck.subtracted(deck.run(name="read", time_limit=60))
    np.testing.assert_allclose(found, dense, atol=1e-6 * largest)


@pytest.mark.ngspice
def test_subtractors_may_be_uneven_and_have_no_offset():
    """Their decks ended in a broadcasting error."""
    uneven = Arrays(imperfections=Imperfections(subtractor_mismatch=0.02), seed=1)
    assert verify(a_layer("pair"), uneven, Testbench(phase=Phase.read)).passed


@pytest.mark.ngspice
@pytest.mark.parametrize("name", ["pair", "reference:2"])
def test_a_verification_reads_through_the_subtractors_of_its_chips(name):
    layer = a_layer(name)
    x = Imperfections(
        subtractor_mismatch=0.05, subtractor_offset=1e-8, sense_gain=0.01, adc_bits=10, adc_range="layer"
    )
    result = verify(layer, Arrays(imperfections=x, seed=2), Testbench(phase=Phase.read))
    assert result.passed
    assert result.max_difference_error < 1e-6
    assert result.max_output_error < 1e-9
    exact = replace(x, subtractor_mismatch=0.0, subtractor_offset=0.0)
    other = verify(layer, Arrays(imperfections=exact, seed=2), Testbench(phase=Phase.read))
    assert other.ideal_mac_error < result.ideal_mac_error


@pytest.mark.ngspice
@pytest.mark.parametrize("name", ["pair", "reference:2"])
def test_drives_below_ground_show_the_cells_asymmetry_in_every_engine(name):
    """At -0.1 V Table 1's cells conduct up to 5 % more than at 0.1 V: two passes are another result."""
    layer = a_layer(name)
    states = np.asarray(after_pulses(layer.initial_state, layer.pulses, DEVICE))
    volts = 0.1 * np.random.default_rng(3).uniform(-1.0, 1.0, (4, 6))
    seen = BARE.settled(layer.crossbar, states, DEVICE)
    ours, dense = layer.joined(seen.currents(volts)), layer.joined(seen.densely(volts))
    largest = np.abs(dense).max()
    np.testing.assert_allclose(ours, dense, atol=1e-9 * largest)
    deck = read_deck(layer.crossbar, states, volts, DEVICE, mapping=layer.mapping)
    found = deck.subtracted(deck.run(name="read", time_limit=60))
    np.testing.assert_allclose(found, dense, atol=1e-6 * largest)
    passes = seen.currents(np.maximum(volts, 0.0)) - seen.currents(np.maximum(-volts, 0.0))
    apart = np.abs(layer.joined(passes) - ours).max() / largest
    assert 0.01 < apart < 0.1


@pytest.mark.vacask
def test_vacask_subtracts_as_ngspice_does():
    layer = a_layer("pair")
    states = np.asarray(after_pulses(layer.initial_state, layer.pulses, DEVICE))
    what = layer.crossbar, states, 0.1 * layer.inputs, DEVICE
    deck = sweep_deck(*what, engine=Engine.vacask, mapping=layer.mapping)
    run = deck.run(name="read", time_limit=60)
    ours = layer.joined(BARE.settled(*what[:2], DEVICE).currents(what[2]))
    np.testing.assert_allclose(deck.subtracted(run), ours, atol=1e-6 * np.abs(ours).max())


def test_decks_of_a_reference_column_have_no_subtractors():
    layer = a_layer("reference")
    deck = read_deck(
        layer.crossbar, layer.initial_state, 0.1 * layer.inputs, DEVICE, mapping=layer.mapping
    )
    assert "diff" not in deck.text
    assert deck.circuit.differences == ()


def test_tiles_of_pairs_have_chips_of_their_own():
    chips = chips_of(split(a_layer("pair")), None, 0, BARE)
    assert str(chips[0].mapping) == "pair"
