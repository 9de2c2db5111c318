"""One episode written in several ways, whose common parts are computed once.

The support gradient is one for all rates, the pulses of a rate are one for all noise, and blocks
that a write leaves alone give the query images the features that they had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from meta.data.tasks import Task
from meta.evaluation.trial import NOTHING, Cost, Outcome, adaptation_cost, verified_weights
from meta.learning.learners import Adapted, Step, inner_steps, random_weights
from meta.learning.reads import Passage
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.precision import prepare
from roa_circuit.circuit.scaling import state_from_weight, weight_from_state
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import (
    Programming,
    after_pulses,
    noise_deviation,
    real_pulse_count,
    round_count,
)


@dataclass(frozen=True, kw_only=True)
class Writes:
    """The ways in which every episode is written.

    variants : differ in relative rate and noise, but count pulses alike and stand on the same cells;
        those that map theta_0 by write-verify draw its noise, and differ in the rate alone
    """

    network: Network
    variants: Sequence[Writing]
    dtype: torch.dtype

    @property
    def device(self) -> Device:
        """The cells of all variants."""
        return self.variants[0].device

    @property
    def at_once(self) -> bool:
        """Whether adapted weights are written in one go on cells in random states, not on theta_0."""
        return self.variants[0].method.written == "at once"

    @property
    def noisy(self) -> bool:
        """Whether an episode draws noise."""
        return any(one.noisy for one in self.variants)

    @property
    def how(self) -> Programming:
        """How pulses are counted, the same in all variants."""
        return self.variants[0].programming

    def initial_weights(self, noise: np.random.Generator) -> dict[str, Tensor]:
        """theta_0 by name, as write-verify leaves it where it maps it."""
        first = self.variants[0]
        if first.verify_rounds and first.model is not None:
            return verified_weights(self.network, first.model, first.verify_rounds, noise)
        return self.network.initial_weights()

    @property
    def normals(self) -> int | None:
        """How many normal numbers an episode draws; None if that depends on its map."""
        if self.variants[0].verify_rounds:
            return None
        shapes = self.network.architecture.weight_shapes.values()
        return sum(map(math.prod, shapes)) * (self.at_once + self.noisy)


@dataclass(frozen=True, kw_only=True)
class _Write:
    """What a relative rate writes, before any noise.

    where : the cells that take pulses, as places in the flat vector of all weights
    before, after : (cells,) omega
    cost : of the write, and of erasing it
    """

    where: Tensor
    before: Tensor
    after: Tensor
    cost: Cost


class Episode:
    """One task, the pulses of every rate, and the query images' way through the network.

    start : the weights that cells hold before the write; theta_0, or random where it is all at once
    """

    def __init__(self, writes: Writes, task: Task, noise: np.random.Generator) -> None:
        network = writes.network
        self.network, self.task, self.device, self.how = network, task, writes.device, writes.how
        self.at_once = writes.at_once
        self.blocks = tuple(network.architecture.convolutions)
        weights = writes.initial_weights(noise)
        self.wanted, self.step = (
            _flat(weights),
            _flat(inner_steps(network, weights, task, 0, passage=Passage(dtype=writes.dtype))),
        )
        self.start = {name: weight.detach() for name, weight in weights.items()}
        normal = []
        for name, weight in self.start.items():
            if self.at_once:
                self.start[name] = random_weights(weight, noise)
            normal.append(noise.standard_normal(weight.numel() if writes.noisy else 0))
        self.normal = torch.from_numpy(np.concatenate(normal)).to(network.compute)
        self.flat = _flat(self.start)
        rates = {one.rate(network) for one in writes.variants if not one.ideal}
        self.near = torch.arange(len(self.flat), device=network.compute)
        if not self.at_once:  # a cell that the largest rate leaves alone is left alone by all
            self.near = self._count(max(rates)).nonzero().flatten()
        self.writes = {rate: self._write(rate) for rate in rates}
        self.passed = [prepare(task.query, writes.dtype).to(memory_format=torch.channels_last)]

    @torch.no_grad()
    def outcome(self, variant: Writing) -> Outcome:
        """The outcome of this write on the query set."""
        rate = variant.rate(self.network)
        if variant.ideal:
            ideal = torch.clamp(self.wanted + rate * self.step, -1.0, 1.0)
            return self._right(self._logits(self._tensors(ideal), 0)), *NOTHING
        write = self.writes[rate]
        flat = self.flat.clone()
        flat[write.where] = weight_from_state(self._states(write, variant.programming)).to(flat.dtype)
        return self._right(self._logits(self._tensors(flat), self._first(write))), *write.cost

    def _states(self, write: _Write, how: Programming) -> Tensor:
        """The states of the written cells, with noise."""
        if how.sigma_wn == 0 or not len(write.where):
            return write.after
        deviation = noise_deviation(write.before, write.after, how)
        state = write.after + deviation * self.normal[write.where]
        return torch.clamp(state, 0.0, 1.0) if how.clip else state

    def _right(self, logits: Tensor) -> float:
        return (logits.argmax(1) == self.task.query_labels).double().mean().item()

    def _count(self, rate: float) -> Tensor:
        """Signed pulses (near,)."""
        where = self.near
        step = rate * self.step[where]
        if self.at_once:
            step = torch.clamp(self.wanted[where] + step, -1.0, 1.0) - self.flat[where]
        omega = state_from_weight(self.flat[where].double())
        count = real_pulse_count(omega, 0.5 * step.double(), self.device, self.how)
        return torch.as_tensor(round_count(count, self.how))

    def _write(self, rate: float) -> _Write:
        count = self._count(rate)
        where, count = self.near[count != 0], count[count != 0]
        before = state_from_weight(self.flat[where].double())
        pulses = torch.zeros_like(self.flat, dtype=torch.float64)
        pulses[where] = count
        step = Step(before=self.start, pulses=self._tensors(pulses))
        return _Write(
            where=where,
            before=before,
            after=after_pulses(before, count, self.device),
            cost=adaptation_cost(Adapted(weights=self.start, writes=(step,)), self.device),
        )

    def _first(self, write: _Write) -> int:
        """How many blocks come before the first that is written."""
        first, end = int(write.where[0]) if len(write.where) else len(self.flat), 0
        for number, name in enumerate(self.blocks):
            end += self.start[name].numel()
            if first < end:
                return number
        return len(self.blocks)

    def _logits(self, weights: dict[str, Tensor], first: int) -> Tensor:
        network, step = self.network, self.network.architecture.steps
        while len(self.passed) <= first:
            name = self.blocks[len(self.passed) - 1]
            self.passed.append(network.convolved(name, self.passed[-1], self.start[name], step))
        x = self.passed[first]
        for name in self.blocks[first:]:
            x = network.convolved(name, x, weights[name], step)
        return network.logits(network.head_inputs(x.flatten(1).float()), weights)

    def _tensors(self, flat: Tensor) -> dict[str, Tensor]:
        """The flat vector as weights by name."""
        sizes = [weight.numel() for weight in self.start.values()]
        parts = zip(self.start.items(), torch.split(flat, sizes), strict=True)
        return {name: part.view(weight.shape) for (name, weight), part in parts}


def _flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors.values()])
