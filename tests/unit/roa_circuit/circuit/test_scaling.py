"""Eq. 8-11 and the two readings of b."""

import numpy as np
import pytest

from roa_circuit.circuit import scaling as mapping
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import load_device

TABLE_1 = load_device("zhang2021")


def test_b_the_right_way_up_spans_minus_one_to_one():
    a, b = mapping.mapping_constants(TABLE_1)
    assert b == pytest.approx(3.152, abs=1e-3)
    G = conductance(np.array([0.0, 0.5, 1.0]), TABLE_1.pulses.read_voltage, TABLE_1.memristor)
    assert mapping.weight_from_conductance(G, TABLE_1) == pytest.approx([-1, 0, 1], abs=1e-12)
    assert a * G - 1 / b == pytest.approx([1.84, 2.84, 3.84], abs=0.01)  # as printed


def test_an_input_of_one_is_a_tenth_of_a_volt():
    assert mapping.voltage_from_input([0.0, 0.5, 1.0], TABLE_1) == pytest.approx([0.0, 0.05, 0.1])


def test_a_digital_sum_and_a_reference_column_recover_the_matrix_product():
    """Eq. 11 as printed, y = 10 a I - b sum(x), where 10 is 1 / 0.1 V; and as chips are built."""
    rng = np.random.default_rng(0)
    g, x = rng.uniform(-1, 1, (8, 3)), rng.random((5, 8))
    state = np.column_stack([mapping.state_from_weight(g), np.full(8, 0.5)])
    G = conductance(state, TABLE_1.pulses.read_voltage, TABLE_1.memristor)
    current = mapping.voltage_from_input(x, TABLE_1) @ G
    a, b = mapping.mapping_constants(TABLE_1)
    digital = 10.0 * a * current[:, :-1] - b * x.sum(1, keepdims=True)
    reference = REFERENCE.outputs(current, TABLE_1)
    assert digital == pytest.approx(x @ g, abs=1e-12)
    assert reference == pytest.approx(x @ g, abs=1e-12)
    assert mapping.weight_from_state(mapping.state_from_weight(g)) == pytest.approx(g)


def test_the_curvature_of_cells_that_differ_is_their_mean():
    kinds = [TABLE_1.with_constants(delta=delta) for delta in (1.0, 4.0)]
    each = [mapping.curvature(one) for one in kinds]
    assert each[1] > each[0] > 1.0
    cells = TABLE_1.with_constants(delta=np.array([[1.0, 4.0, 4.0]]))
    assert mapping.curvature(cells) == pytest.approx((each[0] + 2 * each[1]) / 3)
