"""Draws: the tasks of an evaluation and the noise of their writes, from two streams of one seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from meta.data.tasks import Task, Tasks


class Draws:
    """A number of seeded tasks of so many ways, and one stream of noise that their writes draw from in
    turn."""

    def __init__(self, tasks: Tasks, *, ways: int, count: int) -> None:
        self.count, self.noise = count, np.random.default_rng([tasks.seed, 2])
        self._tasks, self._ways = tasks, ways
        self._stream = np.random.default_rng([tasks.seed, 1])

    def __iter__(self) -> Iterator[Task]:
        return (self._tasks.draw(self._stream, self._ways) for _ in range(self.count))

    def apart(self, normals: int) -> Iterator[tuple[Task, np.random.Generator]]:
        """Every task with its own copy of the noise, at the place that the task before it reached.

        normals : how many normal numbers the write of one task draws
        """
        for task in self:
            yield task, copy.deepcopy(self.noise)
            self.noise.standard_normal(normals)
