"""Time steps within a pulse: the dose of a cell whose voltage moves while its state does.

Two solves of the circuit bracket a step: one at its first states, one at the states that it
would reach if the voltages stayed. In between, ln(rate) is taken as linear in how far the
state has come, and time is an integral over the dose a:

    t(a) = int_0^a e^(-kappa x(a')) da' / |rate_0|,    kappa = ln(rate_1 / rate_0),

x being the share of the predicted change of state that the dose a' makes, by the law's closed
form. A voltage that is linear in time gives a second dose, in closed form (`mean_rate`). The
two agree to second order in kappa; their difference is the error estimate of the step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.arrays import LARGEST_EXPONENT
from roa_circuit.device.laws.law import Law

Floats = NDArray[np.float64]

_AT_REST = 1e-5  # a change of omega too small for its shape in time to matter
_NEWTON_STEPS = 6
_SETTLED = 1e-10  # of a dose, before a step that squares what is left
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_POINTS, _WEIGHTS = 0.5 * (_POINTS + 1.0), 0.5 * _WEIGHTS


def step_doses(
    omega: Floats,
    before: Floats,
    after: Floats,
    predicted: Floats,
    width: float,
    p: Law,
    *,
    first: Floats | float = 0.0,
) -> tuple[Floats, Floats]:
    """Signed doses (following the state, linear in time) of a step of `width` [s].

    before : cell voltages [V] at the states omega
    after : cell voltages [V] at the states that the dose `predicted` leads to
    first : dose between omega and the start of the step, such as that of a rising edge; included
    """
    linear = first + width * np.asarray(p.mean_rate(before, after))
    slow, fast = p.rate(before), p.rate(after)
    moves = p.excursion(omega, predicted, before) > _AT_REST
    follows = moves & (slow * fast > 0) & (slow * predicted > 0)
    following = linear.copy()
    if follows.any():
        start = np.abs(np.broadcast_to(first, omega.shape))[follows]
        kappa = np.log(fast[follows] / slow[follows])
        exponent = p.part(follows).course(omega[follows], predicted[follows], before[follows], -kappa)
        a = np.maximum(np.abs(linear)[follows], start)
        a = _dose(a, start, exponent, width * np.abs(slow)[follows])
        following[follows] = np.sign(predicted)[follows] * a
    return following, linear


def _dose(a: Floats, start: Floats, exponent: Callable[[Floats], Floats], target: Floats) -> Floats:
    """The dose sizes a at which time times rate_0 reaches `target`, by Newton's method."""

    def slowing(a: Floats) -> Floats:
        """rate_0 over the rate after a dose of size a."""
        bounded = np.minimum(np.maximum(exponent(a), -LARGEST_EXPONENT), LARGEST_EXPONENT)
        return np.asarray(np.exp(bounded))

    for _ in range(_NEWTON_STEPS):
        span = a - start
        passed = span * (_WEIGHTS @ slowing(start + _POINTS[:, None] * span))
        before, a = a, np.maximum(a - (passed - target) / slowing(a), start)
        if (np.abs(a - before) <= _SETTLED * a).all():
            break
    return a
