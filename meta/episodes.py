"""Many seeded episodes: adapt to each, score its query set, count what its write took."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.costs import write_cost
from meta.deploy import LAYERS, matrix
from meta.hardware import WriteModel
from meta.learners import Adapted, Step, adapt, adapt_by, query_loss
from meta.methods import METHODS, Method
from meta.network import Network
from meta.precision import CPU, prepare
from meta.tasks import Task, as_batch, sample_task, stack
from roa_circuit.arrays import FreeCells
from roa_circuit.mapping import state_from_weight, weight_from_state
from roa_circuit.parameters import Device
from roa_circuit.verified_write import write_verify

STACK = 25
"""Episodes that an accelerator adapts to side by side."""


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Accuracy of each episode, and what an adaptation cost in the mean."""

    accuracies: NDArray[np.float64]
    pulses_per_weight: float
    energy: float  # [J]
    seconds: float  # [s] of programming, crossbars one after another

    @property
    def mean(self) -> float:
        """The mean accuracy."""
        return float(self.accuracies.mean())

    @property
    def ci95(self) -> float:
        """Half the width of the 95 % interval of the mean over tasks; of one task, infinite."""
        return interval_over_tasks(self.accuracies)


def interval_over_tasks(accuracies: NDArray[np.float64]) -> float:
    """Half the width of the 95 % interval of the mean over tasks; of one task, infinite."""
    n = len(accuracies)
    return float(1.96 * accuracies.std(ddof=1) / math.sqrt(n)) if n > 1 else math.inf


def episode_accuracies(
    network: Network,
    images: NDArray[Any],
    write: WriteModel | None,
    *,
    shots: int,
    queries: int,
    tasks: int,
    seed: int,
    method: Method = METHODS["roa"],
    relative_rate: float = 1.0,
    verify_rounds: int = 0,
    dtype: torch.dtype = torch.float32,
    on_task: Callable[[], None] = lambda: None,
) -> Episodes:
    """Adapt to `tasks` seeded episodes and score their query sets.

    images : (classes, drawings, size, size), or what `embedded` made of them
    method : how the adaptation is written; `write` None leaves its weights ideal
    verify_rounds : 0 starts from theta_0 itself ("ideal" mapping); n programs theta_0 onto
        the cells with n rounds of write-verify first.
    """
    rng = np.random.default_rng([seed, 1])
    noise = np.random.default_rng([seed, 2])
    images_asked_for = tasks * network.architecture.ways * (shots + queries)
    never_written = network.architecture.erased is not None and verify_rounds == 0
    if images.ndim > 3 and never_written and images_asked_for > images.shape[0] * images.shape[1]:
        images, dtype = embedded(network, images, dtype), torch.float32
    accuracies, costs = [], []
    for first in range(0, tasks, at_once := _tasks_at_once(network)):
        drawn = [
            sample_task(images, rng, ways=network.architecture.ways, shots=shots, queries=queries)
            for _ in range(min(at_once, tasks - first))
        ]
        task = drawn[0] if at_once == 1 else stack(drawn).to(network.compute)
        how: dict[str, Any] = {
            "start": _mapped(network, task, write, verify_rounds, noise),
            "relative_rate": relative_rate,
            "dtype": dtype,
        }
        if write is None:
            adapted = adapt(network, task, None, **how)
        else:
            adapted = adapt_by(method, network, task, write, rng=noise, **how)
            costs += [adaptation_cost(one, write.device) for one in one_by_one(adapted, task)]
        with torch.no_grad():
            _, logits = query_loss(network, task, adapted, dtype)
        right = (logits.argmax(-1) == task.query_labels).double().mean(-1)
        accuracies += right.reshape(-1).tolist()
        for _ in drawn:
            on_task()
    weights = sum(math.prod(shape) for shape in network.architecture.weight_shapes.values())
    pulses, energy, seconds = np.mean(costs, axis=0) if costs else (0.0, 0.0, 0.0)
    return Episodes(
        accuracies=np.array(accuracies),
        pulses_per_weight=float(pulses / weights),
        energy=float(energy),
        seconds=float(seconds),
    )


@torch.no_grad()
def embedded(network: Network, images: NDArray[Any], dtype: torch.dtype) -> NDArray[np.float32]:
    """Every image's features (classes, drawings, features), once: blocks that no task writes, and
    that keep the training's statistics, give an image the same features in every episode."""
    weights, compute = network.initial_weights(), network.compute

    def features(drawings: NDArray[Any]) -> NDArray[np.float32]:
        batch = prepare(as_batch(drawings).to(compute), dtype)
        return np.asarray(network.features(batch, weights, 0).cpu().numpy())

    return np.stack([features(drawings) for drawings in images])


def adaptation_cost(adapted: Adapted, device: Device) -> tuple[int, float, float]:
    """(pulses, energy [J], programming time [s]) of all writes of one adaptation."""
    costs = [
        write_cost(state_from_weight(matrix(layer, step.before)), matrix(layer, step.pulses), device)
        for step in adapted.writes
        for layer in LAYERS
        if step.pulses[layer].any()
    ]
    return sum(c.pulses for c in costs), sum(c.energy for c in costs), sum(c.seconds for c in costs)


def one_by_one(adapted: Adapted, task: Task) -> Iterator[Adapted]:
    """The adaptations of a stack, each for itself and on the processor."""
    if not task.is_stack:
        yield adapted
        return
    weights = _on_cpu(adapted.weights)
    writes = [Step(before=_on_cpu(w.before), pulses=_on_cpu(w.pulses)) for w in adapted.writes]
    for index in range(len(task)):
        yield Adapted(
            weights={name: weight[index] for name, weight in weights.items()},
            writes=tuple(step.task(index) for step in writes),
        )


def _on_cpu(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu() for name, tensor in tensors.items()}


def _tasks_at_once(network: Network) -> int:
    """A processor adapts to one task after another, an accelerator to a stack."""
    return 1 if network.compute == CPU else STACK


def _mapped(
    network: Network, task: Task, write: WriteModel | None, rounds: int, noise: np.random.Generator
) -> dict[str, torch.Tensor] | None:
    """theta_0 as write-verify leaves it on the cells, or None where the mapping is ideal."""
    if write is None or rounds == 0:
        return None
    if not task.is_stack:
        return _verified(network, write, rounds, noise)
    starts = [_verified(network, write, rounds, noise) for _ in range(len(task))]
    return {name: torch.stack([start[name] for start in starts]) for name in starts[0]}


def _verified(
    network: Network, write: WriteModel, rounds: int, noise: np.random.Generator
) -> dict[str, torch.Tensor]:
    start = {}
    for name, weight in network.initial_weights().items():
        goal = state_from_weight(weight.double().numpy(force=True))
        cells = FreeCells(np.full(goal.shape, 0.5), write.device, write.how, noise)
        write_verify(cells, goal, write.device, write.how, tolerance=0.0, rounds=rounds, generator=noise)
        written = weight_from_state(torch.from_numpy(cells.state))
        start[name] = written.to(weight).requires_grad_()
    return start
