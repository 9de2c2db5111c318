"""The closed-form prediction against a twin that goes pulse by pulse."""

import numpy as np
import pytest

from fitting.measurements import Measurements
from fitting.residuals import Objective, from_search, predict, schedule, states, to_search
from roa_circuit.memristor import after_dose, current, pulse_strength


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
    assert np.isfinite(o.jacobian(x)).all()


def test_jacobian_is_the_derivative_entry_by_entry(prior):
    m = mixed_trains(3)
    o = Objective.of(m)
    x = to_search(prior.memristor, np.array([0.2, 0.4, 0.6, 0.8]))
    plain = np.empty((len(m), len(x)))
    for i in range(len(x)):
        step = 1e-4 * (np.arange(len(x)) == i)
        plain[:, i] = (o.residual(x + step) - o.residual(x - step)) / 2e-4
    np.testing.assert_allclose(o.jacobian(x), plain, atol=1e-5)


def test_search_vector_and_back(prior):
    p, start = from_search(to_search(prior.memristor, np.array([0.01, 0.99])))
    assert p.k == pytest.approx(prior.memristor.k)
    np.testing.assert_allclose(start, [0.01, 0.99])


def test_a_zero_current_does_not_divide(shipped):
    current_ = np.where(shipped.sweep, 0.0, shipped.current)
    assert (Objective.of(Measurements(**{**shipped.__dict__, "current": current_})).scale > 0).all()
