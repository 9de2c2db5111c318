"""Evaluation: few-shot accuracy over many test episodes, one row a noise level."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.costs import write_cost
from meta.deploy import LAYERS, matrix
from meta.fewshot import FewShotDataset
from meta.hardware import WriteModel
from meta.learners import Adapted, adapt, adapt_by, query_loss
from meta.methods import METHODS, Method
from meta.network import Network
from meta.paper import reported
from meta.tasks import sample_task
from roa_circuit.arrays import FreeCells
from roa_circuit.mapping import state_from_weight, weight_from_state
from roa_circuit.parameters import Device
from roa_circuit.verified_write import write_verify

RELATIVE_RATES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Candidates of the relative learning rate (Figure 3 of the paper)."""


VALIDATION_TASKS = 50
"""Episodes on validation classes that score each candidate."""


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Accuracy of each episode, and what an adaptation cost in the mean."""

    accuracies: NDArray[np.float64]
    pulses_per_weight: float
    energy: float  # [J]
    seconds: float  # [s] of programming, crossbars one after another


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


def episode_accuracies(
    network: Network,
    images: NDArray[np.uint8],
    write: WriteModel | None,
    *,
    shots: int,
    queries: int,
    tasks: int,
    seed: int,
    method: Method = METHODS["roa"],
    relative_rate: float = 1.0,
    verify_rounds: int = 0,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> Episodes:
    """Adapt to `tasks` seeded episodes and score their query sets.

    method : how the adaptation is written; `write` None leaves its weights ideal
    verify_rounds : 0 starts from theta_0 itself ("ideal" mapping); n programs theta_0 onto
        the cells with n rounds of write-verify first.
    """
    rng = np.random.default_rng([seed, 1])
    noise = np.random.default_rng([seed, 2])
    accuracies, costs, weights = [], [], 0
    for _ in range(tasks):
        task = sample_task(images, rng, ways=network.architecture.ways, shots=shots, queries=queries)
        how: dict[str, Any] = {
            "start": _mapped(network, write, verify_rounds, noise),
            "relative_rate": relative_rate,
            "dtype": dtype,
        }
        if write is None:
            adapted = adapt(network, task, None, **how)
        else:
            adapted = adapt_by(method, network, task, write, rng=noise, **how)
            costs.append(adaptation_cost(adapted, write.device))
        with torch.no_grad():
            _, logits = query_loss(network, task, adapted, dtype)
        accuracies.append((logits.argmax(1) == task.query_labels).double().mean().item())
        weights = sum(w.numel() for w in adapted.weights.values())
        on_task()
    pulses, energy, seconds = np.mean(costs, axis=0) if costs else (0.0, 0.0, 0.0)
    return Episodes(
        accuracies=np.array(accuracies),
        pulses_per_weight=float(pulses / weights),
        energy=float(energy),
        seconds=float(seconds),
    )


def adaptation_cost(adapted: Adapted, device: Device) -> tuple[int, float, float]:
    """(pulses, energy [J], programming time [s]) of all writes of one adaptation."""
    costs = [
        write_cost(state_from_weight(matrix(layer, step.before)), matrix(layer, step.pulses), device)
        for step in adapted.writes
        for layer in LAYERS
        if step.pulses[layer].any()
    ]
    return sum(c.pulses for c in costs), sum(c.energy for c in costs), sum(c.seconds for c in costs)


def _mapped(
    network: Network, write: WriteModel | None, rounds: int, noise: np.random.Generator
) -> dict[str, torch.Tensor] | None:
    """theta_0 as write-verify leaves it on the cells, or None where the mapping is ideal."""
    if write is None or rounds == 0:
        return None
    start = {}
    for name, weight in network.initial_weights().items():
        target = state_from_weight(weight.detach().double())
        cells = FreeCells(np.full(target.shape, 0.5), write.device, write.how, noise)
        goal = target.numpy(force=True)
        write_verify(cells, goal, write.device, write.how, tolerance=0.0, rounds=rounds, generator=noise)
        written = weight_from_state(torch.from_numpy(cells.state))
        start[name] = written.to(weight).requires_grad_()
    return start


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
            rate = max(
                RELATIVE_RATES, key=lambda r: run("validation", r, VALIDATION_TASKS).accuracies.mean()
            )
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
    scores = outcome.accuracies
    return Row(
        method=method.name,
        dataset=dataset.name,
        ways=network.architecture.ways,
        shots=shots,
        sigma_wn=write.how.sigma_wn,
        reading=write.how.reading,
        relative_rate=rate,
        steps=network.architecture.steps,
        tasks=len(scores),
        accuracy=float(scores.mean()),
        ci95=float(1.96 * scores.std(ddof=1) / math.sqrt(len(scores))),
        paper=reported(dataset.name, method.name, network.architecture.ways, shots, write.how.sigma_wn),
        pulses_per_weight=outcome.pulses_per_weight,
        write_energy=outcome.energy,
        write_seconds=outcome.seconds,
        initial_map=f"write_verify({verify_rounds})" if verify_rounds else "ideal",
    )
