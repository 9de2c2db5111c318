"""Tasks: seeded N-way k-shot episodes with a support set and a query set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roa_circuit.errors import InputError


@dataclass(frozen=True)
class Task:
    """One episode; labels count from 0 to ways - 1, classes in order.

    support, query : (ways * shots, channels, size, size) and (ways * queries, ...) float32 in [0, 1]
    support_labels, query_labels : (ways * shots,), (ways * queries,) int64
    """

    support: torch.Tensor
    support_labels: torch.Tensor
    query: torch.Tensor
    query_labels: torch.Tensor


def sample_task(
    images: NDArray[Any],
    rng: np.random.Generator,
    *,
    ways: int,
    shots: int,
    queries: int,
    rotate: bool = False,
) -> Task:
    """Draw one episode from images (classes, drawings, size, size), or with a last axis of colours.

    images : or features (classes, drawings, count), which the episode holds as they are
    rotate : turn each class by a random multiple of 90 degrees, as MAML++ does in training.

    Raises
    ------
    InputError : fewer classes or drawings than the episode asks for.
    """
    if ways > images.shape[0] or ways < 2:
        raise InputError(f"ways = {ways} must lie between 2 and the split's {images.shape[0]} classes")
    if shots < 1 or queries < 1 or shots + queries > images.shape[1]:
        raise InputError(
            f"shots + queries = {shots} + {queries} must be positive and at most the "
            f"{images.shape[1]} drawings of a class"
        )
    classes = rng.choice(images.shape[0], size=ways, replace=False)
    support, query = [], []
    for index in classes:
        chosen = rng.choice(images.shape[1], size=shots + queries, replace=False)
        drawings = images[index, chosen]
        if rotate:
            drawings = np.rot90(drawings, k=int(rng.integers(4)), axes=(1, 2))
        support.append(drawings[:shots])
        query.append(drawings[shots:])
    return Task(
        support=as_batch(np.concatenate(support)),
        support_labels=torch.arange(ways).repeat_interleave(shots),
        query=as_batch(np.concatenate(query)),
        query_labels=torch.arange(ways).repeat_interleave(queries),
    )


def as_batch(drawings: NDArray[Any]) -> torch.Tensor:
    """uint8 images (n, size, size) or (n, size, size, 3) as float32 (n, channels, size, size) in
    [0, 1]; features (n, count) stay what they are."""
    if drawings.ndim == 2:
        return torch.from_numpy(drawings)
    images = drawings.astype(np.float32) / 255
    channels_first = images[:, None] if images.ndim == 3 else np.moveaxis(images, -1, 1)
    return torch.from_numpy(channels_first.copy())
