"""What is said of a mean over tasks holds for few of them, too."""

import math

import numpy as np
import pytest

from meta.evaluation.episodes import interval_over_tasks


@pytest.mark.parametrize("count", [2, 4, 12])
def test_intervals_of_few_tasks_hold_the_mean_of_all_in_95_of_100_samples(count):
    """A factor of 1.96 held it in 70 % of samples of two tasks, and in 86 % of those of four."""
    samples = np.random.default_rng(0).normal(0.7, 0.1, (20_000, count))
    held = [abs(sample.mean() - 0.7) <= interval_over_tasks(sample) for sample in samples]
    assert np.mean(held) == pytest.approx(0.95, abs=0.006)  # four deviations of a share of 20,000


def test_one_task_has_no_interval():
    assert interval_over_tasks(np.array([0.7])) == math.inf
