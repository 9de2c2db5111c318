"""What converters and states make of reads that do not suit them, by hand."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from roa_circuit.chips.chip import draw
from roa_circuit.chips.converters import uses
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.read_disturb import moved_by_a_read, warning
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.memristor import state_derivative

DEVICE = default_device()


def chip(**imperfections):
    crossbar = Crossbar(rows=2, columns=1)
    return draw(Imperfections(**imperfections), crossbar, DEVICE, np.random.default_rng(0))


def test_the_share_at_the_ends_and_the_codes_used_are_counted():
    currents = 1e-6 * np.array([[-1.0], [0.0], [3.1], [7.0], [9.0]])  # of 3 bits: 0, 0, 3, 7, 7
    [use] = uses([(chip(adc_bits=3, adc_range=7e-6), np.zeros((5, 2)), currents)])
    assert (use.used, use.codes, use.lowest, use.highest) == (3, 8, 0.4, 0.4)
    assert "ADC saturates: 40.0 % of readings at the lowest code, 40.0 % at the highest" in use.warning
    assert "raise adc_range, these readings reach 9 µA" in use.warning


def test_a_range_far_too_wide_uses_few_codes_and_one_that_fits_says_nothing():
    currents = np.linspace(0, 1e-6, 400)[:, None]
    for full, used in ((1e-4, 4), (1e-6, 256)):
        [use] = uses([(chip(adc_bits=8, adc_range=full), np.zeros((400, 2)), currents)])
        assert use.used == used
        assert bool(use.warning) == (used == 4)
    assert uses([(chip(), np.zeros((400, 2)), currents)]) == []


def test_a_dac_has_the_full_scale_of_the_device_unless_it_is_given():
    volts = np.array([[0.0, 0.05], [0.1, 0.2]])
    for given, share in (({}, 0.5), ({"dac_range": 0.4}, 0.0)):
        [use] = uses([(chip(dac_bits=2, **given), volts, np.zeros((2, 1)))])
        assert (use.name, use.highest) == ("DAC", share)


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
