"""Eq. 6-7: pulse counts, rounding, caps, noise and write-verify."""

import dataclasses

import numpy as np
import pytest
import torch

from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import (
    Programming,
    after_pulses,
    pulse_doses,
    real_pulse_count,
    round_count,
    write,
    write_noise,
)

TABLE_1 = load_device("zhang2021")
HOW = Programming()


def printed_equation_6(omega, change):
    """Eq. 6 as printed, before rounding."""
    up, down = pulse_doses(TABLE_1)
    lam, dose = (1 - omega, up) if change > 0 else (-omega, -down)
    return change / (lam * dose * (lam - change))


@pytest.mark.parametrize(("omega", "change"), [(0.5, 0.2), (0.5, -0.2), (0.1, 0.6), (0.9, -0.85)])
def test_count_is_equation_6(omega, change):
    count = real_pulse_count(omega, change, TABLE_1, Programming(max_pulses=1000))
    assert abs(count) == pytest.approx(abs(printed_equation_6(omega, change)), rel=1e-12)
    assert np.sign(count) == np.sign(change)


def test_real_counts_reach_the_target():
    omega, change = np.linspace(0.05, 0.95, 19), 0.03
    count = real_pulse_count(omega, change, TABLE_1, HOW)
    assert after_pulses(omega, count, TABLE_1) == pytest.approx(omega + change, abs=1e-12)


def test_one_pulse_at_mid_range_moves_g_by_the_figures_of_table_1():
    g = 2 * after_pulses(np.array([0.5, 0.5]), np.array([1, -1]), TABLE_1) - 1
    assert g == pytest.approx([0.191, -0.107], abs=5e-4)


def test_targets_outside_the_range_stay_finite_and_capped():
    omega = np.array([0.0, 0.5, 1.0, 0.995, 0.005])
    for change in (2.0, -2.0):
        count = real_pulse_count(omega, change, TABLE_1, HOW)
        assert np.isfinite(count).all()
        assert (np.abs(count) <= HOW.max_pulses).all()
        assert (np.sign(count) * np.sign(change) >= 0).all()


def test_each_rounding_gives_whole_pulses_and_chance_the_right_mean():
    count = np.array([1.4, -1.4, 0.5001, -0.2])
    assert round_count(count, HOW) == pytest.approx([1, -1, 1, 0])
    assert round_count(count, Programming(rounding="floor")) == pytest.approx([1, -1, 0, 0])
    assert round_count(count, Programming(rounding="ceil")) == pytest.approx([2, -2, 1, -1])
    many = round_count(
        np.full(20_000, -1.3), Programming(rounding="stochastic"), np.random.default_rng(0)
    )
    assert set(np.unique(many)) == {-1.0, -2.0}
    assert many.mean() == pytest.approx(-1.3, abs=0.02)


def test_noise_has_the_spread_of_equation_7():
    before, written = np.full(50_000, 0.5), np.full(50_000, 0.55)
    noisy = write_noise(before, written, Programming(sigma_wn=0.5, clip=False), np.random.default_rng(2))
    assert noisy.std() == pytest.approx(0.5 * np.sqrt(0.05), rel=0.02)
    assert noisy.mean() == pytest.approx(0.55, abs=0.002)


def test_no_pulse_no_noise_and_clipping():
    how = Programming(sigma_wn=4.0)
    written, count = write(
        np.full(1000, 0.5), np.full(1000, 0.01), TABLE_1, how, np.random.default_rng(0)
    )
    assert not count.any()
    assert (written == 0.5).all()
    written, count = write(
        np.full(1000, 0.5), np.full(1000, 0.2), TABLE_1, how, np.random.default_rng(0)
    )
    assert count.all()
    assert ((written >= 0) & (written <= 1)).all()


def test_same_write_in_torch():
    rng = np.random.default_rng(3)
    omega, change = rng.random(200), rng.normal(scale=0.3, size=200)
    how = Programming(sigma_wn=1.0)
    here = write(omega, change, TABLE_1, how, np.random.default_rng(5))
    there = write(
        torch.from_numpy(omega), torch.from_numpy(change), TABLE_1, how, np.random.default_rng(5)
    )
    for a, b in zip(here, there, strict=True):
        assert b.numpy() == pytest.approx(a, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "bad",
    [
        {"rounding": "near"},
        {"lowest_state": 0.0},
        {"highest_state": 1.0},
        {"highest_state": 1.5},
        {"max_pulses": 0},
        {"max_pulses": 2.5},
        {"sigma_wn": "1"},
        {"sigma_wn": -1.0},
        {"sigma_wn": np.nan},
    ],
)
def test_bad_settings_are_named(bad):
    with pytest.raises(InputError, match=r"\w+"):
        Programming(**bad)


def test_noise_without_a_generator_is_refused():
    with pytest.raises(InputError, match="generator"):
        write(np.array([0.5]), np.array([0.3]), TABLE_1, Programming(sigma_wn=1.0))


@pytest.mark.parametrize(
    ("reading", "raised", "lowered"),
    [
        ("literal", 0.1 * 0.2**0.5, 0.1 * 0.3**0.5),
        ("half", 0.05 * 0.2**0.5, 0.05 * 0.3**0.5),
        ("potentiation", 0.1 * 0.2**0.5, 0.0),
        ("unscaled", 0.1 * 0.2, 0.1 * 0.3),
    ],
)
def test_readings_of_equation_7_have_their_deviation(reading, raised, lowered):
    how = Programming(sigma_wn=0.1, reading=reading, clip=False)
    before, written = np.full(40_000, 0.5), np.full(40_000, 0.5)
    written[::2], written[1::2] = 0.7, 0.2
    noise = write_noise(before, written, how, np.random.default_rng(0)) - written
    assert noise[::2].std() == pytest.approx(raised, rel=0.02)
    assert noise[1::2].std() == pytest.approx(lowered, rel=0.02)
    untouched = write_noise(before, before, how, np.random.default_rng(0))
    assert (untouched == before).all()


def test_an_unknown_reading_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'literal'"):
        Programming(reading="litteral")


def test_a_cell_gets_64_pulses_at_most_unless_asked_otherwise():
    count, _ = real_and_written(np.array([0.05]), np.array([0.9]), Programming(max_pulses=10**6))
    assert abs(count[0]) > 64
    count, _ = real_and_written(np.array([0.05]), np.array([0.9]), Programming())
    assert abs(count[0]) == 64


def real_and_written(omega, change, how):
    """(signed pulse counts, states after them) of a device of weak pulses."""
    weak = dataclasses.replace(
        TABLE_1, memristor=dataclasses.replace(TABLE_1.memristor, k=TABLE_1.memristor.k / 100)
    )
    written, count = write(omega, change, weak, how)
    return count, written


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
def test_states_that_are_none_are_refused(library):
    """NaN, 1.5 and weights below 0 once passed, and came out as some state."""
    step = library([0.1, 0.1])
    for wrong in (np.nan, 1.5, -0.2):
        with pytest.raises(InputError, match=f"omega must be states in .0, 1., one is {wrong:.4g}"):
            write(library([0.5, wrong]), step, TABLE_1, HOW)
    with pytest.raises(InputError, match="d_omega must be finite numbers, one is nan"):
        write(library([0.5, 0.5]), library([0.1, np.nan]), TABLE_1, HOW)
    with pytest.raises(InputError, match="one is nan"):
        write(np.nan, 0.1, TABLE_1, HOW)
    beyond = dataclasses.replace(HOW, clip=False)  # where noise may have left it
    assert write(library([0.5, 1.5]), step, TABLE_1, beyond)[1].shape == (2,)
    with pytest.raises(InputError, match="one is inf"):
        write(library([0.5, np.inf]), step, TABLE_1, beyond)


def test_masked_arrays_and_texts_are_refused():
    """What a mask hid once counted, or was a raw error of numpy's."""
    hidden = np.ma.masked_array([0.5, 0.5], mask=[False, True])
    calls = [
        lambda: write(hidden, 0.1, TABLE_1, HOW),
        lambda: write(0.5, hidden, TABLE_1, HOW),
        lambda: after_pulses(0.5, hidden, TABLE_1),
        lambda: current(hidden, 0.1, TABLE_1.memristor),
        lambda: current(0.5, hidden, TABLE_1.memristor),
    ]
    for call in calls:
        with pytest.raises(InputError, match="masked array has hidden numbers"):
            call()
    with pytest.raises(InputError, match="omega must be real numbers, not an array of <U3"):
        write(np.array(["0.5"]), 0.1, TABLE_1, HOW)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, bool])
def test_numbers_of_any_type_are_the_same_states(kind):
    omega, change = np.array([0, 1, 1]), np.array([0.3, -0.3, 0.0])
    for found, wanted in zip(
        write(omega.astype(kind), change, TABLE_1, HOW),
        write(omega.astype(float), change, TABLE_1, HOW), strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("law", ["windows", "vteam"])
def test_pulses_that_move_nothing_are_refused_where_a_write_needs_them(law):
    """Counted by 0/0, a wanted decrease became 64 pulses upwards, and the largest whole number."""
    if law == "windows":
        windows = Windows(**TABLE_1.memristor.constants, p=1.0, q=1.0, threshold_down=1.5)
        device = dataclasses.replace(TABLE_1, memristor=windows)
    else:
        shipped = load_device("vteam")
        pulses = dataclasses.replace(shipped.pulses, depression_voltage=0.55)
        device = dataclasses.replace(shipped, pulses=pulses)
    V = device.pulses.depression_voltage
    with pytest.raises(InputError, match=f"a depression pulse of {V:g} V moves nothing"):
        write([0.5, 0.5, 0.2], [0.1, -0.1, -0.3], device, HOW)
    reached, count = write([0.5, 0.4], [0.3, 0.0], device, HOW)
    assert count[0] > 0
    assert count[1] == 0
    assert reached[0] > 0.5
    assert reached[1] == 0.4


def test_cells_of_their_own_that_no_pulse_moves_get_none():
    dead = TABLE_1.memristor.changed(k=np.array([TABLE_1.memristor.k, 0.0]))
    device = dataclasses.replace(TABLE_1, memristor=dead)
    count = real_pulse_count(np.full(2, 0.5), np.array([-0.2, -0.2]), device, HOW)
    assert count[0] == real_pulse_count(0.5, -0.2, TABLE_1, HOW)
    assert count[1] == 0.0


@pytest.mark.parametrize("rounding", ["nearest", "floor"])
def test_counts_that_are_no_numbers_are_refused(rounding):
    for one in (np.nan, np.inf):
        with pytest.raises(InputError, match="not finite"):
            round_count(np.array([1.0, one]), Programming(rounding=rounding))
