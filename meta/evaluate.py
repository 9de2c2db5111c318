"""Evaluation: few-shot accuracy over many test episodes, one row a noise level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from meta.episodes import Episodes, episode_accuracies
from meta.fewshot import FewShotDataset
from meta.hardware import WriteModel
from meta.methods import METHODS, Method
from meta.network import Network
from meta.paper import reported

RELATIVE_RATES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Candidates of the relative learning rate (Figure 3 of the paper)."""


VALIDATION_TASKS = 50
"""Episodes on validation classes that score each candidate."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of `roa-meta evaluate`; accuracies in [0, 1], ci95 the half-width of the mean.

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
    method: Method = METHODS["roa"],
    relative_rate: float | None = None,
    verify_rounds: int = 0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Few-shot accuracy on the test classes, one row a noise level sigma_WN.

    tasks : at least 2, or there is no interval
    relative_rate : None leaves it to the method: 1, or chosen for each noise level on the
        validation classes (Figure 3)
    """
    rows = []
    for sigma in sigmas:
        model = replace(write, how=replace(write.how, sigma_wn=sigma))

        def run(split: str, rate: float, count: int, model: WriteModel = model) -> Episodes:
            return episode_accuracies(
                network,
                dataset.split(split),
                model,
                shots=shots,
                queries=queries,
                tasks=count,
                seed=seed + (split == "validation"),
                method=method,
                relative_rate=rate,
                verify_rounds=verify_rounds,
                dtype=dtype,
                on_task=on_task,
            )

        rate = 1.0 if relative_rate is None else relative_rate
        if relative_rate is None and method.rate == "chosen":
            rate = max(RELATIVE_RATES, key=lambda r: run("validation", r, VALIDATION_TASKS).mean)
        outcome = run("test", rate, tasks)
        rows.append(_row(network, dataset, method, outcome, shots, model, rate, verify_rounds))
    return rows


def _row(
    network: Network,
    dataset: FewShotDataset,
    method: Method,
    outcome: Episodes,
    shots: int,
    write: WriteModel,
    rate: float,
    verify_rounds: int,
) -> Row:
    return Row(
        method=method.name,
        dataset=dataset.name,
        ways=network.architecture.ways,
        shots=shots,
        sigma_wn=write.how.sigma_wn,
        reading=write.how.reading,
        relative_rate=rate,
        steps=network.architecture.steps,
        tasks=len(outcome.accuracies),
        accuracy=outcome.mean,
        ci95=outcome.ci95,
        paper=reported(dataset.name, method.name, network.architecture.ways, shots, write.how.sigma_wn),
        pulses_per_weight=outcome.pulses_per_weight,
        write_energy=outcome.energy,
        write_seconds=outcome.seconds,
        initial_map=f"write_verify({verify_rounds})" if verify_rounds else "ideal",
    )
