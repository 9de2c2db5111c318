"""Profile likelihood: how far one constant goes until the best misfit rises by a 95 % step.

It follows bends and one-sided flatness, which the curvature at the optimum does not see. Beyond the
step the misfit may stay on a shelf or fall into another valley, so it is also computed 20 % off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from fitting.model.residuals import Objective
from fitting.readers.measurements import FloatArray
from fitting.search.elimination import projected
from fitting.search.identifiability import IDENTIFIABLE_LOG_ERROR, covariance, student
from fitting.search.multistart import Solution, search

_EXACT = 1e-150  # noise of readings without any, whose square is still a number
_MOST_TRIALS = 20
_NEAR = 0.005  # of its reach: how well the end of an interval is found
_ASTRAY = 0.5  # of a logarithm: how far an extrapolation is trusted
_SURE = 0.01  # of a logarithm: nothing is asked of 20 % off
_OFF = float(np.log(1.2))
_BORNE_OUT = 0.8  # of the rise that an interval's end should bring


def profile_ends(
    objective: Objective, solution: Solution, names: Collection[str], widening: FloatArray
) -> dict[str, tuple[float, float, float]]:
    """(95 % ends, standard error) of the logarithms of `names`; none where an end is missing.

    The error is that of the interval, or that of 20 % off if the misfit allows more there. `widening`
    (constants,) is the factor of each for correlated misfits. Constants that the solution holds at the
    prior, or knows only in products, are free, but those that no such measurement could tell.
    """
    if not names:
        return {}
    blind = objective.form.blind(objective.measurements)
    free = search(objective, solution.x, blind)
    noise, unit = solution.noise(objective)
    reach = student(solution.freedom(len(objective.measurements)))
    names_of = objective.names
    everything = np.array([name not in blind for name in names_of])
    spread = covariance(projected(objective.plain, free.x), max(noise, _EXACT), everything)
    found = {}
    for name in names:
        place = names_of.index(name)
        direction = np.append(
            spread[place] / spread[place, place], np.zeros(len(free.x) - len(names_of))
        )
        line = _Profile(objective, free, place, direction, unit)
        error, wanted = float(np.sqrt(spread[place, place])), reach * float(widening[place])
        below = _crossing(line, -error, wanted, line.room(-1.0))
        above = None if below is None else _crossing(line, error, wanted, line.room(1.0))
        if below is not None and above is not None:
            at, curved = float(free.x[place]), (above - below) / (2.0 * reach)
            found[name] = (at + below, at + above, _error(line, curved, float(widening[place])))
    return found


def far_errors(
    objective: Objective, solution: Solution, errors: Mapping[str, float], widening: FloatArray
) -> dict[str, float]:
    """The errors of logarithms, told by the curvature, as far as the misfit bears them out.

    It is asked where the interval should end, as canyons bend, and 20 % off. That costs four searches a
    constant that would count as identifiable, where a profile costs ten.
    """
    noise, unit = solution.noise(objective)
    reach = student(solution.freedom(len(objective.measurements)))
    names, blind = objective.names, objective.form.blind(objective.measurements)
    free = solution if solution.held <= blind else search(objective, solution.x, blind)
    varied = np.array([name not in blind for name in names])
    spread = covariance(projected(objective.plain, free.x), max(noise, 1e-300), varied)
    found = {}
    for name, error in errors.items():
        place = names.index(name)
        direction = np.append(
            spread[place] / max(spread[place, place], 1e-300), np.zeros(len(free.x) - len(names))
        )
        line = _Profile(objective, free, place, direction, unit, brief=True)
        if error <= IDENTIFIABLE_LOG_ERROR:
            error = _followed(line, error, reach, float(widening[place]))  # noqa: PLW2901
        found[name] = _error(line, error, float(widening[place]))
    return found


def _followed(line: _Profile, error: float, reach: float, widening: float) -> float:
    """The error of a logarithm by where the misfit has risen enough, if the curvature falls short of it.

    `error` has the `widening` of correlated misfits already.
    """
    furthest, wanted = error, reach * widening
    for sign in (-1.0, 1.0):
        u, room = sign * error * reach, line.room(sign)
        if abs(u) > abs(room) or line(u) >= _BORNE_OUT * wanted:
            continue
        end = _crossing(line, sign * error, wanted, room)
        furthest = max(furthest, _OFF if end is None else abs(end) / reach)
    return furthest


class _Profile:
    """The misfit along one constant, with all others at their best for it.

    `direction` (constants + trains,) is how they follow it near the optimum `free`.
    """

    def __init__(
        self,
        objective: Objective,
        free: Solution,
        place: int,
        direction: FloatArray,
        unit: float,
        *,
        brief: bool = False,
    ) -> None:
        self._objective, self._free, self._place, self._unit = objective, free, place, max(unit, 1e-300)
        self._direction, self._brief = direction, brief
        self._visited = {0.0: free.x}
        m, form = objective.measurements, objective.form
        bounds = [form.limits(name, m) for name in form.names]
        bounds += [(-np.inf, np.inf)] * (len(free.x) - form.count)
        self._low, self._high = np.transpose(bounds)

    def room(self, sign: float) -> float:
        """How far the logarithm may go to one side."""
        bound = (self._high if sign > 0 else self._low)[self._place]
        return float(bound - self._free.x[self._place])

    def __call__(self, u: float) -> float:
        """sqrt of the misfit's rise at `u` from the optimum, over the noise: |u| / error if normal."""
        near = min(self._visited, key=lambda other: abs(other - u))
        begin = np.clip(self._visited[near] + (u - near) * self._direction, self._low, self._high)
        astray = np.abs(begin - self._visited[near]).max() > _ASTRAY
        if astray:  # flat directions lead nowhere, but narrow canyons are lost without theirs
            alone = self._visited[near].copy()
            alone[self._place] = begin[self._place]
            every = self._objective.names
            begin = min(begin, alone, key=lambda x: search(self._objective, x, every).cost)
        held = {self._objective.names[self._place], *self._free.held}
        moved = search(self._objective, begin, held, brief=self._brief)
        self._visited[u] = moved.x
        return float(np.sqrt(max(moved.cost - self._free.cost, 0.0))) / self._unit


def _error(line: Callable[[float], float], curved: float, widening: float) -> float:
    """The error of a logarithm: `curved`, from its interval, unless the misfit 20 % off allows more."""
    if not _SURE < curved <= IDENTIFIABLE_LOG_ERROR:
        return curved
    far = max(_OFF * widening / max(line(u), 1e-9) for u in (-_OFF, _OFF))
    return far if far > IDENTIFIABLE_LOG_ERROR else curved


def _crossing(line: Callable[[float], float], error: float, reach: float, room: float) -> float | None:
    """u where line(u) = reach, from `error` (its sign is the side) up to `room`; None if there is none.

    Secants on a nearly straight line, kept inside the bracket that they find. Where the line jumps
    over `reach` a search has lost its valley, and there is no end to believe.
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
            if abs(outside - inside) < _NEAR * abs(outside):
                return None
            share = (reach - at_inside) / (at_outside - at_inside)
            u = inside + (min(share, 0.9) if share > 0.1 else 0.5) * (outside - inside)
    return None
