"""First guesses, read off the data: constants so near that the search cannot miss."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from fitting.model.residuals import to_search
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.device.memristor import current
from roa_circuit.device.parameters import Memristor

# How far beyond the measured conductances the device may reach, in measured spans.
_MARGINS = (0.02, 0.3)
# delta and beta against the prior's: an I-V sweep may be much rounder than the prior's.
_SHAPES = (1.0, 6.0)
_EDGE = 0.03  # omega this near 0 or 1 says nothing about a dose


def guesses(m: Measurements, prior: Memristor) -> Iterator[FloatArray]:
    """Search vectors (7 + trains,) to start from: some read off the data, then that of the prior."""
    for shape in _SHAPES if m.sweep.any() else _SHAPES[:1]:
        for margin in _MARGINS:
            p = _switching(m, _reading(m, prior, margin, shape), prior)
            yield to_search(p, _starts(m, p))
    yield to_search(prior, _starts(m, prior))


def _reading(m: Measurements, prior: Memristor, margin: float, shape: float) -> Memristor:
    """gamma and alpha from the largest and smallest conductance, given delta and beta."""
    plain = ~m.sweep if (~m.sweep).any() else np.abs(m.current) > 0
    conductance = m.conductance[plain]
    conductance = conductance[np.isfinite(conductance) & (conductance > 0)]
    if not conductance.size:
        return prior
    smallest, largest = conductance.min(), conductance.max()
    span = max(largest - smallest, 0.05 * largest)
    delta, beta = shape * prior.delta, shape * prior.beta
    return dataclasses.replace(
        prior, delta=delta, beta=beta,
        gamma=float(largest + margin * span) / delta,
        alpha=float(max(smallest - margin * span, 0.3 * smallest)) / beta,
    )  # fmt: skip


def _states(m: Measurements, p: Memristor) -> FloatArray:
    """omega (rows,) at every reading, by Eq. 4 at its voltage; 0.5 where a reading tells none."""
    off, on = current(0.0, m.read_voltage, p), current(1.0, m.read_voltage, p)
    span = on - off
    told = np.abs(span) > 1e-3 * np.abs(on)
    omega = (m.current - off) / np.where(told, span, 1.0)
    return np.where(told, np.clip(omega, 1e-3, 1.0 - 1e-3), 0.5)


def _starts(m: Measurements, p: Memristor) -> FloatArray:
    """Each train's state at its first reading, (trains,), kept off the ends."""
    first = np.searchsorted(m.train, np.arange(len(m.labels)))
    return np.clip(_states(m, p)[first], 0.02, 0.98)


def _switching(m: Measurements, p: Memristor, prior: Memristor) -> Memristor:
    """k, mu1, mu2 from the mean dose of each kind of pulse.

    Well above 0 V one exponential of Eq. 1 rules, so that log(A / T) = log k + mu |V| is a straight
    line for each polarity. What the lines leave open stays as in the prior (least norm).
    """
    kinds, doses, counts = _mean_doses(m, p)
    if not len(kinds):
        return p
    V, width = kinds.T
    rows = np.stack([np.ones_like(V), np.where(V < 0, -V, 0.0), np.where(V > 0, V, 0.0)], axis=1)
    base = np.array([np.log(prior.k), prior.mu1, prior.mu2])
    weight = np.sqrt(counts)
    miss = (np.log(doses / width) - rows @ base) * weight
    shift = np.linalg.lstsq(rows * weight[:, None], miss, rcond=1e-6)[0]
    log_k, mu1, mu2 = base + shift
    return dataclasses.replace(
        p, k=float(np.exp(np.clip(log_k, -60.0, 20.0))),
        mu1=float(np.clip(mu1, 0.2, 100.0)), mu2=float(np.clip(mu2, 0.2, 100.0)),
    )  # fmt: skip


def _mean_doses(m: Measurements, p: Memristor) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(kinds (n, 2) as voltage and width, mean dose (n,), pulses (n,)) where the dose shows."""
    omega = _states(m, p)
    before = np.concatenate(([0.5], omega[:-1]))
    gain = np.where(m.voltage < 0, 1 / (1 - omega) - 1 / (1 - before), 1 / omega - 1 / before)
    inside = (np.minimum(omega, before) > _EDGE) & (np.maximum(omega, before) < 1 - _EDGE)
    follows = np.diff(m.train, prepend=-1) == 0
    use = (m.voltage != 0) & follows & inside & ~m.sweep
    pulses = np.stack([m.voltage, m.width], axis=1)[use]
    if not len(pulses):
        return np.empty((0, 2)), np.empty(0), np.empty(0)
    kinds, kind, count = np.unique(pulses, axis=0, return_inverse=True, return_counts=True)
    mean = np.bincount(kind.ravel(), weights=gain[use]) / count
    return kinds[mean > 0], mean[mean > 0], count[mean > 0].astype(np.float64)
