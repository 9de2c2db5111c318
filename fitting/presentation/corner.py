"""The corner plot: the draws of a posterior, constant against constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fitting.judgement.wording import with_unit
from fitting.presentation.figures import SYMBOLS
from fitting.search.fit import Fit
from fitting.search.intervals import Intervals
from fitting.search.mcmc import package
from roa_circuit.presentation.drawing import BLUE, Drawing, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def corner_plot(f: Fit, found: Intervals) -> Drawing:
    """The draws in pairs, in per cent of the fitted values, with dashes at 2.5, 50 and 97.5 %.

    Raises
    ------
    InputError : corner is not installed.
    """
    from matplotlib.ticker import MaxNLocator

    corner = package("corner")
    names = list(found.ci95)
    assert found.samples is not None
    values = np.array([f.estimates[name].value for name in names])
    percent = 100.0 * (found.samples / values - 1.0)

    def paint(figure: Figure) -> None:
        # Contours alone: corner fills with white and black, whatever the page's ground.
        corner.corner(
            percent, fig=figure, color=BLUE, max_n_ticks=3, quantiles=[0.025, 0.5, 0.975],
            labels=[f"{SYMBOLS.get(name, name)} [%]" for name in names], labelpad=0.05,
            plot_datapoints=False, plot_density=False, no_fill_contours=True,
        )  # fmt: skip
        figure.subplots_adjust(left=0.11, bottom=0.11, right=0.98, top=0.97)
        for axes in figure.axes:
            axes.grid(visible=False)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(3, prune="both"))  # ends would meet a neighbour's
        for place, name in enumerate(names):
            text = with_unit(f.estimates[name])
            figure.axes[place * (len(names) + 1)].set_title(f"{SYMBOLS.get(name, name)} = {text}")

    caption = "The posterior: draws of the constants in pairs, and each alone."
    side = 1.2 * len(names) + 0.8
    return draw("corner", caption, paint, size=(max(side, 7.2), side))
