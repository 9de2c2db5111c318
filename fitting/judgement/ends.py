"""Ends: whether readings reach Gmin and Gmax of the fitted device, or the law continues them there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.judgement.advice import combinations, usual_read
from fitting.readers.measurements import Measurements
from fitting.search.fit import Fit
from roa_circuit.basics.units import engineering, percent

BY_LAW = " if the law holds beyond the readings"
"""To follow the value and the error of an end that no reading reaches."""

_NEAR = 0.05  # of the range that was read: an end so close to it was reached
_OF_NOISE = 3.0  # misfits of a reading: the same
_FAR = 0.5  # of the device's range: readings that span less say little of its ends
_THROWN_OUT = 3.0  # times the misfit from which a loss bends: beyond, it counts for little


@dataclass(frozen=True, kw_only=True)
class End:
    """An end of the device's range that lies beyond all readings.

    value : [S], or of normalised readings
    way : in which the conductance would have to go on, to reach it
    told : whether the readings tell it all the same, if the law holds there
    """

    name: str
    value: float
    way: str
    told: bool


def met(f: Fit) -> NDArray[np.bool_]:
    """Readings (rows,) beside sweeps that the loss did not throw out."""
    m = f.objective.measurements
    result: NDArray[np.bool_] = ~m.sweep & (np.abs(f.residual) <= _THROWN_OUT * f.objective.loss.size)
    return result if result.any() else ~m.sweep


def beyond(f: Fit) -> list[End]:
    """The ends of the range, as the usual read has it, that no reading reaches."""
    m = f.objective.measurements
    rows = met(f) & (m.read_voltage == usual_read(m))
    if not rows.any():
        return []
    G = m.conductance[rows] - m.shift
    low, high = float(G.min()), float(G.max())
    smallest, largest = _range(f, m)
    room = [max(_NEAR * (high - low), _OF_NOISE * f.noise * abs(end)) for end in (low, high)]
    named = [one.name for one in combinations(m, f.objective.form, f.solution.x, f.jacobian, f.noise)]
    return [
        End(name=name, value=value, way=way, told=any(one.startswith(name) for one in named))
        for name, value, way, away in (
            ("Gmax", largest, "up", largest > high + room[1]),
            ("Gmin", smallest, "down", smallest < low - room[0]),
        )
        if away
    ]  # fmt: skip


def said(f: Fit) -> str | None:
    """A line on the ends that no reading reaches; None if there are none."""
    found = beyond(f)
    if not found:
        return None
    m = f.objective.measurements
    names = " and ".join(f"{one.name}, {_size(one.value, m)}," for one in found)
    return f"not measured: {names} {'are' if len(found) > 1 else 'is'} as the law continues the readings"


def to_measure(f: Fit) -> str | None:
    """What to measure where the readings say little of the range; None where they span enough of it."""
    part = spanned(f)
    if part is None:
        return None
    ways = " and ".join(one.way for one in beyond(f))
    return f"{part}: add pulses {ways} until the conductance saturates"


def spanned(f: Fit) -> str | None:
    """A few words on the part of the range that was read; None where that is enough of it."""
    found = beyond(f)
    if not found:
        return None
    m = f.objective.measurements
    G = m.conductance[met(f)]
    read, (smallest, largest) = float(np.ptp(G)), _range(f, m)
    untold = [one for one in found if not one.told and f.objective.form.has_rate]
    untold = [one for one in untold if one.name == "Gmax" or abs(one.value) > _NEAR * largest]
    if read >= _FAR * (largest - smallest) and not untold:
        return None
    part = percent(read / (largest - smallest), 2, significant=True)
    return f"readings span {part} of the range that the device has by its law"


def _range(f: Fit, m: Measurements) -> tuple[float, float]:
    """(Gmin, Gmax) of the device at the usual read."""
    ends = f.memristor.conductance_range(abs(usual_read(m)))
    smallest, largest = (float(np.asarray(one)) - m.shift for one in ends)
    return smallest, largest


def _size(value: float, m: Measurements) -> str:
    return f"{value:.4g}" if m.normalised else engineering(value, "S")
