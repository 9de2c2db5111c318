"""A study: a subject, the store of its points, and the workers that fill the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.sweeps.fields import Point
from roa_circuit.sweeps.store import Store
from roa_circuit.sweeps.subject import Subject
from roa_circuit.sweeps.workers import outcomes

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Told how many of how many points are done."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who computes the points of a study, and who is told of it.

    count : number of processes
    scheduler : address of a Dask scheduler to use instead, or 'slurm' for as many workers in jobs of
        SLURM (`clusters.scheduler_at`)
    progress : told how many of how many points are done

    Raises
    ------
    InputError : fewer than one process.
    """

    count: int = 1
    scheduler: str | None = None
    progress: Progress = lambda done, total: None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"workers = {self.count} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Answers questions about points, each computed at most once.

    seeds : draw the chips that every point is evaluated on
    """

    subject: Subject
    store: Store
    seeds: Sequence[int]
    workers: Workers = Workers()

    def compute(self, points: Iterable[Point]) -> int:
        """Compute those of the points that the store lacks; returns how many."""
        unique = {repr(sorted(point.items())): point for point in points}
        jobs = [(p, missing) for p in unique.values() if (missing := self.store.missing(p, self.seeds))]
        if not jobs:
            return 0
        done, count = 0, len(jobs)
        if count == 1:  # whose chips then have all workers to themselves
            jobs = [(point, (seed,)) for point, seeds in jobs for seed in seeds]
        self.workers.progress(done, len(jobs))
        for chunk in outcomes(self.subject, jobs, self.workers.count, self.workers.scheduler):
            self.store.add(chunk)
            done += len(chunk)
            self.workers.progress(done, len(jobs))
        return count

    def values(self, points: Sequence[Point], metric: str) -> Floats:
        """A metric (points, seeds), computed where it is missing; NaN where a point failed."""
        self.compute(points)
        table = np.full((len(points), len(self.seeds)), np.nan)
        for i, point in enumerate(points):
            for j, seed in enumerate(self.seeds):
                found = self.store.get(point, seed)
                if not isinstance(found, str):
                    table[i, j] = found[metric]
        return table

    def reason(self, point: Point, seed: int | None = None) -> str:
        """Why a computed point has no numbers with this seed, by default the first; '' if it has."""
        found = self.store.get(point, self.seeds[0] if seed is None else seed)
        return found if isinstance(found, str) else ""
