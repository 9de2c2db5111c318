"""The outer step: the gradients of a batch of tasks, one after another or side by side on a GPU."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from meta.configuration import Training
from meta.hardware import WriteModel
from meta.head import write_losses
from meta.learners import constraint, outer_loss
from meta.network import Network
from meta.precision import CPU
from meta.recording import Recording
from meta.tasks import Task


class Phase(NamedTuple):
    """What outer steps have in common: whether the inner step is written in pulses, and the progress
    of the multi-step loss."""

    written: bool
    progress: float


class OuterStep:
    """Sets the gradients of a network's parameters.

    write : what pulses are written on; noise : the stream that levels and noise are drawn from
    """

    def __init__(
        self,
        network: Network,
        how: Training,
        write: WriteModel,
        noise: np.random.Generator,
        dtype: torch.dtype,
    ) -> None:
        self.network, self.how, self.write, self.noise, self.dtype = network, how, write, noise, dtype
        self.recordings: dict[Phase, Recording] = {}

    def gradients(self, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Set the gradients of a batch: (mean query loss, mean query accuracy)."""
        if self.network.compute.type == "cuda" and self.network.architecture.erased is None:
            return self.recording(tasks, phase)(tasks)
        self.network.zero_grad()
        return self.backward(tasks, phase)

    def recording(self, tasks: Task, phase: Phase) -> Recording:
        """The outer step of a phase, as the GPU replays it."""
        if phase not in self.recordings:
            self.recordings.clear()
            record = functools.partial(self.backward, phase=phase)
            self.recordings[phase] = Recording(self.network, record, tasks)
        return self.recordings[phase]

    def backward(self, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Add the gradients of a batch's loss and of the constraint to the parameters."""
        how, network = self.how, self.network
        penalty = how.constraint_rate * constraint(network.initial_weights(), how.constraint)
        penalty.backward()  # type: ignore[no-untyped-call]
        if network.architecture.erased is None:
            return self.every_weight(tasks, phase)
        return self.erased_head(tasks)

    def every_weight(self, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Backward of tasks that write every weight: a processor takes one after another, which asks
        for the memory of one, an accelerator all at once."""
        how, write = self.how, self.write if phase.written else None
        outcomes = []
        for part in tasks if self.network.compute == CPU else (tasks,):
            loss, logits = outer_loss(
                self.network,
                part,
                write,
                progress=phase.progress,
                relative_rate=how.relative_rate if phase.written else 1.0,
                rng=self.noise,
                second_order=how.second_order,
                dtype=self.dtype,
            )
            (loss * len(part) / how.batch).backward()  # type: ignore[no-untyped-call]
            right = (logits.argmax(-1) == part.query_labels).float().mean()
            outcomes.append((loss.detach(), right))
        losses, accuracies = zip(*outcomes, strict=True)
        return torch.stack(losses).mean(), torch.stack(accuracies).mean()

    def erased_head(self, tasks: Task) -> tuple[Tensor, Tensor]:
        """Backward of tasks that write an erased head, each at a noise level of its own."""
        sigmas = self.noise.choice(self.how.noise, len(tasks))
        writes = [self.noisy(float(sigma)) for sigma in sigmas]
        loss, accuracy = write_losses(self.network, tasks, writes, rng=self.noise, dtype=self.dtype)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), accuracy

    def noisy(self, sigma_wn: float) -> WriteModel:
        """The run's write at a noise level."""
        return replace(self.write, how=replace(self.write.how, sigma_wn=sigma_wn))
