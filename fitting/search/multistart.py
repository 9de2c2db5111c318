"""The search: Levenberg-Marquardt in log parameters, from several guesses, with some held."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from fitting.model.loss import Loss
from fitting.model.residuals import EQUATIONS, Objective
from fitting.model.thinning import thinned
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search._guess import guesses
from fitting.search.descent import descend
from fitting.search.elimination import MOST_STEPS, SETTLED, Eliminated
from fitting.search.identifiability import LARGEST_LOG_ERROR, SMALLEST_NOISE
from roa_circuit.device.laws import Law

_MOST_STEPS = 100  # real data need some 20
_BRIEF = 20
_ROUNDS = ((4, 6), (12, 3))  # steps, and how many searches go on: of laws with many valleys
_FINEST, _COARSE = 1e-9, 1e-4
_FIRST, _ROUND = 1e-2, 1e-6  # of searches in rounds: of the first step, of the others
_FEW = 4  # first guesses, each of which has a right to better starts
_HASTY = 4  # steps of starting states, in a first step
_SETTLED = 1e-3  # of a tolerance: what better starting states may still bring
_HOPELESS = 10.0  # times the lowest cost, where a search is given up
_BESIDE = 0.02  # of a place, and of a cost: the same valley
_MOST_SIZES, _SAME_SIZE = 12, 0.01  # of a robust loss that is fitted to its own noise
_ENOUGH = 500  # readings, to look for a valley
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
    objective: Objective,
    m: Measurements,
    prior: Law,
    *,
    brief: bool = False,
    most: int = _MOST_STEPS,
) -> Solution:
    """The lowest of brief searches from several guesses, the likeliest first, brought to its end.

    If that is poor, others that were near are brought to theirs: where Eq. 1-2 do not hold, rounding
    alone decides between valleys. `brief` leaves the lowest where it is. Laws with many valleys take
    `most` steps to the end.
    """
    if objective.form is not EQUATIONS:
        most = 0 if brief else most
        found = _in_rounds(objective, m, prior, most=most)
        if objective.form.makes_law(found.x[: objective.form.count]):
            return found
        within = dataclasses.replace(objective, form=objective.form.walled())
        return _in_rounds(within, m, prior, most=most)
    starts = sorted(
        guesses(objective.form, m, prior), key=lambda x: float(np.sum(objective.residual(x) ** 2))
    )
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


def _in_rounds(objective: Objective, m: Measurements, prior: Law, *, most: int) -> Solution:
    """The lowest of searches from many guesses, of which fewer and fewer go on, the last `most` steps.

    Laws with free exponents have valleys that begin alike, so none of them is left out at first.
    """
    form, few = objective.form, _looser(objective)
    held = form.blind(few.measurements)
    begin = form.guesses(few.measurements, prior) or guesses(form, m, prior, held)
    starts = list(begin)
    first = _FIRST if len(starts) > _FEW else _ROUND
    found = [search(few, x, held, most=1, tolerance=first) for x in starts]
    for steps, kept in _ROUNDS:
        found = _apart(found, form.count)
        hopeless = _HOPELESS * found[0].cost
        found = [one for one in found[:kept] if one.cost <= hopeless]
        found = [
            search(few, one.x, form.blind(few.measurements, one.x), most=steps, tolerance=_ROUND)
            for one in found
        ]
    best = min(found, key=lambda one: one.cost)
    held = form.blind(few.measurements, best.x)
    if not most and few is objective:
        return best
    tolerance = _COARSE**2 if form.by_curvature else _FINEST  # lmfit ends what is long
    ended = search(
        objective, best.x, held, most=most or _ROUNDS[-1][0], tolerance=tolerance if most else _ROUND
    )
    if ended.converged or not (most and form.by_curvature):
        return ended
    return search(objective, ended.x, held, most=most, tolerance=_ROUND)  # fine steps creep along kinks


def _looser(objective: Objective) -> Objective:
    """The objective with fewer readings, of as many trains, for searches that only look around."""
    few, rows = thinned(objective.measurements, _ENOUGH)
    if few is objective.measurements:
        return objective
    return dataclasses.replace(
        objective, measurements=few, schedule=objective.form.schedule(few), scale=objective.scale[rows]
    )


def _apart(found: Sequence[Solution], count: int) -> list[Solution]:
    """The lowest first, each in a valley of its own: of two alike, with `count` constants, the lower."""
    kept: list[Solution] = []
    for one in sorted(found, key=lambda one: one.cost):
        if not any(_alike(one, other, count) for other in kept):
            kept.append(one)
    return kept


def _alike(one: Solution, other: Solution, count: int) -> bool:
    near = np.abs(one.x[:count] - other.x[:count]).max(initial=0.0) <= _BESIDE
    return bool(near) and one.cost <= (1.0 + _BESIDE) * other.cost


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
    most: int | None = None,
    tolerance: float = _FINEST,
    enough: float = 0.0,
) -> Solution:
    """Levenberg-Marquardt from `x`, with the constants in `held` kept where they are.

    It ends when steps bring less than `tolerance` of the cost, `brief` at the first sign of that,
    after `most` steps, and always below the cost `enough`.
    """
    form, m = objective.form, objective.measurements
    free = np.array([index for index, name in enumerate(form.names) if name not in held], dtype=np.int64)
    bounds = [form.limits(form.names[index], m) for index in free]
    low, high = np.reshape(bounds, (-1, 2)).T
    tolerance = _COARSE if brief else tolerance
    settled = max(_SETTLED * tolerance, SETTLED)
    eliminated = Eliminated(objective, x, free, settled, _HASTY if tolerance == _FIRST else MOST_STEPS)
    roams = form.walled() is not form  # where constants make no law, costs may be no numbers
    with np.errstate(all="ignore" if roams else None):
        found = descend(
            eliminated, x[free], low, high, enough=enough,
            most=most or (_BRIEF if brief else _MOST_STEPS), tolerance=tolerance, longest=form.longest,
        )  # fmt: skip
    message = "converged" if found.converged else f"no end after {most or _MOST_STEPS} steps"
    return Solution(
        x=eliminated.full(found.x), cost=found.cost, held=frozenset(held), converged=found.converged,
        message=message,
    )  # fmt: skip


def limits(name: str, m: Measurements) -> tuple[float, float]:
    """The bounds of the logarithm of a constant of Eq. 1 and 2."""
    return EQUATIONS.limits(name, m)


def is_flat(objective: Objective, solution: Solution, name: str, unit: float) -> bool:
    """Whether a constant can be moved by e^(+-1) at no cost while all others follow.

    This profile of two points sees what the curvature at the optimum cannot, such as a pulse that
    saturates for any larger value. Cost counts above 3.84 unit^2 (95 %).
    """
    place = objective.names.index(name)
    for shift in (2.0 * LARGEST_LOG_ERROR, -2.0 * LARGEST_LOG_ERROR):
        x = solution.x.copy()
        x[place] += shift
        low, high = objective.form.limits(name, objective.measurements)
        if not low < x[place] < high:
            continue
        bound = solution.cost + 3.84 * unit**2
        moved = search(objective, x, {*solution.held, name}, brief=True, enough=bound)
        if moved.cost < bound:
            return True
    return False
