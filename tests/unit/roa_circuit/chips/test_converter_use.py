"""What converters and states make of reads that do not suit them, by hand."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from roa_circuit.chips.converter_use import UNKNOWN, Usage, Use, numbers_of, transposed, uses
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.read_disturb import moved_by_a_read, warning
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.laws.table import Table
from roa_circuit.device.memristor import state_derivative

DEVICE = default_device()


def chip(**imperfections):
    crossbar = Crossbar(rows=2, columns=1)
    return draw(Imperfections(**imperfections), crossbar, DEVICE, np.random.default_rng(0))


def test_the_share_at_the_ends_and_the_codes_used_are_counted():
    currents = 1e-6 * np.array([[-1.0], [0.0], [3.1], [7.0], [9.0]])  # of 3 bits: 0, 0, 3, 7, 7
    [use] = uses([(chip(adc_bits=3, adc_range=7e-6), np.zeros((5, 2)), currents)])
    assert (use.used, use.codes, use.lowest, use.highest) == (3, 8, 0.4, 0.4)
    assert use.clipped == 0.2
    assert use.warning.startswith("ADC saturates: 20.0 % of readings lie beyond its range; raise")
    assert "raise adc_range, these readings reach 9 µA" in use.warning


def test_a_range_far_too_wide_uses_few_codes_and_one_that_fits_says_nothing():
    currents = np.linspace(0, 1e-6, 400)[:, None]
    for full, used in ((1e-4, 4), (1e-6, 256)):
        [use] = uses([(chip(adc_bits=8, adc_range=full), np.zeros((400, 2)), currents)])
        assert use.used == used
        assert bool(use.warning) == (used == 4)
    assert uses([(chip(), np.zeros((400, 2)), currents)]) == []


@pytest.mark.parametrize("bits", range(1, 9))
def test_few_readings_and_few_bits_are_no_fault_of_a_range(bits):
    """Readings all over the range, however few, and converters of which a code may be missing."""
    rng = np.random.default_rng(bits)
    for count in (1, 2, 4, 36, 1000):
        currents = rng.uniform(0, 1e-6, (count, 1))
        [use] = uses([(chip(adc_bits=bits, adc_range=1e-6), np.zeros((count, 2)), currents)])
        assert use.warning == ""
        if count >= 36 and bits > 2:
            [use] = uses([(chip(adc_bits=bits, adc_range=1e-4), np.zeros((count, 2)), currents)])
            assert "set adc_range nearer to them" in use.warning


def test_inputs_of_few_values_need_few_codes():
    """Images in black and white, and the one voltage that single cells are read by."""
    volts = np.tile([[0.0, 0.05], [0.05, 0.0]], (200, 1))
    [use] = uses([(chip(dac_bits=8), volts, np.zeros((400, 1)))])
    assert (use.used, use.values, use.warning) == (2, 2, "")
    kept = numbers_of([_given(volts)])
    assert Use.of_numbers(kept) == [use]
    del kept["dac_values"]  # of a store that knows nothing of it
    assert Use.of_numbers(kept)[0].used == 2


def _given(volts):
    usage = Usage()
    usage.add(chip(dac_bits=8), volts, np.zeros((len(volts), 1)))
    return usage


def test_a_dac_has_the_full_scale_of_the_device_unless_it_is_given():
    volts = np.array([[0.0, 0.05], [0.1, 0.2]])
    for given, share in (({}, 0.5), ({"dac_range": 0.4}, 0.0)):
        [use] = uses([(chip(dac_bits=2, **given), volts, np.zeros((2, 1)))])
        assert (use.name, use.highest) == ("DAC", share)


def test_what_rounds_to_the_last_code_is_not_cut_off():
    """A DAC of 4 bits once saturated by every input of 1, the end of its own range."""
    volts = np.array([[0.1, 0.0968], [0.1, 0.05]])
    [use] = uses([(chip(dac_bits=4), volts, np.zeros((2, 1)))])
    assert (use.highest, use.clipped) == (0.75, 0.0)
    assert "saturates" not in use.warning
    step = 0.1 / 15
    [use] = uses([(chip(dac_bits=4), 0.1 + step * np.array([[0.49, 0.51]]), np.zeros((1, 1)))])
    assert use.clipped == 0.5


def test_batches_add_up_to_what_all_reads_at_once_use():
    rng, wide = np.random.default_rng(0), chip(adc_bits=10, adc_range=1e-6, dac_bits=4)
    volts, currents = rng.uniform(0, 0.12, (50, 2)), rng.uniform(-1e-7, 1.2e-6, (50, 1))
    usage = Usage()
    for some in (slice(0, 7), slice(7, 8), slice(8, 50)):
        usage.add(wide, volts[some], currents[some])
    assert usage.uses() == uses([(wide, volts, currents)])
    dac, adc = usage.uses()
    assert dac.used == len(np.unique(np.round(np.clip(volts, 0, 0.1) * 150)))
    assert adc.highest == pytest.approx(np.mean(currents >= 1e-6 * 1022.5 / 1023))
    assert adc.clipped == pytest.approx(np.mean(currents > 1e-6 * 1023.5 / 1023))
    assert Use.of_numbers(numbers_of([usage])) == [dac, adc]


def test_of_several_layers_the_worst_converter_is_kept():
    good, bad = Usage(), Usage()
    good.add(chip(adc_bits=4, adc_range=1e-6), np.zeros((99, 2)), np.linspace(0, 9e-7, 99)[:, None])
    bad.add(chip(adc_bits=4, adc_range=1e-6), np.zeros((9, 2)), np.full((9, 1), 2e-6))
    assert Use.of_numbers(numbers_of([good, bad, good])) == bad.uses()
    assert transposed([{"a": 1.0}, {"a": 2.0, "b": 3.0}]) == {"a": [1.0, 2.0], "b": [0.0, 3.0]}


def test_a_law_that_says_nothing_of_reads_is_told_and_does_not_refuse_them():
    pulses, law = DEVICE.pulses, DEVICE.memristor
    table = Table(
        **{name: getattr(law, name) for name in ("gamma", "delta", "alpha", "beta", "current_scale")},
        states=(0.0, 0.5, 1.0), up=(-1.1,), down=(1.4,), raises=((0.1, 0.1, 0.0),),
        lowers=((0.0, 0.1, 0.1),), width_up=pulses.potentiation_width,
        width_down=pulses.depression_width,
    )  # fmt: skip
    asked, state = np.array([[0.1, 0.0]]), np.array([[0.3], [0.6]])
    known = dataclasses.replace(table, inert=0.2)
    assert moved_by_a_read(state, asked, dataclasses.replace(DEVICE, memristor=known)) == 0.0
    moved = moved_by_a_read(state, asked, dataclasses.replace(DEVICE, memristor=table))
    assert np.isnan(moved)
    assert warning(moved, asked).startswith("the law says nothing of what reads of up to 100 mV")
    usage, array = Usage(), draw(None, Crossbar(rows=2, columns=1), DEVICE, np.random.default_rng(0))
    usage.add_states(
        dataclasses.replace(array, device=dataclasses.replace(DEVICE, memristor=table)), state, asked
    )
    assert numbers_of([usage]) == {"moved": UNKNOWN, "volts": 0.1}
    assert usage.warnings == [warning(moved, asked)]


@pytest.mark.parametrize("volts", [-0.9, 1.4, 9.0])
def test_reads_that_move_states_are_told_by_how_much(volts):
    asked, state = np.array([[volts, 0.0]]), np.array([[0.3], [0.6]])
    moved = moved_by_a_read(state, asked, DEVICE)
    ends = (0, 1e-6)

    def flow(t, y):
        return state_derivative(y, volts, DEVICE.memristor)

    after = solve_ivp(flow, ends, [0.3], method="LSODA", rtol=1e-10, atol=1e-12).y[0, -1]
    assert moved == pytest.approx(abs(after - 0.3), rel=1e-5)
    assert "would move omega" in warning(moved, asked)
    assert warning(moved_by_a_read(state, np.array([[0.1, 0.1]]), DEVICE), asked) == ""


def test_a_simulator_whose_cells_move_is_told_of_earlier():
    """States that move by 1e-5 in a read change currents by more than the two engines may differ."""
    asked = np.array([[0.1, 0.1]])
    assert warning(1e-5, asked) == ""
    told = warning(1e-5, asked, transient=True)
    assert "move omega in the simulator by up to 1e-05 each" in told
    assert "--analysis sweep" in told
    assert warning(1e-9, asked, transient=True) == ""
