"""Learners: adapt to a task in one write, and learn the weights from which that works.

Rapid One-step Adaption (Zhang et al. 2021, Eq. 15-18) on the MAML++ recipe: one inner step,
a learned rate per tensor and step, second-order outer gradient, a constraint on theta_0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta.hardware import write_weight
from meta.network import Network, prepare
from meta.tasks import Task
from roa_circuit.parameters import Device
from roa_circuit.programming import Programming


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """A network adapted to one task.

    weights : crossbar weights after the write, by name
    pulses : signed pulse counts, by name; empty where the step was not quantised
    """

    weights: dict[str, Tensor]
    pulses: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class WriteModel:
    """What the write of an adaptation is made on."""

    device: Device
    how: Programming


def inner_steps(
    network: Network,
    weights: dict[str, Tensor],
    task: Task,
    step: int,
    *,
    relative_rate: float = 1.0,
    create_graph: bool = False,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """The wanted change of each weight, -rate * dL/dw on the support set (Eq. 15)."""
    logits = network(prepare(task.support, dtype), weights, step)
    loss = F.cross_entropy(logits, task.support_labels)
    gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=create_graph)
    return {
        name: -relative_rate * network.rate(name, step) * gradient
        for name, gradient in zip(weights, gradients, strict=True)
    }


def adapt(
    network: Network,
    task: Task,
    write: WriteModel | None = None,
    *,
    start: dict[str, Tensor] | None = None,
    relative_rate: float = 1.0,
    rng: np.random.Generator | None = None,
    create_graph: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Adapted:
    """Adapt to a task's support set.

    write : None takes the step in floating point ("ideal weights"); otherwise every step is
        rounded to pulses and written with the noise of Eq. 7.
    start : the weights on the hardware before the write; theta_0 itself by default.
    """
    weights = network.initial_weights() if start is None else start
    pulses: dict[str, Tensor] = {}
    for step in range(network.architecture.steps):
        steps = inner_steps(
            network,
            weights,
            task,
            step,
            relative_rate=relative_rate,
            create_graph=create_graph,
            dtype=dtype,
        )
        if write is None:
            weights = {name: torch.clamp(w + steps[name], -1.0, 1.0) for name, w in weights.items()}
            continue
        written = {
            n: write_weight(w, steps[n], write.device, write.how, rng) for n, w in weights.items()
        }
        weights = {name: outcome.weight for name, outcome in written.items()}
        for name, outcome in written.items():
            pulses[name] = pulses.get(name, 0) + outcome.pulses
    return Adapted(weights=weights, pulses=pulses)


def constraint(weights: dict[str, Tensor], rho: float) -> Tensor:
    """Eq. 18, sum of |theta - rho| + |theta + rho| - 2 rho: 0 inside [-rho, rho], slope 2 outside."""
    return torch.stack(
        [((w - rho).abs() + (w + rho).abs() - 2 * rho).sum() for w in weights.values()]
    ).sum()


def query_loss(
    network: Network, task: Task, adapted: Adapted, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """(cross entropy, logits) on the query set, at the step after the last write."""
    steps = network.architecture.steps
    logits = network(prepare(task.query, dtype), adapted.weights, steps)
    return F.cross_entropy(logits, task.query_labels), logits
