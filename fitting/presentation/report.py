"""The JSON document of a fit."""

from __future__ import annotations

from typing import Any

from fitting.readers.measurements import Measurements
from fitting.search.fit import Fit


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
        "noise": f.noise,
        "weighting": {"name": f.weighting.name, "read_noise": f.weighting.read_noise,
                      "said": f.weighting.said},
        "loss": {"name": f.objective.loss.name,
                 "size": f.objective.loss.size if f.objective.loss.name != "linear" else None},
        "starting_states": dict(zip(m.labels, f.start.tolist(), strict=True)),
        "source": m.source,
    }  # fmt: skip
