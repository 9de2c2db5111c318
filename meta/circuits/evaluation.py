"""Few-shot accuracy of a whole network behind its circuits, and of the same writes without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from meta.circuits.adaptation import adapt_episode
from meta.circuits.behind_circuit import Hardware, classes
from meta.data.fewshot import FewShotDataset
from meta.evaluation.episodes import interval_over_tasks
from meta.network.convolutional import Network
from meta.network.methods import Method
from roa_circuit.basics.errors import InputError


@dataclass(frozen=True, kw_only=True)
class CircuitRow:
    """One level of write noise in `evaluate_behind`; accuracies in [0, 1], ci95 half of their interval.

    accuracy_without : accuracy of the same adaptations on perfect circuits, without write noise
    agreement : share of query images that both classify alike
    """

    method: str
    dataset: str
    ways: int
    shots: int
    sigma_wn: float
    relative_rate: float
    tasks: int
    accuracy: float
    ci95: float
    accuracy_without: float
    agreement: float


def evaluate_behind(
    network: Network,
    dataset: FewShotDataset,
    hardware: Hardware,
    *,
    method: Method,
    shots: int = 1,
    queries: int = 15,
    tasks: int = 20,
    sigmas: Sequence[float] = (0.0,),
    relative_rate: float | None = None,
    seed: int = 0,
    on_task: Callable[[], None] = lambda: None,
) -> list[CircuitRow]:
    """Score test episodes seed, seed + 1, ... of `adaptation`, each on chips that its seed draws.

    tasks : at least 2, or there is no interval
    relative_rate : None is the rate of the training for methods that choose one, and 1 for others;
        it is not chosen anew behind circuits

    Raises
    ------
    InputError : a method that does not write once from the trained state; also as for `Hardware`.
    """
    if method.written != "pulses" or network.architecture.steps > 1:
        raise InputError(
            f"method {method.name!r} does not write once from its trained state, and a circuit holds "
            "such writes alone; roa and roa-robust do"
        )
    usual = network.written_rate if method.rate == "chosen" else 1.0
    rate = usual if relative_rate is None else relative_rate
    scores = np.empty((len(sigmas), tasks, 3))
    for task in range(tasks):
        episode = adapt_episode(
            network, dataset, device=hardware.device, shots=shots, queries=queries, relative_rate=rate,
            reads=1, seed=seed + task,
        )  # fmt: skip
        labels = episode.task.query_labels.numpy()
        for row, sigma in enumerate(sigmas):
            noisy = replace(hardware, imperfections=replace(hardware.imperfections, sigma_wn=sigma))
            answers = classes(network, episode.task.query, noisy.holding(episode.layers, seed + task))
            right, alike = answers == labels, answers == episode.answers
            scores[row, task] = right.mean(), episode.accuracy, alike.mean()
            on_task()
    return [
        CircuitRow(
            method=method.name,
            dataset=dataset.name,
            ways=network.architecture.ways,
            shots=shots,
            sigma_wn=sigma,
            relative_rate=rate,
            tasks=tasks,
            accuracy=float(behind.mean()),
            ci95=interval_over_tasks(behind),
            accuracy_without=float(without.mean()),
            agreement=float(alike.mean()),
        )
        for sigma, (behind, without, alike) in zip(sigmas, scores.transpose(0, 2, 1), strict=True)
    ]
