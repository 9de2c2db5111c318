"""Stimuli: waveforms as the corner points of piecewise linear sources."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.waveforms import line_voltages, write_programme
from roa_circuit.device.parameters import Device

Points = list[tuple[float, float]]
"""(time [s], voltage [V]) in order of time; the last voltage stays."""

RESTING = 1e-7
"""A cell is taken to rest at an operating point while its omega has not moved further than this."""


def staircase(values: NDArray[np.float64], edge: float, hold: float) -> Points:
    """The corners of levels that are each ramped to for `edge` [s] and held for `hold` [s]."""
    points: Points = [(0.0, 0.0)]
    for index, value in enumerate(float(v) for v in values):
        if value != points[-1][1]:
            start = index * (edge + hold)
            if start > points[-1][0]:
                points.append((start, points[-1][1]))
            points.append((start + edge, value))
    return points


def write_stimuli(
    crossbar: Crossbar, pulses: NDArray[np.int64], device: Device
) -> tuple[list[Points], list[Points], float, int]:
    """(word-line points, bit-line points, end [s], pulses) of the programme's trapezoids."""
    words: list[Points] = [[(0.0, 0.0)] for _ in range(crossbar.rows)]
    bits: list[Points] = [[(0.0, 0.0)] for _ in range(crossbar.columns)]
    start, count = 0.0, 0
    for pulse in write_programme(pulses, device):
        rise, fall = start + pulse.edge, start + pulse.edge + pulse.width
        word_levels, bit_levels = line_voltages(pulse, crossbar)
        levels = (*word_levels, *bit_levels)
        for points, level in zip((*words, *bits), levels, strict=True):
            if level:
                if start > points[-1][0]:
                    points.append((start, 0.0))
                points += [(rise, float(level)), (fall, float(level)), (fall + pulse.edge, 0.0)]
        start += pulse.duration
        count += 1
    return words, bits, start, count


def gate_stimuli(crossbar: Crossbar, pulses: NDArray[np.int64], device: Device) -> list[Points]:
    """The gates of each row: 1 V while the row is pulsed, changing in the gaps between pulses."""
    gates: list[Points] = [[] for _ in range(crossbar.rows)]
    start, selected, gap = 0.0, -1, 0.0
    for pulse in write_programme(pulses, device):
        if pulse.row != selected:
            off, on = start - 0.6 * gap, start - 0.4 * gap
            if selected >= 0:
                gates[selected] += [(off, 1.0), (on, 0.0)]
            gates[pulse.row] += [(off, 0.0), (on, 1.0)] if start else [(0.0, 1.0)]
            selected = pulse.row
        start, gap = start + pulse.duration, pulse.edge
    return [points if points and points[0][0] == 0.0 else [(0.0, 0.0), *points] for points in gates]


def by_number(levels: NDArray[Any]) -> Points:
    """The levels (points,) of a sweep over numbers from 0."""
    return [(number, float(level)) for number, level in enumerate(levels)]


def moving(states: NDArray[np.float64]) -> dict[tuple[int, int], Points]:
    """Of states (points, rows, columns), those of cells that move, in steps that are worth a word."""
    steps, last = states.copy(), states[0].copy()
    for each in steps:
        each[:] = last = np.where(np.abs(each - last) > RESTING, each, last)
    cells = np.argwhere(np.ptp(steps, axis=0) > 0.0)
    return {(int(i), int(j)): by_number(steps[:, i, j]) for i, j in cells}
