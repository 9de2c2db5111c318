"""Extraction: lmfit's least squares of a law's constants, in the valley that short searches have found.

lmfit knows nothing of starting states, of which there may be thousands: each is at its best for the
constants that lmfit tries (`fitting.search.elimination`), and slopes are analytic. Each costs a degree
of freedom, which is counted here afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fitting.model.form import Form
from fitting.model.residuals import Objective
from fitting.readers.measurements import FloatArray
from fitting.search._lmfit import lmfit
from fitting.search.elimination import Eliminated
from fitting.search.multistart import Solution

if TYPE_CHECKING:
    from lmfit.minimizer import MinimizerResult

LOG = "ln_"
"""Begins the name of a parameter that is the logarithm of a constant."""

_INSIDE = 1e-9  # of a log parameter, between a start and its bounds
_FINEST, _FINE = 1e-12, 1e-8
_MOST_CALLS = 200


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """lmfit's minimiser and its result; `lmfit.conf_interval(minimizer, result)` goes on from there."""

    minimizer: lmfit.Minimizer
    result: MinimizerResult
    solution: Solution


def extract(objective: Objective, solution: Solution) -> Extraction | None:
    """lmfit's fit from the solution, with every starting state at its best.

    None where the solution holds all constants, or its search found no end to go on from.
    """
    form = objective.form
    free = np.array(
        [i for i, name in enumerate(form.names) if name not in solution.held], dtype=np.int64
    )
    if not (free.size and solution.converged):
        return None
    eliminated = Eliminated(objective, solution.x, free)

    def places(p: lmfit.Parameters) -> FloatArray:
        return np.array([_place(form, form.names[index], p) for index in free])

    sizes = np.array([form.steps.get(form.names[index], 1.0) for index in free])
    minimizer = lmfit.Minimizer(
        lambda p: eliminated.residual(places(p)), parameters(objective, solution)
    )
    fine = _FINE if form.by_curvature else _FINEST  # where cells arrive at an end, a cost has kinks
    with np.errstate(all="ignore"):  # an error that the data do not tell is lmfit's NaN, not a warning
        result = minimizer.minimize(
            method="least_squares", jac=lambda p: eliminated.jacobian(places(p)) / sizes,
            xtol=fine, ftol=fine, gtol=fine, max_nfev=_MOST_CALLS,
        )  # fmt: skip
    _derive(result, form)
    _count_starts(result, len(objective.measurements.labels))
    x = eliminated.full(places(result.params))
    found = Solution(
        x=x, cost=float(np.sum(result.residual**2)), held=solution.held,
        converged=bool(result.success), message=f"lmfit: {str(result.message).strip()}",
    )  # fmt: skip
    return Extraction(minimizer=minimizer, result=result, solution=found)


def parameters(objective: Objective, solution: Solution) -> lmfit.Parameters:
    """The constants as lmfit varies them: `ln_k` and so on, within bounds.

    A constant of any sign is varied as it is. What is held does not vary.
    """
    form, m, found = objective.form, objective.measurements, lmfit.Parameters()
    for index, name in enumerate(form.names):
        size = form.steps.get(name, 1.0)
        low, high = (size * limit for limit in form.limits(name, m))
        value, vary = size * float(solution.x[index]), name not in solution.held
        if vary:
            value = float(np.clip(value, low + _INSIDE, high - _INSIDE))
            found.add(_varied(form, name), value=value, min=low, max=high)
        else:
            found.add(_varied(form, name), value=value, vary=False)
    return found


def _derive(result: MinimizerResult, form: Form) -> None:
    """Add `k` as the exponential of `ln_k`, for each, and products that data determine better.

    Both are expressions with errors. lmfit would work these out by differences of all expressions by all
    parameters, which takes longer than the fit of a table.
    """
    formulas = {name: [name] for name in form.names if name not in form.steps}
    formulas |= {name: text.split("*") for name, text in form.products.items()}
    found, covar = result.params, getattr(result, "covar", None)
    for name, factors in formulas.items():
        own = f"exp({LOG}{name})" if factors == [name] else "*".join(factors)
        found.add(name, expr=own)
        if covar is not None:
            felt = np.array([one.removeprefix(LOG) in factors for one in result.var_names])
            with np.errstate(invalid="ignore"):  # NaN, as for the factors
                found[name].stderr = found[name].value * float(np.sqrt(felt @ covar @ felt))


def _varied(form: Form, name: str) -> str:
    return name if name in form.steps else LOG + name


def _place(form: Form, name: str, p: lmfit.Parameters) -> float:
    return float(p[_varied(form, name)].value) / form.steps.get(name, 1.0)


def _count_starts(result: MinimizerResult, trains: int) -> None:
    """Take the starting states from lmfit's degrees of freedom, and widen its errors by that."""
    before = max(result.nfree, 1)
    result.nfree = max(before - trains, 1)
    wider = before / result.nfree
    result.redchi *= wider
    if getattr(result, "covar", None) is None:
        return
    result.covar = result.covar * wider
    for one in result.params.values():
        if one.stderr is not None:
            one.stderr *= float(np.sqrt(wider))
