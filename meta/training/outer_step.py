"""The outer step: gradients of a batch of tasks, each on a core, or side by side on a GPU."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from meta.data.tasks import Task
from meta.learning.hardware import WriteModel
from meta.learning.head import write_losses
from meta.learning.learners import constraint
from meta.learning.reads import Circuit
from meta.network.convolutional import Network
from meta.network.precision import CPU
from meta.training.configuration import Training
from meta.training.objective import Objective, Phase
from meta.training.one_by_one import OneByOne
from meta.training.recording import Recording


class OuterStep:
    """Sets the gradients of a network's parameters.

    write : the device and the pulses that steps are written with
    noise : the random stream of noise levels, noise, and what is drawn of a circuit
    circuit : what the network learns with; None is perfect wires
    """

    def __init__(
        self,
        network: Network,
        how: Training,
        write: WriteModel,
        noise: np.random.Generator,
        dtype: torch.dtype,
        circuit: Circuit | None = None,
    ) -> None:
        self.network, self.how, self.write, self.noise, self.dtype = network, how, write, noise, dtype
        self.circuit, self._old = circuit, 0
        self.recordings: dict[Phase, Recording] = {}
        self.objective = Objective(how=how, write=write, dtype=dtype)
        self.one_by_one = OneByOne(network, self.objective, how.epochs * how.iterations)

    def draw(self) -> None:
        """Draw the circuit anew at the next step, as an epoch does so that it can be gone on with."""
        self._old = 0

    def gradients(self, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Set the gradients for a batch; returns (mean query loss, mean query accuracy)."""
        if self.network.compute.type == "cuda" and self.network.architecture.erased is None:
            return self.recording(tasks, phase)(tasks)
        self.network.zero_grad()
        return self.backward(tasks, phase)

    def recording(self, tasks: Task, phase: Phase) -> Recording:
        """The outer step of a phase, recorded for the GPU to replay."""
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
        if network.architecture.erased is not None:
            return self.erased_head(tasks)
        if self.circuit is not None:
            return self.behind(self.circuit, tasks, phase)
        return (self.one_by_one if network.compute == CPU else self.side_by_side)(tasks, phase)

    def behind(self, circuit: Circuit, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Backpropagate tasks through the circuit, which some steps share until it is drawn anew."""
        if self._old % self.how.circuit_every == 0:
            seed = int(self.noise.integers(2**31))
            reads = circuit.reads(self.network, next(iter(tasks)).support, seed)
            self.one_by_one.objective = replace(self.objective, reads=reads)
        self._old += 1
        seeds = self.noise.integers(2**63, size=len(tasks)).tolist()
        return self.one_by_one(tasks, phase, seeds)

    def side_by_side(self, tasks: Task, phase: Phase) -> tuple[Tensor, Tensor]:
        """Backpropagate the loss of a whole stack."""
        loss, accuracy = self.objective(self.network, tasks, phase)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), accuracy

    def erased_head(self, tasks: Task) -> tuple[Tensor, Tensor]:
        """Backpropagate tasks that write an erased head, each at a noise level of its own."""
        sigmas = self.noise.choice(self.how.noise, len(tasks))
        writes = [self.noisy(float(sigma)) for sigma in sigmas]
        loss, accuracy = write_losses(self.network, tasks, writes, rng=self.noise, dtype=self.dtype)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), accuracy

    def noisy(self, sigma_wn: float) -> WriteModel:
        """The write of this run, at one noise level."""
        return replace(self.write, how=replace(self.write.how, sigma_wn=sigma_wn))
