"""Accuracies of the same episodes written in many ways.

A grid of six relative rates and seven noise levels takes a seventeenth of the time that its cells
take one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from meta.data.tasks import Task, Tasks
from meta.evaluation.draws import Draws
from meta.evaluation.episodes import Episodes, embedded_once, episode_accuracies, summary
from meta.evaluation.trial import Outcome
from meta.evaluation.writes import Episode, Writes
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.methods import Method
from meta.network.precision import CPU
from meta.processes.pool import pool


def variant_accuracies(
    network: Network,
    tasks: Tasks,
    variants: Sequence[Writing],
    *,
    count: int,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> list[Episodes]:
    """`episode_accuracies` of every variant, on the same tasks and with the same draws of noise.

    on_task : called after each episode of each variant
    """
    network = network.with_ways(tasks.ways)
    if not _share(network, variants):
        if not any(one.verify_rounds for one in variants):
            tasks, dtype = embedded_once(network, tasks, dtype, len(variants) * count)
        with pool():
            return [
                episode_accuracies(network, tasks, one, count=count, dtype=dtype, on_task=on_task)
                for one in variants
            ]
    groups: dict[object, list[tuple[int, Writing]]] = {}
    for place, one in enumerate(variants):
        groups.setdefault(_drawn_alike(one), []).append((place, one))
    found: dict[int, Episodes] = {}
    with pool():
        for group in groups.values():
            places, own = zip(*group, strict=True)
            writes = Writes(network=network, variants=own, dtype=dtype)
            draws = Draws(tasks, ways=network.architecture.ways, count=count)
            found |= zip(places, _together(writes, draws, on_task), strict=True)
    return [found[place] for place in range(len(variants))]


def _together(writes: Writes, draws: Draws, on_task: Callable[[], None]) -> list[Episodes]:
    """Episodes of all variants, every task adapted to once."""
    outcomes: list[list[Outcome]] = []
    for of_task in _over_tasks(writes, draws):
        outcomes.append(of_task)
        for _ in of_task:
            on_task()
    return [summary(writes.network, of_variant) for of_variant in zip(*outcomes, strict=True)]


def _drawn_alike(one: Writing) -> object:
    """What variants that share an episode have in common, because it decides what is drawn before it."""
    if one.verify_rounds:
        return one.verify_rounds, one.programming
    # Random states and noise are drawn in turn, so that states differ where there is no noise.
    return one.method.written == "at once" and one.noisy


def _over_tasks(writes: Writes, draws: Draws) -> Iterator[list[Outcome]]:
    if writes.normals is None:
        return (_outcomes(writes, (task, draws.noise)) for task in draws)
    items = draws.apart(writes.normals)
    if writes.network.compute == CPU:
        return pool().map(_outcomes, writes, items, to_come=draws.count)
    return (_outcomes(writes, item) for item in items)


def _outcomes(writes: Writes, item: tuple[Task, np.random.Generator]) -> list[Outcome]:
    """The outcome of each variant."""
    task, noise = item
    episode = Episode(writes, task.to(writes.network.compute), noise)
    return [episode.outcome(variant) for variant in writes.variants]


def shares_episodes(method: Method) -> bool:
    """Whether one gradient serves all variants of the method: one step of every weight."""
    return method.written != "nothing" and method.steps == 1 and method.erased is None


def _share(network: Network, variants: Sequence[Writing]) -> bool:
    """Whether one gradient serves all variants: they are written alike but for rate and noise, in one
    step on the same cells."""
    a, first = network.architecture, variants[0]
    alike = {replace(one.programming, sigma_wn=0.0, reading="literal") for one in variants}
    return (
        a.steps == 1
        and a.erased is None
        and all(shares_episodes(one.method) for one in variants)
        and not any(
            one.verify_rounds and (one.ideal or one.method.written == "at once") for one in variants
        )
        and not any(one.mapping.paired for one in variants)  # whose writes have cells of their own
        and all(one.method.written == first.method.written for one in variants)
        and all(one.device is first.device or one.device == first.device for one in variants)
        and len(alike) == 1
        and alike.pop().rounding != "stochastic"
    )
