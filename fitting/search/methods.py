"""Methods: the four ways to the intervals of a fit, by name.

covariance : normal in the logarithm, from the curvature at the optimum. Exact for many readings;
    where not all constants are identifiable, the profile in its place.
profile : where the best misfit with this constant held rises by a 95 % step; follows bends and
    one-sided flatness. What is held at the prior or known in products only is let free.
bootstrap : refits to resampled misfits (`fitting.search.bootstrap`).
mcmc : the posterior under flat priors in the logarithms (`fitting.search.mcmc`, an extra).
"""

from __future__ import annotations

from fitting.search.bootstrap import bootstrap
from fitting.search.fit import Fit
from fitting.search.intervals import Intervals, curvature, profile
from roa_circuit.basics.errors import InputError, nearest

METHODS = ("covariance", "profile", "bootstrap", "mcmc")

DRAWN = ("bootstrap", "mcmc")
"""Those that a seed decides about."""


def intervals(f: Fit, method: str = "covariance", *, seed: int = 0) -> Intervals:
    """The intervals of a fit by this method.

    Raises
    ------
    InputError : an unknown method, or 'mcmc' without its packages.
    """
    check_method(method)
    if method == "mcmc":
        from fitting.search.mcmc import posterior

        return posterior(f, seed)
    if method == "bootstrap":
        return bootstrap(f, seed)
    return profile(f) if method == "profile" else curvature(f)


def check_method(method: str) -> None:
    """Refuse a method that is unknown.

    Raises
    ------
    InputError : with the nearest of METHODS.
    """
    if method not in METHODS:
        raise InputError(f"--intervals {method!r} is unknown; {nearest(method, METHODS)}")
