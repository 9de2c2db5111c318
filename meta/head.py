"""An erased head written once: the inner step in closed form, and a batch of tasks at a time.

All columns of an erased head are equal, so its softmax says 1/ways for every class and the
gradient of the support loss needs no second pass: cell (class, feature) is asked to rise by the
rate times how far the feature of that class's drawings lies above the mean of all classes. Erased
cells can only rise. What is not raised is not written, and carries no noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta.hardware import Write, WriteModel, write_weight
from meta.network import HEAD, Network, prepare
from meta.tasks import Task


def head_step(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """-dL/dW of an erased head at rate 1, (ways, features).

    L is the cross entropy on the support set, meaned over shots and summed over classes, so that
    the step does not depend on the number of ways. Labels must be balanced.
    """
    own = F.one_hot(labels, ways).to(features.dtype)
    shots = len(labels) // ways
    return (own - 1.0 / ways).T @ features / shots


def write_head(
    network: Network,
    features: Tensor,
    labels: Tensor,
    write: WriteModel | None,
    *,
    relative_rate: float = 1.0,
    rng: np.random.Generator | None = None,
) -> Write:
    """Raise an erased head to the support set's features in one write; gradients pass straight.

    write : None leaves the step in floating point ("ideal weights").
    """
    g = network.initial_weights()[HEAD]
    step = relative_rate * network.rate(HEAD, 0) * head_step(features, labels, len(g))
    step = torch.clamp(step, min=0.0)
    if write is None:
        return Write(torch.clamp(g + step, -1.0, 1.0), torch.zeros_like(g))
    return write_weight(g, step, write.device, write.how, rng)


def write_losses(
    network: Network,
    tasks: Sequence[Task],
    writes: Sequence[WriteModel | None],
    *,
    rng: np.random.Generator,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Mean query loss and accuracy over tasks, each with its own write, features all at once."""
    weights = network.initial_weights()
    images = [batch for task in tasks for batch in (task.support, task.query)]
    features = network.features(prepare(torch.cat(images), dtype), weights, 0)
    parts = torch.split(features, [len(batch) for batch in images])
    losses, accuracies = [], []
    for index, (task, write) in enumerate(zip(tasks, writes, strict=True)):
        support, query = parts[2 * index], parts[2 * index + 1]
        head = write_head(network, support, task.support_labels, write, rng=rng).weight
        logits = network.logits(query, weights | {HEAD: head})
        losses.append(F.cross_entropy(logits, task.query_labels))
        accuracies.append((logits.argmax(1) == task.query_labels).float().mean())
    return torch.stack(losses).mean(), torch.stack(accuracies).mean()
