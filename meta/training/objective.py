"""The objective that outer steps lower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from meta.data.tasks import Task
from meta.learning.hardware import WriteModel
from meta.learning.learners import outer_loss
from meta.learning.reads import Passage, Reads, plain
from meta.network.convolutional import Network
from meta.training.configuration import Training


class Phase(NamedTuple):
    """A phase of training: whether the inner step is written in pulses, and how far the multi-step
    loss has moved to the last step."""

    written: bool
    progress: float


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The loss of tasks that write every weight.

    write : the device, the pulses and the noise that steps are written with
    dtype : of images and features in the network
    reads : the hardware that answers support and query images
    """

    how: Training
    write: WriteModel
    dtype: torch.dtype
    reads: Reads = plain

    def __call__(
        self, network: Network, tasks: Task, phase: Phase, rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """(query loss, query accuracy) of a task, or their means over a stack.

        rng : draws the noise of writes; needed where there is any
        """
        loss, logits = outer_loss(
            network,
            tasks,
            self.write if phase.written else None,
            progress=phase.progress,
            relative_rate=self.how.relative_rate if phase.written else 1.0,
            second_order=self.how.second_order,
            passage=Passage(reads=self.reads, dtype=self.dtype),
            rng=rng,
        )
        return loss, (logits.argmax(-1) == tasks.query_labels).float().mean()
