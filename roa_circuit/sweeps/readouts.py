"""Readouts: where in a sweep converters do not suit the reads, or reads would move states."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from roa_circuit.basics.units import counted
from roa_circuit.chips import read_disturb
from roa_circuit.chips.converter_use import UNKNOWN, Use, worst
from roa_circuit.sweeps.fields import Point
from roa_circuit.sweeps.findings import Findings
from roa_circuit.sweeps.summary import configuration


@dataclass(frozen=True, kw_only=True)
class Readout:
    """Something of the readout that does not suit the reads at some points.

    points : each with what is wrong there, the worst point first
    """

    points: tuple[tuple[Point, str], ...]

    def said(self, found: Findings) -> str:
        """How many points there are, which is the worst, and what to change there."""
        point, warning = self.points[0]
        of = len(found.sweep.configurations())
        if of == 1:
            return warning
        where = configuration(found, point)
        return f"at {len(self.points)} of {counted(of, 'point')}, and most at {where}: {warning}"


def readouts(found: Findings) -> list[Readout]:
    """What does not suit: each kind of converter, and reads that would move states."""
    concerned: dict[str, list[tuple[tuple[float, ...], Point, str]]] = {}
    for point in found.sweep.configurations():
        numbers = list(_numbers(found, point))
        for use in worst(use for one in numbers for use in Use.of_numbers(one)):
            if use.warning:
                concerned.setdefault(use.name, []).append((use.badness, point, use.warning))
        moved = max((one.get("moved", 0.0) for one in numbers), key=abs, default=0.0)
        volts = max((one.get("volts", 0.0) for one in numbers), default=0.0)
        known = math.nan if moved == UNKNOWN else moved
        if warning := read_disturb.warning(known, np.array([volts])):
            concerned.setdefault("moved", []).append(((moved,), point, warning))
    return [
        Readout(points=tuple((p, w) for _, p, w in sorted(some, key=lambda one: one[0], reverse=True)))
        for some in concerned.values()
    ]


def _numbers(found: Findings, point: Point) -> Iterator[Mapping[str, float]]:
    """What is kept of the point's chips."""
    for seed in found.study.seeds:
        numbers = found.study.store.get(point, seed)
        if not isinstance(numbers, str):
            yield numbers
