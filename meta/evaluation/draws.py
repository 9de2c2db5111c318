"""Draws: the tasks of an evaluation and the noise of their writes, from two streams of one seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meta.data.tasks import Task, sample_task
from meta.network.convolutional import Network


class Draws:
    """A number of seeded tasks, and one stream of noise that their writes draw from in turn."""

    def __init__(
        self,
        network: Network,
        images: NDArray[Any],
        *,
        shots: int,
        queries: int,
        tasks: int,
        seed: int,
    ) -> None:
        self.count, self.noise = tasks, np.random.default_rng([seed, 2])
        self._images, self._tasks = images, np.random.default_rng([seed, 1])
        self._sizes = {"ways": network.architecture.ways, "shots": shots, "queries": queries}

    def __iter__(self) -> Iterator[Task]:
        return (sample_task(self._images, self._tasks, **self._sizes) for _ in range(self.count))

    def apart(self, normals: int) -> Iterator[tuple[Task, np.random.Generator]]:
        """Every task with its own copy of the noise, at the place that the task before it reached.

        normals : how many normal numbers the write of one task draws
        """
        for task in self:
            yield task, copy.deepcopy(self.noise)
            self.noise.standard_normal(normals)
