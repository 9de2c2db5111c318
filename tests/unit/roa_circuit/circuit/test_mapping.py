"""Mappings: every column has one place, and behind perfect wires each gives the matrix product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import load_device

TABLE_1 = load_device("zhang2021")
MAPPINGS = st.one_of(
    st.just(REFERENCE), st.just(PAIR), st.integers(1, 20).map(lambda every: Mapping(every=every))
)


@pytest.mark.parametrize(
    ("text", "outputs", "plus", "minus"),
    [
        ("reference", 4, [0, 1, 2, 3], [4, 4, 4, 4]),
        ("pair", 3, [0, 2, 4], [1, 3, 5]),
        ("reference:4", 6, [0, 1, 3, 4, 5, 7], [2, 2, 2, 2, 6, 6]),
        ("reference:3", 4, [0, 1, 3, 4], [2, 2, 2, 5]),
        ("reference:16", 2, [0, 2], [1, 1]),
    ],
)
def test_columns_lie_as_the_guide_draws_them(text, outputs, plus, minus):
    mapping = Mapping.parse(text)
    lines = mapping.lines(outputs)
    assert str(mapping) == text
    assert mapping.plus(lines).tolist() == plus
    assert mapping.minus(lines).tolist() == minus


@given(MAPPINGS, st.integers(1, 70))
def test_every_bit_line_is_used_once_or_is_a_reference(mapping, outputs):
    lines = mapping.lines(outputs)
    assert mapping.outputs_on(lines) == outputs
    plus, minus = mapping.plus(lines), mapping.minus(lines)
    assert sorted({*plus, *minus}) == list(range(lines))
    assert not set(plus) & set(minus)
    assert (np.diff(plus) > 0).all()
    near = {"reference": lines, "pair": 1}.get(str(mapping), (mapping.every or 0) // 2 + 1)
    assert np.abs(plus - minus).max() <= near
    shared = mapping.groups(lines)
    if not mapping.apart:
        np.testing.assert_array_equal(shared[plus], shared[minus])
        assert len(set(shared)) == len(set(minus))


@given(MAPPINGS, st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_weights_on_columns_give_the_matrix_product_behind_perfect_wires(mapping, outputs, seed):
    rng = np.random.default_rng(seed)
    g, x = rng.uniform(-1, 1, (8, outputs)), rng.random((5, 8))
    states = mapping.states_of(g)
    np.testing.assert_allclose(mapping.weights_of(states), g, atol=1e-15)
    G = conductance(states, TABLE_1.pulses.read_voltage, TABLE_1.memristor)
    currents = voltage_from_input(x, TABLE_1) @ G
    np.testing.assert_allclose(mapping.outputs(mapping.joined(currents), TABLE_1), x @ g, atol=1e-12)
    np.testing.assert_allclose(mapping.effective_weights(mapping.joined(G), TABLE_1), g, atol=1e-12)


@given(MAPPINGS, st.integers(1, 40), st.data())
def test_a_part_is_laid_out_as_a_mapping_of_its_own(mapping, outputs, data):
    first = data.draw(st.integers(0, outputs - 1))
    some = slice(first, data.draw(st.integers(first + 1, outputs)))
    lines = mapping.lines(outputs)
    kept, own = np.array(mapping.part(some, lines)), mapping.lines(some.stop - some.start)
    assert len(kept) == own
    np.testing.assert_array_equal(kept[mapping.plus(own)], mapping.plus(lines)[some])
    assert set(kept[mapping.minus(own)]) <= set(mapping.minus(lines)[some])


def test_pairs_stand_evenly_about_half_and_references_at_it():
    g = np.array([[0.4, -1.0]])
    np.testing.assert_allclose(PAIR.states_of(g), [[0.7, 0.3, 0.0, 1.0]])
    np.testing.assert_allclose(Mapping(every=1).states_of(g), [[0.7, 0.5, 0.0, 0.5]])


@pytest.mark.parametrize(
    ("mapping", "lines", "complaint"),
    [
        (REFERENCE, 1, "mapping reference: 1 columns hold no whole number of outputs"),
        (PAIR, 5, "mapping pair: 5 columns"),
        (Mapping(every=4), 6, "mapping reference:4: 6 columns"),
    ],
)
def test_columns_that_hold_no_whole_number_of_outputs_are_refused(mapping, lines, complaint):
    with pytest.raises(InputError, match=complaint):
        mapping.outputs_on(lines)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("refrence", "did you mean 'reference'"),
        ("reference:0", "1 or more"),
        ("pair:2", "pair write '2' is unknown"),
        ("pair:push", "did you mean 'push-pull'"),
        ("pair:", "mapping 'pair:' is unknown"),
        ("reference:raise", "mapping 'reference:raise' is unknown"),
        ("reference:", "mapping 'reference:' is unknown"),
        ("", "mapping '' is unknown"),
    ],
)
def test_a_mapping_that_is_none_is_refused_with_the_way_out(text, complaint):
    with pytest.raises(InputError, match=complaint):
        Mapping.parse(text)
