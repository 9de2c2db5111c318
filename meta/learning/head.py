"""An erased head written once: the inner step in closed form, and a batch of tasks at a time.

All columns of an erased head are equal, so its softmax gives 1/ways to every class, and the gradient
of the support loss needs no backward pass: cell (class, feature) has to rise by the rate times the
amount by which that feature, in drawings of that class, exceeds its mean over all classes. Erased
cells can only rise. Cells that do not rise are not written, and carry no noise.

A head of one's own (`meta.network.rules.Head`) wants other changes. What it wants is written in the same
way.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta.data.tasks import Task
from meta.learning.hardware import Write, WriteModel
from meta.network.architecture import HEAD, Architecture
from meta.network.convolutional import Network
from meta.network.precision import prepare
from roa_circuit.basics.errors import InputError


def head_step(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """-dL/dW of an erased head at rate 1, (ways, features); of a stack of tasks (tasks, ways, features).

    L is the cross entropy on the support set, averaged over shots and summed over classes, so that
    the step does not depend on the number of ways. Labels must be balanced.
    """
    own = F.one_hot(labels, ways).to(features.dtype)
    shots = labels.shape[-1] // ways
    return (own - 1.0 / ways).mT @ features / shots


def write_head(
    network: Network,
    features: Tensor,
    labels: Tensor,
    write: WriteModel | None,
    *,
    start: Tensor | None = None,
    relative_rate: float = 1.0,
    rng: np.random.Generator | None = None,
) -> Write:
    """Raise an erased head to the support set's features in one write; gradients pass straight through.

    start : the head that is on the cells; by default a perfectly erased one
    write : None leaves the step in floating point ("ideal weights"); that of an own head has no range.
    """
    g = network.initial_weights()[HEAD] if start is None else start
    own = own_changes(network, features, labels, g.shape[-2])
    if own is not None and write is None:
        return Write(g + relative_rate * own, torch.zeros_like(own))
    if own is None:
        wanted = head_step(network.signed(features), labels, g.shape[-2])
        step = relative_rate * network.rate(HEAD, 0) * wanted
    else:
        step = relative_rate * own
    if write is None or not write.mapping.paired:  # one erased cell can only rise
        step = torch.clamp(step, min=0.0)
    if write is None:
        return Write(torch.clamp(g + step, -1.0, 1.0), torch.zeros_like(step))
    return write.write(g.expand_as(step), step, rng, erased=True)


def own_changes(network: Network, inputs: Tensor, labels: Tensor, ways: int) -> Tensor | None:
    """The changes of g (ways, rows) that a head of one's own wants on its cells; None without one.

    inputs : (images, rows) of the head's array, for the support set. A feature that drives several rows
        is one number for the head, and its change goes to all of them; to rows that it drives where it
        lies below the mean, the other way round.
    """
    a = network.architecture
    features = features_of(a, inputs if network.training else inputs.detach())
    changes = network.rules.changes(features, labels, ways)
    if changes is None:
        return None
    rows = torch.cat([changes, -changes], -1) if a.centred else changes
    return rows.repeat_interleave(a.cells_per_feature, -1)


def features_of(a: Architecture, inputs: Tensor) -> Tensor:
    """Features (images, features) of inputs (images, rows) of a head's array, one number each."""
    x = inputs[..., :: a.cells_per_feature]
    if not a.centred:
        return x
    above, below = x.chunk(2, -1)
    return above - below


def with_own_head(network: Network, name: str | None) -> Network:
    """The same network whose erased head is written by an adopted rule; None keeps what it has.

    Raises
    ------
    InputError : the network learned its head, or the rule was not adopted.
    """
    if name is None:
        return network
    if network.architecture.erased is None:
        raise InputError(
            f"head {name!r}: this network learned its head, and writes all layers; an own head stands on"
            " an erased one, such as that of --method roa-robust"
        )
    other = copy.copy(network)
    other.rules = replace(network.rules, head=name)
    return other


def write_losses(
    network: Network,
    tasks: Task,
    writes: Sequence[WriteModel | None],
    *,
    rng: np.random.Generator,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Mean query loss and accuracy over a stack of tasks, each with a write of its own.

    The features of all tasks are computed at once.
    """
    weights = network.initial_weights()
    images = torch.cat([tasks.support, tasks.query], dim=1)
    flat = network.features(prepare(images.flatten(0, 1), dtype), weights, 0)
    features = flat.view(len(tasks), images.shape[1], -1)
    count = tasks.support_labels.shape[1]
    heads = [
        write_head(network, support, task.support_labels, write, rng=rng).weight
        for support, task, write in zip(features[:, :count], tasks, writes, strict=True)
    ]
    logits = network.logits(features[:, count:], weights | {HEAD: torch.stack(heads)})
    loss = F.cross_entropy(logits.flatten(0, 1), tasks.query_labels.flatten())
    return loss, (logits.argmax(-1) == tasks.query_labels).float().mean()
