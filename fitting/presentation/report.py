"""The JSON document of a fit."""

from __future__ import annotations

import math
from typing import Any

from fitting.readers.measurements import Measurements
from fitting.search.fit import Fit


def products(f: Fit) -> dict[str, dict[str, Any]]:
    """Expressions in the constants, with the errors that lmfit gives them."""
    if f.result is None:
        return {}
    found = {}
    for name, formula in f.objective.form.products.items():
        one = f.result.params[name]
        error = one.stderr
        told = error is not None and math.isfinite(error)
        found[name] = {
            "value": float(one.value),
            "stderr": float(error) if told else None,
            "formula": formula,
        }
    return found


def minimizer(f: Fit) -> dict[str, Any] | None:
    """What lmfit's minimiser says of its end; None if it had nothing to fit."""
    r = f.result
    if r is None:
        return None
    return {"method": f"lmfit, {r.method}", "evaluations": int(r.nfev), "chisqr": float(r.chisqr),
            "redchi": float(r.redchi), "nfree": int(r.nfree)}  # fmt: skip


def lmfit_report(f: Fit) -> str:
    """lmfit's own report; starting states, at their best throughout, are no parameters of it."""
    if f.result is None:
        return "lmfit had nothing to fit: the search held every constant, or found no end"
    import lmfit

    return str(lmfit.fit_report(f.result))


def document(f: Fit, m: Measurements) -> dict[str, Any]:
    """What `--json` writes: parameters with errors, relative_rmse, n_points, seconds, and more."""
    parameters = {
        name: {"value": e.value, "unit": e.unit, "stderr": e.stderr, "ci95": e.ci95,
               "identifiable": e.identifiable, "basis": e.basis, "prior": e.prior}
        for name, e in f.estimates.items()
    }  # fmt: skip
    return {
        "parameters": parameters,
        "relative_rmse": f.relative_rmse,
        "n_points": len(m),
        "seconds": f.seconds,
        "converged": f.converged,
        "passed": f.describes,
        "message": f.message,
        "intervals": f.intervals,
        "products": products(f),
        "minimizer": minimizer(f),
        "noise": f.noise,
        "weighting": {"name": f.weighting.name, "read_noise": f.weighting.read_noise,
                      "said": f.weighting.said},
        "loss": {"name": f.objective.loss.name,
                 "size": f.objective.loss.size if f.objective.loss.name != "linear" else None},
        "starting_states": dict(zip(m.labels, f.start.tolist(), strict=True)),
        "source": m.source,
    }  # fmt: skip
