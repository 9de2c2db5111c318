"""The objective that outer steps lower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from meta.data.tasks import Task
from meta.learning.hardware import WriteModel
from meta.learning.learners import outer_loss
from meta.network.convolutional import Network
from meta.training.configuration import Training


class Phase(NamedTuple):
    """A phase of training: whether the inner step is written in pulses, and how far the multi-step
    loss has moved to the last step."""

    written: bool
    progress: float


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The loss of tasks that write every weight, without noise.

    write : the device and the pulses that steps are written with
    dtype : of images and features in the network
    """

    how: Training
    write: WriteModel
    dtype: torch.dtype

    def __call__(self, network: Network, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """(query loss, query accuracy) of a task, or their means over a stack."""
        loss, logits = outer_loss(
            network,
            tasks,
            self.write if phase.written else None,
            progress=phase.progress,
            relative_rate=self.how.relative_rate if phase.written else 1.0,
            second_order=self.how.second_order,
            dtype=self.dtype,
        )
        return loss, (logits.argmax(-1) == tasks.query_labels).float().mean()
