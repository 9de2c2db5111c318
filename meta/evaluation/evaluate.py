"""Evaluation: few-shot accuracy over many test episodes, one row a noise level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from meta.data.tasks import Tasks
from meta.evaluation.baseline import cosine_accuracy
from meta.evaluation.episodes import Episodes, embedded_once
from meta.evaluation.many_writes import variant_accuracies
from meta.evaluation.paper import reported
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.methods import NOISE_LEVELS
from meta.processes.pool import pool

RELATIVE_RATES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Candidates of the relative learning rate (Figure 3 of the paper)."""


FEWEST_VALIDATION_TASKS = 50


def validation_tasks(tasks: int) -> int:
    """Episodes on validation classes that score each candidate: a quarter of the test's, 50 at least."""
    return max(FEWEST_VALIDATION_TASKS, round(tasks / 4))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of `roa-meta evaluate`; accuracies in [0, 1], ci95 the half-width of the mean.

    erase_energy, erase_seconds : what brings the written cells of an erased head back, which the next
        task needs and `write_energy` [J] and `write_seconds` leave out; 0 of other methods
    paper : what Table 2 of the paper has for this cell, if it has it
    cosine : of the nearest class by cosine on the features of an erased head, in floating point; None
        of other methods, whose features change with the write
    head, digital : a head of one's own, and what it reaches in floating point, without cells; None of
        the usual one
    """

    method: str
    dataset: str
    ways: int
    shots: int
    sigma_wn: float
    reading: str
    relative_rate: float
    steps: int
    tasks: int
    accuracy: float
    ci95: float
    paper: float | None
    pulses_per_weight: float
    write_energy: float
    write_seconds: float
    erase_energy: float
    erase_seconds: float
    initial_map: str
    cosine: float | None = None
    head: str | None = None
    digital: float | None = None


def evaluate(
    network: Network,
    tasks: Tasks,
    writing: Writing | None = None,
    *,
    count: int = 200,
    sigmas: Sequence[float] = NOISE_LEVELS,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Few-shot accuracy of so many tasks, one row a noise level sigma_WN.

    writing : by default that of the network's training; where it gives no rate and its method chooses
        one, this is done for each noise level on the validation classes (Figure 3)
    count : at least 2, or there is no interval
    sigmas : the levels, whatever that of `writing`

    Raises
    ------
    InputError : a method that is not for such a network, or more ways than it tells apart.
    """
    network = network.with_ways(tasks.ways)
    writing = writing or Writing.of(network)
    writing.check(network)
    noisy = [writing.at(sigma) for sigma in sigmas]
    cosine = digital = None
    with pool():
        if network.architecture.erased is not None:
            if writing.verify_rounds == 0:
                tasks, dtype = embedded_once(network, tasks, dtype, len(noisy) * count)
            cosine = cosine_accuracy(network, tasks, count=count, dtype=dtype)
        if network.rules.head is not None:
            ideal = [replace(writing, relative_rate=1.0, verify_rounds=0, ideal=True)]
            digital = variant_accuracies(network, tasks, ideal, count=count, dtype=dtype)[0].mean
        rates = [1.0 if writing.relative_rate is None else writing.relative_rate] * len(noisy)
        if writing.chooses_its_rate:
            rates = _best_rates(network, tasks, noisy, validation_tasks(count), dtype, on_task)
        variants = [replace(one, relative_rate=r) for one, r in zip(noisy, rates, strict=True)]
        outcomes = variant_accuracies(
            network, tasks, variants, count=count, dtype=dtype, on_task=on_task
        )
    rows = [_row(network, tasks, *pair) for pair in zip(variants, outcomes, strict=True)]
    return [replace(row, cosine=cosine, head=network.rules.head, digital=digital) for row in rows]


def _best_rates(
    network: Network,
    tasks: Tasks,
    noisy: Sequence[Writing],
    count: int,
    dtype: torch.dtype,
    on_task: Callable[[], None],
) -> list[float]:
    """The relative rate of each writing that does best on so many tasks of the validation classes."""
    own = replace(tasks, split="validation", seed=tasks.seed + 1)
    tried = [replace(one, relative_rate=rate) for one in noisy for rate in RELATIVE_RATES]
    found = variant_accuracies(network, own, tried, count=count, dtype=dtype, on_task=on_task)
    scores = np.reshape([one.mean for one in found], (len(noisy), -1))
    return [RELATIVE_RATES[best] for best in scores.argmax(axis=1)]


def _row(network: Network, tasks: Tasks, writing: Writing, outcome: Episodes) -> Row:
    rounds, name, how = writing.verify_rounds, writing.method.name, writing.programming
    ways, dataset = network.architecture.ways, tasks.dataset.name
    return Row(
        method=name,
        dataset=dataset,
        ways=ways,
        shots=tasks.shots,
        sigma_wn=how.sigma_wn,
        reading=how.reading,
        relative_rate=writing.rate(network),
        steps=network.architecture.steps,
        tasks=len(outcome.accuracies),
        accuracy=outcome.mean,
        ci95=outcome.ci95,
        paper=reported(dataset, name, ways, tasks.shots, how.sigma_wn),
        pulses_per_weight=outcome.pulses_per_weight,
        write_energy=outcome.energy,
        write_seconds=outcome.seconds,
        erase_energy=outcome.erase_energy,
        erase_seconds=outcome.erase_seconds,
        initial_map=f"write_verify({rounds})" if rounds else "ideal",
    )
