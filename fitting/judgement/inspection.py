"""Inspection: what was understood of a set of files, before anything is fitted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from fitting.judgement.hints import hints
from fitting.model.noise import read_noise
from fitting.readers.measurements import FloatArray, Measurements
from roa_circuit.basics.units import counted, engineering

_OUTLYING = 8.0  # times the usual step from reading to reading


@dataclass(frozen=True, kw_only=True)
class Train:
    """One train: its readings, kinds of pulse with their counts, and what looks odd.

    `first` and `last` are conductances [S] (NaN in a pure I-V sweep); `merged` counts pulses
    wider than the usual one, which stand for pulses without a reading; `outliers` are the
    places (counted from 1 within the train) of readings far off their neighbours.
    """

    label: str
    readings: int
    sweep_points: int
    kinds: dict[tuple[float, float], int]
    read_voltages: tuple[float, ...]
    first: float
    last: float
    merged: int
    outliers: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with voltages [V], widths [s] and counts of pulses instead of `kinds`."""
        pulses = [{"voltage": V, "width": T, "count": n} for (V, T), n in self.kinds.items()]
        others = {name: value for name, value in vars(self).items() if name != "kinds"}
        return {**others, "pulses": pulses}


def inspect_trains(m: Measurements) -> list[Train]:
    """Every train of the measurements, in order."""
    edges = np.searchsorted(m.train, np.arange(len(m.labels) + 1))
    return [
        _train(m, label, slice(low, high))
        for label, low, high in zip(m.labels, edges[:-1], edges[1:], strict=True)
    ]


def _train(m: Measurements, label: str, rows: slice) -> Train:
    voltage, width, sweep = m.voltage[rows], m.width[rows], m.sweep[rows]
    pulsed = voltage != 0
    kinds = Counter(zip(voltage[pulsed].tolist(), width[pulsed].tolist(), strict=True))
    G = m.conductance[rows][~sweep]
    return Train(
        label=label, readings=len(sweep), sweep_points=int(sweep.sum()), kinds=dict(kinds),
        read_voltages=tuple(np.unique(m.read_voltage[rows][~sweep]).tolist()),
        first=float(G[0]) if len(G) else np.nan, last=float(G[-1]) if len(G) else np.nan,
        merged=_merged(kinds), outliers=tuple(_outliers(G).tolist()),
    )  # fmt: skip


def _merged(kinds: Counter[tuple[float, float]]) -> int:
    """Pulses that are a small multiple of the commonest of their voltage."""
    usual: dict[float, float] = {}
    for (V, T), _ in sorted(kinds.items(), key=lambda item: (-item[1], item[0][1])):
        usual.setdefault(V, T)
    return sum(n for (V, T), n in kinds.items() if n <= 3 and round(T / usual[V], 6) in (2.0, 3.0, 4.0))


def _outliers(G: FloatArray) -> Any:
    """Places (from 1) of lone spikes, off both neighbours to one side, where the train does not turn."""
    if len(G) < 12:
        return np.empty(0, dtype=np.int64)
    left, right = G[1:-1] - G[:-2], G[1:-1] - G[2:]
    spike = np.where(left * right > 0, np.minimum(np.abs(left), np.abs(right)), 0.0)
    usual = np.median(np.abs(left))
    return np.flatnonzero(spike > _OUTLYING * max(usual, 1e-3 * np.median(G))) + 2


def rows_of(trains: list[Train], most: int) -> list[list[str]]:
    """The table's rows: label, readings, pulses, read voltages, conductance, remarks."""
    return [_row(train) for train in trains[:most]]


def _row(t: Train) -> list[str]:
    kinds = [f"{n} × {V:g} V {engineering(T, 's')}" for (V, T), n in list(t.kinds.items())[:3]]
    if len(t.kinds) > 3:
        voltages = [V for V, _ in t.kinds]
        kinds = [f"{sum(t.kinds.values())} pulses, {len(t.kinds)} kinds, "
                 f"{min(voltages):g} … {max(voltages):g} V"]  # fmt: skip
    reads = ", ".join(engineering(V, "V") for V in t.read_voltages[:3])
    reads += ", …" * (len(t.read_voltages) > 3)
    remarks = [f"{t.sweep_points} I–V points"] if t.sweep_points else []
    remarks += [f"{t.merged} pulses without reading" if t.merged > 1 else "1 pulse without reading"] * (
        t.merged > 0
    )
    if t.outliers:
        named = ", ".join(map(str, t.outliers[:4])) + (" …" if len(t.outliers) > 4 else "")
        remarks.append(f"outliers at {named}")
    G = f"{engineering(t.first, 'S')} → {engineering(t.last, 'S')}" if np.isfinite(t.first) else "-"
    return [t.label, str(t.readings), "; ".join(kinds) or "none", reads or "-", G,
            "; ".join(remarks) or "-"]  # fmt: skip


def summary(m: Measurements, trains: list[Train]) -> list[str]:
    """Plain lines below the table: kinds of pulse, range of conductance, noise, what is odd."""
    kinds: Counter[tuple[float, float]] = Counter()
    for train in trains:
        kinds.update(train.kinds)
    up = {V for V, _ in kinds if V < 0}
    down = {V for V, _ in kinds if V > 0}
    widths = {T for _, T in kinds}
    lines = [f"{counted(sum(kinds.values()), 'pulse')}: {_amount(up, 'potentiating amplitude')}, "
             f"{_amount(down, 'depressing amplitude')}, {_amount(widths, 'width')}"]  # fmt: skip
    G = m.conductance[~m.sweep]
    if len(G):
        reads = np.unique(m.read_voltage[~m.sweep])
        lines.append(f"conductance {engineering(G.min(), 'S')} to {engineering(G.max(), 'S')}, "
                     f"{_amount(set(reads.tolist()), 'read voltage')}")  # fmt: skip
    noise = read_noise(m)
    if noise is not None:
        lines.append(f"noise of a reading: {noise}, from {_amount(range(noise.count), 're-reading')}")
    odd = [t.label for t in trains if t.outliers]
    if odd:
        lines.append(f"outliers in {_amount(odd, 'train')}: {', '.join(odd[:6])}")
    return [*lines, *hints(m)]


def _amount(items: Any, noun: str) -> str:
    count = len(items)
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
