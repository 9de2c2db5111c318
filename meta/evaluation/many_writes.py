"""Accuracies of the same episodes written in many ways.

A grid of six relative rates and seven noise levels takes a seventeenth of the time that its cells
take one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.data.tasks import Task
from meta.evaluation.draws import Draws
from meta.evaluation.episodes import Episodes, embedded_once, episode_accuracies, summary
from meta.evaluation.trial import Outcome
from meta.evaluation.writes import Episode, Variant, Writes
from meta.learning.hardware import WriteModel
from meta.network.convolutional import Network
from meta.network.methods import Method
from meta.network.precision import CPU
from meta.processes.pool import pool
from roa_circuit.device.parameters import Device


def variant_accuracies(
    network: Network,
    images: NDArray[Any],
    device: Device,
    variants: Sequence[Variant],
    *,
    shots: int,
    queries: int,
    tasks: int,
    seed: int,
    method: Method,
    verify_rounds: int = 0,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> list[Episodes]:
    """`episode_accuracies` of every variant, on the same tasks and with the same draws of noise.

    on_task : called after each episode of each variant
    """
    count = {"shots": shots, "queries": queries, "tasks": tasks, "seed": seed}
    if verify_rounds or not _share(network, variants) or not shares_episodes(method):
        if verify_rounds == 0:
            asked_for = len(variants) * tasks * network.architecture.ways * (shots + queries)
            images, dtype = embedded_once(network, images, dtype, asked_for)
        with pool():
            return [
                episode_accuracies(
                    network, images, WriteModel(device=device, how=one.how) if one.written else None,
                    method=method, relative_rate=one.relative_rate, verify_rounds=verify_rounds,
                    dtype=dtype, on_task=on_task, **count,
                )
                for one in variants
            ]  # fmt: skip
    groups = [variants]
    if at_once := method.written == "at once":
        # Random states and noise are drawn in turn, so that states differ where there is no noise.
        groups = [[one for one in variants if one.noisy == noisy] for noisy in (False, True)]
    found: dict[Variant, Episodes] = {}
    with pool():
        for group in filter(None, groups):
            writes = Writes(network=network, device=device, variants=group, at_once=at_once, dtype=dtype)
            found |= _together(writes, Draws(network, images, **count), on_task)
    return [found[variant] for variant in variants]


def _together(writes: Writes, draws: Draws, on_task: Callable[[], None]) -> dict[Variant, Episodes]:
    """Episodes of all variants, every task adapted to once."""
    items = draws.apart(writes.normals)
    outcomes: list[list[Outcome]] = []
    for of_task in _over_tasks(writes, items, draws.count):
        outcomes.append(of_task)
        for _ in of_task:
            on_task()
    by_variant = zip(writes.variants, zip(*outcomes, strict=True), strict=True)
    return {variant: summary(writes.network, own) for variant, own in by_variant}


def _over_tasks(
    writes: Writes, items: Iterator[tuple[Task, np.random.Generator]], count: int
) -> Iterator[list[Outcome]]:
    if writes.network.compute == CPU:
        return pool().map(_outcomes, writes, items, to_come=count)
    return (_outcomes(writes, item) for item in items)


def _outcomes(writes: Writes, item: tuple[Task, np.random.Generator]) -> list[Outcome]:
    """The outcome of each variant."""
    task, noise = item
    episode = Episode(writes, task.to(writes.network.compute), noise)
    return [episode.outcome(variant) for variant in writes.variants]


def shares_episodes(method: Method) -> bool:
    """Whether one gradient serves all variants of the method: one step of every weight."""
    return method.written != "nothing" and method.steps == 1 and method.erased is None


def _share(network: Network, variants: Sequence[Variant]) -> bool:
    """Whether the network is of such a method, and the variants written alike but for noise."""
    a = network.architecture
    alike = {replace(one.how, sigma_wn=0.0, reading="literal") for one in variants}
    plain = len(alike) == 1 and alike.pop().rounding != "stochastic"
    return plain and a.steps == 1 and a.erased is None
