"""One episode from images to programmed layers: draw a task, adapt in one write, deploy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.circuits.deploy import programmed_layers, sampled_layers
from meta.data.tasks import Task, Tasks
from meta.learning.hardware import WriteModel
from meta.learning.learners import Adapted, adapt, query_loss
from meta.learning.reads import PLAIN, Circuit, Passage
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import provenance
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import percent
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.layers.programmed import ProgrammedLayer


@dataclass(frozen=True, kw_only=True, repr=False)
class Episode(Shown):
    """An adapted episode; accuracies are on the query set, without wires.

    layers : with inputs of the query images; `sampled` are the same layers with inputs of the support
        images, from which chips find their scales and ranges
    answers : (queries,) the classes that the adapted network answers
    """

    layers: dict[str, ProgrammedLayer]
    sampled: dict[str, ProgrammedLayer]
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
    tasks: Tasks,
    writing: Writing | None = None,
    *,
    circuit: Crossbar | None = None,
    reads: int = 16,
    through: Circuit | None = None,
) -> Episode:
    """Draw an episode, adapt to it in one write, and lay it out on crossbars.

    tasks : its seed draws the episode and the noise of its write
    writing : by default that of the network's training
    circuit : gives the resistances of every layer's crossbar; by default those of the design point
    reads : how many windows of the query images each convolution keeps as its inputs
    through : the circuit whose outputs the write's gradient comes from, on chips that the episode's seed
        draws; None is perfect wires

    Raises
    ------
    InputError : the split has too few classes or drawings for the episode, or a writing that is not one
        write on theta_0.
    """
    network = network.with_ways(tasks.ways)
    writing = writing or Writing.of(network)
    write = require_one_write(network, writing)
    rng, rate = np.random.default_rng([tasks.seed, 3]), writing.rate(network)
    task = tasks.draw(rng, network.architecture.ways)
    passage = Passage(reads=through.reads(network, task.support, tasks.seed)) if through else PLAIN
    adapted = adapt(network, task, write, relative_rate=rate, rng=rng, passage=passage)
    made = provenance(
        dataset=tasks.dataset.name,
        split=tasks.split,
        seed=tasks.seed,
        relative_rate=rate,
        sigma_wn=write.how.sigma_wn,
        **({} if write.mapping == REFERENCE else {"mapping": str(write.mapping)}),
        **network.rules.given,
    )
    given = answers(network, task, adapted)
    layers = programmed_layers(
        network,
        task,
        adapted,
        write,
        circuit or default_crossbar(1, 2),
        reads=reads,
        rng=rng,
        provenance=made,
    )
    return Episode(
        layers=layers,
        sampled=sampled_layers(layers, network, task, adapted, np.random.default_rng([tasks.seed, 4])),
        accuracy=float(np.mean(given == task.query_labels.numpy())),
        accuracy_before=accuracy(network, task, Adapted(weights=network.initial_weights())),
        provenance=made,
        task=task,
        answers=given,
    )


def require_one_write(network: Network, writing: Writing) -> WriteModel:
    """What a circuit can hold: one write in pulses, from the trained state itself.

    Raises
    ------
    InputError : a method that writes otherwise, ideal weights, or a start that write-verify left.
    """
    writing.check(network)
    write = writing.model
    if (steps := network.architecture.steps) > 1:
        raise InputError(
            f"this network takes {steps} steps, each a write of its own, and a circuit holds one; adapt "
            "with a network of one step, such as roa's"
        )
    if write is None or writing.method.written != "pulses":
        raise InputError(
            f"method {writing.method.name!r} does not write once from its trained state, and a circuit "
            "holds such writes alone; roa and roa-robust do"
        )
    if writing.verify_rounds:
        raise InputError(
            f"verify_rounds = {writing.verify_rounds}: a circuit starts from the ideal map; leave it out"
        )
    return write


def answers(network: Network, task: Task, adapted: Adapted) -> NDArray[np.int64]:
    """The classes (queries,) that the adapted weights give to the query images."""
    with torch.no_grad():
        _, logits = query_loss(network, task, adapted)
    return np.asarray(logits.argmax(1).numpy())


def accuracy(network: Network, task: Task, adapted: Adapted) -> float:
    """The share of query images that the adapted weights classify correctly."""
    return float(np.mean(answers(network, task, adapted) == task.query_labels.numpy()))
