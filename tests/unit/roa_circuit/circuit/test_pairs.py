"""The write of pairs against Eq. 1 in closed form, and what it costs."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.circuit.pairs import (
    Pair,
    PairWrite,
    centred,
    reach,
    shortfall,
    wanted,
    write_pair,
)
from roa_circuit.device.programming import Programming, after_pulses
from roa_circuit.layers.programmed import ProgrammedLayer

DEVICE, HOW = default_device(), Programming()
FINE = Programming(rounding="floor", max_pulses=10**6)
STATES, WAYS = st.floats(0.01, 0.99), st.sampled_from(PairWrite)


def pulsed(omega, count):
    """Eq. 1 in closed form for Table 1: pulses add to 1 / (1 - omega), or to 1 / omega."""
    up, down = 0.47134, 0.24058
    return 1 - 1 / (1 / (1 - omega) + count * up) if count > 0 else 1 / (1 / omega - count * down)


@pytest.mark.parametrize(
    ("way", "change", "signs"),
    [
        ("raise", 0.3, (1, 0)), ("raise", -0.3, (0, 1)),
        ("lower", 0.3, (0, -1)), ("lower", -0.3, (-1, 0)),
        ("push-pull", 0.3, (1, -1)), ("push-pull", -0.3, (-1, 1)), ("room", 0.3, (1, 0)),
    ],
)  # fmt: skip
def test_each_way_pulses_the_cells_that_it_is_named_for(way, change, signs):
    state = centred(np.array([0.1]))
    after, count = write_pair(state, np.array([change]), DEVICE, HOW, PairWrite(way))
    assert tuple(np.sign([count.plus[0], count.minus[0]])) == signs
    for before, reached, pulses in zip(
        (0.55, 0.45), (after.plus[0], after.minus[0]), (count.plus[0], count.minus[0]), strict=True
    ):
        assert reached == pytest.approx(pulsed(before, pulses) if pulses else before, abs=1e-4)
    assert after.difference[0] == pytest.approx(0.1 + change, abs=0.06)


def test_the_one_with_room_is_the_lowered_cell_where_both_are_high():
    high, low = (Pair(np.array([p]), np.array([m])) for p, m in ((0.9, 0.8), (0.2, 0.1)))
    assert wanted(high, 0.1, HOW, PairWrite.room).minus[0] == pytest.approx(-0.1)
    assert wanted(low, 0.1, HOW, PairWrite.room).plus[0] == pytest.approx(0.1)


@given(STATES, STATES, st.floats(-2, 2), WAYS)
def test_changes_add_up_and_the_shortfall_is_what_clipping_takes(plus, minus, change, way):
    state = Pair(np.array([plus]), np.array([minus]))
    asked = wanted(state, np.array([change]), HOW, way)
    short = float(shortfall(state, np.array([change]), HOW, way)[0])
    ends = np.clip([plus + asked.plus[0], minus + asked.minus[0]], 0.01, 0.99)
    got = (ends[0] - plus) - (ends[1] - minus)
    assert short == pytest.approx(abs(change - got), abs=1e-12)
    low, high = reach(state, HOW, way)
    assert low[0] - 1e-12 <= plus - minus + got <= high[0] + 1e-12
    if way is not PairWrite.push_pull:
        assert asked.plus[0] - asked.minus[0] == pytest.approx(change)


def test_the_reach_of_pairs_is_what_the_guide_says():
    """Raised alone, a pair keeps what its other cell has: the price of pulses of one sign."""
    state = centred(np.array([0.0]))
    ends = {str(way): [float(g[0]) for g in reach(state, HOW, way)] for way in PairWrite}
    assert ends["raise"] == pytest.approx([-0.49, 0.49])
    assert ends["lower"] == pytest.approx([-0.49, 0.49])
    assert ends["push-pull"] == pytest.approx([-0.98, 0.98])
    erased = Pair(np.array([0.02]), np.array([0.02]))
    assert [float(g[0]) for g in reach(erased, HOW, PairWrite.raise_)] == pytest.approx([-0.97, 0.97])


@pytest.mark.long
@given(st.floats(-0.9, 0.9), st.floats(-1, 1), WAYS)
def test_torch_writes_what_numpy_writes(g, change, way):
    both = [
        write_pair(centred(make([g])), make([change]), DEVICE, HOW, way)
        for make in (np.array, lambda v: torch.tensor(v, dtype=torch.float64))
    ]
    for ours, theirs in zip(*both, strict=True):
        np.testing.assert_allclose(theirs.plus.numpy(), ours.plus, atol=1e-12)
        np.testing.assert_allclose(theirs.minus.numpy(), ours.minus, atol=1e-12)


def test_both_cells_have_the_noise_of_equation_7_and_idle_ones_none():
    how, n = Programming(sigma_wn=0.1, clip=False), 20_000
    state = centred(np.zeros(n))
    quiet, _ = write_pair(state, np.full(n, 0.2), DEVICE, HOW, PairWrite.push_pull)
    noisy, _ = write_pair(
        state, np.full(n, 0.2), DEVICE, how, PairWrite.push_pull, np.random.default_rng(0)
    )
    for before, exact, written in (
        (0.5, quiet.plus, noisy.plus), (0.5, quiet.minus, noisy.minus),
    ):  # fmt: skip
        sd = 0.1 * np.sqrt(abs(exact[0] - before))
        assert np.std(written - exact) == pytest.approx(sd, rel=0.03)
    assert abs(np.corrcoef(noisy.plus, noisy.minus)[0, 1]) < 0.03
    one, _ = write_pair(state, np.full(n, 0.2), DEVICE, how, PairWrite.raise_, np.random.default_rng(0))
    assert (one.minus == 0.5).all()
    resting = Pair(np.array([0.995]), np.array([0.001]))  # beyond what Eq. 6 aims at
    same, count = write_pair(resting, np.zeros(1), DEVICE, FINE, PairWrite.push_pull)
    assert (same.plus[0], same.minus[0], count.plus[0], count.minus[0]) == (0.995, 0.001, 0, 0)


def test_a_change_costs_a_pair_twice_the_change_of_omega():
    """From omega = 1/2 a small change takes twice the pulses of one cell beside a reference."""
    weights, inputs = np.full((1, 1), 0.3), np.ones((1, 1))
    counts = {}
    for name in ("reference", "pair", "pair:push-pull"):
        layer = ProgrammedLayer.of_weights(weights, inputs, mapping=Mapping.parse(name))
        counts[name] = np.abs(layer.pulses).sum()
    up = [1 / (1 - omega) - 2 for omega in (0.65, 0.8)]
    assert counts["reference"] == round(up[0] / 0.4713)
    assert counts["pair"] == round(up[1] / 0.4713)
    assert counts["pair:push-pull"] == round(up[0] / 0.4713) + round((1 / 0.35 - 2) / 0.2406)
    assert counts["pair"] > 2 * counts["reference"]


def test_weights_that_pairs_do_not_reach_are_told_with_their_number():
    weights = np.array([[0.8, 0.2, -0.7]])
    layer = ProgrammedLayer.of_weights(weights, np.ones((1, 1)), mapping=PAIR)
    assert layer.provenance["beyond"]["weights"] == 2
    assert layer.provenance["beyond"]["short"] == pytest.approx(0.31)
    assert "2 weights beyond what pairs reach by 'raise' from these states, up to 0.31 short" in str(
        layer
    )
    both = ProgrammedLayer.of_weights(weights, np.ones((1, 1)), mapping=Mapping.parse("pair:push-pull"))
    assert both.not_reached == []
    reached = both.mapping.weights_of(after_pulses(both.initial_state, both.pulses, DEVICE))
    np.testing.assert_allclose(reached, weights, atol=0.1)


@pytest.mark.parametrize("name", ["reference:2", "pair", "pair:push-pull"])
def test_a_layer_on_other_columns_has_the_same_weights(name, make_layer):
    layer, mapping = make_layer(rows=8, columns=6), Mapping.parse(name)
    other = layer.mapped_as(mapping)
    for of in (
        lambda one: one.initial_state,
        lambda one: after_pulses(one.initial_state, one.pulses, DEVICE),
    ):
        ours, theirs = (one.mapping.weights_of(np.asarray(of(one))) for one in (layer, other))
        apart = np.abs(ours - theirs)
        if mapping.paired:
            apart = apart[np.abs(ours) < 0.4]  # within the reach of every way
        assert apart.max() < (0.13 if mapping.paired else 1e-15)
    back = other.mapped_as(REFERENCE)
    assert back.crossbar == layer.crossbar
    if not mapping.paired:
        np.testing.assert_array_equal(back.pulses, layer.pulses)
