"""Write-verify: what it reaches, what it says of the rest, and that it ends."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roa_circuit.basics.errors import InputError
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.programmable import FreeCells, WiredArray
from roa_circuit.chips.write_verify import Ending, VerifiedWrite, write_verify
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming, real_pulse_count
from roa_circuit.solver.read import effective_weights

DEVICE, HOW = load_device("zhang2021"), Programming()


def with_k(factor):
    memristor = dataclasses.replace(DEVICE.memristor, k=DEVICE.memristor.k * factor)
    return dataclasses.replace(DEVICE, memristor=memristor)


def wired(crossbar, state, device):
    """An array with wires but no other imperfections."""
    return WiredArray(draw(None, crossbar, device, np.random.default_rng(0)), state, device)


def one(start, target, *, factor=1.0, tolerance=0.02, rounds=20, how=HOW):
    """Write-verify of a single cell whose pulses are `factor` as strong as counted."""
    cells = FreeCells(np.array([[start]]), with_k(np.array([[factor]])), how, np.random.default_rng(0))
    result = write_verify(cells, np.array([[target]]), DEVICE, HOW, tolerance=tolerance, rounds=rounds)
    return result, Ending(result.ending[0, 0])


def test_cells_end_within_half_a_pulse():
    target = np.linspace(0.05, 0.95, 37)
    cells = FreeCells(np.full(37, 0.5), DEVICE, HOW)
    result = write_verify(cells, target, DEVICE, HOW, tolerance=0.0)
    count = real_pulse_count(cells.state, target - cells.state, DEVICE, HOW)
    assert (np.abs(count) <= 0.5).all()
    assert set(np.unique(result.ending)) <= {Ending.reached, Ending.too_coarse}
    assert (result.reading == cells.state).all()
    assert result.rounds[-1].pulses == 0


def test_why_a_cell_failed():
    assert one(0.5, 0.6, tolerance=0.05)[1] is Ending.reached
    assert one(0.5, 0.999, tolerance=1e-3)[1] is Ending.out_of_range
    assert one(0.5, 0.8, factor=0.0)[1] is Ending.stuck
    assert one(0.5, 0.545, tolerance=0.01)[1] is Ending.too_coarse
    assert one(0.3, 0.5, factor=12.0)[1] is Ending.oscillating
    assert one(0.5, 0.9, factor=0.1, rounds=1)[1] is Ending.out_of_rounds


def test_weak_cells_are_given_more_pulses():
    result, ending = one(0.5, 0.8, factor=0.3, tolerance=0.05)
    assert ending is Ending.reached
    assert 0.3 <= result.strength[0, 0] < 0.7
    assert len(result.rounds) <= 5


def test_what_cells_are_given_unless_asked_otherwise():
    """One pulse a round is not enough for a weak cell: 20 rounds are over first."""
    how = Programming(max_pulses=1)
    cells = FreeCells(np.array([0.05]), with_k(0.2), HOW)
    result = write_verify(cells, np.array([0.95]), DEVICE, how)
    assert result.ending == Ending.out_of_rounds
    assert [one.pulses for one in result.rounds] == [1] * 20 + [0]


def test_no_cell_is_believed_to_be_weaker_than_an_eighth():
    """Each answer of a twentieth moves the belief half the way, on a scale of ratios."""
    result, _ = one(0.05, 0.95, factor=0.05, rounds=6, how=Programming())
    assert result.strength[0, 0] == pytest.approx(1 / 8, rel=0.1)


def test_no_cell_is_believed_to_be_stronger_than_its_device():
    result, _ = one(0.3, 0.8, factor=2.0)
    assert result.strength[0, 0] == 1.0


def test_of_no_cell_nothing_is_off():
    none = np.zeros((0, 3))
    how = {"target": none, "reading": none, "ending": none.astype(np.int8), "rounds": ()}
    assert VerifiedWrite(**how, pulses=none.astype(int), strength=none).worst_error == 0.0


def test_a_cell_is_given_up_after_four_reversals():
    result, ending = one(0.3, 0.5, factor=12.0)
    assert ending is Ending.oscillating
    assert len(result.rounds) == 1 + 4 + 1  # a first write, four back and forth, and the last reading


def test_stuck_cells_are_not_hammered():
    result, _ = one(0.5, 0.8, factor=0.0)
    assert result.pulses[0, 0] < 60
    assert len(result.rounds) == 3


class Moody:
    """A cell that hears some writes and is deaf to others."""

    def __init__(self, hears):
        self.cell, self.hears = FreeCells(np.array([0.1]), DEVICE, HOW), iter(hears)

    def read(self):
        return self.cell.read()

    def write(self, pulses):
        if next(self.hears):
            self.cell.write(pulses)


def test_a_cell_is_given_up_when_two_rounds_in_a_row_had_no_answer():
    target, slow = np.array([0.9]), Programming(max_pulses=1)
    result = write_verify(Moody([False, True] * 5), target, DEVICE, slow, rounds=10)
    assert result.ending == Ending.out_of_rounds
    assert result.pulses == 10
    result = write_verify(Moody([True, False, False]), target, DEVICE, slow, rounds=10)
    assert result.ending == Ending.out_of_range
    assert [one.pulses for one in result.rounds] == [1, 1, 1, 0]


def test_a_cell_that_stops_short_of_its_target_is_out_of_range():
    """Behind 100 Ohm even a cell that is fully on reads as omega = 0.73."""
    crossbar = Crossbar(rows=1, columns=1, r_source=100.0)
    array = wired(crossbar, np.array([[0.5]]), with_k(100.0))
    result = write_verify(array, np.array([[0.9]]), DEVICE, HOW)
    assert Ending(result.ending[0, 0]) is Ending.out_of_range
    assert array.state[0, 0] > 0.99


@pytest.mark.long
@pytest.mark.parametrize("ohms", [0.0, 1.0, 20.0])
def test_a_wired_array_reaches_its_targets_as_read_through_the_wires(ohms):
    rng = np.random.default_rng(0)
    device = default_device()
    crossbar = dataclasses.replace(default_crossbar(8, 5), r_word=ohms, r_bit=ohms)
    target = rng.uniform(0.1, 0.9, (8, 5))
    array = wired(crossbar, np.full((8, 5), 0.5), device)
    result = write_verify(array, target, device, HOW, tolerance=0.06)
    assert not result.failed.any()
    assert result.worst_error <= 0.06
    seen = effective_weights(crossbar, array.state, device)
    smallest, largest = (effective_weights(crossbar.ideal(), np.full((8, 5), w), device) for w in (0, 1))
    np.testing.assert_allclose((seen - smallest) / (largest - smallest), result.reading, atol=2e-3)
    assert array.energy == sum(w.energy for w in array.writes) > 0
    assert len(array.writes) == len(result.rounds) - 1


@pytest.mark.long
def test_an_imperfect_array_says_which_cells_its_faults_are():
    device, shape = default_device(), (12, 8)
    faults = Imperfections(stuck_on=0.05, stuck_off=0.05, flicker=0.01, sigma_wn=0.05)
    chip = draw(faults, default_crossbar(*shape), device, np.random.default_rng(4))
    array = WiredArray(chip, np.full(shape, 0.5), device)
    target = np.random.default_rng(5).uniform(0.25, 0.75, shape)
    result = write_verify(array, target, device, HOW)
    is_stuck = ~np.isnan(chip.fixed)
    assert is_stuck.any()
    assert (result.ending[is_stuck] == Ending.stuck).all()
    assert (result.ending[~is_stuck] == Ending.reached).mean() > 0.8
    assert not (result.ending[~is_stuck] == Ending.stuck).any()


def test_every_read_has_noise_of_its_own():
    device, crossbar = default_device(), default_crossbar(4, 3)

    def reads(seed):
        chip = draw(Imperfections(flicker=0.01), crossbar, device, np.random.default_rng(seed))
        array = WiredArray(chip, np.full((4, 3), 0.5), device)
        return np.array([array.read(), array.read()])

    first, second = reads(0)
    assert (first != second).all()
    np.testing.assert_array_equal(reads(0), [first, second])
    assert (reads(1) != [first, second]).all()


def test_the_worst_error_is_that_of_the_cell_furthest_off():
    """One cell is there already, one is written, and one never answers."""
    target = np.array([0.5, 0.8, 0.6])
    cells = FreeCells(np.full(3, 0.5), with_k(np.array([1.0, 0.0, 1.0])), HOW)
    result = write_verify(cells, target, DEVICE, HOW)
    assert result.worst_error == pytest.approx(0.3)
    assert result.to_dict()["worst_error"] == result.worst_error
    assert dict(result.facts().rows)["worst error"] == "0.3 in omega"
    first, last = result.rounds[0], result.rounds[-1]
    assert (first.worst_error, last.worst_error) == pytest.approx((0.3, 0.3))
    assert first.rms_error == pytest.approx(np.sqrt((0.3**2 + 0.1**2) / 3))
    assert (first.outside, first.written) == (2, 2)
    assert (last.outside, last.written, last.pulses) == (1, 0, 0)


def test_the_report_names_every_failed_cell():
    target = np.full((2, 2), 0.8)
    cells = FreeCells(np.full((2, 2), 0.5), with_k(np.array([[1.0, 0.0], [1.0, 1.0]])), HOW)
    report = write_verify(cells, target, DEVICE, HOW).to_dict()
    assert report["endings"]["reached"] == 3
    assert [(cell["cell"], cell["why"]) for cell in report["failed"]] == [([0, 1], "stuck")]
    assert report["rounds"][0]["outside"] == 4
    assert report["rounds"][-1]["written"] == 0


@settings(max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.5, 4.0]),
    st.sampled_from([0.0, 0.01, 0.2]),
    st.integers(0, 12),
)
def test_it_always_ends_and_every_cell_has_its_reason(seed, sigma_wn, tolerance, rounds):
    rng = np.random.default_rng(seed)
    start, target = rng.choice([0.0, 0.5, 1.0, *rng.random(3)], (2, 4, 3))
    how = Programming(sigma_wn=sigma_wn)
    cells = FreeCells(start, with_k(rng.choice([0.0, 0.1, 1.0, 30.0], (4, 3))), how, rng)
    result = write_verify(cells, target, DEVICE, HOW, tolerance=tolerance, rounds=rounds)
    assert len(result.rounds) <= rounds + 1
    assert sum(result.counts().values()) == 12
    assert (result.failed == (np.abs(result.reading - target) > tolerance)).all()
    assert (result.pulses <= rounds * HOW.max_pulses).all()
    assert sum(r.pulses for r in result.rounds) == result.pulses.sum()


def test_bad_arguments_are_named():
    cells = FreeCells(np.zeros((2, 2)), DEVICE, HOW)
    with pytest.raises(InputError, match="target has shape"):
        write_verify(cells, np.zeros(3), DEVICE, HOW)
    with pytest.raises(InputError, match="tolerance"):
        write_verify(cells, np.zeros((2, 2)), DEVICE, HOW, tolerance=-1.0)


def test_targets_and_states_that_are_none_are_refused():
    """A target of NaN, or one that a mask hides, once was one like any other."""
    hidden = np.ma.masked_array([0.5, 0.5], mask=[True, False])
    cells = FreeCells(np.array([0.5, 0.5]), DEVICE, HOW)
    for target, says in ((np.array([0.3, np.nan]), "target must be states"), (hidden, "hidden numbers")):
        with pytest.raises(InputError, match=says):
            write_verify(cells, target, DEVICE, HOW)
    with pytest.raises(InputError, match=r"omega must be states in \[0, 1\], one is 2"):
        FreeCells(np.array([2.0]), DEVICE, HOW)
