"""Repeats: what several networks reach together whose training differs in the seed alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from meta.reproduction.cells import Result


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score that a place shows: the mean over its repeats, each with seeds of its own."""

    results: tuple[Result, ...]

    @property
    def accuracy(self) -> float:
        """The mean accuracy in [0, 1]."""
        return self.mean(lambda one: one.accuracy)

    @property
    def ci95(self) -> float:
        """Half of the mean's 95 % interval; see `interval_over_repeats`."""
        return interval_over_repeats(
            [one.accuracy for one in self.results], [one.ci95 for one in self.results]
        )

    def gap95(self, other: Score) -> float:
        """Half of the 95 % interval of the mean difference, repeat by repeat of the same networks."""
        pairs = list(zip(self.results, other.results, strict=True))
        gaps = [mine.accuracy - its.accuracy for mine, its in pairs]
        return interval_over_repeats(gaps, [math.hypot(mine.ci95, its.ci95) for mine, its in pairs])

    @property
    def rates(self) -> tuple[float, ...]:
        """The relative rates that repeats have chosen, each listed once."""
        return tuple(sorted({one.cell.relative_rate for one in self.results}))

    @property
    def relative_rate(self) -> float:
        """The mean relative rate of the repeats."""
        return self.mean(lambda one: one.cell.relative_rate)

    @property
    def tasks(self) -> int:
        """The least number of tasks that any repeat has."""
        return min(one.tasks for one in self.results)

    def mean(self, value: Callable[[Result], float]) -> float:
        """The mean of a number that each repeat has."""
        return float(np.mean([value(one) for one in self.results]))


def interval_over_repeats(means: Sequence[float], over_tasks: Sequence[float]) -> float:
    """Half the width of the 95 % interval of the mean over n repeats, given their own over tasks.

    The wider of two: Student's t with n - 1 degrees of freedom on the scatter of the repeats, which
    has in it training, tasks and noise; and that of the tasks alone, root of the sum of squares
    over n, which is all that one repeat has and keeps two that happen to agree from looking certain.
    """
    n = len(means)
    tasks = math.sqrt(sum(half**2 for half in over_tasks)) / n
    if n == 1:
        return tasks
    scatter = float(np.std(means, ddof=1)) / math.sqrt(n)
    return max(tasks, float(stdtrit(n - 1, 0.975)) * scatter)
