"""The verdict on the law: right where the truth is known, on trains made by each law."""

import numpy as np
import pytest

from fitting.comparison import LAWS, compare
from fitting.measurements import Measurements
from fitting.residuals import predict, schedule


def trains(voltage, conductance):
    """Measurements of (trains, pulses) conductances, read at 0.1 V."""
    count, pulses = conductance.shape
    return Measurements(
        source="made up", labels=tuple(f"t{i}" for i in range(count)),
        train=np.repeat(np.arange(count), pulses), voltage=np.tile(voltage, count),
        width=np.full(count * pulses, 1e-6), read_voltage=np.full(count * pulses, 0.1),
        current=0.1 * conductance.ravel(), sweep=np.zeros(count * pulses, dtype=bool),
    )  # fmt: skip


@pytest.fixture
def noise():
    return 1 + 0.003 * np.random.default_rng(1).standard_normal((4, 60))


def own_law(prior, noise):
    m = trains(np.tile(np.repeat([-1.1, 1.25], 15), 2), np.ones((4, 60)))
    current = predict(prior.memristor, np.array([0.1, 0.11, 0.12, 0.13]), m, schedule(m))
    return trains(m.voltage[:60], 10 * current.reshape(4, 60) * noise)


def test_its_own_law_is_recognised(prior, noise):
    verdict = compare(own_law(prior, noise), prior)
    assert verdict.verdicts[0].law == LAWS[0]
    assert verdict.verdicts[0].held_out == pytest.approx(0.003, rel=0.3)
    assert verdict.scatter == pytest.approx(0.003, rel=0.4)
    assert abs(verdict.correlation) < 0.3
    assert "the best of 3 by AIC" in verdict.line()


@pytest.mark.parametrize(("law", "bend"), [(LAWS[1], 0.05), (LAWS[2], 0.0)])
def test_the_reference_laws_are_recognised(prior, noise, law, bend):
    n = np.arange(60)
    rise = (1 - np.exp(-bend * n)) / bend if bend else n
    verdict = compare(trains(np.full(60, -1.0), (1e-3 + 1e-5 * rise) * noise), prior)
    assert verdict.verdicts[0].rmse < 0.0032
    assert law in [v.law for v in verdict.verdicts if v.aic < verdict.verdicts[0].aic + 6]


def test_a_train_that_accelerates_misses_systematically(prior, noise):
    """(1 - omega)^2 can only slow down."""
    G = 1e-3 * (1 + 0.6 * np.linspace(0, 1, 60) ** 2) * noise
    m = trains(np.full(60, -1.0), G)
    assert "Eq. 1-2 misses systematically" in compare(m, prior).line()


def test_nothing_to_compare(prior):
    assert compare(trains(np.full(3, -1.0), np.ones((2, 3))), prior) is None
