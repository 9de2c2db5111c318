"""Converters against their definition, by hand and by statistics of many readings."""

import numpy as np
import pytest

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.adc import Adc, uneven_steps
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.noise import STREAMS, Noise
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.layers.compensation import calibrate


def test_offset_bow_and_uneven_steps_move_codes_as_they_say():
    currents = np.linspace(-1, 1, 9)[:, None]
    even = Adc(bits=4, signed=True, full=np.array([1.0]))
    np.testing.assert_array_equal(even.codes(currents)[:, 0], [-7, -5, -4, -2, 0, 2, 4, 5, 7])
    shifted = Adc(bits=4, signed=True, full=np.array([1.0]), offset=np.array([2.0]))
    np.testing.assert_array_equal(shifted.codes(currents)[:, 0], [-5, -3, -2, 0, 2, 4, 6, 7, 7])
    bowed = Adc(bits=4, signed=True, full=np.array([1.0]), bow=np.array([2.0]))
    moved = bowed.codes(currents) - even.codes(currents)
    assert moved[[0, 4, 8], 0].tolist() == [0, 0, 0]  # nothing at the ends and at none
    assert moved[6, 0] == 2  # the whole bow halfway
    same = Adc(bits=4, signed=True, full=np.array([1.0]), steps=uneven_steps(np.zeros((1, 14)), (-7, 7)))
    off = 0.99 * currents  # no reading just between two codes
    np.testing.assert_array_equal(same.codes(off), even.codes(off))


def test_uneven_steps_have_the_deviation_that_is_asked_for_and_the_whole_range():
    rng = np.random.default_rng(0)
    steps = uneven_steps(0.2 * rng.standard_normal((50, 254)), (-127, 127))
    np.testing.assert_allclose(steps[:, [0, -1]], np.tile([-126.5, 126.5], (50, 1)))
    assert np.std(np.diff(steps, axis=1)) == pytest.approx(0.2, rel=0.05)


def test_the_only_converter_reads_every_line():
    rng, lines = np.random.default_rng(0), np.zeros(3, dtype=np.intp)
    one = Adc(
        bits=4, signed=False, full=np.ones(1), steps=uneven_steps(rng.normal(0, 0.3, (1, 15)), (0, 15))
    )
    seen = rng.random((9, 3))
    np.testing.assert_array_equal(
        one.of(lines).codes(seen), np.hstack([one.codes(seen[:, [j]]) for j in range(3)])
    )


def test_many_dithered_reads_tell_what_lies_between_two_codes():
    adc = Adc(bits=3, signed=True, full=np.array([3.0]))
    inside = np.full((100_000, 1), 0.3)
    assert (adc.convert(inside) == 0).all()
    noise = Noise(dict.fromkeys(STREAMS, 0))
    assert adc.convert(inside, noise.dither(*inside.shape)).mean() == pytest.approx(0.3, abs=0.01)
    for x in (0.0, 0.1, 0.5, 0.7):  # wherever it lies
        read = adc.convert(np.full((100_000, 1), x), noise.dither(100_000, 1))
        assert np.mean((read - x) ** 2) == pytest.approx(float(adc.dithered_variance[0]), rel=0.05)


def test_each_bit_line_alone_is_read_by_the_converter_of_its_channel():
    x = Imperfections(adc_bits=4, adc_range=1e-6, adc_offset=0.5)
    for mapping in (REFERENCE, PAIR, Mapping(every=2)):
        lines = mapping.lines(4)
        chip = draw(
            x,
            Crossbar(rows=1, columns=lines),
            default_device(),
            np.random.default_rng(0),
            mapping=mapping,
        )
        channels = mapping.channel_of(lines)
        assert len(chip.adc.offset) == mapping.channels(lines)
        np.testing.assert_array_equal(chip.adc.of(channels).offset, chip.adc.offset[channels])
        np.testing.assert_array_equal(channels[mapping.plus(lines)], np.arange(4))
        alone = chip.sense_alone(np.full((1, lines), 3e-7), np.full((1, lines), 0.5), np.zeros((1, 1)))
        assert alone.shape == (1, lines)


def test_one_error_moves_no_draw_of_another():
    def chip(**more):
        x = Imperfections(adc_bits=6, adc_range=1e-6, sense_gain=0.01, **more)
        return draw(x, Crossbar(rows=1, columns=4), default_device(), np.random.default_rng(2))

    plain, all_of_them = chip(adc_inl=0.5), chip(adc_inl=0.5, adc_dnl=0.2, adc_offset=1.0)
    np.testing.assert_array_equal(plain.adc.bow, all_of_them.adc.bow)
    np.testing.assert_array_equal(plain.sense_gain, all_of_them.sense_gain)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"adc_bits": 6, "adc_range": "row"}, "adc_range = 'row' is unknown; known: column, layer"),
        ({"adc_bits": 6}, "adc_bits needs adc_range"),
        ({"adc_bits": 20, "adc_range": 1.0, "adc_dnl": 0.1}, "must be at most 14"),
        ({"adc_percentile": 0.0, "adc_range": "layer"}, r"must lie in \(0, 100\]"),
        ({"adc_percentile": 99.0, "adc_bits": 6, "adc_range": 1e-6}, "a range in amperes covers"),
        ({"adc_percentile": 101.0, "adc_range": "layer"}, r"must lie in \(0, 100\]"),
    ],
)
def test_converters_that_cannot_be_are_refused(fields, complaint):
    with pytest.raises(InputError, match=complaint):
        Imperfections(**fields)


@pytest.mark.parametrize("word", ["layer", "column"])
def test_a_range_in_words_goes_to_a_file_and_back(word):
    x = Imperfections(adc_bits=6, adc_range=word, adc_percentile=99.0, adc_dnl=0.1)
    assert Imperfections.from_toml(x.to_toml()) == x
    assert f'adc_range = "{word}"' in x.to_toml()
    with pytest.raises(InputError, match="give one of them"):
        Imperfections.from_toml(x.to_toml() + '"adc_range [A]" = 1.0\n')


def test_a_range_that_nothing_tells_is_refused_where_it_is_needed():
    x = Imperfections(adc_bits=6, adc_range="layer")
    chip = draw(x, Crossbar(rows=1, columns=2), default_device(), np.random.default_rng(0))
    with pytest.raises(InputError, match="there is no layer here; give adc_range in amperes"):
        chip.sense(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 1)))


def test_the_noise_of_a_coarse_converter_does_not_shrink_gains():
    """Least squares divides by the readings' size, which noise makes larger than the signal's."""
    rng = np.random.default_rng(3)
    wanted, step = rng.uniform(-1, 1, (4000, 1)), 1.0
    dither = rng.random((*wanted.shape, 2)).sum(axis=-1) - 1.0
    measured = step * np.round((0.8 * wanted + step * dither) / step)
    rest = np.zeros((1, 1))
    assert calibrate(measured, wanted, rest).gain[0] < 1.0
    told = calibrate(measured, wanted, rest, noise=np.array([step**2 / 4]))
    assert told.gain[0] == pytest.approx(1 / 0.8, rel=0.06)
    weak = calibrate(measured * 1e-3, wanted, rest, noise=np.array([step**2 / 4]))
    assert weak.gain[0] == 1.0
