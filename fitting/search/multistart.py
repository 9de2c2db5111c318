"""The search: Levenberg-Marquardt in log parameters, from several guesses, with some held."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from fitting.model.loss import Loss
from fitting.model.residuals import NAMES, Objective
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search._guess import guesses
from fitting.search.descent import descend
from fitting.search.elimination import Eliminated
from fitting.search.identifiability import LARGEST_LOG_ERROR, SMALLEST_NOISE
from roa_circuit.device.parameters import Memristor

_BOUNDS = {
    "k": (1e-30, 1e12), "mu1": (1e-2, 300.0), "mu2": (1e-2, 300.0), "gamma": (1e-20, 1e3),
    "delta": (1e-3, 100.0), "alpha": (1e-20, 1e3), "beta": (1e-3, 100.0),
}  # fmt: skip
_LARGEST_SINH = 300.0  # delta or beta times the largest voltage: e^300 still squares
_FAINTEST = 1e-3  # alpha over the smallest reading: fainter still, no slope leads back
_MOST_STEPS = 100  # real data need some 20
_BRIEF = 20
_FINEST, _COARSE = 1e-9, 1e-4
_MOST_SIZES, _SAME_SIZE = 12, 0.01  # of a robust loss that is fitted to its own noise
_SAME, _NEAR = 1.01, 4.0  # times the lowest cost: the same valley, one that may be deeper
_GOOD_ENOUGH = 0.03  # relative rms at which no other first guess is tried
_POOR = 0.06  # at which those tried are brought to their ends


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Where a search ended: the vector, its sum of squared residuals, and how it ended."""

    x: FloatArray
    cost: float
    held: frozenset[str]
    converged: bool
    message: str

    def freedom(self, rows: int) -> int:
        """Degrees of freedom: readings less unknowns."""
        return rows - len(self.x) + len(self.held)

    def noise(self, objective: Objective) -> tuple[float, float]:
        """(the noise of a reading that the misfit shows, its unit of cost), see `Loss.noise`."""
        plain = objective.plain.residual(self.x)
        return objective.loss.noise(plain, self.freedom(len(plain)))


def best_search(
    objective: Objective, m: Measurements, prior: Memristor, *, brief: bool = False
) -> Solution:
    """The lowest of brief searches from several guesses, the likeliest first, brought to its end.

    If that is poor, others that were near are brought to theirs: where Eq. 1-2 do not hold, rounding
    alone decides between valleys. `brief` leaves the lowest where it is.
    """
    starts = sorted(guesses(m, prior), key=lambda x: float(np.sum(objective.residual(x) ** 2)))
    tried: list[Solution] = []
    for x in starts:
        tried.append(search(objective, x, brief=True))
        if tried[-1].cost <= len(m) * _GOOD_ENOUGH**2:
            break
    first, *others = sorted(tried, key=lambda found: found.cost)
    if brief:
        return first
    best = search(objective, first.x)
    for other in others:
        if best.cost > len(m) * _POOR**2 and _SAME * first.cost < other.cost < _NEAR * first.cost:
            found = search(objective, other.x)
            best = found if found.cost < best.cost else best
    return best


def robust_search(objective: Objective, solution: Solution, loss: str) -> tuple[Objective, Solution]:
    """(objective with this loss at the size of its own noise, its optimum), from a plain optimum."""
    for _ in range(_MOST_SIZES):
        freedom = solution.freedom(len(objective.measurements))
        plain = objective.plain.residual(solution.x)
        bent = Loss.of(loss, plain, freedom, SMALLEST_NOISE)
        settled = abs(bent.size - objective.loss.size) < _SAME_SIZE * bent.size
        objective = dataclasses.replace(objective, loss=bent)
        solution = search(objective, solution.x, solution.held)
        if settled or loss == "linear":
            break
    return objective, solution


def search(
    objective: Objective,
    x: FloatArray,
    held: Collection[str] = (),
    *,
    brief: bool = False,
    tolerance: float = _FINEST,
    enough: float = 0.0,
) -> Solution:
    """Levenberg-Marquardt from `x`, with the constants in `held` kept where they are.

    It ends when steps bring less than `tolerance` of the cost, `brief` at the first sign of that,
    and always below the cost `enough`.
    """
    free = np.array([index for index, name in enumerate(NAMES) if name not in held], dtype=np.int64)
    bounds = [limits(NAMES[index], objective.measurements) for index in free]
    low, high = np.reshape(bounds, (-1, 2)).T
    eliminated = Eliminated(objective, x, free)
    found = descend(
        eliminated, x[free], low, high, enough=enough,
        most=_BRIEF if brief else _MOST_STEPS, tolerance=_COARSE if brief else tolerance,
    )  # fmt: skip
    message = "converged" if found.converged else f"no end after {_MOST_STEPS} steps"
    return Solution(
        x=eliminated.full(found.x), cost=found.cost, held=frozenset(held), converged=found.converged,
        message=message,
    )  # fmt: skip


def limits(name: str, m: Measurements) -> tuple[float, float]:
    """The bounds of a constant's logarithm."""
    low, high = _BOUNDS[name]
    if name in ("delta", "beta"):
        high = min(high, _LARGEST_SINH / float(np.abs(m.read_voltage).max(initial=1e-3)))
    if name == "alpha":
        low = max(low, _FAINTEST * float(np.abs(m.current[m.current != 0]).min(initial=1.0)))
    return float(np.log(low)), float(np.log(high))


def is_flat(objective: Objective, solution: Solution, name: str, unit: float) -> bool:
    """Whether a constant can be moved by e^(+-1) at no cost while all others follow.

    This profile of two points sees what the curvature at the optimum cannot, such as a pulse that
    saturates for any larger value. Cost counts above 3.84 unit^2 (95 %).
    """
    place = NAMES.index(name)
    for shift in (2.0 * LARGEST_LOG_ERROR, -2.0 * LARGEST_LOG_ERROR):
        x = solution.x.copy()
        x[place] += shift
        low, high = limits(name, objective.measurements)
        if not low < x[place] < high:
            continue
        bound = solution.cost + 3.84 * unit**2
        moved = search(objective, x, {*solution.held, name}, brief=True, enough=bound)
        if moved.cost < bound:
            return True
    return False
