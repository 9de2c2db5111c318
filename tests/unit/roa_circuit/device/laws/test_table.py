"""The measured table: pulses end where they were measured, and what was not measured is refused."""

import dataclasses

import numpy as np
import pytest
import torch

from roa_circuit import Crossbar, Device, InputError, Programming, load_device, write_in_situ
from roa_circuit.device.compact_model import ngspice_library
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.tracks import Place, Tracks
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.programming import after_pulses, real_pulse_count, write

TABLE_1 = load_device("zhang2021")
BRANCHES = {n: getattr(TABLE_1.memristor, n) for n in ("gamma", "delta", "alpha", "beta")}
PULSES = TABLE_1.pulses
UP, DOWN = PULSES.potentiation_voltage, PULSES.depression_voltage
KNOTS = np.linspace(0, 1, 17)


def measured(law, knots=KNOTS, up=(UP,), down=(DOWN,), **others):
    """A table as it would be measured on a device of another law."""
    widths = PULSES.potentiation_width, PULSES.depression_width
    raises, lowers = (
        tuple(tuple(np.abs(law.after_dose(knots, law.dose(V, T), V) - knots).tolist()) for V in volts)
        for volts, T in ((up, widths[0]), (down, widths[1]))
    )
    return Table(
        **BRANCHES, states=tuple(knots.tolist()), up=up, down=down, raises=raises, lowers=lowers,
        width_up=widths[0], width_down=widths[1], **others,
    )  # fmt: skip


EQ_1 = measured(TABLE_1.memristor)
SOFT = Windows(**BRANCHES, k=1e-4, mu1=19.25, mu2=13.0, p=1.0, q=0.5, ratio=20.0)


def device(law):
    return dataclasses.replace(TABLE_1, memristor=law)


@pytest.mark.parametrize("table", [EQ_1, measured(SOFT, ratio=20.0)])
def test_one_pulse_from_each_measured_state_ends_where_it_did(table):
    knots = np.array(table.states)
    for count, rows in ((1, table.raises), (-1, table.lowers)):
        after = after_pulses(knots, np.full(len(knots), count), device(table))
        np.testing.assert_allclose(after, knots + count * np.array(rows[0]), atol=2e-5)


def test_between_knots_and_over_many_pulses_the_table_is_near_its_device():
    omega = np.linspace(0.03, 0.97, 40)
    for count in (-6, -2, 1, 5):
        table, exact = (
            after_pulses(omega, np.full(40, count), device(x)) for x in (EQ_1, TABLE_1.memristor)
        )
        np.testing.assert_allclose(table, exact, atol=4e-3)


def test_pulses_add_and_eq_6_undoes_them():
    omega = np.linspace(0.05, 0.95, 19)
    for V, sign in ((UP, 1.0), (DOWN, -1.0)):
        twice = EQ_1.after_dose(EQ_1.after_dose(omega, sign, V), 2 * sign, V)
        np.testing.assert_allclose(twice, EQ_1.after_dose(omega, 3 * sign, V), atol=1e-12)
    count = real_pulse_count(omega, 0.02, device(EQ_1), Programming())
    np.testing.assert_allclose(after_pulses(omega, count, device(EQ_1)), omega + 0.02, atol=1e-9)


def test_no_pulse_leaves_the_range():
    ends = EQ_1.after_dose(
        np.array([0.0, 1.0, 0.5, 0.5]), np.array([-9.0, 9.0, 1e6, -1e6]), np.array([DOWN, UP, UP, DOWN])
    )
    assert (ends >= 0).all()
    assert (ends <= 1).all()


def test_gradients_flow_through_the_table():
    state = torch.tensor([0.2, 0.5, 0.8], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: EQ_1.after_dose(w, 0 * w + 0.7, UP), state)
    written, _ = write(state, 0.1 * torch.ones(3), device(EQ_1), Programming())
    written.sum().backward()
    assert torch.isfinite(state.grad).all()


def test_amplitudes_and_widths_that_were_not_measured_are_refused():
    with pytest.raises(InputError, match=r"-1.1 V, 1.4 V and says nothing of -0.9 V"):
        EQ_1.rate(-0.9)
    with pytest.raises(InputError, match=r"says nothing of -0\.9 V to 0\.2 V"):
        EQ_1.rate(np.array([-1.1, 0.1, 0.2, -0.9]))
    with pytest.raises(InputError, match="says nothing of others; the asked width is 4e-06 s"):
        EQ_1.dose(UP, 4e-6)
    with pytest.raises(InputError, match=r"says nothing of 0\.05 V"):
        EQ_1.rate(0.05)
    assert dataclasses.replace(EQ_1, inert=0.1).rate(0.05) == 0.0
    assert EQ_1.rate(0.0) == 0.0


def test_a_write_through_wires_says_which_amplitudes_it_meets():
    state, pulses = np.full((2, 2), 0.5), np.array([[1, 0], [0, -1]])
    perfect = Crossbar(rows=2, columns=2, scheme="ideal")
    alone = dataclasses.replace(EQ_1, inert=0.5)
    written = write_in_situ(perfect, state, pulses, device(EQ_1)).state
    np.testing.assert_allclose(written, after_pulses(state, pulses, device(EQ_1)), atol=1e-9)
    with pytest.raises(InputError, match=r"says nothing of -0.55 V"):
        write_in_situ(Crossbar(rows=2, columns=2), state, pulses, device(EQ_1))
    wires = Crossbar(rows=2, columns=2, scheme="ideal", r_word=1.0, r_bit=1.0)
    scaled = device(alone).scaled(0.01)
    with pytest.raises(InputError, match=r"says nothing of -1\.\d+ V"):
        write_in_situ(wires, state, pulses, scaled)
    holds = dataclasses.replace(alone, within=0.01, current_scale=0.01)
    assert write_in_situ(wires, state, pulses, device(holds)).state[0, 0] > 0.59


def test_three_amplitudes_are_interpolated_and_two_are_not():
    three = measured(TABLE_1.memristor, up=(-1.05, -1.15, -1.1))
    between = float(three.after_dose(0.4, 1.0, -1.07))
    assert three.after_dose(0.4, 1.0, -1.05) < between < three.after_dose(0.4, 1.0, -1.1)
    assert float(three.after_dose(three.after_dose(0.4, 1.0, -1.07), 1.0, -1.07)) == pytest.approx(
        float(three.after_dose(0.4, 2.0, -1.07)), abs=1e-12
    )
    assert "interpolated" in str(device(three))
    with pytest.raises(InputError, match="says nothing of"):
        three.rate(-1.2)
    with pytest.raises(InputError, match="says nothing of"):
        measured(TABLE_1.memristor, up=(-1.05, -1.15)).rate(-1.1)


def test_a_parameter_set_keeps_the_table_exactly():
    assert Device.from_toml(device(EQ_1).to_toml()) == device(EQ_1)


def test_decks_are_refused_in_one_line():
    with pytest.raises(InputError, match="a model for simulators only where it says"):
        ngspice_library(device(EQ_1))
    assert EQ_1.in_simulators is not None


def test_pulses_that_end_at_the_same_state_but_for_rounding_are_taken():
    """A fit of exact readings gave such a table, and then refused it."""
    states, ends = (0.0, 0.4, 0.7, 1.0), np.array([0.5, 1.0 + 1.2e-16, 1.0 - 1.2e-16, 1.0])
    rows = {"raises": (tuple(ends - states),), "lowers": ((0.0, 0.1, 0.1, 0.1),)}
    table = Table(
        **BRANCHES, states=states, up=(-1.1,), down=(1.4,), width_up=3e-6, width_down=3e-5, **rows
    )
    after = after_pulses(np.array(states), np.ones(4), device(table))
    np.testing.assert_allclose(after, ends, atol=2e-3)
    with pytest.raises(InputError, match="overtakes one from the next"):
        dataclasses.replace(table, raises=((0.5, 0.6, 0.29, 0.0),))


def test_a_polarity_that_was_not_measured_is_refused():
    one = dataclasses.replace(EQ_1, down=(), lowers=())
    np.testing.assert_allclose(one.after_dose(0.3, 2.0, UP), EQ_1.after_dose(0.3, 2.0, UP))
    with pytest.raises(InputError, match=r"says nothing of 1\.4 V"):
        one.rate(1.4)
    with pytest.raises(InputError, match="one of them must have an amplitude"):
        dataclasses.replace(one, up=(), raises=())
    assert Device.from_toml(device(one).to_toml()) == device(one)


def test_reads_below_what_moves_nothing_move_nothing():
    table = dataclasses.replace(EQ_1, inert=0.5)
    assert float(table.dose(0.05, 1e-6)) == 0.0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"state [-]": [0.0, 0.5, 0.9]}, "rise from 0 to 1"),
        ({"raises [-]": [[0.1, 0.1]]}, "a row of 17 states for each potentiation"),
        ({"raises [-]": [[0.1] * 17]}, "leave the range"),
        ({"raises [-]": [[-0.1] * 17]}, "not be negative"),
        ({"lowers [-]": [[0.0] * 16 + [1.0]]}, "overtakes"),
        ({"potentiation [V]": [1.0]}, "below 0"),
        ({"potentiation [V]": [-1.0, -1.0]}, "repeats"),
        ({"potentiation width [s]": 0.0}, "greater than 0"),
        ({"raise [-]": 1}, "unknown key"),
        ({"state [-]": "x"}, "finite number"),
    ],
)
def test_complaints_say_what_is_wrong(change, complaint):
    document = device(EQ_1).to_dict()
    document["table"] = document["table"] | change
    with pytest.raises(InputError, match=complaint):
        Device.from_dict(document)


def test_an_uneven_table_is_met_or_refused():
    """Judged on coarser tracks than cells run on, a pulse of 0.0016 of the range made 0.018 of it."""
    states = (0.0, 0.2700329794, 0.2712962545, 0.3737044360, 0.3751450536, 0.8274555564, 1.0)
    raises = (3.561728488e-3, 2.024440098e-3, 1.765174528e-3, 1.274187661e-3, 1.624197295e-3,
              6.249576745e-4, 0.0)  # fmt: skip
    lowers = (0.0, *(1e-3 * np.array(states[1:])))
    table = Table(
        **BRANCHES, states=states, up=(-1.0,), down=(1.0,), raises=(raises,), lowers=(lowers,),
        width_up=1e-6, width_down=1e-6,
    )  # fmt: skip
    knots = np.array(states)
    try:
        ends = table.after_dose(knots, 1.0, np.array(-1.0))
    except InputError:
        return
    np.testing.assert_allclose(ends, knots + raises, atol=2e-3)


def test_tracks_with_a_jump_of_the_speed_are_met_to_the_last_digits():
    """Newton's steps leapt over nodes where the motion begins at a state, and cubics turned back."""

    def speed(u):
        return np.where(u < 0.4, 1e-6, 0.3)[None]

    tracks, place = Tracks.of(speed, 513), Place(first=0)
    u = np.linspace(0.3, 0.6, 601)
    for dose in (-0.5, -1e-3, 1e-3, 0.5):
        moved = tracks.after(u, np.full_like(u, dose), place)
        assert np.all(np.diff(moved) >= -1e-12)
        assert np.all((moved - u) * dose >= -1e-12)
        x = tracks.coordinate(moved, place) - tracks.coordinate(u, place)
        np.testing.assert_allclose(x, dose, atol=1e-6)


def test_slopes_at_an_end_are_those_just_inside():
    """They were 0 at omega exactly 0 or 1, from where cells of a training begin."""
    for begin, V in ((0.0, UP), (1.0, DOWN)):
        state = torch.tensor(begin, dtype=torch.float64, requires_grad=True)
        reached = EQ_1.after_dose(state, torch.tensor(-np.sign(V), dtype=torch.float64), V)
        (slope,) = torch.autograd.grad(reached, state)
        inside = np.abs(begin - np.array([0.0, 1e-6]))
        beside = np.diff(EQ_1.after_dose(inside, -np.sign(V), V)) / np.diff(inside)
        assert float(slope) == pytest.approx(float(beside[0]), rel=1e-2)
