"""The fast solver against its dense twin, closed forms and the laws it must obey."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import crossbars

from roa_circuit.basics import compilation
from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.memristor import conductance, current
from roa_circuit.device.parameters import load_device
from roa_circuit.solver import iterative, read
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.iterative import TOLERANCE
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import effective_weights, read_currents, solve_cells

TABLE_1 = load_device("zhang2021")


def backwards(ohms):
    return ohms[::-1] if isinstance(ohms, tuple) else ohms


def draw_read(crossbar, seed):
    rng = np.random.default_rng(seed)
    return rng.random(crossbar.shape), rng.uniform(0, 0.1, (2, crossbar.rows))


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(crossbars(), st.integers(0, 2**31), st.booleans())
def test_agrees_with_the_dense_twin(crossbar, seed, exact):
    state, voltages = draw_read(crossbar, seed)
    fast = read_currents(crossbar, state, voltages, TABLE_1, exact=exact)
    slow = read_currents_dense(crossbar, state, voltages, TABLE_1, exact=exact)
    assert np.abs(fast - slow).max() <= 1e-9 * np.abs(slow).max()


@settings(max_examples=30, deadline=None)
@given(crossbars(most=8), st.integers(0, 2**31), st.booleans())
def test_agrees_with_the_dense_twin_without_numba(crossbar, seed, exact):
    state, voltages = draw_read(crossbar, seed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compilation, "available", lambda: False)
        fast = read_currents(crossbar, state, voltages, TABLE_1, exact=exact)
        weights = effective_weights(crossbar, state, TABLE_1)
    slow = read_currents_dense(crossbar, state, voltages, TABLE_1, exact=exact)
    assert np.abs(fast - slow).max() <= 1e-9 * np.abs(slow).max()
    assert weights == pytest.approx(effective_weights(crossbar, state, TABLE_1), rel=1e-9)


@pytest.mark.long
@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (1, 1), (1, 30), (30, 1)])
@pytest.mark.parametrize("ohms", [0.0, 1.0, 1e3])
def test_every_single_current_agrees_with_the_dense_twin(shape, ohms):
    crossbar = Crossbar(
        rows=shape[0], columns=shape[1], r_source=ohms, r_word=ohms, r_bit=ohms, r_sense=ohms
    )
    state, voltages = draw_read(crossbar, 7)
    fast = read_currents(crossbar, state, voltages, TABLE_1)
    slow = read_currents_dense(crossbar, state, voltages, TABLE_1)
    assert fast == pytest.approx(slow, rel=1e-9, abs=1e-15 * slow.max())
    fast = read_currents(crossbar, state, voltages, TABLE_1, exact=False)
    slow = read_currents_dense(crossbar, state, voltages, TABLE_1, exact=False)
    assert fast == pytest.approx(slow, rel=1e-11, abs=0)


@settings(max_examples=40, deadline=None)
@given(crossbars(), st.integers(0, 2**31), st.booleans())
def test_kirchhoff_holds_at_every_cell(crossbar, seed, in_numpy):
    state, voltages = draw_read(crossbar, seed)
    p = TABLE_1.memristor
    network = LinearNetwork(crossbar, conductance(state, 0.05, p))
    e = np.broadcast_to(voltages[:, :, None], (2, *crossbar.shape))
    if in_numpy:  # looks at the loops themselves; sweeps at currents, which stiff lines make more of
        cells, limit = iterative.solve_cells(network, state, e, p, None, TOLERANCE), 1e-11
    else:
        cells, limit = solve_cells(network, state, e, p), 1e-9
    assert cells.currents == pytest.approx(current(state, cells.voltages, p), rel=1e-9, abs=1e-15)
    residual = e - cells.voltages - network.line_drops(cells.currents)
    assert np.abs(residual).max() <= limit * np.abs(voltages).max()


@settings(max_examples=40, deadline=None)
@given(crossbars(), st.integers(0, 2**31))
def test_wires_only_take_and_cells_only_dissipate(crossbar, seed):
    state, voltages = draw_read(crossbar, seed)
    real = read_currents(crossbar, state, voltages, TABLE_1)
    ideal = read_currents(crossbar.ideal(), state, voltages, TABLE_1)
    assert (real.sum(1) <= ideal.sum(1) * (1 + 1e-9)).all()
    weights = effective_weights(crossbar, state, TABLE_1)
    assert (weights >= 0).all()


@settings(max_examples=40, deadline=None)
@given(crossbars(), st.integers(0, 2**31))
def test_linear_arrays_are_reciprocal(crossbar, seed):
    assume(crossbar.drive != "both")  # bit lines are sensed at one end
    state, _ = draw_read(crossbar, seed)
    turned = Crossbar(
        rows=crossbar.columns,
        columns=crossbar.rows,
        r_source=backwards(crossbar.r_sense),
        r_word=backwards(crossbar.r_bit),
        r_bit=backwards(crossbar.r_word),
        r_sense=backwards(crossbar.r_source),
        drive="left" if crossbar.sense == "bottom" else "right",
        sense="bottom" if crossbar.drive == "left" else "top",
    )
    there = effective_weights(crossbar, state, TABLE_1)
    back = effective_weights(turned, state[::-1, ::-1].T, TABLE_1)
    assert back[::-1, ::-1].T == pytest.approx(there, rel=1e-9)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(crossbars(), st.integers(0, 2**31), st.booleans())
def test_an_array_in_the_mirror_reads_the_same(crossbar, seed, upside_down):
    state, voltages = draw_read(crossbar, seed)
    here = read_currents(crossbar, state, voltages, TABLE_1)
    if upside_down:
        mirrored = dataclasses.replace(
            crossbar,
            r_source=backwards(crossbar.r_source),
            r_word=backwards(crossbar.r_word),
            sense="top" if crossbar.sense == "bottom" else "bottom",
        )
        there = read_currents(mirrored, state[::-1], voltages[:, ::-1], TABLE_1)
    else:
        mirrored = dataclasses.replace(
            crossbar,
            r_bit=backwards(crossbar.r_bit),
            r_sense=backwards(crossbar.r_sense),
            drive={"left": "right", "right": "left", "both": "both"}[crossbar.drive],
        )
        there = read_currents(mirrored, state[:, ::-1], voltages, TABLE_1)[:, ::-1]
    assert there == pytest.approx(here, rel=1e-9, abs=1e-12 * np.abs(here).max())


def test_a_second_driver_halves_a_line():
    """Driven at both ends, a line of equal cells is two of half its length: nothing flows between."""
    both = Crossbar(rows=1, columns=6, r_source=50.0, r_word=20.0, drive="both")
    half = Crossbar(rows=1, columns=3, r_source=50.0, r_word=20.0)
    volts = np.array([[0.1]])
    whole = read_currents(both, np.full((1, 6), 0.3), volts, TABLE_1)[0]
    part = read_currents(half, np.full((1, 3), 0.3), volts, TABLE_1)[0]
    np.testing.assert_allclose(whole, [*part, *part[::-1]], rtol=1e-11)


def test_without_wires_it_is_the_matrix_product():
    crossbar = Crossbar(rows=6, columns=4)
    state, voltages = draw_read(crossbar, 3)
    G = conductance(state, TABLE_1.pulses.read_voltage, TABLE_1.memristor)
    assert read_currents(crossbar, state, voltages, TABLE_1, exact=False) == pytest.approx(voltages @ G)
    exact = current(state, voltages[:, :, None], TABLE_1.memristor).sum(1)
    assert read_currents(crossbar, state, voltages, TABLE_1) == pytest.approx(exact, rel=1e-12)


def test_one_cell_is_a_voltage_divider():
    crossbar = Crossbar(rows=1, columns=1, r_source=10, r_word=20, r_bit=30, r_sense=40)
    state, voltages = np.array([[0.3]]), np.array([[0.1]])
    G = conductance(0.3, TABLE_1.pulses.read_voltage, TABLE_1.memristor)
    expected = 0.1 / (100 + 1 / G)
    assert read_currents(crossbar, state, voltages, TABLE_1, exact=False)[0, 0] == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("state", "voltages", "complaint"),
    [
        (np.zeros((2, 3)), np.zeros((1, 3)), "states have shape"),
        (np.zeros((3, 2)), np.zeros((1, 2)), "voltages have shape"),
        (np.full((3, 2), 1.1), np.zeros((1, 3)), "states must lie"),
        (np.full((3, 2), np.nan), np.zeros((1, 3)), "states must lie"),
        (np.zeros((3, 2)), np.full((1, 3), np.inf), "finite"),
    ],
)
def test_unusable_reads_are_refused(state, voltages, complaint):
    with pytest.raises(InputError, match=complaint):
        read_currents(Crossbar(rows=3, columns=2), state, voltages, TABLE_1)


@pytest.mark.parametrize("steps", ["_NEWTON_STEPS", "_CG_STEPS"])
def test_a_solver_that_stops_short_says_how_far_and_what_it_is_good_for(monkeypatch, steps):
    monkeypatch.setattr(iterative, steps, 1)
    crossbar = Crossbar(rows=6, columns=6, r_word=1e3, r_bit=1e3)
    state, voltages = draw_read(crossbar, 3)
    network = LinearNetwork(crossbar, conductance(state, 0.05, TABLE_1.memristor))
    e = np.broadcast_to(voltages[:, :, None], (2, *crossbar.shape))
    with pytest.raises(ConvergenceError, match=r" V, not .* V, which segments up to 100 Ohm"):
        iterative.solve_cells(network, state, e, TABLE_1.memristor, 100 * e, TOLERANCE)


@pytest.mark.parametrize(
    "bad", [{"rows": 0}, {"columns": 1.5}, {"r_word": -1.0}, {"r_bit": np.inf}, {"scheme": "V/4"}]
)
def test_impossible_crossbars_are_refused(bad):
    with pytest.raises(InputError):
        Crossbar(**{"rows": 2, "columns": 2, **bad})


def test_newton_on_the_voltages_of_breaks_takes_few_steps(monkeypatch):
    """Responses that are only roughly those of the cells still lead there, in 6 to 12 steps."""
    rng, taken = np.random.default_rng(1), []
    broken = tuple(Break(line="word", row=row, column=column) for row, column in ((2, 1), (4, 2)))
    crossbar = Crossbar(rows=40, columns=30, r_word=20.0, r_bit=20.0, breaks=broken)
    state, volts = rng.uniform(0.05, 0.95, crossbar.shape), rng.uniform(0, 0.1, (3, 40))
    exact = read._responses

    def counted(*what):
        taken.append(what)
        return exact(*what)

    monkeypatch.setattr(read, "_responses", counted)
    read_currents(crossbar, state, volts, TABLE_1)
    assert len(taken) <= 5
