"""MCMC: the posterior of the constants that the data tell, drawn by emcee.

It needs an extra (`pip install 'roa-circuit[mcmc]'`). Priors are flat in the logarithms within the
bounds of the search; every train's starting state is at its best for the drawn constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fitting.readers.measurements import FloatArray
from fitting.search.elimination import Eliminated, projected
from fitting.search.fit import Fit, widened
from fitting.search.identifiability import covariance
from fitting.search.intervals import Intervals, known, valued
from roa_circuit.basics.errors import InputError

STEPS, BURN = 500, 100
_WALKERS = 4  # a constant; emcee asks for two at least


def posterior(f: Fit, seed: int = 0, steps: int = STEPS, burn: int = BURN) -> Intervals:
    """Central 95 % of the draws, given the other constants: flat directions are never drawn evenly.

    Raises
    ------
    InputError : emcee is not installed.
    """
    emcee = package("emcee")
    names = known(f)
    if not names:
        return Intervals(method="mcmc", ci95={}, stderr={}, said="mcmc: nothing is identifiable")
    walkers = _WALKERS * len(names)
    draws = _draws(emcee, f, names, walkers, seed, steps, burn)
    form = f.objective.form
    ends = valued(form, names, np.quantile(draws, [0.025, 0.975], axis=0))
    others = [name for name in form.names if name not in names]
    return Intervals(
        method="mcmc", samples=valued(form, names, draws),
        said=f"mcmc, {len(draws)} draws of {walkers} walkers, seed {seed}"
        + f", given {', '.join(others)}" * bool(others)
        + ("; takes misfits for independent, which they are not" if widened(f) else ""),
        ci95={name: (float(ends[0, i]), float(ends[1, i])) for i, name in enumerate(names)},
        stderr={n: f.estimates[n].size * float(s)
                for n, s in zip(names, np.std(draws, axis=0), strict=True)},
    )  # fmt: skip


def _draws(
    emcee: Any, f: Fit, names: Sequence[str], walkers: int, seed: int, steps: int, burn: int
) -> FloatArray:
    """Logarithms of these constants (draws, names), drawn from their posterior near the fit."""
    objective, x, form = f.objective, f.solution.x, f.objective.form
    free = np.array([form.names.index(name) for name in names])
    low, high = np.transpose([form.limits(name, objective.measurements) for name in names])
    eliminated = Eliminated(objective, x, free)
    unit = max(f.solution.noise(objective)[1], 1e-300)

    def log_probability(place: FloatArray) -> float:
        if (place < low).any() or (place > high).any():
            return -np.inf
        return -0.5 * float(np.sum(eliminated.residual(place) ** 2)) / unit**2

    rng = np.random.RandomState(seed)  # what emcee takes
    varied = np.isin(np.arange(form.count), free)
    spread = covariance(projected(objective.plain, x), max(f.noise, 1e-300), varied)
    begin = rng.multivariate_normal(x[free], spread[np.ix_(free, free)], size=walkers)
    moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]
    sampler = emcee.EnsembleSampler(walkers, len(names), log_probability, moves=moves)
    sampler.random_state = rng.get_state()
    sampler.run_mcmc(np.clip(begin, low, high), burn + steps)
    draws: FloatArray = sampler.get_chain(discard=burn, flat=True)
    return draws


def package(name: str) -> Any:
    """A package of the extra `mcmc`.

    Raises
    ------
    InputError : it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"--intervals mcmc needs the package {name}: pip install "
                         "'roa-circuit[mcmc]', or use profile or bootstrap") from None  # fmt: skip
