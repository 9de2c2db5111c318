"""What no hardware takes away: the nearest class by cosine, in floating point, on the same features."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from meta.data.tasks import Tasks
from meta.evaluation.draws import Draws
from meta.network.convolutional import Network
from meta.network.precision import prepare


@torch.no_grad()
def cosine_accuracy(network: Network, tasks: Tasks, *, count: int, dtype: torch.dtype) -> float:
    """The mean accuracy of a query's nearest class by cosine, over the tasks of an evaluation.

    A class is the mean of its support features. The features are those of an erased head's inputs, in
    floating point and without cells.
    """
    network = network.with_ways(tasks.ways)
    weights, right = network.initial_weights(), []
    for task in Draws(tasks, ways=network.architecture.ways, count=count):
        support, query = (
            network.features(prepare(images.to(network.compute), dtype), weights, 0).cpu()
            for images in (task.support, task.query)
        )
        means = support.reshape(network.architecture.ways, -1, support.shape[-1]).mean(1)
        # Of centred features, inputs against what cells are raised towards are the signed products.
        found = (query @ F.normalize(network.signed(means), dim=-1).mT).argmax(1)
        right.append(float((found == task.query_labels).double().mean()))
    return sum(right) / len(right)
