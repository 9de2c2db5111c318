"""Learners: adaptation to a task in one write or several, and the loss that trains for it.

Rapid One-step Adaption (Zhang et al. 2021, Eq. 15-18) on the MAML++ recipe: one inner step,
a learned rate per tensor and step, second-order outer gradient, a constraint on theta_0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta.data.tasks import Task, require_balanced
from meta.learning.hardware import Write, WriteModel
from meta.learning.head import write_head
from meta.learning.reads import PLAIN, Passage
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from meta.network.methods import Method
from meta.network.precision import prepare


@dataclass(frozen=True, kw_only=True)
class Step:
    """One write: the weights that the cells held before it, and its signed pulse counts.

    minus : the pulses of second cells, where weights are pairs; empty where they are not
    """

    before: dict[str, Tensor]
    pulses: dict[str, Tensor]
    minus: dict[str, Tensor] = field(default_factory=dict)

    def each(self, change: Callable[[Tensor], Tensor]) -> Step:
        """The same write with every tensor changed."""
        return Step(
            **{
                name: {key: change(tensor) for key, tensor in tensors.items()}
                for name, tensors in vars(self).items()
            }
        )

    def task(self, index: int) -> Step:
        """The write of one task in a stack."""
        return self.each(lambda tensor: tensor[index])


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """A network adapted to one task, or to each of a stack.

    weights : crossbar weights after the last write, by name
    writes : all writes, in order; empty where the steps were not quantised
    """

    weights: dict[str, Tensor]
    writes: tuple[Step, ...] = ()

    @property
    def pulses(self) -> dict[str, Tensor]:
        """Signed pulse counts by name, summed over the writes; empty without writes."""
        names = self.writes[0].pulses if self.writes else ()
        return {
            name: torch.stack([write.pulses[name] for write in self.writes]).sum(0) for name in names
        }


def inner_steps(
    network: Network,
    weights: dict[str, Tensor],
    task: Task,
    step: int,
    *,
    relative_rate: float = 1.0,
    create_graph: bool = False,
    passage: Passage = PLAIN,
) -> dict[str, Tensor]:
    """The wanted change of each weight, -rate * dL/dw on the support set (Eq. 15).

    Each task of a stack has its own. Rules of one's own set loss and rates (`meta.network.rules`).
    """
    logits = passage(network, task.support, weights, step)
    own = network.rules.losses(logits, task.support_labels)
    loss = (task_losses(logits, task.support_labels) if own is None else own).sum()
    gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=create_graph)
    rates = {
        name: network.rules.rates(
            name, step, network.rate(name, step), weight, gradient, stack=task.is_stack
        )
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }
    return {
        name: -relative_rate * rates[name] * gradient
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
    passage: Passage = PLAIN,
) -> Adapted:
    """Adapt to a task's support set: every weight in one or several steps, or an erased head.

    write : None takes the step in floating point ("ideal weights"); otherwise every step is
        rounded to pulses and written with the noise of Eq. 7.
    start : the weights on the hardware before the write; theta_0 itself by default.
    passage : the hardware whose outputs the gradient comes from; perfect wires by default. An erased
        head is written by its features, without a gradient.

    Raises
    ------
    InputError : a support set whose classes have different numbers of images.
    """
    require_balanced(task, network.architecture.ways)
    weights = starting_weights(network, task) if start is None else start
    if network.architecture.erased is not None:
        return _adapt_head(network, task, weights, write, relative_rate, rng, passage.dtype)
    *_, last = adapt_steps(
        network,
        task,
        write,
        weights,
        relative_rate=relative_rate,
        rng=rng,
        create_graph=create_graph,
        passage=passage,
    )
    return last


def starting_weights(network: Network, task: Task) -> dict[str, Tensor]:
    """theta_0, repeated for every task of a stack; gradients reach the parameters."""
    weights = network.initial_weights()
    if not task.is_stack:
        return weights
    return {name: weight.expand(len(task), *weight.shape) for name, weight in weights.items()}


def adapt_steps(
    network: Network,
    task: Task,
    write: WriteModel | None,
    weights: dict[str, Tensor],
    *,
    relative_rate: float,
    rng: np.random.Generator | None,
    create_graph: bool,
    passage: Passage = PLAIN,
) -> Iterator[Adapted]:
    """The weights after each inner step, and the pulses up to it."""
    writes: tuple[Step, ...] = ()
    for step in range(network.architecture.steps):
        steps = inner_steps(
            network,
            weights,
            task,
            step,
            relative_rate=relative_rate,
            create_graph=create_graph,
            passage=passage,
        )
        if write is None:
            weights = {name: torch.clamp(w + steps[name], -1.0, 1.0) for name, w in weights.items()}
        else:
            written = {name: write.write(w, steps[name], rng) for name, w in weights.items()}
            writes = (*writes, Step(before=weights, **_pulses(written)))
            weights = {name: outcome.weight for name, outcome in written.items()}
        yield Adapted(weights=weights, writes=writes)


def write_at_once(adapted: Adapted, write: WriteModel, rng: np.random.Generator) -> Adapted:
    """Offline learning: finished weights, written open-loop in one go on cells in random states."""
    before, written = {}, {}
    for name, wanted in adapted.weights.items():
        before[name] = random_weights(wanted, rng)
        written[name] = write.write(before[name], wanted - before[name], rng)
    weights = {name: outcome.weight for name, outcome in written.items()}
    return Adapted(weights=weights, writes=(Step(before=before, **_pulses(written)),))


def _pulses(written: dict[str, Write]) -> dict[str, dict[str, Tensor]]:
    """`pulses` and, of pairs, `minus` of a step, by name."""
    return {
        "pulses": {name: outcome.pulses for name, outcome in written.items()},
        "minus": {name: one.minus for name, one in written.items() if one.minus is not None},
    }


def random_weights(like: Tensor, rng: np.random.Generator) -> Tensor:
    """The weights g that cells in random states hold, in the shape of `like`.

    The paper's cells "follow a Gaussian distribution"; it gives no deviation. Here g ~ N(0, 1/3),
    clipped: the device's range is three deviations wide on either side.
    """
    draw = rng.standard_normal(tuple(like.shape)) / 3
    return torch.as_tensor(draw, dtype=like.dtype, device=like.device).clamp(-1.0, 1.0)


def adapt_by(
    method: Method,
    network: Network,
    task: Task,
    write: WriteModel,
    *,
    rng: np.random.Generator,
    **how: Any,
) -> Adapted:
    """Adapt as a method prescribes (`Method.written`); `how` goes to `adapt`."""
    if method.written == "pulses":
        return adapt(network, task, write, rng=rng, **how)
    ideal = adapt(network, task, None, **how)
    return ideal if method.written == "nothing" else write_at_once(ideal, write, rng)


def _adapt_head(
    network: Network,
    task: Task,
    weights: dict[str, Tensor],
    write: WriteModel | None,
    relative_rate: float,
    rng: np.random.Generator | None,
    dtype: torch.dtype,
) -> Adapted:
    features = network.features(prepare(task.support, dtype), weights, 0)
    head = write_head(
        network,
        features,
        task.support_labels,
        write,
        start=weights[HEAD],
        relative_rate=relative_rate,
        rng=rng,
    )
    nothing = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    minus = {} if head.minus is None else nothing | {HEAD: head.minus}
    step = Step(before=weights, pulses=nothing | {HEAD: head.pulses}, minus=minus)
    return Adapted(weights=weights | {HEAD: head.weight}, writes=() if write is None else (step,))


def outer_loss(
    network: Network,
    task: Task,
    write: WriteModel | None,
    *,
    progress: float = 1.0,
    relative_rate: float = 1.0,
    rng: np.random.Generator | None = None,
    second_order: bool = True,
    passage: Passage = PLAIN,
) -> tuple[Tensor, Tensor]:
    """(loss on the query set, logits after the last step); gradients reach theta_0 and the rates.

    The loss of a stack is the mean over its tasks.

    progress : 1 counts the last step alone; less is the multi-step loss of MAML++
    passage : the hardware that answers support and query images; perfect wires by default
    """
    path = adapt_steps(
        network,
        task,
        write,
        starting_weights(network, task),
        relative_rate=relative_rate,
        rng=rng,
        create_graph=second_order,
        passage=passage,
    )
    importance = step_importance(network.architecture.steps, progress)
    losses = []
    for step, (adapted, share) in enumerate(zip(path, importance, strict=True), start=1):
        if share > 0:
            logits = passage(network, task.query, adapted.weights, step)
            losses.append(share * task_losses(logits, task.query_labels).mean())
    return torch.stack(losses).sum(), logits


def task_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross entropy of a task's images; (tasks,) of a stack."""
    losses = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(-1)


def step_importance(steps: int, progress: float) -> list[float]:
    """MAML++'s share of each step in the outer loss: equal at progress 0, the last alone at 1."""
    early = (1.0 - progress) / steps
    return [early] * (steps - 1) + [1.0 - early * (steps - 1)]


def constraint(weights: dict[str, Tensor], rho: float) -> Tensor:
    """Eq. 18, sum of |theta - rho| + |theta + rho| - 2 rho: 0 inside [-rho, rho], slope 2 outside."""
    return torch.stack(
        [((w - rho).abs() + (w + rho).abs() - 2 * rho).sum() for w in weights.values()]
    ).sum()


def query_loss(
    network: Network, task: Task, adapted: Adapted, passage: Passage = PLAIN
) -> tuple[Tensor, Tensor]:
    """(cross entropy, logits) on the query set after the last write; losses (tasks,) of a stack."""
    steps = network.architecture.steps
    logits = passage(network, task.query, adapted.weights, steps)
    return task_losses(logits, task.query_labels), logits
