"""First guesses, read off the data: constants so near that the search cannot miss."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from fitting.model.form import Form
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.device.laws import Law
from roa_circuit.device.memristor import current

# How far beyond the measured conductances the device may reach, in measured spans.
_MARGINS = (0.02, 0.3)
# delta and beta against the prior's: an I-V sweep may be much rounder than the prior's.
_SHAPES = (1.0, 6.0)
_EDGE = 0.03  # omega this near 0 or 1 says nothing about a dose


def guesses(form: Form, m: Measurements, prior: Law, held: Collection[str] = ()) -> Iterator[FloatArray]:
    """Search vectors (constants + trains,) to start from: some read off the data, then the prior's.

    Constants of the motion that are held stay as in the prior.
    """
    for base in form.shapes(prior):
        for shape in _SHAPES if m.sweep.any() else _SHAPES[:1]:
            for margin in _MARGINS:
                p = _switching(m, form.completed(_reading(m, base, margin, shape)), prior, held)
                yield form.vector(p, _starts(m, p))
    yield form.vector(prior, _starts(m, prior))


def _reading(m: Measurements, prior: Law, margin: float, shape: float) -> Law:
    """gamma and alpha from the largest and smallest conductance, given delta and beta."""
    plain = ~m.sweep if (~m.sweep).any() else np.abs(m.current) > 0
    conductance = m.conductance[plain]
    conductance = conductance[np.isfinite(conductance) & (conductance > 0)]
    if not conductance.size:
        return prior
    smallest, largest = conductance.min(), conductance.max()
    span = max(largest - smallest, 0.05 * largest)
    known = prior.constants
    delta, beta = shape * known["delta"], shape * known["beta"]
    return prior.changed(
        delta=delta, beta=beta,
        gamma=float(largest + margin * span) / delta,
        alpha=float(max(smallest - margin * span, 0.3 * smallest)) / beta,
    )  # fmt: skip


def _states(m: Measurements, p: Law) -> FloatArray:
    """omega (rows,) at every reading, by Eq. 4 at its voltage; 0.5 where a reading tells none."""
    off, on = current(0.0, m.read_voltage, p), current(1.0, m.read_voltage, p)
    span = on - off
    told = np.abs(span) > 1e-3 * np.abs(on)
    omega = (m.current - off) / np.where(told, span, 1.0)
    return np.where(told, np.clip(omega, 1e-3, 1.0 - 1e-3), 0.5)


def _starts(m: Measurements, p: Law) -> FloatArray:
    """Each train's state at its first reading, (trains,), kept off the ends."""
    first = np.searchsorted(m.train, np.arange(len(m.labels)))
    return np.clip(_states(m, p)[first], 0.02, 0.98)


def _switching(m: Measurements, p: Law, prior: Law, held: Collection[str] = ()) -> Law:
    """k, mu1, mu2 from the mean dose of each kind of pulse.

    Well above 0 V one exponential of Eq. 1 rules, so that log(A / T) = log k + mu |V| is a straight
    line for each polarity. What the lines leave open stays as in the prior (least norm).
    """
    kinds, doses, counts = _mean_doses(m, p)
    if not len(kinds):
        return p
    V, width = kinds.T
    rows = np.stack([np.ones_like(V), np.where(V < 0, -V, 0.0), np.where(V > 0, V, 0.0)], axis=1)
    known = prior.constants
    base = np.array([np.log(known["k"]), known["mu1"], known["mu2"]])
    weight = np.sqrt(counts)
    miss = (np.log(doses / width) - rows @ base) * weight
    free = np.array([name not in held for name in ("k", "mu1", "mu2")], dtype=np.float64)
    shift = free * np.linalg.lstsq(rows * free * weight[:, None], miss, rcond=1e-6)[0]
    log_k, mu1, mu2 = base + shift
    return p.changed(
        k=float(np.exp(np.clip(log_k, -60.0, 20.0))),
        mu1=float(np.clip(mu1, 0.2, 100.0)), mu2=float(np.clip(mu2, 0.2, 100.0)),
    )  # fmt: skip


def _mean_doses(m: Measurements, p: Law) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(kinds (n, 2) as voltage and width, mean dose (n,), pulses (n,)) where the dose shows."""
    omega = _states(m, p)
    before = np.concatenate(([0.5], omega[:-1]))
    gain = p.coordinate(omega, m.voltage) - p.coordinate(before, m.voltage)
    inside = (np.minimum(omega, before) > _EDGE) & (np.maximum(omega, before) < 1 - _EDGE)
    follows = np.diff(m.train, prepend=-1) == 0
    use = (m.voltage != 0) & follows & inside & ~m.sweep
    pulses = np.stack([m.voltage, m.width], axis=1)[use]
    if not len(pulses):
        return np.empty((0, 2)), np.empty(0), np.empty(0)
    kinds, kind, count = np.unique(pulses, axis=0, return_inverse=True, return_counts=True)
    mean = np.bincount(kind.ravel(), weights=gain[use]) / count
    return kinds[mean > 0], mean[mean > 0], count[mean > 0].astype(np.float64)
