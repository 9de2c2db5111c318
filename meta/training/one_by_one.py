"""Gradients of a batch's tasks one by one, in this process or on every core of the processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from meta.data.tasks import Task
from meta.network.convolutional import Network
from meta.processes.pool import pool
from meta.training.objective import Objective, Phase


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked about every task of a batch: the gradients of its share of the objective.

    tasks : of the batch
    """

    network: Network
    objective: Objective
    phase: Phase
    tasks: int


class Answer(NamedTuple):
    """Query loss and accuracy of a task, and its share of the gradients, if it has one."""

    loss: float
    accuracy: float
    gradients: dict[str, Tensor]


def answer(question: Question, item: tuple[Task, int]) -> Answer:
    """The answer for one task; the number seeds the noise of its write."""
    task, seed = item
    parameters = {n: p for n, p in question.network.named_parameters() if p.requires_grad}
    loss, accuracy = question.objective(
        question.network, task, question.phase, np.random.default_rng(seed)
    )
    found = torch.autograd.grad(loss / question.tasks, list(parameters.values()), allow_unused=True)
    gradients = {n: g for n, g in zip(parameters, found, strict=True) if g is not None}
    return Answer(loss.item(), accuracy.item(), gradients)


class OneByOne:
    """The mean loss of batches and its gradients, the same to the last bit on any number of cores.

    steps : how many batches there will be
    """

    def __init__(self, network: Network, objective: Objective, steps: int) -> None:
        self.network, self.objective = network, objective
        self.pool = pool()
        self._steps = steps

    def __call__(
        self, tasks: Task, phase: Phase, seeds: Sequence[int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Add a batch's gradients to those of the parameters: (mean query loss, mean query accuracy).

        seeds : of the noise of each task's write; by default there is none
        """
        parameters = dict(self.network.named_parameters())
        question = Question(
            network=self.network, objective=self.objective, phase=phase, tasks=len(tasks)
        )
        items = zip(tasks, seeds or [0] * len(tasks), strict=True)
        to_come = self._steps * len(tasks) if len(tasks) > 1 else 0  # of one, no core has more to do
        answers = list(self.pool.map(answer, question, items, to_come=to_come))
        self._steps -= 1
        for one in answers:
            for name, gradient in one.gradients.items():
                p = parameters[name]
                p.grad = gradient if p.grad is None else p.grad + gradient
        losses, accuracies, _ = zip(*answers, strict=True)
        return torch.tensor(losses).mean(), torch.tensor(accuracies).mean()
