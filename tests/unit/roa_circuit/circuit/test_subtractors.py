"""Subtractors as they are made: the difference by hand, what is common, and their draws."""

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.converter_use import uses
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.circuit.subtractors import EXACT, Subtractors

GROUPS = Mapping(every=2)
MADE = Subtractors(mismatch=np.array([0.1, -0.2, 0.0]), offset=np.array([1.0, 0.0, -3.0]))


def drawn(mapping, columns, **fields):
    crossbar = Crossbar(rows=2, columns=columns)
    return draw(
        Imperfections(**fields), crossbar, default_device(), np.random.default_rng(0), mapping=mapping
    )


@pytest.mark.parametrize("mapping", [PAIR, GROUPS], ids=str)
def test_the_plus_side_counts_more_and_an_offset_is_added(mapping):
    columns = np.random.default_rng(0).random((4, mapping.lines(3)))
    plus, minus = columns[:, mapping.plus(columns.shape[1])], columns[:, mapping.minus(columns.shape[1])]
    wanted = plus * [1.1, 0.8, 1.0] - minus
    np.testing.assert_allclose(MADE.weights(mapping, columns), wanted, rtol=1e-14)
    shifted = wanted + MADE.offset
    np.testing.assert_allclose(MADE.differences(mapping, columns), shifted, rtol=1e-14)
    np.testing.assert_array_equal(EXACT.differences(mapping, columns), mapping.differences(columns))


@pytest.mark.parametrize("mapping", [PAIR, GROUPS], ids=str)
def test_a_line_alone_passes_as_if_the_other_carried_nothing(mapping):
    lines = mapping.lines(3)
    found = MADE.alone(mapping, np.ones((1, lines)))[0]
    for output, (plus, minus) in enumerate(zip(mapping.plus(lines), mapping.minus(lines), strict=True)):
        only = np.zeros((1, lines))
        only[0, plus] = 1.0
        assert found[plus] == MADE.differences(mapping, only)[0, output]
        if mapping.channel_of(lines)[minus] == output:
            only = np.zeros((1, lines))
            only[0, minus] = 1.0
            assert found[minus] == -MADE.differences(mapping, only)[0, output]


def test_what_both_sides_have_in_common_is_rejected_by_the_mismatch():
    chip = drawn(PAIR, 6000, subtractor_mismatch=1e-3)
    common = chip.joined(np.full((1, 6000), 5e-6))[0] / 5e-6
    assert common.std() == pytest.approx(1e-3, rel=0.05)
    assert abs(common.mean()) < 1e-4


def test_each_difference_has_a_mismatch_and_an_offset_of_its_own_and_moves_no_other_draw():
    x = {"sense_gain": 0.01, "adc_offset": 0.3, "adc_bits": 6, "adc_range": 1e-6, "bandwidth": 1e6}
    plain, made = (drawn(PAIR, 6000, **x, **more) for more in ({}, {"subtractor_offset": 1e-8}))
    assert made.subtractors.offset.std() == pytest.approx(1e-8, rel=0.05)
    np.testing.assert_array_equal(plain.sense_gain, made.sense_gain)
    np.testing.assert_array_equal(plain.adc.offset, made.adc.offset)
    assert plain.noise.seeds == made.noise.seeds
    both = drawn(PAIR, 6000, subtractor_offset=2e-8, subtractor_mismatch=0.1)
    np.testing.assert_allclose(both.subtractors.offset, 2.0 * made.subtractors.offset, rtol=1e-12)


def test_a_reference_that_is_digitised_apart_has_none():
    chip = drawn(REFERENCE, 4, subtractor_mismatch=0.1, subtractor_offset=1e-8)
    assert chip.subtractors.are_exact
    columns = np.random.default_rng(0).random((2, 4))
    np.testing.assert_array_equal(chip.joined(columns), columns)
    np.testing.assert_array_equal(chip.alone(columns), columns)


def test_converters_report_and_count_what_subtractors_put_out():
    chip = drawn(PAIR, 4, subtractor_mismatch=0.1, subtractor_offset=1e-7, adc_bits=12, adc_range=8e-6)
    currents, state, volts = np.array([[4e-6, 3e-6, 1e-6, 2e-6]]), np.full((2, 4), 0.5), np.zeros((1, 2))
    e, offset = chip.subtractors.mismatch, chip.subtractors.offset
    wanted = np.array([1e-6, -1e-6]) + e * [4e-6, 1e-6] + offset
    np.testing.assert_allclose(chip.sense(currents, state, volts), [wanted], atol=2e-9)
    [use] = uses([(chip, volts, currents)])
    assert use.largest == pytest.approx(np.abs(wanted).max())
    alone = chip.sense_alone(currents, state, volts)[0]
    np.testing.assert_allclose(alone[[0, 2]], currents[0, [0, 2]] * (1 + e) + offset, atol=2e-9)
    np.testing.assert_allclose(alone[[1, 3]], currents[0, [1, 3]] - offset, atol=2e-9)


def test_a_mismatch_that_no_resistors_make_is_refused():
    with pytest.raises(InputError, match=r"subtractor_mismatch = 0.5 must be at most 0.2"):
        Imperfections(subtractor_mismatch=0.5)
