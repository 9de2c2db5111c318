"""Drawn arrays: every imperfection's statistics, its own random stream, and none by default."""

import dataclasses

import numpy as np
import pytest

from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit import periphery
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.laws.zhang2021 import after_dose
from roa_circuit.device.memristor import conductance, conductance_range, pulse_strength
from roa_circuit.device.parameters import load_device
from roa_circuit.device.spread import CONSTANTS, Spread
from roa_circuit.solver.read import read_currents

LARGE = Crossbar(rows=300, columns=200)
DEVICE = default_device()
CELLS = LARGE.rows * LARGE.columns


def drawn(crossbar=LARGE, seed=0, device=DEVICE, **fields):
    return draw(Imperfections(**fields), crossbar, device, np.random.default_rng(seed))


def share(found, probability, count):
    """Within 4.5 standard deviations of the binomial."""
    sd = np.sqrt(probability * (1 - probability) / count)
    return abs(found / count - probability) < 4.5 * sd


def test_faults_leave_other_cells_their_constants():
    """Each imperfection has its own random stream: the spread is that of a chip without faults."""
    spread = Spread(names=("k",), log_covariance=((0.25,),))
    faulty = drawn(spread=spread, stuck_on=0.02, stuck_off=0.02, open=0.02)
    k, healthy = faulty.device.memristor.k, drawn(spread=spread).device.memristor.k
    at_fault = ~np.isnan(faulty.fixed) | (k == 0.0)
    assert 0.04 < at_fault.mean() < 0.08
    assert (k[~at_fault] == healthy[~at_fault]).all()
    assert not k[at_fault].any()


@pytest.mark.parametrize("device", [DEVICE, load_device("vteam")])
def test_faults_without_a_spread_leave_other_cells_as_the_device_has_them(device):
    chip = drawn(device=device, stuck_on=0.02, open=0.02)
    pace = chip.device.memristor.pace
    healthy = np.isnan(chip.fixed) & (pace > 0)
    assert 0.9 < healthy.mean() < 1.0
    assert (pace[healthy] == device.memristor.pace).all()


def test_without_imperfections_every_bit_is_as_in_the_ideal_array():
    rng, crossbar = np.random.default_rng(1), default_crossbar(6, 4)
    chip = drawn(crossbar)
    state, volts = rng.random((6, 4)), 0.1 * rng.random((5, 6))
    pulses = rng.integers(-2, 3, (6, 4))
    assert chip.crossbar == crossbar
    assert chip.device == DEVICE
    assert chip.start(state) is state
    written = write_in_situ(crossbar, state, pulses, DEVICE).state
    np.testing.assert_array_equal(chip.written(state, written, pulses), written)
    np.testing.assert_array_equal(chip.drive(volts), volts)
    currents = read_currents(crossbar, state, volts, DEVICE)
    np.testing.assert_array_equal(chip.sense(currents, state, volts), currents)


def test_spread_has_the_covariance_of_its_logarithms():
    covariance = 0.02 * np.eye(7) + 0.01
    spread = Spread(names=CONSTANTS, log_covariance=tuple(map(tuple, covariance.tolist())))
    p = drawn(spread=spread).device.memristor
    logs = [np.log(getattr(p, n) / getattr(DEVICE.memristor, n)).ravel() for n in CONSTANTS]
    np.testing.assert_allclose(np.cov(logs), covariance, atol=6 * 0.03 / np.sqrt(CELLS))
    np.testing.assert_allclose(np.mean(logs, axis=1), 0, atol=5 * np.sqrt(0.03 / CELLS))


def test_the_devices_own_spread():
    spread = Spread(names=("gamma",), log_covariance=((0.01,),), sigma_wn=0.3)
    device = dataclasses.replace(DEVICE, spread=spread)
    assert drawn(device=device).sigma_wn == 0
    assert not drawn(device=device).device.memristor.varies
    chip = drawn(device=device, spread="device")
    assert chip.sigma_wn == 0.3
    assert np.log(chip.device.memristor.gamma).std() == pytest.approx(0.1, rel=0.02)
    assert np.ndim(chip.device.memristor.k) == 0
    assert drawn(device=device, spread="device", sigma_wn=0.0).sigma_wn == 0


def test_stuck_and_open_cells():
    chip = drawn(stuck_on=0.02, stuck_off=0.05, open=0.03)
    found = chip.summary()
    assert share(found["stuck_on"], 0.02 * 0.97, CELLS)
    assert share(found["stuck_off"], 0.05 * 0.97, CELLS)
    assert share(found["open"], 0.03, CELLS)
    p, state = chip.device.memristor, chip.start(np.full(LARGE.shape, 0.5))
    is_open = p.current_scale == OPEN
    assert is_open.sum() == found["open"]
    assert set(np.unique(state)) == {0.0, 0.5, 1.0}
    assert not (is_open & (state != 0.5)).any()
    np.testing.assert_array_equal(p.k == 0, is_open | (state != 0.5))
    G = conductance(state, 0.05, p)
    assert G[is_open].max() < 1e-12 * G[~is_open].min()


def test_a_short_reads_as_its_resistance():
    spread = Spread(names=("gamma",), log_covariance=((0.04,),))
    chip = drawn(stuck_on=0.01, stuck_on_resistance=1e3, spread=spread)
    V_r, shorted = DEVICE.pulses.read_voltage, chip.fixed == 1.0
    G = conductance(chip.start(np.full(LARGE.shape, 0.5)), V_r, chip.device.memristor)
    np.testing.assert_allclose(G[shorted], 1e-3, rtol=1e-12)
    assert G[~shorted].max() < 5 * conductance_range(V_r, DEVICE.memristor)[1]


def test_broken_lines_are_spread_evenly_along_them():
    array = Crossbar(rows=4000, columns=8)
    breaks = drawn(array, broken_word=0.5).crossbar.breaks
    assert {one.line for one in breaks} == {"word"}
    assert share(len(breaks), 0.5, 4000)
    counts = np.bincount([one.column for one in breaks], minlength=8)
    assert ((counts - len(breaks) / 8) ** 2 / (len(breaks) / 8)).sum() < 29.9  # chi^2, 7, 1e-4
    array = Crossbar(rows=8, columns=4000)
    breaks = drawn(array, broken_bit=0.25).crossbar.breaks
    assert {one.line for one in breaks} == {"bit"}
    assert share(len(breaks), 0.25, 4000)


@pytest.mark.parametrize("polarity", [1, -1])
def test_write_noise_is_equation_7(polarity):
    before = np.full(LARGE.shape, 0.5)
    after, pulses = before + 0.04 * polarity, np.zeros(LARGE.shape, dtype=np.int64)
    pulses[:, ::2] = polarity
    written = drawn(sigma_wn=0.2).written(before, after, pulses)
    np.testing.assert_array_equal(written[:, 1::2], after[:, 1::2])  # moved by half-select alone
    noise = (written - after)[:, ::2]
    assert noise.std() == pytest.approx(0.2 * np.sqrt(0.04), rel=5 / np.sqrt(CELLS))
    assert abs(noise.mean()) < 5 * noise.std() / np.sqrt(CELLS / 2)


def test_read_disturb_is_one_long_pulse():
    state = np.linspace(0, 1, CELLS).reshape(LARGE.shape)
    none = np.zeros(LARGE.shape, dtype=np.int64)
    aged = drawn(read_disturb=1e8).written(state, state, none)
    expected = after_dose(state, pulse_strength(0.1, 100.0, DEVICE.memristor))
    np.testing.assert_allclose(aged, expected, rtol=1e-12)
    assert 1e-3 < np.abs(aged - state).max() < 0.1


@pytest.mark.parametrize("fraction", [0.0, 0.2])
def test_edges_of_pulses_are_those_asked_for_or_the_devices(fraction):
    pulses = drawn(edge_fraction=fraction).device.pulses
    assert pulses.edge_fraction == (fraction or 0.01)


def test_gains_and_offsets_of_lines():
    array = Crossbar(rows=5000, columns=5000)
    chip = draw(
        Imperfections(
            write_gain=0.01, driver_gain=0.02, driver_offset=1e-3, sense_gain=0.03, sense_offset=1e-8
        ),
        dataclasses.replace(array, columns=1),
        DEVICE,
        np.random.default_rng(0),
    )
    wide = drawn(Crossbar(rows=1, columns=5000), sense_gain=0.03, sense_offset=1e-8, write_gain=0.01)
    for values, mean, sd in (
        (chip.crossbar.word_gain, 1, 0.01),
        (wide.crossbar.bit_gain, 1, 0.01),
        (chip.driver_gain, 1, 0.02),
        (chip.driver_offset, 0, 1e-3),
        (wide.sense_gain, 1, 0.03),
        (wide.sense_offset, 0, 1e-8),
    ):
        assert np.std(values) == pytest.approx(sd, rel=0.05)
        assert abs(np.mean(values) - mean) < 5 * sd / np.sqrt(5000)
    volts, currents = np.array([[0.1] * 5000, [0.0] * 5000]), np.array([[1e-6] * 5000])
    np.testing.assert_allclose(chip.drive(volts), volts * chip.driver_gain + chip.driver_offset)
    sensed = wide.sense(currents, np.full((1, 5000), 0.5), np.array([[0.1]]))
    np.testing.assert_allclose(sensed, currents * wide.sense_gain + wide.sense_offset)


def test_thermal_and_shot_noise_of_a_column():
    array = Crossbar(rows=50, columns=4)
    chip = drawn(array, bandwidth=1e9)
    state, volts = np.full(array.shape, 0.3), np.full((20_000, 50), 0.1)
    volts[10_000:] = 0.0
    currents = read_currents(array, state, volts[[0, -1]], DEVICE).repeat(10_000, axis=0)
    noise = (chip.sense(currents, state, volts) - currents).reshape(2, -1)
    G = conductance(0.3, DEVICE.pulses.read_voltage, DEVICE.memristor)
    thermal = 4 * 1.380649e-23 * 300 * 50 * G * 1e9
    shot = 2 * 1.602176634e-19 * currents[0, 0] * 1e9
    assert noise[1].std() == pytest.approx(np.sqrt(thermal), rel=0.02)
    assert noise[0].std() == pytest.approx(np.sqrt(thermal + shot), rel=0.02)
    assert shot > 0.5 * thermal


@pytest.mark.long
def test_flicker_scales_with_the_cells_currents():
    array = Crossbar(rows=50, columns=2)
    state, rng = np.full(array.shape, 0.3), np.random.default_rng(0)
    volts = 0.1 * rng.random((1, 50))
    G = conductance(0.3, DEVICE.pulses.read_voltage, DEVICE.memristor)
    sensed = [
        drawn(array, seed=seed, flicker=0.05).sense(np.zeros((1, 2)), state, volts)
        for seed in range(800)
    ]
    assert np.std(sensed) == pytest.approx(0.05 * G * np.sqrt((volts**2).sum()), rel=0.1)


@pytest.mark.long
def test_pink_noise_falls_as_one_over_f():
    noise = periphery.Pink(np.random.default_rng(0), 400).next(4096)
    assert noise.var() == pytest.approx(1.0, rel=0.1)
    power = (np.abs(np.fft.rfft(noise, axis=0)) ** 2).mean(axis=1)[1:]
    frequency = np.arange(1, len(power) + 1) / 4096
    band = (frequency > 1e-3) & (frequency < 0.1)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.1)


def repeated(chip, reads=1, times=1):
    """(times, reads, columns) noise of the same read, again and again."""
    state, volts = np.full(chip.crossbar.shape, 0.5), np.full((reads, chip.crossbar.rows), 0.05)
    none = np.zeros((reads, chip.crossbar.columns))
    return np.array([chip.sense(none, state, volts) for _ in range(times)])


def test_sixteen_averaged_reads_have_a_quarter_of_the_white_noise():
    """Every call once began the stream anew, and averages had the noise of one read."""
    noise = repeated(drawn(Crossbar(rows=4, columns=3000), bandwidth=1e8), times=16)
    gained = noise[0].std() / noise.mean(axis=0).std()
    assert 3.5 < gained < 4.5


def test_flicker_goes_on_from_read_to_read_and_averages_gain_little():
    noise = repeated(drawn(Crossbar(rows=4, columns=3000), flicker=0.1), times=16)[:, 0]
    assert np.corrcoef(noise[0], noise[1])[0, 1] > 0.6
    assert noise[0].std() / noise.mean(axis=0).std() < 1.6


@pytest.mark.parametrize("kind", [{"bandwidth": 1e8}, {"flicker": 0.1}])
def test_a_seed_gives_one_sequence_in_whatever_batches_it_is_read(kind):
    array = Crossbar(rows=4, columns=5)
    whole = repeated(drawn(array, **kind), reads=12)[0]
    parts = repeated(drawn(array, **kind), reads=3, times=4).reshape(12, 5)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    chip = drawn(array, **kind)
    repeated(chip, reads=7)
    np.testing.assert_array_equal(repeated(chip.afresh(), reads=12)[0], whole)


def test_converters_round_to_their_levels_and_clip():
    values = np.linspace(-0.02, 0.12, 2001)
    levels = periphery.convert(values, 3, 0.1)
    np.testing.assert_allclose(np.unique(levels), np.linspace(0, 0.1, 8))
    inside = (values >= 0) & (values <= 0.1)
    assert np.abs(levels - values)[inside].max() <= 0.05 / 7 + 1e-15
    error = levels[inside] - values[inside]
    assert error.std() == pytest.approx(0.1 / 7 / np.sqrt(12), rel=0.02)
    chip = drawn(Crossbar(rows=2, columns=1), dac_bits=3, adc_bits=4, adc_range=1e-5)
    np.testing.assert_allclose(chip.drive(np.array([[0.04, 0.2]])), [[0.3 / 7, 0.1]])
    sensed = chip.sense(np.array([[3e-6]]), np.array([[0.5], [0.5]]), np.zeros((1, 2)))
    np.testing.assert_allclose(sensed, [[4e-5 / 15]])


ALL = {
    "spread": Spread(names=("k",), log_covariance=((0.1,),)), "sigma_wn": 0.1, "stuck_on": 0.1,
    "open": 0.1, "broken_word": 0.3, "broken_bit": 0.3, "write_gain": 0.1, "driver_gain": 0.1,
    "driver_offset": 0.1, "sense_gain": 0.1, "sense_offset": 1e-7, "bandwidth": 1e6, "flicker": 0.1,
    "drift_spread": 0.1,
}  # fmt: skip


def fingerprints(chip):
    """What each imperfection decides, by its name; NaN where another hides it."""
    p, breaks = chip.device.memristor, chip.crossbar.breaks
    is_open = np.broadcast_to(p.current_scale == OPEN, chip.crossbar.shape)
    return {
        "spread": np.where(p.k > 0, p.k, np.nan),
        "stuck_on": np.where(is_open, np.nan, chip.fixed == 1.0),
        "open": is_open,
        "broken_word": np.array([one.column for one in breaks if one.line == "word"]),
        "broken_bit": np.array([one.row for one in breaks if one.line == "bit"]),
        "write_gain": np.array(chip.crossbar.word_gain),
        "driver_gain": chip.driver_gain,
        "driver_offset": chip.driver_offset,
        "sense_gain": chip.sense_gain,
        "sense_offset": chip.sense_offset,
        "sigma_wn": np.array(chip.noise.seeds["write_noise"]),
        "bandwidth": np.array(chip.noise.seeds["read_noise"]),
        "flicker": np.array(chip.noise.seeds["flicker"]),
        "drift_spread": chip.exponents,
    }


@pytest.mark.parametrize("off", ALL)
def test_turning_one_off_changes_no_draw_of_another(off):
    array = Crossbar(rows=12, columns=9)
    whole = fingerprints(drawn(array, **ALL))
    without = fingerprints(drawn(array, **{k: v for k, v in ALL.items() if k != off}))
    for name in ALL.keys() - {off}:
        hidden = np.isnan(whole[name]) | np.isnan(without[name])
        assert hidden.mean() < 0.5
        np.testing.assert_array_equal(whole[name][~hidden], without[name][~hidden], err_msg=name)


def test_the_seed_alone_decides():
    array = Crossbar(rows=12, columns=9)
    one, same, other = (fingerprints(drawn(array, seed=s, **ALL)) for s in (5, 5, 6))
    for name in ALL:
        np.testing.assert_array_equal(one[name], same[name])
        assert one[name].shape != other[name].shape or (one[name] != other[name]).any()
