"""Noise: the error of a single reading, told from repeated readings of one state, and weights by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.model.loops import moved
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import counted, engineering, share

WEIGHTINGS = ("auto", "relative", "absolute", "reads")
RE_READINGS = "re-readings"
FEWEST_READS = 10
"""So many re-readings tell the noise to about a fifth; fewer do not weigh a fit."""

_FEWEST_READINGS = 6  # of a train that tells its scatter
_CURRENT_LEAST = 1e-27  # [A], so that a sweep of nothing but zeros divides
_SWEEP_FLOOR = 0.01  # of a train's largest current: below it a sweep's noise is taken as absolute
_SURE = 3.0  # standard deviations
_WORTH = 2.0  # log-likelihood that a less usual noise must gain (AIC: 1 for its parameter)


@dataclass(frozen=True, kw_only=True)
class ReadNoise:
    """A reading's variance, (relative * I)^2 + absolute^2 [A^2], from `count` re-readings.

    drifting : states whose readings drift, which was taken out
    """

    relative: float
    absolute: float  # [A]
    count: int
    drifting: int = 0

    @property
    def source(self) -> str:
        """What tells it, in words."""
        if not self.drifting:
            return RE_READINGS
        return f"{RE_READINGS}, the drift of {counted(self.drifting, 'state')} taken out"

    @property
    def said(self) -> str:
        """What it is, and from how many readings."""
        return f"{self} from {counted(self.count, 're-reading')}" + self.source.removeprefix(RE_READINGS)

    def of(self, current: FloatArray) -> FloatArray:
        """The standard deviation [A] of readings (rows,)."""
        return np.hypot(self.relative * current, self.absolute)

    def __str__(self) -> str:
        parts = [share(self.relative)] if self.relative else []
        parts += [engineering(self.absolute, "A")] if self.absolute else []
        return " and ".join(parts) or "0"


@dataclass(frozen=True, kw_only=True)
class Weighting:
    """The scale that each reading's misfit is measured by, and why.

    `scale` (rows,) [A] is the reading itself (relative), or its noise made comparable with it: there
    scale / |I| is 1 where the noise is the usual one. `read_noise` is in units of `scale`, None where
    no state was read twice; `noise_from` says what told it.
    """

    name: str
    scale: FloatArray
    read_noise: float | None
    said: str
    noise_from: str = RE_READINGS


def read_noise(m: Measurements) -> ReadNoise | None:
    """The noise of a reading, from states that were read again; None if there are none.

    Readings of one train at one voltage without a pulse between them are of one state; so are points
    of I-V sweeps, which leave the state alone, unless they come back on another branch. The likelihood
    of the groups' variances decides whether the noise is relative, absolute or both: the simpler one,
    unless it is clearly worse. Ten readings or more that clearly drift tell it by second differences.
    """
    mean, variance, freedom, drifting = _groups(m)
    count = int(freedom.sum())
    if not count:
        return None
    square = mean**2
    only_relative = _profile(square, variance, freedom)
    only_absolute = _profile(np.ones_like(square), variance, freedom)
    corner = _corner(square, variance, freedom)
    both = _profile(square + corner, variance, freedom)
    if max(only_absolute[1], both[1]) < only_relative[1] + _WORTH:
        relative, absolute = only_relative[0], 0.0
    elif both[1] > only_absolute[1] + _WORTH:
        relative, absolute = both[0], both[0] * corner
    else:
        relative, absolute = 0.0, only_absolute[0]
    return ReadNoise(
        relative=float(np.sqrt(relative)), absolute=float(np.sqrt(absolute)), count=count,
        drifting=drifting,
    )  # fmt: skip


def weighting(m: Measurements, name: str = "auto") -> Weighting:
    """The weighting of this name.

    'relative' weighs every reading by its own size, 'absolute' all alike, 'reads' by the noise of
    re-readings. 'auto' is 'reads' if there are ten re-readings, and 'relative' otherwise.

    Raises
    ------
    InputError : an unknown name, or 'reads' where no state was read twice.
    """
    if name not in WEIGHTINGS:
        raise InputError(f"--weighting {name!r} is unknown; {nearest(name, WEIGHTINGS)}")
    size = np.maximum(np.abs(m.current), _CURRENT_LEAST)
    noise = read_noise(m)
    source = RE_READINGS if noise is None else noise.source
    if m.shift:
        if name not in ("auto", "absolute"):
            raise InputError(f"{m.source}: normalised readings that go below 0 weigh alike: leave "
                             "--weighting out; a spread needs readings as measured")  # fmt: skip
        scale = np.ptp(m.conductance[~m.sweep]) * np.abs(m.read_voltage)
        said = "normalised readings weigh alike; misfits are over their range"
        if noise is not None and noise.drifting:
            said += f"; noise of a reading from {source}"
        usual = _usual(noise, scale, size)
        return Weighting(
            name="absolute", scale=scale, read_noise=usual, said=said, noise_from=source
        )  # fmt: skip
    if name == "reads" and noise is None:
        raise InputError(f"{m.source}: --weighting reads: no state was read twice; read some states "
                         "again without a pulse between, or use --weighting relative")  # fmt: skip
    count = 0 if noise is None else noise.count
    told = "no state was read twice" if noise is None else f"read noise {noise.said}"
    if name == "absolute":
        scale = np.full(len(m), float(np.sqrt(np.mean(size**2))))
        said = f"all readings weigh alike, as asked ({told})"
        usual = _usual(noise, scale, size)
        return Weighting(
            name="absolute", scale=scale, read_noise=usual, said=said, noise_from=source
        )  # fmt: skip
    by_reads = name == "reads" or (name == "auto" and count >= FEWEST_READS)
    if by_reads and noise is not None and noise.of(size).min() > 0:
        sigma = noise.of(size)
        usual = float(np.median(sigma[~m.sweep] / size[~m.sweep])) if (~m.sweep).any() else 1.0
        return Weighting(name="reads", scale=_floored(sigma / usual, m), read_noise=usual,
                         noise_from=source, said=f"readings weigh by their {told}")  # fmt: skip
    scale = _floored(size, m)
    if name == "auto" and 0 < count < FEWEST_READS:
        told = f"only {told}"
    return Weighting(name="relative", scale=scale, read_noise=_usual(noise, scale, size),
                     noise_from=source, said=f"readings weigh by their size ({told})")  # fmt: skip


def reading_noise(m: Measurements, w: Weighting) -> tuple[float | None, str]:
    """(the noise of a reading over the weighting's scale, what tells it): without any law."""
    if w.read_noise is not None:
        return w.read_noise, w.noise_from
    told = _scatter(m, w.scale)
    return (None, "nothing") if told is None else (told, "neighbouring readings")


def _scatter(m: Measurements, scale: FloatArray) -> float | None:
    """Noise of a reading over `scale`, from third differences, in which a smooth law vanishes.

    Of four readings of a train at one voltage, with pulses of one polarity between them.
    """
    plain = np.flatnonzero(~m.sweep)
    plain = plain[np.lexsort((m.read_voltage[plain], m.train[plain]))]
    if len(plain) < _FEWEST_READINGS:
        return None
    alike = np.stack([m.train, m.read_voltage])[:, plain]
    counts = np.cumsum([m.voltage < 0, m.voltage > 0], axis=1)[:, plain]
    moved = np.diff(counts, axis=1) > 0  # between a reading and the next
    third = np.diff(m.current[plain], 3) / scale[plain][2:-1]
    inside = (alike[:, 3:] == alike[:, :-3]).all(axis=0)
    inside &= ((moved[:, 2:] == moved[:, :-2]) & (moved[:, 2:] == moved[:, 1:-1])).all(axis=0)
    if inside.sum() < _FEWEST_READINGS:
        return None
    usual = 1.4826 * float(np.median(np.abs(third[inside])))
    return usual / float(np.sqrt(20.0)) or None  # 1 + 9 + 9 + 1 times the variance


def _floored(scale: FloatArray, m: Measurements) -> FloatArray:
    """Instruments err in proportion, until a sweep's current is lost in their floor."""
    largest = np.zeros(len(m.labels))
    np.maximum.at(largest, m.train, np.abs(m.current))
    floor = np.where(m.sweep, _SWEEP_FLOOR * largest[m.train], 0.0) + _CURRENT_LEAST
    result: FloatArray = np.maximum(scale, floor)
    return result


def _usual(noise: ReadNoise | None, scale: FloatArray, size: FloatArray) -> float | None:
    """Root mean square of the read noise over `scale`; None below ten re-readings."""
    if noise is None or noise.count < FEWEST_READS:
        return None
    return float(np.sqrt(np.mean((noise.of(size) / scale) ** 2)))


def _groups(m: Measurements) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """(mean current [A], variance [A^2], freedom) of every state that was read more than once.

    The last is the number of those that drift.
    """
    state = np.cumsum((m.voltage != 0) | (np.diff(m.train, prepend=-1) != 0))
    _, group = np.unique(np.stack([state, m.read_voltage]), axis=1, return_inverse=True)
    group = group.ravel()
    own = np.flatnonzero(moved(m))  # a loop comes back to a voltage, but not to the state
    group[own] = group.max(initial=0) + 1 + np.arange(len(own))
    group = np.unique(group, return_inverse=True)[1]
    count = np.bincount(group)
    mean = np.bincount(group, weights=m.current) / count
    squares = np.bincount(group, weights=(m.current - mean[group]) ** 2)
    freedom = np.maximum(count - 1.0, 1.0)
    variance, freedom, drifts = _without_drift(m.current, group, count, squares / freedom, freedom)
    again = (count > 1) & (mean != 0)
    return mean[again], variance[again], freedom[again], int(drifts[again].sum())


def _without_drift(
    current: FloatArray, group: Any, count: Any, variance: FloatArray, freedom: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """(variance, freedom, which drift) of groups: those whose neighbours agree too well for chance.

    The variance of these is that of second differences.

    Von Neumann's ratio: half the mean square of first differences over the variance is 1 +- 1 / sqrt(n)
    without a drift.
    """
    order = np.argsort(group, kind="stable")
    alike = group[order]

    def mean_square(times: int) -> FloatArray:
        inside = alike[times:] == alike[:-times]
        of = alike[times:][inside]
        total = np.bincount(of, np.diff(current[order], times)[inside] ** 2, len(count))
        return np.asarray(total / np.maximum(count - times, 1))

    drifts = (count >= FEWEST_READS) & (mean_square(1) / 2.0 < (1.0 - _SURE / np.sqrt(count)) * variance)
    return (
        np.where(drifts, mean_square(2) / 6.0, variance),  # 1 + 4 + 1 times the variance
        np.where(drifts, count - 2.0, freedom),
        drifts,
    )


def _profile(shape: FloatArray, variance: FloatArray, freedom: FloatArray) -> tuple[float, float]:
    """(a, log-likelihood but for a constant) of the likeliest noise variance a * shape."""
    a = float(np.sum(freedom * variance / shape) / np.sum(freedom))
    return a, float(-0.5 * np.sum(freedom * np.log(np.maximum(a * shape, 1e-300))))


def _corner(square: FloatArray, variance: FloatArray, freedom: FloatArray) -> float:
    """The squared current [A^2] at which relative and absolute noise are equal, at its likeliest."""
    low, high = np.log(square.min()) - 5.0, np.log(square.max()) + 5.0
    for _ in range(3):
        grid = np.linspace(low, high, 41)
        best = max(grid, key=lambda c: _profile(square + np.exp(c), variance, freedom)[1])
        step = grid[1] - grid[0]
        low, high = best - step, best + step
    return float(np.exp(best))
