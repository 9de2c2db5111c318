"""Gradients of a batch's tasks one by one: in this process, or on every core of the processor."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.architecture import Architecture
from meta.cores import POSSIBLE, START, Cores
from meta.network import Network
from meta.objective import Objective, Phase
from meta.tasks import Task

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked about every task of a batch: the gradients of its share of the objective.

    learned : names of the parameters whose gradients they are
    tasks : of the batch
    """

    objective: Objective
    phase: Phase
    learned: tuple[str, ...]
    tasks: int

    def of(self, network: Network, task: Task) -> Answer:
        """The answer for one task."""
        parameters = dict(network.named_parameters())
        loss, accuracy = self.objective(network, task, self.phase)
        found = torch.autograd.grad(
            loss / self.tasks, [parameters[name] for name in self.learned], allow_unused=True
        )
        gradients = {n: g.numpy() for n, g in zip(self.learned, found, strict=True) if g is not None}
        return Answer(loss.item(), accuracy.item(), gradients)


class Answer(NamedTuple):
    """Query loss and accuracy of a task, and its share of the gradients, where it has one."""

    loss: float
    accuracy: float
    gradients: Arrays


class OneByOne:
    """The mean loss of batches and its gradients, the same to the last bit on any number of cores.

    As many processes compute tasks as torch has threads when this is made, or as there are tasks. They
    start when the steps left are seen to take longer than that; until then, tasks are computed here.
    """

    def __init__(self, network: Network, objective: Objective, steps: int) -> None:
        self.network, self.objective = network, objective
        self.cores: Cores | None = None
        self._count = torch.get_num_threads() if POSSIBLE else 1
        self._done, self._steps = 0, steps

    def __call__(self, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Add a batch's gradients to those of the parameters: (mean query loss, mean query accuracy)."""
        parameters = dict(self.network.named_parameters())
        question = Question(
            objective=self.objective,
            phase=phase,
            learned=tuple(name for name, p in parameters.items() if p.requires_grad),
            tasks=len(tasks),
        )
        answers = self._on_cores(question, tasks) if self.on_cores else self._here(question, tasks)
        for answer in answers:
            for name, gradient in answer.gradients.items():
                p, share = parameters[name], torch.from_numpy(gradient)
                p.grad = share if p.grad is None else p.grad + share
        losses, accuracies, _ = zip(*answers, strict=True)
        return torch.tensor(losses).mean(), torch.tensor(accuracies).mean()

    @property
    def on_cores(self) -> bool:
        """Whether the next batch is computed by processes."""
        return self.cores is not None and self.cores.started()

    def _here(self, question: Question, tasks: Task) -> list[Answer]:
        begun = time.perf_counter()
        with _one_thread():
            answers = [question.of(self.network, task) for task in tasks]
        self._done += 1
        left = (time.perf_counter() - begun) * (self._steps - self._done)
        count = min(self._count, len(tasks))
        if count > 1 and self._done > 1 and left > 2 * START:  # the first also loads kernels
            self.cores = self.cores or Cores(count)
        return answers

    def _on_cores(self, question: Question, tasks: Task) -> list[Answer]:
        assert self.cores is not None
        parameters = {n: p.detach().numpy() for n, p in self.network.named_parameters()}
        items = [tuple(tensor.numpy() for tensor in task.tensors) for task in tasks]
        return self.cores.map(answer, (question, self.network.architecture, parameters), items)


def answer(
    batch: tuple[Question, Architecture, Arrays], task: tuple[NDArray[np.generic], ...]
) -> Answer:
    """One task's, in a process that is sent arrays."""
    question, architecture, values = batch
    network = _network(architecture)
    for name, parameter in network.named_parameters():
        parameter.data = torch.from_numpy(values[name])
    return question.of(network, Task(*map(torch.from_numpy, task)))


@functools.lru_cache(maxsize=1)
def _network(architecture: Architecture) -> Network:
    return Network(architecture)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """As in the other processes: torch sums in another order with more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
