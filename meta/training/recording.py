"""An outer step's gradients as a CUDA graph: recorded once, replayed for every batch.

A step of small tensors is a thousand kernels of some microseconds each. Launching them one by one
from Python takes ten times as long as they compute.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from meta.data.tasks import Task

WARM_UP = 3  # runs before the recording, as torch asks for: they fill caches and choose kernels

Gradients = Callable[[Task], tuple[Tensor, Tensor]]
"""Sets the gradients of a batch's loss; (loss, accuracy). Draws no random number."""


class Recording:
    """A recording of `gradients` for one size of batch, on the GPU that holds the batch.

    Gradients stay in the same memory: an optimiser must not set them to None.
    """

    def __init__(self, network: torch.nn.Module, gradients: Gradients, tasks: Task) -> None:
        self.inputs = tasks.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                network.zero_grad()
                gradients(self.inputs)
        torch.cuda.current_stream().wait_stream(side)
        network.zero_grad()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.outcome = gradients(self.inputs)

    def __call__(self, tasks: Task) -> tuple[Tensor, Tensor]:
        """Replay the step for another batch."""
        self.inputs.copy_(tasks)
        self.graph.replay()
        loss, accuracy = self.outcome
        return loss.clone(), accuracy.clone()
