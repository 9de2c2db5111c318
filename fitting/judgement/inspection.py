"""Inspection: what was understood of a set of files, before anything is fitted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from fitting.judgement.hints import hints
from fitting.model.noise import read_noise
from fitting.readers.measurements import FloatArray, Measurements, ways
from fitting.readers.titles import WAYS
from roa_circuit.basics.units import counted, engineering

_OUTLYING = 8.0  # times the usual step from reading to reading


@dataclass(frozen=True, kw_only=True)
class Train:
    """One train: its readings, kinds of pulse with their counts, and what looks odd.

    `first` and `last` are conductances [S], or normalised (NaN in a pure I-V sweep); `merged` counts
    pulses without a reading of their own; `outliers` are the places (counted from 1 within the train) of
    readings far off their neighbours, `outlier_lines` where they stand in the file.
    """

    label: str
    readings: int
    sweep_points: int
    kinds: dict[tuple[float, float], float]
    read_voltages: tuple[float, ...]
    first: float
    last: float
    merged: int
    outliers: tuple[int, ...]
    outlier_lines: tuple[int, ...] = ()
    normalised: bool = False

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
    count = np.ones(len(sweep)) if m.pulses is None else np.nan_to_num(m.pulses[rows], nan=1.0)
    kinds: dict[tuple[float, float], float] = defaultdict(float)
    for V, T, n in zip(voltage.tolist(), width.tolist(), count.tolist(), strict=True):
        if V != 0:
            kinds[V, float(f"{T / n:.9g}")] += n
    read = np.flatnonzero(~sweep)
    G = m.conductance[rows][read]
    outliers = _outliers(G)
    lines = () if m.line is None else tuple(m.line[rows][read[outliers - 1]].tolist())
    return Train(
        label=label, readings=len(sweep), sweep_points=int(sweep.sum()),
        kinds={kind: int(n) if n == round(n) else round(n, 6) for kind, n in kinds.items()},
        read_voltages=tuple(np.unique(m.read_voltage[rows][~sweep]).tolist()),
        first=float(G[0]) if len(G) else np.nan, last=float(G[-1]) if len(G) else np.nan,
        merged=int(np.sum(np.maximum(np.floor(count[voltage != 0] - 1.0), 0.0))),
        outliers=tuple(outliers.tolist()), outlier_lines=lines, normalised=m.normalised,
    )  # fmt: skip


def _outliers(G: FloatArray) -> Any:
    """Places (from 1) of lone spikes, off both neighbours to one side, where the train does not turn."""
    if len(G) < 12:
        return np.empty(0, dtype=np.int64)
    left, right = G[1:-1] - G[:-2], G[1:-1] - G[2:]
    spike = np.where(left * right > 0, np.minimum(np.abs(left), np.abs(right)), 0.0)
    usual = np.median(np.abs(left))
    return np.flatnonzero(spike > _OUTLYING * max(usual, 1e-3 * np.median(np.abs(G)))) + 2


def listed(trains: list[Train], most: int) -> tuple[list[str], list[list[str]]]:
    """(columns, rows) of the first so many trains, without columns that tell them nothing apart.

    Of one read voltage the summary says which; a column of nothing but '-' is left out.
    """
    what = "normalised" if any(train.normalised for train in trains) else "conductance"
    columns = ["train", "readings", "pulses", "read at", what, "remarks"]
    rows = [_row(train) for train in trains[:most]]
    alike = {V for train in trains for V in train.read_voltages}
    left = {"read at"} if len(alike) <= 1 else set()
    left |= {c for n, c in enumerate(columns) if all(row[n] == "-" for row in rows)}
    kept = [n for n, column in enumerate(columns) if column not in left]
    return [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]


def _row(t: Train) -> list[str]:
    kinds = [f"{n:g} × {V:g} V {engineering(T, 's')}, {WAYS[-1 if V > 0 else 1]}"
             for (V, T), n in list(t.kinds.items())[:3]]  # fmt: skip
    if len(t.kinds) > 3:
        voltages = [V for V, _ in t.kinds]
        widths = dict.fromkeys(engineering(T, "s") for T in sorted(T for _, T in t.kinds))
        kinds = [f"{sum(t.kinds.values()):g} pulses, {min(voltages):g} … {max(voltages):g} V, "
                 f"{' … '.join([*widths][:: max(len(widths) - 1, 1)])}"]  # fmt: skip
    reads = ", ".join(engineering(V, "V") for V in t.read_voltages[:3])
    reads += ", …" * (len(t.read_voltages) > 3)
    remarks = [f"{t.sweep_points} I–V points"] if t.sweep_points else []
    remarks += [f"{t.merged} pulses without reading" if t.merged > 1 else "1 pulse without reading"] * (
        t.merged > 0
    )
    if t.outliers:
        lines = t.outlier_lines or t.outliers
        named = ", ".join(map(str, lines[:4])) + (" …" if len(lines) > 4 else "")
        remarks.append(f"outliers in line {named}" if t.outlier_lines else f"outliers at {named}")
    ends = (f"{G:.3g}" if t.normalised else engineering(G, "S") for G in (t.first, t.last))
    G = " → ".join(ends) if np.isfinite(t.first) else "-"
    return [t.label, str(t.readings), "; ".join(kinds) or "none", reads or "-", G,
            "; ".join(remarks) or "-"]  # fmt: skip


def summary(m: Measurements, trains: list[Train]) -> list[str]:
    """Plain lines below the table: kinds of pulse, range of conductance, noise, what is odd."""
    kinds: dict[tuple[float, float], float] = defaultdict(float)
    for train in trains:
        for kind, n in train.kinds.items():
            kinds[kind] += n
    up = {V for V, _ in kinds if V < 0}
    down = {V for V, _ in kinds if V > 0}
    widths = {T for _, T in kinds}
    total = sum(kinds.values())
    several = f"{total:,.6g} pulses" if total != round(total) else counted(int(total), "pulse")
    lines = [] if not kinds else [f"{several}: {_amount(up, 'potentiating amplitude')}, "
             f"{_amount(down, 'depressing amplitude')}, {_amount(widths, 'width')}"]  # fmt: skip
    lines += [ways(m)] if ways(m) else []
    G = m.conductance[~m.sweep]
    if len(G):
        reads = np.unique(m.read_voltage[~m.sweep])
        span = (f"normalised readings {G.min():.4g} to {G.max():.4g}" if m.normalised else
                f"conductance {engineering(G.min(), 'S')} to {engineering(G.max(), 'S')}")  # fmt: skip
        at = f"read at {engineering(float(reads[0]), 'V')}" if len(reads) == 1 else (
            _amount(reads.tolist(), "read voltage"))  # fmt: skip
        lines.append(f"{span}, {at}")
    if m.sweep.any():
        V, current = m.read_voltage[m.sweep], m.current[m.sweep]
        ends = " to ".join(engineering(float(end), "A") for end in (current.min(), current.max()))
        lines.append(f"I-V points {V.min():.4g} V to {V.max():.4g} V, {ends}")
    noise = read_noise(m)
    if noise is not None:
        lines.append(f"noise of a reading: {noise.said}")
    odd = [t.label for t in trains if t.outliers]
    if odd:
        line = next((t.outlier_lines[0] for t in trains if t.outlier_lines), None)
        way_out = f"; --drop-outlier {line} takes that of line {line} for missing" if line else ""
        lines.append(f"outliers in {_amount(odd, 'train')}: {', '.join(odd[:6])}{way_out}")
    return [*lines, *hints(m)]


def understood(m: Measurements) -> list[str]:
    """Plain lines on how files were read: which column is what, what is assumed, what is not used."""
    lines = [f"read as: {'; '.join(m.taken)}"] if m.taken else []
    lines += [f"assumed: {text}" for text in m.assumed]
    return lines + ([f"not used: {', '.join(m.ignored)}"] if m.ignored else [])


def _amount(items: Any, noun: str) -> str:
    count = len(items)
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
