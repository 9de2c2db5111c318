"""Many seeded episodes, on every core of the processor or side by side on an accelerator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit

from meta.data.tasks import Task, Tasks, as_batch, stack
from meta.evaluation.draws import Draws
from meta.evaluation.trial import Outcome, Trial
from meta.learning.reads import Reads, plain
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.precision import CPU, prepare
from meta.processes.pool import pool

STACK = 25
"""Episodes that an accelerator adapts to side by side."""


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Accuracy of each episode, and what an adaptation cost in the mean."""

    accuracies: NDArray[np.float64]
    pulses_per_weight: float
    energy: float  # [J]
    seconds: float  # [s] of programming, crossbars one after another
    erase_energy: float  # [J] to bring written cells back to the erased state; 0 without one
    erase_seconds: float  # [s]

    @property
    def mean(self) -> float:
        """The mean accuracy."""
        return float(self.accuracies.mean())

    @property
    def ci95(self) -> float:
        """Half the width of the 95 % interval of the mean over tasks; of one task, infinite."""
        return interval_over_tasks(self.accuracies)


def interval_over_tasks(accuracies: NDArray[np.float64]) -> float:
    """Half the width of the mean's 95 % interval over tasks, by Student's t; of one task, infinite."""
    n = len(accuracies)
    if n < 2:
        return math.inf
    return float(stdtrit(n - 1, 0.975) * accuracies.std(ddof=1) / math.sqrt(n))


def summary(network: Network, outcomes: Sequence[Outcome]) -> Episodes:
    """Combine the outcomes of episodes."""
    weights = sum(math.prod(shape) for shape in network.architecture.weight_shapes.values())
    accuracies, pulses, energies, seconds, erasing, erase_seconds = np.array(outcomes).T
    return Episodes(
        accuracies=accuracies,
        pulses_per_weight=float(pulses.mean() / weights),
        energy=float(energies.mean()),
        seconds=float(seconds.mean()),
        erase_energy=float(erasing.mean()),
        erase_seconds=float(erase_seconds.mean()),
    )


def episode_accuracies(
    network: Network,
    tasks: Tasks,
    writing: Writing,
    *,
    count: int,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
    reads: Reads = plain,
) -> Episodes:
    """Adapt to so many tasks and score their query sets, on all cores where that pays.

    writing : its rate is that of the training where it gives none
    on_task : called after each task
    reads : the hardware that answers images; perfect wires by default
    """
    network = network.with_ways(tasks.ways)
    if writing.verify_rounds == 0:
        tasks, dtype = embedded_once(network, tasks, dtype, count)
    trial = Trial(network=network, writing=writing, dtype=dtype, reads=reads)
    draws = Draws(tasks, ways=network.architecture.ways, count=count)
    outcomes: list[Outcome] = []
    for some in _tried(trial, draws):
        outcomes += some
        for _ in some:
            on_task()
    return summary(network, outcomes)


def _tried(trial: Trial, draws: Draws) -> Iterator[list[Outcome]]:
    if trial.network.compute != CPU:
        tasks = iter(draws)
        while some := list(itertools.islice(tasks, STACK)):
            yield trial(stack(some).to(trial.network.compute), draws.noise)
    elif trial.normals is None:
        yield from (trial(task, draws.noise) for task in draws)
    else:
        yield from pool().map(_try, trial, draws.apart(trial.normals), to_come=draws.count)


def _try(trial: Trial, item: tuple[Task, np.random.Generator]) -> list[Outcome]:
    return trial(*item)


def embedded_once(
    network: Network, tasks: Tasks, dtype: torch.dtype, count: int
) -> tuple[Tasks, torch.dtype]:
    """(tasks of features, float32) if no episode writes the blocks and `count` episodes together ask for
    more images than there are; otherwise the tasks and their precision as they are."""
    images, a = tasks.images, network.architecture
    available, asked_for = math.prod(images.shape[:2]), count * a.ways * (tasks.shots + tasks.queries)
    if images.ndim > 3 and a.erased is not None and asked_for > available:
        return tasks.of(embedded(network, images, dtype)), torch.float32
    return tasks, dtype


@torch.no_grad()
def embedded(network: Network, images: NDArray[Any], dtype: torch.dtype) -> NDArray[np.float32]:
    """Features (classes, drawings, features) of every image. They are the same in every episode if no
    task writes the blocks and batch norm keeps the statistics of the training."""
    weights, compute = network.initial_weights(), network.compute

    def features(drawings: NDArray[Any]) -> NDArray[np.float32]:
        batch = prepare(as_batch(drawings).to(compute), dtype)
        return np.asarray(network.features(batch, weights, 0).cpu().numpy())

    return np.stack([features(drawings) for drawings in images])
