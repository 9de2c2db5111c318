"""Evaluation: few-shot accuracy over many test episodes, one row a noise level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from meta.data.fewshot import FewShotDataset
from meta.evaluation.episodes import Episodes
from meta.evaluation.many_writes import variant_accuracies
from meta.evaluation.paper import reported
from meta.evaluation.writes import Variant
from meta.learning.hardware import WriteModel
from meta.network.convolutional import Network
from meta.network.methods import Method
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


def evaluate(
    network: Network,
    dataset: FewShotDataset,
    write: WriteModel,
    *,
    shots: int = 1,
    queries: int = 15,
    tasks: int = 200,
    sigmas: Sequence[float] = (0.0, 1.0, 2.0, 4.0),
    method: Method | None = None,
    relative_rate: float | None = None,
    verify_rounds: int = 0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Few-shot accuracy on the test classes, one row a noise level sigma_WN.

    tasks : at least 2, or there is no interval
    method : None is the network's own, which it was trained for
    relative_rate : None leaves it to the method: 1, or chosen for each noise level on the
        validation classes (Figure 3)
    """
    method = method or network.method
    noisy = [replace(write.how, sigma_wn=sigma) for sigma in sigmas]

    def run(split: str, count: int, variants: Sequence[Variant]) -> list[Episodes]:
        return variant_accuracies(
            network,
            dataset.split(split),
            write.device,
            variants,
            shots=shots,
            queries=queries,
            tasks=count,
            seed=seed + (split == "validation"),
            method=method,
            verify_rounds=verify_rounds,
            dtype=dtype,
            on_task=on_task,
        )

    with pool():
        rates = [1.0 if relative_rate is None else relative_rate] * len(noisy)
        if relative_rate is None and method.rate == "chosen":
            tried = [Variant(how=how, relative_rate=rate) for how in noisy for rate in RELATIVE_RATES]
            scores = np.reshape([one.mean for one in run("validation", validation_tasks(tasks), tried)],
                                (len(noisy), -1))  # fmt: skip
            rates = [RELATIVE_RATES[best] for best in scores.argmax(axis=1)]
        variants = [Variant(how=how, relative_rate=r) for how, r in zip(noisy, rates, strict=True)]
        outcomes = run("test", tasks, variants)
    return [
        _row(network, dataset, method, outcome, shots, one, verify_rounds)
        for one, outcome in zip(variants, outcomes, strict=True)
    ]


def _row(
    network: Network,
    dataset: FewShotDataset,
    method: Method,
    outcome: Episodes,
    shots: int,
    variant: Variant,
    verify_rounds: int,
) -> Row:
    return Row(
        method=method.name,
        dataset=dataset.name,
        ways=network.architecture.ways,
        shots=shots,
        sigma_wn=variant.how.sigma_wn,
        reading=variant.how.reading,
        relative_rate=variant.relative_rate,
        steps=network.architecture.steps,
        tasks=len(outcome.accuracies),
        accuracy=outcome.mean,
        ci95=outcome.ci95,
        paper=reported(
            dataset.name, method.name, network.architecture.ways, shots, variant.how.sigma_wn
        ),
        pulses_per_weight=outcome.pulses_per_weight,
        write_energy=outcome.energy,
        write_seconds=outcome.seconds,
        erase_energy=outcome.erase_energy,
        erase_seconds=outcome.erase_seconds,
        initial_map=f"write_verify({verify_rounds})" if verify_rounds else "ideal",
    )
