"""MCMC: the posterior of the constants that the data tell, drawn by emcee; and its corner plot.

It needs an extra (`pip install 'roa-circuit[mcmc]'`). Priors are flat in the logarithms within the
bounds of the search; every train's starting state is at its best for the drawn constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fitting._elimination import Eliminated, projected
from fitting._search import limits
from fitting.figures import SYMBOLS
from fitting.fit import Fit, widened
from fitting.identifiability import covariance
from fitting.intervals import Intervals, known
from fitting.measurements import FloatArray
from fitting.residuals import NAMES
from fitting.wording import with_unit
from roa_circuit.drawing import BLUE, Drawing, draw
from roa_circuit.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS, BURN = 500, 100
_WALKERS = 4  # a constant; emcee asks for two at least


def posterior(f: Fit, seed: int = 0, steps: int = STEPS, burn: int = BURN) -> Intervals:
    """Central 95 % of the draws, given the other constants: flat directions are never drawn evenly.

    Raises
    ------
    InputError : emcee is not installed.
    """
    emcee = _package("emcee")
    names = known(f)
    if not names:
        return Intervals(method="mcmc", ci95={}, stderr={}, said="mcmc: nothing is identifiable")
    walkers = _WALKERS * len(names)
    draws = _draws(emcee, f, names, walkers, seed, steps, burn)
    ends = np.exp(np.quantile(draws, [0.025, 0.975], axis=0))
    others = [name for name in NAMES if name not in names]
    return Intervals(
        method="mcmc", samples=np.exp(draws),
        said=f"mcmc, {len(draws)} draws of {walkers} walkers, seed {seed}"
        + f", given {', '.join(others)}" * bool(others)
        + ("; takes misfits for independent, which they are not" if widened(f) else ""),
        ci95={name: (float(ends[0, i]), float(ends[1, i])) for i, name in enumerate(names)},
        stderr={n: f.estimates[n].value * float(s)
                for n, s in zip(names, np.std(draws, axis=0), strict=True)},
    )  # fmt: skip


def _draws(
    emcee: Any, f: Fit, names: Sequence[str], walkers: int, seed: int, steps: int, burn: int
) -> FloatArray:
    """Logarithms of these constants (draws, names), drawn from their posterior near the fit."""
    free = np.array([NAMES.index(name) for name in names])
    objective, x = f.objective, f.solution.x
    low, high = np.transpose([limits(name, objective.measurements) for name in names])
    eliminated = Eliminated(objective, x, free)
    unit = max(f.solution.noise(objective)[1], 1e-300)

    def log_probability(place: FloatArray) -> float:
        if (place < low).any() or (place > high).any():
            return -np.inf
        return -0.5 * float(np.sum(eliminated.residual(place) ** 2)) / unit**2

    rng = np.random.RandomState(seed)  # what emcee takes
    varied = np.isin(np.arange(len(NAMES)), free)
    spread = covariance(projected(objective.plain, x), max(f.noise, 1e-300), varied)
    begin = rng.multivariate_normal(x[free], spread[np.ix_(free, free)], size=walkers)
    moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]
    sampler = emcee.EnsembleSampler(walkers, len(names), log_probability, moves=moves)
    sampler.random_state = rng.get_state()
    sampler.run_mcmc(np.clip(begin, low, high), burn + steps)
    draws: FloatArray = sampler.get_chain(discard=burn, flat=True)
    return draws


def corner_plot(f: Fit, found: Intervals) -> Drawing:
    """The draws in pairs, in per cent of the fitted values, with dashes at 2.5, 50 and 97.5 %.

    Raises
    ------
    InputError : corner is not installed.
    """
    from matplotlib.ticker import MaxNLocator

    corner = _package("corner")
    names = list(found.ci95)
    assert found.samples is not None
    values = np.array([f.estimates[name].value for name in names])
    percent = 100.0 * (found.samples / values - 1.0)

    def paint(figure: Figure) -> None:
        # Contours alone: corner fills with white and black, whatever the page's ground.
        corner.corner(
            percent, fig=figure, color=BLUE, max_n_ticks=3, quantiles=[0.025, 0.5, 0.975],
            labels=[f"{SYMBOLS[name]} [%]" for name in names], labelpad=0.05,
            plot_datapoints=False, plot_density=False, no_fill_contours=True,
        )  # fmt: skip
        figure.subplots_adjust(left=0.11, bottom=0.11, right=0.98, top=0.97)
        for axes in figure.axes:
            axes.grid(visible=False)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(3, prune="both"))  # ends would meet a neighbour's
        for place, name in enumerate(names):
            text = with_unit(f.estimates[name])
            figure.axes[place * (len(names) + 1)].set_title(f"{SYMBOLS[name]} = {text}")

    caption = "The posterior: draws of the constants in pairs, and each alone."
    side = 1.2 * len(names) + 0.8
    return draw("corner", caption, paint, size=(max(side, 7.2), side))


def _package(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"--intervals mcmc needs the package {name}: pip install "
                         "'roa-circuit[mcmc]', or use profile or bootstrap") from None  # fmt: skip
