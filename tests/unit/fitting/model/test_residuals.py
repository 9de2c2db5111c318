"""The closed-form prediction against a twin that goes pulse by pulse."""

import numpy as np
import pytest

from fitting.model.residuals import Objective, from_search, predict, states, to_search
from fitting.model.schedule import schedule
from fitting.readers.measurements import Measurements
from fitting.search.elimination import best_starts, projected
from roa_circuit.device.laws.zhang2021 import after_dose
from roa_circuit.device.memristor import current, pulse_strength


def mixed_trains(seed=0, rows=60, trains=4):
    """Trains of mixed polarity, reads and sweep points in between, saturating now and then."""
    rng = np.random.default_rng(seed)
    voltage = rng.choice([-3.8, -1.1, -0.8, 0.0, 0.9, 1.4, 3.5], rows)
    return Measurements(
        source="made up",
        labels=tuple("abcdefgh"[:trains]),
        train=np.sort(rng.integers(0, trains, rows)),
        voltage=voltage,
        width=np.where(voltage == 0, 0.0, 3e-6),
        read_voltage=np.where(voltage == 0, -0.3, 0.05),
        current=np.full(rows, 5e-5),
        sweep=voltage == 0,
    )


def one_by_one(p, start, m):
    """Every reading by its own pulse, in plain order."""
    state, result = list(start), []
    for row in range(len(m)):
        t = m.train[row]
        state[t] = float(after_dose(state[t], pulse_strength(m.voltage[row], m.width[row], p)))
        result.append(float(current(state[t], m.read_voltage[row], p)))
    return np.array(result)


@pytest.mark.parametrize("seed", range(5))
def test_prediction_is_the_pulse_by_pulse_one(prior, seed):
    m, p = mixed_trains(seed), prior.memristor
    start = np.array([0.1, 0.5, 0.9, 0.3])
    fast = predict(p, start, m, schedule(m))
    np.testing.assert_allclose(fast, one_by_one(p, start, m), rtol=1e-12)


def test_a_dose_after_saturation_keeps_its_digits(prior):
    """A cumulative sum over the whole train would lose 0.5 beside e^73."""
    m = mixed_trains(rows=3, trains=1)
    dose = np.array([1e20, -0.5, -0.5])
    m = Measurements(**{**m.__dict__, "voltage": -np.sign(dose), "width": np.ones(3)})
    np.testing.assert_allclose(states(np.array([0.5]), dose, schedule(m)), [1.0, 1 / 1.5, 0.5])


def test_ramps_to_the_ends_do_not_overflow(shipped, prior):
    o = Objective.of(shipped)
    x = to_search(prior.memristor, np.full(len(shipped.labels), 0.5))
    x[1:3] += 5.0  # mu of some 2000 per volt: exponents far past what a float holds
    assert np.isfinite(o.residual(x)).all()
    assert np.isfinite(projected(o, x)).all()


@pytest.mark.parametrize("seed", range(4))
def test_slopes_are_the_derivative_entry_by_entry(prior, seed):
    m = mixed_trains(seed)
    o = Objective.of(m)
    x = to_search(prior.memristor, np.array([0.2, 0.4, 0.6, 0.8]))
    plain = np.empty((len(m), len(x)))
    for i in range(len(x)):
        step = 1e-5 * (np.arange(len(x)) == i)
        plain[:, i] = (o.residual(x + step) - o.residual(x - step)) / 2e-5
    residual, constants, start = o.slopes(x)
    np.testing.assert_allclose(residual, o.residual(x), atol=1e-12)
    np.testing.assert_allclose(constants, plain[:, :7], atol=1e-6)
    np.testing.assert_allclose(start, plain[np.arange(len(m)), 7 + m.train], atol=1e-6)
    again, alone = o.start_slope(x)
    np.testing.assert_array_equal(again, residual)
    np.testing.assert_array_equal(alone, start)


def test_eliminated_starts_are_the_best_and_their_slopes_are_taken_out(prior):
    m = mixed_trains(2)
    o = Objective.of(m)
    x = to_search(prior.memristor, np.array([0.2, 0.4, 0.6, 0.8]))
    best = best_starts(o, x[:7], x[7:])
    for train in range(4):
        costs = []
        for shift in (-1e-3, 0.0, 1e-3):
            moved = np.concatenate([x[:7], best])
            moved[7 + train] += shift
            costs.append(np.sum(o.residual(moved) ** 2))
        assert costs[1] <= min(costs) + 1e-12
    dense = np.zeros((len(m), 11))
    _, dense[:, :7], start = o.slopes(x)
    dense[np.arange(len(m)), 7 + m.train] = start
    starts = dense[:, 7:]
    share = np.linalg.solve(starts.T @ starts + 1e-10 * np.eye(4), starts.T @ dense[:, :7])
    np.testing.assert_allclose(projected(o, x), dense[:, :7] - starts @ share, atol=1e-12)


def test_one_long_train_beside_many_short_ones_needs_little_memory(prior):
    m = Measurements(
        source="", labels=tuple(map(str, range(3001))), voltage=np.full(9000, -1.1),
        train=np.concatenate([np.zeros(6000, dtype=np.int64), np.arange(1, 3001)]),
        width=np.full(9000, 1e-9), read_voltage=np.full(9000, 0.05), current=np.ones(9000),
        sweep=np.zeros(9000, dtype=bool),
    )  # fmt: skip
    s = schedule(m)
    assert sum(rows.size for rows, _ in s.blocks) <= 2 * len(m)
    start = np.full(3001, 0.3)
    np.testing.assert_allclose(
        predict(prior.memristor, start, m, s), one_by_one(prior.memristor, start, m), rtol=1e-12
    )


@pytest.mark.long
def test_a_train_that_turns_thousands_of_times_takes_a_few_passes(prior):
    """It took as many as it turned."""
    turns = np.where(np.arange(5000) % 2 == 0, -1.1, 1.4)
    m = mixed_trains(rows=5000, trains=1)
    m = Measurements(**{**m.__dict__, "voltage": turns, "width": np.full(5000, 1e-6)})
    s, p = schedule(m), prior.memristor
    assert len(s.scan.passes) == 13
    np.testing.assert_allclose(predict(p, [0.3], m, s), one_by_one(p, [0.3], m), rtol=1e-12)


def test_search_vector_and_back(prior):
    p, start = from_search(to_search(prior.memristor, np.array([0.01, 0.99])))
    assert p.k == pytest.approx(prior.memristor.k)
    np.testing.assert_allclose(start, [0.01, 0.99])


def test_a_zero_current_does_not_divide(shipped):
    current_ = np.where(shipped.sweep, 0.0, shipped.current)
    assert (Objective.of(Measurements(**{**shipped.__dict__, "current": current_})).scale > 0).all()
