"""A trial adapts a network to one task, scores the query set and counts the cost of the write."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from meta.data.tasks import Task
from meta.evaluation.costs import erase_cost, write_cost
from meta.learning.cells import written_cells
from meta.learning.hardware import WriteModel
from meta.learning.learners import Adapted, adapt, adapt_by, query_loss
from meta.learning.reads import Passage, Reads, plain
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from roa_circuit.chips.programmable import FreeCells
from roa_circuit.chips.write_verify import write_verify
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.scaling import state_from_weight, weight_from_state
from roa_circuit.device.parameters import Device

Cost = tuple[int, float, float, float, float]
"""Pulses, energy [J] and programming time [s] of a write, and energy and time to erase it again."""

Outcome = tuple[float, int, float, float, float, float]
"""Accuracy of an episode, and the cost of its write."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How a network adapts to tasks.

    dtype : of the images on their way through the network
    reads : the hardware that answers them
    """

    network: Network
    writing: Writing
    dtype: torch.dtype
    reads: Reads = plain

    def __call__(self, task: Task, noise: np.random.Generator) -> list[Outcome]:
        """Outcomes: one of a task, or one for each task of a stack."""
        write, rounds = self.writing.model, self.writing.verify_rounds
        passage = Passage(reads=self.reads, dtype=self.dtype)
        how: dict[str, Any] = {
            "start": _mapped(self.network, task, write, rounds, noise),
            "relative_rate": self.writing.rate(self.network),
            "passage": passage,
        }
        if write is None:
            adapted = adapt(self.network, task, None, **how)
            costs = [NOTHING] * len(task)
        else:
            adapted = adapt_by(self.writing.method, self.network, task, write, rng=noise, **how)
            erased = self.writing.method.erased is not None
            costs = [
                adaptation_cost(one, write.device, erased=erased, mapping=write.mapping)
                for one in one_by_one(adapted, task)
            ]
        with torch.no_grad():
            _, logits = query_loss(self.network, task, adapted, passage)
        right = (logits.argmax(-1) == task.query_labels).double().mean(-1).reshape(-1)
        return [(share, *cost) for share, cost in zip(right.tolist(), costs, strict=True)]

    @property
    def normals(self) -> int | None:
        """How many normal numbers the write of one task draws; None if that depends on the task."""
        written, noisy = self.writing.method.written, self.writing.noisy
        if self.writing.ideal or written == "nothing":
            return 0
        if self.writing.verify_rounds or self.writing.programming.rounding == "stochastic":
            return None
        a = self.network.architecture
        sizes = {name: math.prod(shape) for name, shape in a.weight_shapes.items()}
        if written == "at once":
            return sum(sizes.values()) * (1 + noisy)
        each = noisy * (2 if self.writing.mapping.paired else 1)
        return (sum(sizes.values()) * a.steps if a.erased is None else sizes[HEAD]) * each


NOTHING: Cost = 0, 0.0, 0.0, 0.0, 0.0
"""The cost of an adaptation that writes nothing."""


def adaptation_cost(
    adapted: Adapted, device: Device, *, erased: bool = False, mapping: Mapping = REFERENCE
) -> Cost:
    """The cost of all writes of one adaptation, whose weights lie on the columns of a mapping.

    erased : whether the next task finds its cells erased; otherwise erasing costs nothing
    """
    written = [
        (before, pulses)
        for step in adapted.writes
        for _, before, pulses in written_cells(step, mapping, erased=erased)
    ]
    costs = [write_cost(before, pulses, device) for before, pulses in written]
    erasing = (
        [erase_cost(before, pulses, device) for before, pulses in written] if erased else [(0.0, 0.0)]
    )
    return (
        sum(c.pulses for c in costs),
        sum(c.energy for c in costs),
        sum(c.seconds for c in costs),
        sum(energy for energy, _ in erasing),
        sum(seconds for _, seconds in erasing),
    )


def one_by_one(adapted: Adapted, task: Task) -> Iterator[Adapted]:
    """The adaptations of a stack, each for itself and on the processor."""
    if not task.is_stack:
        yield adapted
        return
    weights = _on_cpu(adapted.weights)
    writes = [step.each(lambda tensor: tensor.detach().cpu()) for step in adapted.writes]
    for index in range(len(task)):
        yield Adapted(
            weights={name: weight[index] for name, weight in weights.items()},
            writes=tuple(step.task(index) for step in writes),
        )


def _on_cpu(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu() for name, tensor in tensors.items()}


def _mapped(
    network: Network, task: Task, write: WriteModel | None, rounds: int, noise: np.random.Generator
) -> dict[str, torch.Tensor] | None:
    """theta_0 as write-verify leaves it on the cells, or None where the mapping is ideal."""
    if write is None or rounds == 0:
        return None
    if not task.is_stack:
        return verified_weights(network, write, rounds, noise)
    starts = [verified_weights(network, write, rounds, noise) for _ in range(len(task))]
    return {name: torch.stack([start[name] for start in starts]) for name in starts[0]}


def verified_weights(
    network: Network, write: WriteModel, rounds: int, noise: np.random.Generator
) -> dict[str, torch.Tensor]:
    """theta_0 by name as so many rounds of write-verify leave it on cells that begin at omega = 1/2."""
    start = {}
    for name, weight in network.initial_weights().items():
        goal = state_from_weight(weight.double().numpy(force=True))
        cells = FreeCells(np.full(goal.shape, 0.5), write.device, write.how, noise)
        write_verify(cells, goal, write.device, write.how, tolerance=0.0, rounds=rounds, generator=noise)
        written = weight_from_state(torch.from_numpy(cells.state))
        start[name] = written.to(weight).requires_grad_()
    return start
