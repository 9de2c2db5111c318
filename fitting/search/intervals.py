"""Intervals: how far off each constant that the data tell may be, and a fit that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.model.form import Form
from fitting.readers.measurements import FloatArray
from fitting.search.estimates import from_ends
from fitting.search.fit import Fit, widened
from fitting.search.profile import profile_ends


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """95 % intervals by name; a constant without a finite one is missing.

    `said` is how they were found; `samples` (draws, constants) has draws of the constants in the order
    of `ci95`, if the method makes any.
    """

    method: str
    ci95: Mapping[str, tuple[float, float]]
    stderr: Mapping[str, float]
    said: str
    samples: FloatArray | None = None

    def applied(self, f: Fit) -> Fit:
        """The fit with these intervals; a constant that has none is no longer told."""
        estimates = {}
        for name, e in f.estimates.items():
            if e.told and name in self.ci95:
                e = replace(e, stderr=self.stderr[name], ci95=self.ci95[name])  # noqa: PLW2901
            elif e.told:
                e = replace(e, stderr=None, ci95=None, basis="with prior")  # noqa: PLW2901
            estimates[name] = e
        return replace(f, estimates=estimates, intervals=self.said)


def known(f: Fit) -> list[str]:
    """The constants that the data tell, some only roughly."""
    return [name for name, e in f.estimates.items() if e.told]


def valued(form: Form, names: Sequence[str], places: FloatArray) -> FloatArray:
    """The constants at these places (draws, names) of a search."""
    columns = [
        np.exp(column) if name not in form.steps else column * form.steps[name]
        for name, column in zip(names, places.T, strict=True)
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(places), 0))


def curvature(f: Fit) -> Intervals:
    """The intervals that the fit has, normal in the logarithm."""
    told = {name: e for name, e in f.estimates.items() if e.ci95 is not None}
    return Intervals(
        method="covariance", said=f.intervals,
        ci95={name: e.ci95 for name, e in told.items() if e.ci95 is not None},
        stderr={name: e.stderr for name, e in told.items() if e.stderr is not None},
    )  # fmt: skip


def profile(f: Fit) -> Intervals:
    """Likelihood-ratio intervals (`profile_ends`)."""
    ci95, stderr = {}, {}
    for name, ends in profile_ends(f.objective, f.solution, known(f), f.widening).items():
        stderr[name], ci95[name] = from_ends(f.objective.form, name, f.estimates[name].value, ends)
    return Intervals(method="profile", ci95=ci95, stderr=stderr, said="profile likelihood" + widened(f))
