"""Few-shot accuracy of a whole network behind its circuits, and of the same writes without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meta.circuits.adaptation import adapt_episode, require_one_write
from meta.circuits.aware.through import learned_through
from meta.circuits.behind_circuit import Hardware, classes, placements, warnings
from meta.data.tasks import Tasks
from meta.evaluation.episodes import interval_over_tasks
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from roa_circuit.layers.placement import Placement


@dataclass(frozen=True, kw_only=True)
class CircuitRow:
    """One level of write noise in `evaluate_behind`; accuracies in [0, 1], ci95 half of their interval.

    accuracy_without : accuracy of the same adaptations on perfect circuits, without write noise
    agreement : share of query images that both classify alike
    warnings : what does not suit the reads of the first episode, by layer
    head : a head of one's own that was written; None is the usual one
    placed : by layer, how well its initial state could be placed for its wires; None where it is not
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
    warnings: list[str]
    placed: dict[str, dict[str, Any]] | None = None
    head: str | None = None


def evaluate_behind(
    network: Network,
    tasks: Tasks,
    hardware: Hardware,
    writing: Writing | None = None,
    *,
    count: int = 20,
    sigmas: Sequence[float] = (0.0,),
    on_task: Callable[[], None] = lambda: None,
) -> list[CircuitRow]:
    """Score episodes of the tasks' seed, seed + 1, ..., each on chips that its own seed draws.

    A network that learned with a circuit takes the gradient of its write from this hardware's outputs.

    writing : by default that of the network's training; a rate that it does not give is that of the
        training, and not chosen anew behind circuits. Noise is the chips' own, at each of `sigmas`.
    count : of episodes; at least 2, or there is no interval

    Raises
    ------
    InputError : a method that does not write once from the trained state; also as for `Hardware`.
    """
    network = network.with_ways(tasks.ways)
    writing = (writing or Writing.of(network)).at(0.0)
    require_one_write(network, writing)
    through = learned_through(network, hardware, writing)
    scores, placed = np.empty((len(sigmas), count, 3)), dict[str, Placement]()
    told = [list[str]() for _ in sigmas]
    for task in range(count):
        drawn = tasks.reseeded(tasks.seed + task)
        episode = adapt_episode(network, drawn, writing, reads=1, through=through)
        labels = episode.task.query_labels.numpy()
        for row, sigma in enumerate(sigmas):
            noisy = replace(hardware, imperfections=replace(hardware.imperfections, sigma_wn=sigma))
            held = noisy.holding(episode.sampled, drawn.seed)
            answers, placed = classes(network, episode.task.query, held), placements(held)
            told[row] = told[row] if task else warnings(held)
            right, alike = answers == labels, answers == episode.answers
            scores[row, task] = right.mean(), episode.accuracy, alike.mean()
            on_task()
    return [
        CircuitRow(
            method=writing.method.name,
            dataset=tasks.dataset.name,
            ways=network.architecture.ways,
            shots=tasks.shots,
            sigma_wn=sigma,
            relative_rate=writing.rate(network),
            tasks=count,
            accuracy=float(behind.mean()),
            ci95=interval_over_tasks(behind),
            accuracy_without=float(without.mean()),
            agreement=float(alike.mean()),
            placed={name: one.to_dict() for name, one in placed.items()} or None,
            warnings=said,
            head=network.rules.head,
        )
        for sigma, said, (behind, without, alike) in zip(
            sigmas, told, scores.transpose(0, 2, 1), strict=True
        )
    ]
