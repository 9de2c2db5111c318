"""A law as a model of lmfit, to be combined with other models and fitted by lmfit alone."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fitting.model.form import Form
from fitting.model.residuals import EQUATIONS
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search._guess import guesses
from fitting.search._lmfit import lmfit
from fitting.search.extraction import LOG
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device

MOST_TRAINS = 200
"""A model has a parameter for the starting state of each train; `fit_device` needs none."""

_EDGE = 1e-9  # of a starting state, which is searched by its logit


class LawModel(lmfit.Model):  # type: ignore[misc]
    """The current [A] of every reading by a law: `model.eval(parameters, readings=m)`.

    Its parameters are `ln_k` and so on, the logarithms of the constants, the constants themselves as
    expressions (`k`), and `start_0` and so on, omega before each train. Like any model of lmfit it adds
    to others (`LawModel(m) + lmfit.models.ConstantModel()` has a leak), takes hints, bounds and
    expressions, and is fitted by `fit(m.current, parameters, readings=m, weights=1/m.current)`.
    `fit_device` is quicker, and tells what the data leave open.

    readings : those that the model is for, which tell its trains and the bounds of its constants
    form : what is varied, of which law

    Raises
    ------
    InputError : more than MOST_TRAINS trains.
    """

    def __init__(
        self, readings: Measurements, form: Form = EQUATIONS, *, prefix: str = "", **how: Any
    ) -> None:
        trains = len(readings.labels)
        if trains > MOST_TRAINS:
            raise InputError(
                f"{readings.source}: {trains} trains, and a model of lmfit has a parameter for each of"
                f" {MOST_TRAINS} at most; fit_device takes any number"
            )
        self.form = form
        varied = [name if name in form.steps else LOG + name for name in form.names]
        starts = [f"start_{index}" for index in range(trains)]

        def law(readings: Measurements, **values: float) -> FloatArray:
            start = np.clip([values[name] for name in starts], _EDGE, 1.0 - _EDGE)
            places = [
                values[own] / form.steps.get(name, 1.0)
                for name, own in zip(form.names, varied, strict=True)
            ]
            x = np.concatenate([places, np.log(start) - np.log1p(-start)])
            return form.predict(x, readings, form.schedule(readings))

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = ["readings", *varied, *starts]
        law.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
        super().__init__(
            law, independent_vars=["readings"], param_names=[*varied, *starts], prefix=prefix,
            name=form.title, **how,
        )  # fmt: skip
        for name, own in zip(form.names, varied, strict=True):
            size = form.steps.get(name, 1.0)
            low, high = (size * limit for limit in form.limits(name, readings))
            self.set_param_hint(own, min=low, max=high)
            if own != name:
                self.set_param_hint(name, expr=f"exp({prefix}{own})")
        for name in starts:
            self.set_param_hint(name, value=0.5, min=0.0, max=1.0)

    def guess(self, data: FloatArray, readings: Measurements, **values: float) -> lmfit.Parameters:
        """Parameters to begin with, read off the readings; `data` are their currents."""
        known = self.form.prior(load_device("zhang2021").memristor)
        begin = self.form.guesses(readings, known) or guesses(self.form, readings, known)
        x = next(begin)
        given = {
            (name if name in self.form.steps else LOG + name): place * self.form.steps.get(name, 1.0)
            for name, place in zip(self.form.names, x, strict=False)
        }
        starts = 1.0 / (1.0 + np.exp(-x[self.form.count :]))
        given |= {f"start_{index}": value for index, value in enumerate(starts)}
        return self.make_params(**(given | values))
