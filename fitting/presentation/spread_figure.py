"""The figure of a population: every device's constants against the median."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fitting.model.residuals import NAMES
from fitting.population.spread import Population
from fitting.presentation.figures import SYMBOLS
from roa_circuit.presentation.drawing import BLUE, FAINT, RED, Drawing, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 60


def drawing(found: Population) -> Drawing:
    """A row for each constant: dots are devices with their errors, the band holds 95 % of them."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        free = found.devices.free[::-1]
        errors = np.sqrt(np.einsum("dii->di", found.devices.covariance))
        for height, name in enumerate(free):
            logs = found.devices.log_value[:, NAMES.index(name)] - np.log(found.median[name].value)
            error = errors[:, found.devices.free.index(name)]
            lanes = height + 0.6 * (np.arange(len(logs)) + 0.5) / len(logs) - 0.3
            if name in found.log_sd:
                reach = 1.96 * found.log_sd[name].value
                axes.fill_betweenx([height - 0.36, height + 0.36], np.exp(-reach), np.exp(reach),
                                   color=RED, alpha=0.13, lw=0)  # fmt: skip
            if len(logs) <= _MOST_BARS:
                axes.hlines(
                    lanes, np.exp(logs - error), np.exp(logs + error), color=BLUE, lw=0.9, alpha=0.6
                )
            axes.plot(np.exp(logs), lanes, ".", ms=4, color=BLUE)
        axes.axvline(1.0, color=FAINT, lw=0.8, ls="--")
        axes.set_yticks(range(len(free)), [SYMBOLS[name] for name in free], fontsize=11)
        axes.set_ylim(-0.6, len(free) - 0.4)
        axes.set_xlabel("device / median; bars: standard errors, bands: 95 % of devices")
        axes.grid(visible=False, axis="y")

    caption = "Every device's constants over the median, bars: standard errors; bands: 95 % of devices."
    return draw("devices", caption, paint, size=(6.4, 0.8 + 0.62 * len(found.devices.free)))
