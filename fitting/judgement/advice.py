"""Advice: what the data do measure, and which one measurement more would settle the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.model.form import Form
from fitting.model.residuals import NAMES, Objective, dose_slopes, predict, seven, to_search
from fitting.model.schedule import schedule
from fitting.readers.measurements import FloatArray, Measurements
from fitting.search.elimination import projected
from fitting.search.identifiability import (
    IDENTIFIABLE_LOG_ERROR,
    LARGEST_LOG_ERROR,
    SMALLEST_NOISE,
    covariance,
    log_errors,
)
from roa_circuit.basics.units import engineering
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.memristor import current, pulse_strength, rate
from roa_circuit.device.parameters import Device

_MOST_DOSES = 8
_DOSE, _PULSES = 0.3, 20  # of a proposed train: each pulse shows, none saturates
_SWEEP = np.linspace(-1.0, 1.0, 41)
_SHORTEST, _ORDINARY, _LONGEST = 1e-8, 1e-6, 1.0  # [s], of what a pulse generator makes
_ANOTHER = 1.2  # times the amplitude that is there
_FURTHEST = 2.0  # times the largest voltage that the device has met: more may break it


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A product that the data determine: its value [unit] and relative standard error."""

    name: str
    value: float
    unit: str
    relative_error: float


@dataclass(frozen=True, kw_only=True)
class Rank:
    """The scaled Jacobian by the constants' logarithms, starting states taken out.

    `singular` (7,) are its singular values over the noise; the inverse of each is the error of one
    combination of logarithms. `directions` (7, 7) has those combinations as rows, in the order of
    NAMES. `rank` counts the combinations that are known to better than 0.5.
    """

    rank: int
    singular: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One measurement more, with the constants it would make identifiable, or tell roughly."""

    measurement: str
    settles: tuple[str, ...] = ()
    roughly: tuple[str, ...] = ()


def rank(jacobian: FloatArray, noise: float) -> Rank:
    """Rank and singular vectors of a Jacobian (rows, 7) under a relative noise."""
    singular, right = np.linalg.svd(jacobian / max(noise, SMALLEST_NOISE), full_matrices=False)[1:]
    return Rank(
        rank=int(np.sum(singular * LARGEST_LOG_ERROR >= 1.0)), singular=tuple(singular.tolist()),
        directions=tuple(tuple(row) for row in right.tolist()),
    )  # fmt: skip


def combinations(
    m: Measurements, form: Form, x: FloatArray, jacobian: FloatArray, noise: float
) -> list[Combination]:
    """Both ends as conductances [S] at the read voltage, and doses of common pulses, where known.

    None of a law without these constants.
    """
    if not form.has_rate:
        return []
    known = covariance(jacobian, max(noise, SMALLEST_NOISE), np.ones(form.count, dtype=bool))
    names, found, p = form.names, [], seven(form.law(x))
    V_r = usual_read(m)
    largest, smallest = abs(p.delta * V_r), p.beta * V_r
    # What a reading feels: sinh and exp bend a little even at the read voltage.
    for name, G, size, shape, slope in (
        ("gamma*delta", current(1.0, V_r, p) / V_r, "gamma", "delta", largest / np.tanh(largest)),
        ("alpha*beta", current(0.0, V_r, p) / V_r, "alpha", "beta", smallest / np.expm1(smallest)),
    ):
        weights = np.zeros(form.count)
        weights[names.index(size)], weights[names.index(shape)] = 1.0, slope
        end = "Gmax" if size == "gamma" else "Gmin"
        title = f"{end} at {engineering(V_r, 'V')} ({name} as V goes to 0)"
        found.append((title, float(G), "S", weights))
    width = m.each_width
    kinds, count = np.unique(
        np.stack([m.voltage, width], axis=1)[m.voltage != 0], axis=0, return_counts=True
    )
    rows = {(V, T): row for row, (V, T) in enumerate(zip(m.voltage, width, strict=True))}
    slopes, all_pulses = dose_slopes(m, p), pulse_strength(m.voltage, m.width, p)
    dose = pulse_strength(m.voltage, width, p)
    for V, T in kinds[np.argsort(-count, kind="stable")[:_MOST_DOSES]]:
        row = rows[V, T]
        if dose[row] != 0:
            weights = np.zeros(form.count)
            weights[:3] = slopes[:, row] / all_pulses[row]
            found.append((f"dose of {V:g} V, {engineering(T, 's')}", abs(dose[row]), "-", weights))
    result = []
    for name, value, unit, weights in found:
        error = float(np.sqrt(weights @ known @ weights))
        if error <= LARGEST_LOG_ERROR:
            result.append(Combination(name=name, value=float(value), unit=unit, relative_error=error))
    return result


def proposal(
    m: Measurements, p: Memristor, start: FloatArray, noise: float, prior: Device
) -> Proposal | None:
    """The measurement that would tell most of what is open; None if nothing is open, or none would help.

    It is worked out rather than looked up: each candidate's readings are predicted from the fit and
    added to the data, with the noise that these have.
    """
    noise = max(noise, SMALLEST_NOISE)
    now = _errors(m, p, start, noise)
    if max(now.values()) <= IDENTIFIABLE_LOG_ERROR:
        return None
    best = Proposal(measurement="")
    for text, trains in _candidates(m, p, prior):
        more, states = _added(m, start, trains)
        filled = predict(p, states, more, schedule(more))
        more = Measurements(**{**more.__dict__, "current": filled})
        one = _gained(text, now, _errors(more, p, states, noise))
        if _worth(one) > _worth(best):
            best = one
    return best if any(_worth(best)) else None


def _gained(text: str, now: dict[str, float], then: dict[str, float]) -> Proposal:
    """What errors `now` and `then` make of a measurement."""
    known = {name for name in NAMES if then[name] <= IDENTIFIABLE_LOG_ERROR}
    told = {name for name in NAMES if then[name] <= LARGEST_LOG_ERROR} - known
    return Proposal(
        measurement=text,
        settles=tuple(n for n in NAMES if n in known and now[n] > IDENTIFIABLE_LOG_ERROR),
        roughly=tuple(n for n in NAMES if n in told and now[n] > LARGEST_LOG_ERROR),
    )


def _worth(one: Proposal) -> tuple[int, int]:
    return len(one.settles) + len(one.roughly), len(one.settles)


def _errors(m: Measurements, p: Memristor, start: FloatArray, noise: float) -> dict[str, float]:
    inside = np.clip(start, 1e-9, 1.0 - 1e-9)
    return log_errors(projected(Objective.of(m), to_search(p, inside)), noise)


Train = tuple[float, list[tuple[float, float, float, bool]]]  # start, (V, T, read V, in a sweep)


def _candidates(m: Measurements, p: Memristor, prior: Device) -> list[tuple[str, list[Train]]]:
    V_r, own = usual_read(m), prior.pulses
    met = float(np.abs(np.append(m.voltage, m.read_voltage)).max())
    furthest = max(_FURTHEST * met, abs(own.potentiation_voltage), abs(own.depression_voltage))
    sweeps = [(omega, [(0.0, 0.0, float(V), True) for V in _SWEEP]) for omega in (0.02, 0.98)]
    result: list[tuple[str, list[Train]]] = [
        ("I-V sweeps of a set and of a reset device, -1 V to 1 V", sweeps)
    ]
    trains: dict[str, Train] = {}
    for verb, sign, usual, omega in (
        ("potentiating", -1.0, own.potentiation_voltage, 0.1),
        ("depressing", 1.0, own.depression_voltage, 0.9),
    ):
        there = m.voltage[m.voltage * sign > 0]
        V = float(np.median(there)) * _ANOTHER if there.size else usual
        T = _DOSE / max(abs(float(rate(V, p))), 1e-300)
        if not _SHORTEST < T < _LONGEST:
            T = _ORDINARY
            V = sign * float(np.log(_DOSE / (p.k * T))) / (p.mu1 if sign < 0 else p.mu2)
        if 0 < V * sign <= furthest:
            text = f"a train of {_PULSES} {verb} pulses, {V:.3g} V, {engineering(T, 's')}"
            trains[text] = (omega, [(0.0, 0.0, V_r, False)] + [(V, T, V_r, False)] * _PULSES)
    result += [(text, [train]) for text, train in trains.items()]
    if len(trains) > 1:
        result.append((" and ".join(trains), list(trains.values())))
    return [*result, *((f"{result[0][0]}; {text}", [*sweeps, *more]) for text, more in result[1:])]


def usual_read(m: Measurements) -> float:
    """The read voltage [V] of most readings, the smallest of such; 50 mV where there are none."""
    voltages, counts = np.unique(m.read_voltage[~m.sweep], return_counts=True)
    return float(min(voltages[counts == counts.max()], key=abs)) if voltages.size else 0.05


def _added(m: Measurements, start: FloatArray, trains: list[Train]) -> tuple[Measurements, FloatArray]:
    """The measurements followed by more trains, whose currents are still to be filled in."""
    rows = np.array([(len(m.labels) + i, *row) for i, (_, some) in enumerate(trains) for row in some])
    train, V, T, read, sweep = rows.T
    more = Measurements(
        source=m.source, labels=(*m.labels, *("added",) * len(trains)),
        train=np.append(m.train, train.astype(np.int64)), voltage=np.append(m.voltage, V),
        width=np.append(m.width, T), read_voltage=np.append(m.read_voltage, read),
        current=np.append(m.current, np.ones(len(rows))), sweep=np.append(m.sweep, sweep > 0),
    )  # fmt: skip
    return more, np.append(start, [omega for omega, _ in trains])
