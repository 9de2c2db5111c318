"""One episode from images to programmed layers: draw a task, adapt in one write, deploy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.circuits.deploy import programmed_layers
from meta.data.fewshot import FewShotDataset
from meta.data.tasks import Task, sample_task
from meta.learning.hardware import WriteModel
from meta.learning.learners import Adapted, adapt, query_loss
from meta.network.convolutional import Network
from roa_circuit.basics.results import provenance
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import percent
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming
from roa_circuit.layers.programmed import ProgrammedLayer


@dataclass(frozen=True, kw_only=True, repr=False)
class Episode(Shown):
    """An adapted episode; accuracies are on the query set, without wires.

    answers : (queries,) the classes that the adapted network answers
    """

    layers: dict[str, ProgrammedLayer]
    accuracy: float
    accuracy_before: float
    provenance: dict[str, Any]
    task: Task
    answers: NDArray[np.int64]

    def facts(self) -> Facts:
        """The pulses and cells that the write took in every layer."""
        rows = [[str(value) for value in row.values()] for row in self.summary()]
        before = percent(self.accuracy_before)
        right = f"{percent(self.accuracy)} of queries right, {before} before the write"
        head = ("layer", "rows", "columns", "pulses", "cells written")
        return Facts(title=f"Episode: {right}", head=head, rows=rows)

    def summary(self) -> list[dict[str, Any]]:
        """A row for every layer: its size, and what the write took."""
        return [
            {
                "layer": name,
                "rows": layer.crossbar.rows,
                "columns": layer.crossbar.columns,
                "pulses": int(np.abs(layer.pulses).sum()),
                "cells_written": int((layer.pulses != 0).sum()),
            }
            for name, layer in self.layers.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the layers' arrays."""
        return {
            "accuracy": self.accuracy,
            "accuracy_before": self.accuracy_before,
            "layers": self.summary(),
            "provenance": self.provenance,
        }


def adapt_episode(
    network: Network,
    dataset: FewShotDataset,
    *,
    device: Device,
    circuit: Crossbar | None = None,
    split: str = "test",
    shots: int = 1,
    queries: int = 15,
    relative_rate: float | None = None,
    sigma_wn: float = 0.0,
    max_pulses: int | None = None,
    reads: int = 16,
    seed: int = 0,
) -> Episode:
    """Draw an episode with `seed`, adapt to it in one write, and lay it out on crossbars.

    circuit : gives the resistances of every layer's crossbar; by default those of the design point
    relative_rate : factor on the learned inner rates; by default that of the training
    max_pulses : cap on the pulses of one cell; by default that of the training

    Raises
    ------
    InputError : the split has too few classes or drawings for the episode.
    """
    rng = np.random.default_rng([seed, 3])
    rate = network.written_rate if relative_rate is None else relative_rate
    cap = network.max_pulses if max_pulses is None else max_pulses
    task = sample_task(
        dataset.split(split), rng, ways=network.architecture.ways, shots=shots, queries=queries
    )
    write = WriteModel(device=device, how=Programming(sigma_wn=sigma_wn, max_pulses=cap))
    adapted = adapt(network, task, write, relative_rate=rate, rng=rng)
    made = provenance(
        dataset=dataset.name, split=split, seed=seed, relative_rate=rate, sigma_wn=sigma_wn
    )
    given = answers(network, task, adapted)
    return Episode(
        layers=programmed_layers(
            network,
            task,
            adapted,
            device,
            circuit or default_crossbar(1, 2),
            reads=reads,
            rng=rng,
            provenance=made,
        ),
        accuracy=float(np.mean(given == task.query_labels.numpy())),
        accuracy_before=accuracy(network, task, Adapted(weights=network.initial_weights())),
        provenance=made,
        task=task,
        answers=given,
    )


def answers(network: Network, task: Task, adapted: Adapted) -> NDArray[np.int64]:
    """The classes (queries,) that the adapted weights give to the query images."""
    with torch.no_grad():
        _, logits = query_loss(network, task, adapted, torch.float32)
    return np.asarray(logits.argmax(1).numpy())


def accuracy(network: Network, task: Task, adapted: Adapted) -> float:
    """The share of query images that the adapted weights classify correctly."""
    return float(np.mean(answers(network, task, adapted) == task.query_labels.numpy()))
