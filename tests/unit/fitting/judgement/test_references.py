"""The reference laws: found again from their own trains, and their slopes entry by entry."""

import numpy as np
import pytest

from fitting.judgement.references import _Chain, _Problem, fit_steps
from fitting.readers.measurements import Measurements


def alternating(a, b, start, cycles=3, each=12):
    """Trains of G <- a + b G for pulses of -1 V, then +1 V; the first reading has no pulse."""
    kinds = np.concatenate([[-1]] + [np.repeat([0, 1], each)] * cycles)
    G = np.empty((len(start), len(kinds)))
    for train, level in enumerate(start):
        for n, kind in enumerate(kinds):
            level = level if kind < 0 else a[kind] + b[kind] * level  # noqa: PLW2901
            G[train, n] = level
    voltage = np.tile(np.array([-1.0, 1.0, 0.0])[kinds], len(start))
    return Measurements(
        source="made up", labels=tuple(map(str, range(len(start)))), voltage=voltage,
        train=np.repeat(np.arange(len(start)), len(kinds)), width=np.where(voltage != 0, 1e-6, 0.0),
        read_voltage=np.full(G.size, 0.1), current=0.1 * G.ravel(), sweep=np.zeros(G.size, dtype=bool),
    )  # fmt: skip


@pytest.mark.parametrize("b", [(0.9, 0.8), (1.0, 1.0), (1.02, 0.95)])
def test_a_law_is_found_again(b):
    a = (2e-5, -1e-5)
    m = alternating(a, b, [1e-3, 1.1e-3])
    found = fit_steps(m, m.current, decay=b != (1.0, 1.0))
    np.testing.assert_array_equal(found.kinds[:, 0], [-1, 1])
    np.testing.assert_allclose(found.a, a, rtol=1e-5)
    np.testing.assert_allclose(found.b, b, rtol=1e-5)
    np.testing.assert_allclose(found.misfit(m, m.current), 0.0, atol=1e-8)
    assert found.constants == (2 if b == (1.0, 1.0) else 4)


def test_slopes_are_the_derivative_starts_eliminated():
    """Away from the optimum Kaufman's slopes leave a part out; against the residual it is small."""
    m = alternating((2e-5, -1e-5), (0.9, 0.8), [1e-3, 1.1e-3])
    size = np.median(m.conductance)
    problem = _Problem(_Chain(m, m.current, np.array([[-1.0, 1e-6], [1.0, 1e-6]])), decay=True)
    x = np.array([2e-5 / size, -1e-5 / size, np.log(0.9), np.log(0.8)]) * 1.001
    J = problem.jacobian(x)
    for i in range(4):
        step = 1e-6 * (np.arange(4) == i)
        plain = (problem.residual(x + step) - problem.residual(x - step)) / 2e-6
        np.testing.assert_allclose(J[:, i], plain, atol=0.02 * np.abs(plain).max())


def test_what_is_no_reference():
    m = alternating((2e-5, -1e-5), (0.9, 0.8), [1e-3])
    assert fit_steps(m.of_trains([0]), m.current, decay=True) is not None
    still = Measurements(**{**m.__dict__, "voltage": np.zeros(len(m)), "width": np.zeros(len(m))})
    assert fit_steps(still, m.current, decay=True) is None
