"""Extraction: lmfit's own result at the optimum, for those who want to go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fitting.model.residuals import Objective
from fitting.readers.measurements import FloatArray
from fitting.search.elimination import Eliminated
from fitting.search.multistart import Solution

if TYPE_CHECKING:
    from lmfit.minimizer import MinimizerResult

_INSIDE = 1e-9  # of a log parameter, between a start and its bounds
_FINEST = 1e-12
_MOST_CALLS = 200


def extract(objective: Objective, solution: Solution) -> MinimizerResult | None:
    """lmfit's fit in log parameters from the solution, with every starting state at its best.

    The parameters are named as the constants and hold their logarithms; those that the solution
    holds do not vary. None where all are held, or where the search found no end to go on from.
    """
    import lmfit

    form = objective.form
    free = np.array(
        [i for i, name in enumerate(form.names) if name not in solution.held], dtype=np.int64
    )
    if not (free.size and solution.converged):
        return None
    parameters = lmfit.Parameters()
    for index, name in enumerate(form.names):
        low, high = form.limits(name, objective.measurements)
        value = float(solution.x[index])
        if index in free:
            value = float(np.clip(value, low + _INSIDE, high - _INSIDE))
            parameters.add(name, value=value, min=low, max=high)
        else:
            parameters.add(name, value=value, vary=False)
    eliminated = Eliminated(objective, solution.x, free)

    def constants(p: lmfit.Parameters) -> FloatArray:
        return np.array([p[form.names[index]].value for index in free])

    with np.errstate(all="ignore"):  # an error that the data do not tell is lmfit's NaN, not a warning
        return lmfit.minimize(
            lambda p: eliminated.residual(constants(p)), parameters, method="least_squares",
            jac=lambda p: eliminated.jacobian(constants(p)),
            xtol=_FINEST, ftol=_FINEST, gtol=_FINEST, max_nfev=_MOST_CALLS,
        )  # fmt: skip
