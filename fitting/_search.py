"""The search: Levenberg-Marquardt in log parameters, from several guesses, with some held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from fitting._guess import guesses
from fitting.identifiability import LARGEST_LOG_ERROR
from fitting.measurements import FloatArray, Measurements
from fitting.residuals import NAMES, Objective
from roa_circuit.parameters import Memristor

_BOUNDS = {
    "k": (1e-30, 1e12), "mu1": (1e-2, 300.0), "mu2": (1e-2, 300.0), "gamma": (1e-20, 1e3),
    "delta": (1e-3, 100.0), "alpha": (1e-20, 1e3), "beta": (1e-3, 100.0),
}  # fmt: skip
_LARGEST_SINH = 300.0  # delta or beta times the largest voltage: e^300 still squares
_MOST_EVALUATIONS = 150  # real data need some 20
_LOGIT = 25.0
_GOOD_ENOUGH = 0.03  # relative rms at which no other first guess is tried


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Where a search ended: the vector, its sum of squared relative residuals, and how."""

    x: FloatArray
    cost: float
    held: frozenset[str]
    converged: bool
    message: str

    def noise(self, rows: int) -> float:
        """The relative noise that the misfit of `rows` readings shows."""
        return float(np.sqrt(self.cost / (rows - len(self.x) + len(self.held))))


def best_search(objective: Objective, m: Measurements, prior: Memristor) -> Solution:
    """The lowest of the searches from several guesses, the likeliest first."""
    starts = sorted(guesses(m, prior), key=lambda x: float(np.sum(objective.residual(x) ** 2)))
    best: Solution | None = None
    for x in starts:
        found = search(objective, x)
        best = found if best is None or found.cost < best.cost else best
        if best.converged and best.cost <= len(m) * _GOOD_ENOUGH**2:
            break
    assert best is not None
    return best


def search(objective: Objective, x: FloatArray, held: Collection[str] = ()) -> Solution:
    """Levenberg-Marquardt from `x`, the constants in `held` kept where they are."""
    import lmfit

    parameters = lmfit.Parameters()
    for index, value in enumerate(x):
        low, high = _limits(index, objective.measurements)
        name = NAMES[index] if index < len(NAMES) else f"start_{index - len(NAMES)}"
        vary = name not in held
        inside = float(np.clip(value, low + 1e-6, high - 1e-6)) if vary else float(value)
        parameters.add(name, value=inside, min=low if vary else -np.inf, max=high if vary else np.inf,
                       vary=vary)  # fmt: skip
    free = [index for index, name in enumerate(parameters) if parameters[name].vary]

    def vector(p: Any) -> FloatArray:
        return np.array([p[name].value for name in p])

    result = lmfit.minimize(
        lambda p: objective.residual(vector(p)), parameters, method="leastsq", calc_covar=False,
        Dfun=lambda p: objective.jacobian(vector(p))[:, free], ftol=1e-14, xtol=1e-12, gtol=0.0,
        max_nfev=_MOST_EVALUATIONS,
    )  # fmt: skip
    found = vector(result.params)
    cost = float(np.sum(objective.residual(found) ** 2))
    return Solution(
        x=found, cost=cost, held=frozenset(held), converged=bool(result.success),
        message=str(result.message),
    )  # fmt: skip


def _limits(index: int, m: Measurements) -> tuple[float, float]:
    """The bounds of one entry of the search vector."""
    if index >= len(NAMES):
        return -_LOGIT, _LOGIT
    low, high = _BOUNDS[NAMES[index]]
    if NAMES[index] in ("delta", "beta"):
        high = min(high, _LARGEST_SINH / float(np.abs(m.read_voltage).max(initial=1e-3)))
    return float(np.log(low)), float(np.log(high))


def is_flat(objective: Objective, solution: Solution, name: str, noise: float) -> bool:
    """Whether a constant can be moved by e^(+-1) at no cost, all others following.

    A profile of two points: what the curvature at the optimum cannot see, such as a pulse
    that saturates for any larger value. Cost counts above 3.84 noise^2 (95 %).
    """
    place = NAMES.index(name)
    for shift in (2.0 * LARGEST_LOG_ERROR, -2.0 * LARGEST_LOG_ERROR):
        x = solution.x.copy()
        x[place] += shift
        low, high = _limits(place, objective.measurements)
        if not low < x[place] < high:
            continue
        moved = search(objective, x, {*solution.held, name})
        if moved.cost - solution.cost < 3.84 * noise**2:
            return True
    return False
