"""Spread: many devices in, their population out, as a parameter set that circuits can draw from.

Device to device, constants are log-normal over the population; cycle to cycle, there is the write
noise of Eq. 7. Each is measured without the other, and without the noise of readings.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fitting.model.residuals import NAMES
from fitting.population.devices import Devices, Grouped, fit_devices, free_constants, tied_constants
from fitting.population.tracking import Noise
from fitting.population.write_noise import estimate
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.estimates import LARGEST_MISFIT
from fitting.search.fit import Optimum, optimum
from fitting.search.identifiability import SMALLEST_NOISE
from fitting.search.motion import require_motion_of_each
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.notes import Notes
from roa_circuit.device.parameters import Device
from roa_circuit.device.spread import Spread

FEWEST = 3
"""So many devices have a spread; with fewer, only the write noise is told."""

_FAR_ABOVE = 1e3  # the largest reading: an amplitude that only its product with delta or beta tells
_ROUNDS = 6  # constants and noise in turn
_SETTLED = 0.02  # of the noise: a round that moves it less is the last
_SCOUTS = 5
_EM_STEPS = 500


@dataclass(frozen=True, kw_only=True)
class Known:
    """A number with the interval that holds it with 95 %; NaN are ends that nothing tells."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Population:
    """What many devices have in common, and how they and their writes differ.

    `median` has each constant's median over the population, `log_sd` the standard deviation of its
    logarithm. Constants that one device's readings do not tell are missing in `log_sd`, and taken to be
    the same in all devices. `tied` ones are told in a product or a rate with those, and their medians
    have no interval. `sigma_wn` is that of Eq. 7. `correlation` is that of successive surprises:
    0 where Eq. 1-2 hold, towards 1 where they do not.
    """

    devices: Devices
    median: dict[str, Known]
    log_sd: dict[str, Known]
    log_covariance: FloatArray
    sigma_wn: Known
    read_noise: float
    correlation: float
    seconds: float = field(compare=False)
    tied: tuple[str, ...] = ()

    @property
    def describes(self) -> bool:
        """Whether Eq. 1-2 meet each device's readings within a tenth, no constant running away."""
        return self.read_noise <= LARGEST_MISFIT and not self.devices.runaway

    def device(self, name: str, citation: str, prior: Device, notes: Notes | None = None) -> Device:
        """The parameter set with its [spread]: the population's medians, the prior's pulses."""
        matrix = tuple(tuple(float(v) for v in row) for row in self.log_covariance)
        spread = Spread(
            names=tuple(self.log_sd), log_covariance=matrix, sigma_wn=self.sigma_wn.value,
            devices=len(self.devices.names),
        )  # fmt: skip
        memristor = Memristor(**{name: self.median[name].value for name in NAMES})
        return Device(
            name=name, citation=citation, memristor=memristor, pulses=prior.pulses, spread=spread,
            notes=notes,
        )  # fmt: skip


def spread(m: Measurements, names: Sequence[str], prior: Device) -> Population:
    """Constants of every device, their population, and the write noise.

    `names` (trains,) is the device of each train. Each device begins from the best of a few fits; then
    constants and noise are fitted in turn until the noise no longer changes.

    Raises
    ------
    InputError : too few readings, or none that tell a constant of one device; a device that stands.
    """
    began = time.perf_counter()
    g = Grouped.of(m, names)
    require_motion_of_each(m, {name: g.of_device(place) for place, name in enumerate(g.names)})
    tried = [optimum(m, prior, weighting="relative"), *_scouts(g, prior)]
    good = [fit for fit in tried if fit.describes] or tried[:1]
    begin = [fit.solution.x[: len(NAMES)] for fit in good]
    base = np.median(begin, axis=0)
    usual = float(np.median([fit.solution.noise(fit.objective)[0] for fit in good]))
    noise = Noise(write=0.01, read=max(usual, SMALLEST_NOISE))
    logs = _best_of(g, begin, noise)
    for _ in range(_ROUNDS):
        free = free_constants(g, logs, noise)
        logs = np.where([name in free for name in NAMES], logs, base)
        devices = fit_devices(g, logs, noise, free)
        logs, before = devices.log_value, noise
        noise, interval = estimate(g, logs, noise, free)
        shift = max(abs(noise.write - before.write), abs(noise.read - before.read))
        if shift < _SETTLED * max(noise.read, noise.write):
            break
    devices = fit_devices(g, logs, noise, free)
    median, log_sd, covariance = _population(devices, base)
    tied = tied_constants(g, logs, noise, free)
    median |= {name: replace(median[name], low=math.nan, high=math.nan) for name in tied}
    far = [
        name for name in ("gamma", "alpha") if median[name].value > _FAR_ABOVE * np.abs(m.current).max()
    ]
    devices = replace(devices, runaway=tuple(dict.fromkeys((*devices.runaway, *far))))
    low, high = interval()
    return Population(
        devices=devices, median=median, log_sd=log_sd, log_covariance=covariance,
        sigma_wn=Known(value=noise.write, low=low, high=high), read_noise=noise.read,
        correlation=_correlation(g, devices, noise), seconds=time.perf_counter() - began, tied=tied,
    )  # fmt: skip


def _scouts(g: Grouped, prior: Device) -> list[Optimum]:
    """Fits of a few single devices: such as differ much have no common constants to start from."""
    found = []
    for index in np.unique(np.linspace(0, len(g.names) - 1, _SCOUTS).astype(int)):
        mine = g.of_device(int(index))
        if len(mine) > len(NAMES) + len(mine.labels):
            found.append(optimum(mine, prior, weighting="relative"))
    return found


def _best_of(g: Grouped, candidates: Sequence[FloatArray], noise: Noise) -> FloatArray:
    """The constants (devices, 7) from which each device is best started."""
    each = [np.tile(one, (len(g.names), 1)) for one in candidates]
    best = np.argmin([g.deviance(logs, noise) for logs in each], axis=0)
    result: FloatArray = np.array(candidates)[best]
    return result


def _population(
    devices: Devices, base: FloatArray
) -> tuple[dict[str, Known], dict[str, Known], FloatArray]:
    """(medians, sds of logarithms, covariance of the logarithms that differ)."""
    from scipy.special import gammaincinv, stdtrit

    places = [NAMES.index(name) for name in devices.free]
    values, count = devices.log_value[:, places], len(devices.names)
    median = {
        name: Known(value=v, low=v, high=v) for name, v in zip(NAMES, np.exp(base).tolist(), strict=True)
    }
    if count < FEWEST:
        mean = values.mean(axis=0)
        error = np.sqrt(np.einsum("dii->i", devices.covariance)) / count
        reach = 1.96 * error
    else:
        correlated = count >= len(places) + 2
        mean, covariance, of_mean = pool(values, devices.covariance, correlated=correlated)
        reach = stdtrit(count - 1, 0.975) * np.sqrt(np.diag(of_mean))
    for name, middle, off in zip(devices.free, mean, reach, strict=True):
        value, low, high = (float(np.exp(v)) for v in (middle, middle - off, middle + off))
        median[name] = Known(value=value, low=low, high=high)
    if count < FEWEST:
        return median, {}, np.empty((0, 0))
    log_sd = {}
    seen = np.median(np.einsum("dii->di", devices.covariance), axis=0)
    for place, name in enumerate(devices.free):
        total = (covariance[place, place] + seen[place]) * (count - 1)
        chi_squared = 2.0 * gammaincinv((count - 1) / 2.0, [0.975, 0.025])
        ends = total / chi_squared - seen[place]
        low, high = np.sqrt(np.maximum(ends, 0.0)).tolist()
        log_sd[name] = Known(value=float(np.sqrt(covariance[place, place])), low=low, high=high)
    return median, log_sd, covariance


def pool(
    values: FloatArray, errors: FloatArray, *, correlated: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(mean (n,), covariance (n, n), error of the mean (n, n)) of a normal population.

    `values` (devices, n) were measured with the covariances `errors` (devices, n, n), which widen their
    scatter and are taken out by restricted maximum likelihood, with EM (Laird and Ware 1982). Without
    errors it is the sample covariance. Not `correlated` leaves variances alone.
    """
    n = values.shape[1]
    mask = np.ones((n, n)) if correlated else np.eye(n)
    covariance = np.cov(values.T, ddof=1).reshape(n, n) * mask + 1e-12 * np.eye(n)
    for _ in range(_EM_STEPS):
        first = _em_step(covariance, values, errors, mask)
        second = _em_step(first, values, errors, mask)
        covariance = _leap(covariance, first, second)
        if np.abs(second - first).max() < 1e-6 * np.abs(second).max():
            break
    _, of_mean, mean = _weighted(covariance, values, errors)
    return mean, covariance, of_mean


def _weighted(
    covariance: FloatArray, values: FloatArray, errors: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(weights (devices, n, n), error of the mean (n, n), mean (n,))."""
    weight: FloatArray = np.linalg.inv(covariance + errors).astype(np.float64)
    of_mean: FloatArray = np.linalg.inv(weight.sum(axis=0)).astype(np.float64)
    return weight, of_mean, of_mean @ np.einsum("dij,dj->i", weight, values)


def _em_step(
    covariance: FloatArray, values: FloatArray, errors: FloatArray, mask: FloatArray
) -> FloatArray:
    """The mean scatter of the devices' true constants, given the covariance so far."""
    weight, of_mean, mean = _weighted(covariance, values, errors)
    pulled = np.einsum("ij,djk,dk->di", covariance, weight, values - mean)
    left = covariance - covariance @ (weight - weight @ of_mean @ weight) @ covariance
    new = (np.einsum("di,dj->ij", pulled, pulled) + left.sum(axis=0)) / len(values) * mask
    result: FloatArray = (new + new.T) / 2.0
    return result


def _leap(start: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Extrapolate two steps of EM (SQUAREM; Varadhan and Roland 2008), if that gives a covariance.

    It saves thousands of steps.
    """
    step, bend = first - start, second - 2.0 * first + start
    length = max(float(np.linalg.norm(step)) / max(float(np.linalg.norm(bend)), 1e-300), 1.0)
    leap = start + 2.0 * length * step + length**2 * bend
    return leap if np.linalg.eigvalsh(leap)[0] > 0 else second


def _correlation(g: Grouped, devices: Devices, noise: Noise) -> float:
    missed, _, _ = g.slopes(devices.log_value, noise, [])
    same = np.diff(g.tracker.measurements.train) == 0
    return float(np.sum(missed[1:][same] * missed[:-1][same]) / np.sum(missed**2))
