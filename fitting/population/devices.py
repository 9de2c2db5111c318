"""Populations: a set of constants for each device, all devices fitted in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.model.residuals import EQUATIONS, NAMES
from fitting.population.tracking import Noise, Tracker
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.identifiability import LARGEST_LOG_ERROR, WIDE
from fitting.search.multistart import limits
from roa_circuit.basics.errors import InputError
from roa_circuit.device.laws.zhang2021 import Memristor

_STEP = 1e-5  # of a logarithm, for slopes
_LARGEST_STEP = 0.5
_MOST_STEPS = 60
_LARGEST_DAMPING = 1e4
_FAR = 2.3  # of logarithms: ten times the median
_ENOUGH = 1e-5  # of a device's -2 log L: what a further step must gain
_AT_BOUND = 1e-2


@dataclass(frozen=True, kw_only=True)
class Devices:
    """Every device's constants. `log_value` (devices, 7) in the order of NAMES; those not in `free` are
    the population's. `covariance` (devices, free, free) is their error. `misfit` (devices,) is the rms
    of the surprises in units of the noise: 1 where the model holds as well as elsewhere.
    `runaway` names constants that end at the bound of the search in half of the devices or more, or
    amplitudes far above every reading.
    """

    names: tuple[str, ...]
    free: tuple[str, ...]
    log_value: FloatArray
    covariance: FloatArray
    misfit: FloatArray
    runaway: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """Measurements sorted by device: its number `device` (rows,), its first row `first` (devices,)."""

    tracker: Tracker
    names: tuple[str, ...]
    device: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, m: Measurements, names: Sequence[str]) -> Grouped:
        """`names` (trains,) says whose each train is."""
        known = tuple(dict.fromkeys(names))
        number = {name: place for place, name in enumerate(known)}
        owner = np.array([number[name] for name in names])
        order = np.argsort(owner, kind="stable")
        m = m.of_trains(order.tolist())
        device = owner[order][m.train]
        first = np.searchsorted(device, np.arange(len(known)))
        return cls(tracker=Tracker.of(m), names=known, device=device, first=first)

    def of_device(self, index: int) -> Measurements:
        """The readings of one device."""
        m = self.tracker.measurements
        return m.of_trains(np.unique(m.train[self.device == index]).tolist())

    def sums(self, values: FloatArray) -> FloatArray:
        """Sums over each device's rows: (devices, ...) of (rows, ...)."""
        result: FloatArray = np.add.reduceat(values, self.first, axis=0)
        return result

    def normal(self, J: FloatArray) -> FloatArray:
        """Each device's J^T J (devices, n, n) of (rows, n), kept regular as `covariance` does."""
        return self.sums(J[:, :, None] * J[:, None, :]) + np.eye(J.shape[1]) / WIDE**2

    def constants(self, logs: FloatArray) -> Memristor:
        """The constants at every reading, from those of the devices (..., devices, 7)."""
        rows = np.exp(logs)[..., self.device, :]
        return Memristor(**{name: rows[..., place] for place, name in enumerate(NAMES)})

    def deviance(self, logs: FloatArray, noise: Noise) -> FloatArray:
        """-2 log likelihood of each device, (devices,), up to a constant."""
        missed, variance = self.tracker.surprise(self.constants(logs), noise)
        return self.sums(missed**2 / variance + np.log(variance))

    def slopes(
        self, logs: FloatArray, noise: Noise, free: Sequence[int]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(surprises over their sd (rows,), their slopes by the free logarithms (rows, free),
        logarithms of their variances (rows,)).
        """
        varied = np.repeat(logs[None], len(free) + 1, axis=0)
        for number, place in enumerate(free, start=1):
            varied[number, :, place] += _STEP
        missed, variance = self.tracker.surprise(self.constants(varied), noise)
        sd = np.sqrt(variance[0])
        return missed[0] / sd, ((missed[1:] - missed[0]) / (_STEP * sd)).T, np.log(variance[0])


def fit_devices(g: Grouped, logs: FloatArray, noise: Noise, free: Sequence[str]) -> Devices:
    """Fit all devices in step, by damped Gauss-Newton from logarithms of constants (devices, 7).

    Where one comes to lie far from the others, all begin again from the median: it may have come to
    another valley than they.
    """
    places = [NAMES.index(name) for name in free]
    low, high = np.array([limits(name, g.tracker.measurements) for name in NAMES]).T
    logs, cost = _descended(g, logs, noise, places, (low, high))
    middle = np.median(logs, axis=0)
    if (np.abs(logs - middle)[:, places] > _FAR).any():
        other, after = _descended(g, np.tile(middle, (len(g.names), 1)), noise, places, (low, high))
        logs = np.where((after < cost)[:, None], other, logs)
    missed, J, _ = g.slopes(logs, noise, places)
    covariance: FloatArray = np.linalg.inv(g.normal(J)).astype(np.float64)
    mean_square = g.sums(missed**2) / g.sums(np.ones(len(missed)))
    # alpha may vanish: a device that is dark when reset.
    at_end = (logs >= high - _AT_BOUND) | ((logs <= low + _AT_BOUND) & (np.array(NAMES) != "alpha"))
    runaway = np.array(NAMES)[at_end.mean(axis=0) >= 0.5]
    return Devices(
        names=g.names, free=tuple(free), log_value=logs, covariance=covariance,
        misfit=np.sqrt(mean_square), runaway=tuple(runaway.tolist()),
    )  # fmt: skip


def _descended(
    g: Grouped, logs: FloatArray, noise: Noise, places: list[int], box: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """(logarithms (devices, 7) where no device gets better, their deviances (devices,))."""
    low, high = box
    logs, eye = logs.copy(), np.eye(len(places))
    cost, damping = g.deviance(logs, noise), np.full(len(g.names), 1e-3)
    for _ in range(_MOST_STEPS):
        missed, J, _ = g.slopes(logs, noise, places)
        normal = g.normal(J)
        downhill = g.sums(J * missed[:, None])
        size = np.einsum("dii->di", normal)[:, :, None] * eye
        step = np.linalg.solve(normal + damping[:, None, None] * size, -downhill[:, :, None])[:, :, 0]
        trial = logs.copy()
        trial[:, places] += np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        trial = np.clip(trial, low, high)
        after = g.deviance(trial, noise)
        better = after < cost
        logs[better] = trial[better]
        moving = np.where(better, cost - after > _ENOUGH, damping < _LARGEST_DAMPING)
        cost = np.where(better, after, cost)
        damping = np.where(better, damping / 5.0, damping * 10.0)
        if not moving.any():
            break
    return logs, cost


def free_constants(g: Grouped, logs: FloatArray, noise: Noise) -> tuple[str, ...]:
    """The constants that one device's readings tell, if the others are those of the population.

    Raises
    ------
    InputError : they tell none.
    """
    _, J, _ = g.slopes(logs, noise, range(len(NAMES)))
    information = g.normal(J)
    free = list(NAMES)
    while free:
        places = [NAMES.index(name) for name in free]
        variance = np.einsum(
            "dii->di", np.linalg.inv(information[np.ix_(range(len(g.names)), places, places)])
        )
        error = dict(zip(free, np.sqrt(np.median(variance, axis=0)), strict=True))
        weak = [
            name for name in EQUATIONS.held_first if name in free and error[name] > LARGEST_LOG_ERROR
        ]
        if not weak:
            return tuple(free)
        free.remove(weak[0])
    raise InputError(
        "one device's readings tell none of its constants; give longer trains, and see "
        "with roa-fit whether Eq. 1-2 describe one device at all"
    )


def tied_constants(g: Grouped, logs: FloatArray, noise: Noise, free: Sequence[str]) -> tuple[str, ...]:
    """Those of the free constants that readings tell only if the others are what they are taken to be.

    Were all constants free, most devices would leave these open: they stand and fall with a value that
    nothing measured.
    """
    _, J, _ = g.slopes(logs, noise, range(len(NAMES)))
    every = np.linalg.inv(g.normal(J))
    error = np.sqrt(np.median(np.einsum("dii->di", every), axis=0))
    return tuple(name for name in free if error[NAMES.index(name)] > LARGEST_LOG_ERROR)
