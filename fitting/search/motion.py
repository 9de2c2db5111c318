"""Motion: whether pulses move the conductance at all, by more than the noise of a reading.

Without that there is no device: a fit would write one whose constants are the prior's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fitting.model.noise import reading_noise, weighting
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.correlated import correlation_of, pairs
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import share

_MORE = 2.0  # times the variance of the noise: readings that scatter more have moved
_NOISE_ERROR = 2.0  # over the root of the number of readings
_IN_TURN = 0.5  # correlation of signs that change in turn, which is no noise
_SIGMAS = 3.0  # of the slopes along pulses of one sign
_FEWEST = 3  # readings of a slope
_MOST_NAMED = 5


def require_motion(m: Measurements) -> None:
    """Refuse readings that tell of no device, as nothing moves in them.

    Raises
    ------
    InputError : neither pulses nor sweeps; or pulses after which readings scatter by their noise alone.
    """
    if m.sweep.any():
        return
    if not (m.voltage != 0).any():
        raise InputError(
            f"{m.source}: no pulse and no sweep, which tell a device: what is read without them is "
            "retention; --pulse V,T says what the pulses between readings were"
        )
    noise = _noise_of_still(m)
    if noise is not None:
        raise InputError(
            f"{m.source}: no pulse moves the conductance by more than the noise of a reading "
            f"({share(noise)}), so there is no device to fit; measure stronger or longer pulses"
        )


def require_motion_of_each(m: Measurements, devices: Mapping[str, Measurements]) -> None:
    """The same of readings `m` of several devices, and of each, as one that stands has no constants.

    Raises
    ------
    InputError : as `require_motion`; devices whose readings scatter by their noise alone.
    """
    require_motion(m)
    still = [name for name, own in devices.items() if not _tells(own)]
    if still:
        raise InputError(
            f"{m.source}: nothing moves in {', '.join(still[:_MOST_NAMED])}"
            f"{f' and {len(still) - _MOST_NAMED} more' if len(still) > _MOST_NAMED else ''}"
            " by more than the noise of a reading, so there are no constants to compare; take"
            f" {'it' if len(still) == 1 else 'them'} out of the files"
        )


def _tells(m: Measurements) -> bool:
    """Whether there is a sweep, or a pulse that moves something."""
    return bool(m.sweep.any() or ((m.voltage != 0).any() and _noise_of_still(m) is None))


def _noise_of_still(m: Measurements) -> float | None:
    """The noise of a reading, where readings scatter by it alone; None where they move, or may."""
    w = weighting(m)
    noise = reading_noise(m, w)[0]
    return noise if noise is not None and noise > 0 and not _moves(m, w.scale, noise) else None


def _moves(m: Measurements, scale: FloatArray, noise: float) -> bool:
    """Whether readings scatter by more than their noise, or follow the pulses up or down."""
    mean = np.bincount(m.train, m.current) / np.bincount(m.train)
    known = noise * (1.0 + _NOISE_ERROR / np.sqrt(len(m)))  # it may be so much larger than it seems
    off = (m.current - mean[m.train]) / (scale * known)
    if float(off @ off) > _MORE * max(len(m) - len(mean), 1):
        return True
    if correlation_of(np.sign(off), pairs(m)) < -_IN_TURN:
        return True
    slopes = _slopes(m, off)
    part = 2.0 / (9.0 * max(len(slopes), 1))  # chance, by Wilson and Hilferty (1931)
    limit = len(slopes) * (1.0 - part + _SIGMAS * np.sqrt(part)) ** 3
    return bool(slopes @ slopes > limit)


def _slopes(m: Measurements, off: FloatArray) -> FloatArray:
    """The slope of readings [noise] over each run of pulses of one sign, over its own error."""
    sign = np.sign(m.voltage)
    begins = (np.diff(m.train, prepend=-1) != 0) | ((np.diff(sign, prepend=0.0) != 0) & (sign != 0))
    found = []
    for rows in np.split(np.arange(len(m)), np.flatnonzero(begins)):
        if len(rows) >= _FEWEST:
            place = rows - rows.mean()
            found.append(float(place @ off[rows]) / float(np.sqrt(place @ place)))
    return np.array(found)
