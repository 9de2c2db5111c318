"""Many writes of the same episodes: what noise levels and relative rates share is computed once.

The support gradient is one for all rates, the pulses of a rate are one for all noise, and blocks
that a write leaves alone give the query images the features that they had. A grid of six rates and
seven noise levels takes a seventeenth of the time that it takes cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.architecture import BLOCKS
from meta.episodes import Episodes, adaptation_cost, episode_accuracies
from meta.hardware import WriteModel
from meta.learners import Adapted, Step, inner_steps, random_weights
from meta.methods import Method
from meta.network import Network
from meta.precision import prepare
from meta.tasks import Task, sample_task
from roa_circuit.mapping import state_from_weight, weight_from_state
from roa_circuit.parameters import Device
from roa_circuit.programming import (
    Programming,
    after_pulses,
    noise_deviation,
    real_pulse_count,
    round_count,
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to write an adaptation: its relative rate, its rounding and its noise."""

    how: Programming
    relative_rate: float


def variant_accuracies(
    network: Network,
    images: NDArray[Any],
    device: Device,
    variants: Sequence[Variant],
    *,
    shots: int,
    queries: int,
    tasks: int,
    seed: int,
    method: Method,
    verify_rounds: int = 0,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> list[Episodes]:
    """`episode_accuracies` of every variant, on the same tasks and with the same draws of noise.

    on_task : called after each episode of each variant
    """
    count: dict[str, Any] = {"shots": shots, "queries": queries}
    if verify_rounds or not _share(network, variants) or not shares_episodes(method):
        return [
            episode_accuracies(
                network, images, WriteModel(device=device, how=one.how), tasks=tasks, seed=seed,
                method=method, relative_rate=one.relative_rate, verify_rounds=verify_rounds, dtype=dtype,
                on_task=on_task, **count,
            )
            for one in variants
        ]  # fmt: skip
    rng = np.random.default_rng([seed, 1])
    at_once = method.written == "at once"
    # The draws of random states and of noise alternate: without noise, states are others.
    alike = [at_once and one.how.sigma_wn > 0 for one in variants]
    noise = {kind: np.random.default_rng([seed, 2]) for kind in alike}
    found: list[list[tuple[float, int, float, float]]] = [[] for _ in variants]
    for _ in range(tasks):
        task = sample_task(images, rng, ways=network.architecture.ways, **count).to(network.compute)
        episodes = {
            kind: _Episode(network, task, device, [v for v, k in zip(variants, alike, strict=True)
                                                   if k == kind], generator, dtype, at_once)
            for kind, generator in noise.items()
        }  # fmt: skip
        for variant, kind, outcomes in zip(variants, alike, found, strict=True):
            episode = episodes[kind]
            outcomes.append((episode.accuracy(variant), *episode.writes[variant.relative_rate].cost))
            on_task()
    weights = sum(weight.numel() for weight in network.initial_weights().values())
    return [_summary(np.array(outcomes), weights) for outcomes in found]


def _summary(outcomes: NDArray[np.float64], weights: int) -> Episodes:
    pulses, energy, seconds = outcomes[:, 1:].mean(axis=0)
    return Episodes(
        accuracies=outcomes[:, 0],
        pulses_per_weight=float(pulses / weights),
        energy=float(energy),
        seconds=float(seconds),
    )


def shares_episodes(method: Method) -> bool:
    """Whether one gradient serves all variants of the method: one step of every weight."""
    return method.written != "nothing" and method.steps == 1 and method.erased is None


def _share(network: Network, variants: Sequence[Variant]) -> bool:
    """Whether the network is of such a method, and the variants written alike but for noise."""
    a = network.architecture
    alike = {replace(one.how, sigma_wn=0.0, reading="literal") for one in variants}
    plain = len(alike) == 1 and alike.pop().rounding != "stochastic"
    return plain and a.steps == 1 and a.erased is None


@dataclass(frozen=True, kw_only=True)
class _Write:
    """What a relative rate writes, before any noise.

    where : the cells that take pulses, as places in the flat vector of all weights
    before, after : (cells,) omega
    cost : pulses, energy [J], programming time [s]
    """

    where: Tensor
    before: Tensor
    after: Tensor
    cost: tuple[int, float, float]


class _Episode:
    """One task, the pulses of every rate, and the query images' way through the network.

    start : the weights that cells hold before the write; theta_0, or random where it is all at once
    """

    def __init__(
        self,
        network: Network,
        task: Task,
        device: Device,
        variants: Sequence[Variant],
        noise: np.random.Generator,
        dtype: torch.dtype,
        at_once: bool,
    ) -> None:
        self.network, self.task, self.device, self.how = network, task, device, variants[0].how
        self.at_once = at_once
        weights = network.initial_weights()
        self.wanted, self.step = (
            _flat(weights),
            _flat(inner_steps(network, weights, task, 0, dtype=dtype)),
        )
        self.start = {name: weight.detach() for name, weight in weights.items()}
        noisy = any(one.how.sigma_wn > 0 for one in variants)
        normal = []
        for name, weight in self.start.items():
            if at_once:
                self.start[name] = random_weights(weight, noise)
            normal.append(noise.standard_normal(weight.numel() if noisy else 0))
        self.normal = torch.from_numpy(np.concatenate(normal)).to(network.compute)
        self.flat = _flat(self.start)
        rates = {one.relative_rate for one in variants}
        self.near = torch.arange(len(self.flat), device=network.compute)
        if not at_once:  # a cell that the largest rate leaves alone is left alone by all
            self.near = self._count(max(rates)).nonzero().flatten()
        self.writes = {rate: self._write(rate) for rate in rates}
        self.passed = [prepare(task.query, dtype).to(memory_format=torch.channels_last)]

    @torch.no_grad()
    def accuracy(self, variant: Variant) -> float:
        """Of the query set after this write."""
        write, how = self.writes[variant.relative_rate], variant.how
        state = write.after
        if how.sigma_wn > 0 and len(write.where):
            deviation = noise_deviation(write.before, write.after, how)
            state = state + deviation * self.normal[write.where]
            state = state.clamp(0.0, 1.0) if how.clip else state
        flat = self.flat.clone()
        flat[write.where] = weight_from_state(state).to(flat.dtype)
        logits = self._logits(self._tensors(flat), self._first(write))
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
        for number, name in enumerate(BLOCKS):
            end += self.start[name].numel()
            if first < end:
                return number
        return len(BLOCKS)

    def _logits(self, weights: dict[str, Tensor], first: int) -> Tensor:
        network, step = self.network, self.network.architecture.steps
        while len(self.passed) <= first:
            name = BLOCKS[len(self.passed) - 1]
            self.passed.append(network.convolved(name, self.passed[-1], self.start[name], step))
        x = self.passed[first]
        for name in BLOCKS[first:]:
            x = network.convolved(name, x, weights[name], step)
        return network.logits(network.head_inputs(x.flatten(1).float()), weights)

    def _tensors(self, flat: Tensor) -> dict[str, Tensor]:
        """The flat vector as weights by name."""
        sizes = [weight.numel() for weight in self.start.values()]
        parts = zip(self.start.items(), torch.split(flat, sizes), strict=True)
        return {name: part.view(weight.shape) for (name, weight), part in parts}


def _flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors.values()])
