"""Profile likelihood: how far one constant goes until the best misfit rises by a 95 % step.

It follows bends and one-sided flatness, which the curvature at the optimum does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from fitting._elimination import projected
from fitting._search import Solution, limits, search
from fitting.identifiability import covariance, student
from fitting.measurements import FloatArray
from fitting.residuals import NAMES, Objective

_MOST_TRIALS = 20
_NEAR = 0.005  # of its reach: how well the end of an interval is found


def profile_ends(
    objective: Objective, solution: Solution, names: Collection[str], widening: FloatArray
) -> dict[str, tuple[float, float]]:
    """The 95 % ends of the logarithms of `names`; without both ends a name is missing.

    `widening` (7,) is how much wider each is for correlated misfits. What the solution holds at the
    prior, or knows in products only, is let free.
    """
    if not names:
        return {}
    free = search(objective, solution.x)
    noise, unit = solution.noise(objective)
    reach = student(solution.freedom(len(objective.measurements)))
    everything = np.ones(len(NAMES), dtype=bool)
    spread = covariance(projected(objective.plain, free.x), max(noise, 1e-300), everything)
    found = {}
    for name in names:
        place = NAMES.index(name)
        direction = np.append(spread[place] / spread[place, place], np.zeros(len(free.x) - len(NAMES)))
        line = _Profile(objective, free, place, direction, unit)
        error, wanted = float(np.sqrt(spread[place, place])), reach * float(widening[place])
        below = _crossing(line, -error, wanted, line.room(-1.0))
        above = None if below is None else _crossing(line, error, wanted, line.room(1.0))
        if below is not None and above is not None:
            found[name] = (float(free.x[place]) + below, float(free.x[place]) + above)
    return found


class _Profile:
    """The misfit along one constant, all others at their best for it.

    `direction` (7 + trains,) is how they go with it near the optimum `free`.
    """

    def __init__(
        self, objective: Objective, free: Solution, place: int, direction: FloatArray, unit: float
    ) -> None:
        self._objective, self._free, self._place, self._unit = objective, free, place, max(unit, 1e-300)
        self._direction = direction
        self._visited = {0.0: free.x}

    def room(self, sign: float) -> float:
        """How far the logarithm may go to this side."""
        low, high = limits(NAMES[self._place], self._objective.measurements)
        return float((high if sign > 0 else low) - self._free.x[self._place])

    def __call__(self, u: float) -> float:
        """sqrt of the rise at `u` from the optimum, in units of the noise: |u| / error if normal."""
        near = min(self._visited, key=lambda other: abs(other - u))
        begin = self._visited[near] + (u - near) * self._direction
        moved = search(self._objective, begin, {NAMES[self._place]})
        self._visited[u] = moved.x
        return float(np.sqrt(max(moved.cost - self._free.cost, 0.0))) / self._unit


def _crossing(line: Callable[[float], float], error: float, reach: float, room: float) -> float | None:
    """u where line(u) = reach, from `error` (its sign is the side) up to `room`; None beyond that.

    Secants on a nearly straight line, kept inside the bracket that they find.
    """
    inside, at_inside = 0.0, 0.0
    outside, at_outside = None, np.inf
    u = error * reach
    for _ in range(_MOST_TRIALS):
        u = np.sign(room) * min(abs(u), abs(room))
        value = line(u)
        if abs(value - reach) < _NEAR * reach:
            return float(u)
        if value < reach:
            if u == room:
                return None
            inside, at_inside = u, value
        else:
            outside, at_outside = u, value
        if outside is None:
            u = u * float(np.clip(reach / max(value, 1e-9), 1.2, 3.0))
        else:
            share = (reach - at_inside) / (at_outside - at_inside)
            u = inside + float(np.clip(share, 0.1, 0.9)) * (outside - inside)
    return float(u)
