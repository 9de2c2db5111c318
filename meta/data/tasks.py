"""Tasks: seeded N-way k-shot episodes with a support set and a query set."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.data.fewshot import FewShotDataset
from meta.data.sampler import Sampler, drawn
from meta.data.turns import turned
from roa_circuit.basics.errors import InputError


@dataclass(frozen=True)
class Task:
    """One episode, or a stack of episodes with one more axis in front of every tensor.

    Labels count from 0 to ways - 1, in order of the classes.

    support, query : (ways * shots, channels, size, size) and (ways * queries, ...) float32 in [0, 1]
    support_labels, query_labels : (ways * shots,), (ways * queries,) int64
    """

    support: torch.Tensor
    support_labels: torch.Tensor
    query: torch.Tensor
    query_labels: torch.Tensor

    @property
    def is_stack(self) -> bool:
        """Whether this is a stack of tasks."""
        return self.query_labels.ndim > 1

    def __len__(self) -> int:
        """How many tasks the stack has."""
        return len(self.query_labels) if self.is_stack else 1

    def __iter__(self) -> Iterator[Task]:
        """The tasks of a stack, one by one."""
        return (Task(*parts) for parts in zip(*self.tensors, strict=True))

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All four tensors, in order."""
        return self.support, self.support_labels, self.query, self.query_labels

    def to(self, compute: torch.device) -> Task:
        """The same task on a processor or an accelerator."""
        return Task(*(tensor.to(compute) for tensor in self.tensors))

    def clone(self) -> Task:
        """A copy in memory of its own."""
        return Task(*(tensor.clone() for tensor in self.tensors))

    def copy_(self, other: Task) -> None:
        """Copy another task's images and labels into this one."""
        for mine, its in zip(self.tensors, other.tensors, strict=True):
            mine.copy_(its)


def stack(tasks: Sequence[Task]) -> Task:
    """Stack tasks of the same size."""
    return Task(*(torch.stack(alike) for alike in zip(*(task.tensors for task in tasks), strict=True)))


@dataclass(frozen=True, kw_only=True)
class TaskSource:
    """The source of training's tasks, a stack at a time.

    images : (classes, drawings, channels, size, size) uint8, where the network computes
    rotate : turn each class by a random multiple of 90 degrees, as MAML++ does in training
    sampler : chooses classes and drawings; None takes all with the same chance

    Raises
    ------
    InputError : too few classes or drawings, or a sampler that chooses what there is not.
    """

    images: torch.Tensor
    ways: int
    shots: int
    queries: int
    rotate: bool
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        check_sizes(self.images.shape[:2], self.ways, self.shots, self.queries)
        if self.sampler is not None:
            self._choose(np.random.default_rng(0), 1)

    def draw(self, rng: np.random.Generator, tasks: int) -> Task:
        """Draw a stack of tasks, the same ones from a generator's state wherever the images lie."""
        classes, drawings = self._choose(rng, tasks)
        chosen = self.images[self._index(classes)[..., None], self._index(drawings)]
        if self.rotate:
            chosen = turned(chosen, self._index(rng.integers(4, size=(tasks, self.ways))))
        images = chosen.float() / 255
        labels = torch.arange(self.ways, device=images.device).expand(tasks, -1)
        return Task(
            support=images[:, :, : self.shots].flatten(1, 2),
            support_labels=labels.repeat_interleave(self.shots, 1),
            query=images[:, :, self.shots :].flatten(1, 2),
            query_labels=labels.repeat_interleave(self.queries, 1),
        )

    def _choose(
        self, rng: np.random.Generator, tasks: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(classes (tasks, ways), drawings (tasks, ways, shots + queries))."""
        each = self.shots + self.queries
        if self.sampler is not None:
            return drawn(self.sampler, self.images, rng, tasks, self.ways, each)
        classes = _choose(rng, (tasks,), self.images.shape[0], self.ways)
        return classes, _choose(rng, (tasks, self.ways), self.images.shape[1], each)

    def _index(self, values: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(values).to(self.images.device)


def _choose(rng: np.random.Generator, shape: tuple[int, ...], count: int, k: int) -> NDArray[np.int64]:
    """(*shape, k) different indices below `count`, in random order."""
    keys = rng.random((*shape, count))
    smallest = keys.argpartition(k - 1)[..., :k]
    order = np.take_along_axis(keys, smallest, -1).argsort()
    return np.take_along_axis(smallest, order, -1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tasks:
    """What an evaluation draws its tasks from: the seeded N-way k-shot tasks of a split.

    dataset : its images, by class
    split : the split whose classes meet in a task
    ways : classes of a task; None is as many as the network tells apart
    shots : support images a class, which the network adapts to
    queries : query images a class, which it is scored on
    seed : draws tasks, and the noise of their writes

    Raises
    ------
    InputError : an unknown split, or one with fewer classes or drawings than a task asks for.
    """

    dataset: FewShotDataset
    split: str = "test"
    ways: int | None = None
    shots: int = 1
    queries: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        available = self.images.shape[:2]
        check_sizes(available, 2 if self.ways is None else self.ways, self.shots, self.queries)

    @functools.cached_property
    def images(self) -> NDArray[Any]:
        """The images of the split (classes, drawings, ...)."""
        return self.dataset.split(self.split)

    def reseeded(self, seed: int) -> Tasks:
        """The same, drawn with another seed."""
        other = replace(self, seed=seed)
        other.__dict__["images"] = self.images  # cut once from the data set
        return other

    def of(self, images: NDArray[Any]) -> Tasks:
        """The same tasks with what stands for the split's images, such as their features."""
        return replace(self, dataset=self.dataset.only(self.split, images))

    def draw(self, rng: np.random.Generator, ways: int) -> Task:
        """The next task of a generator, of so many ways."""
        return sample_task(self.images, rng, ways=ways, shots=self.shots, queries=self.queries)


def sample_task(
    images: NDArray[Any],
    rng: np.random.Generator,
    *,
    ways: int,
    shots: int,
    queries: int,
) -> Task:
    """Draw one episode from images (classes, drawings, size, size), or with a last axis of colours.

    images : or features (classes, drawings, count), which the episode holds as they are

    Raises
    ------
    InputError : fewer classes or drawings than the episode asks for.
    """
    check_sizes(images.shape[:2], ways, shots, queries)
    classes = rng.choice(images.shape[0], size=ways, replace=False)
    support, query = [], []
    for index in classes:
        chosen = rng.choice(images.shape[1], size=shots + queries, replace=False)
        drawings = images[index, chosen]
        support.append(drawings[:shots])
        query.append(drawings[shots:])
    return Task(
        support=as_batch(np.concatenate(support)),
        support_labels=torch.arange(ways).repeat_interleave(shots),
        query=as_batch(np.concatenate(query)),
        query_labels=torch.arange(ways).repeat_interleave(queries),
    )


def check_sizes(
    available: Sequence[int],
    ways: int,
    shots: int,
    queries: int,
    where: str = "the split",
    way_out: str = "",
) -> None:
    """Check that the (classes, drawings) of a split are enough for an episode.

    way_out : what to do where there are too few classes, for the message

    Raises
    ------
    InputError : they are not.
    """
    classes, drawings = available
    if classes < 2:
        raise InputError(f"{where} has 1 class, and a task needs 2 or more{way_out}")
    if ways > classes or ways < 2:
        raise InputError(
            f"ways = {ways} must lie between 2 and the {classes} classes of {where}{way_out}"
        )
    if shots < 1 or queries < 1 or shots + queries > drawings:
        fewer = f"; take fewer, such as --queries {drawings - shots}" if drawings > shots > 0 else ""
        raise InputError(
            f"shots + queries = {shots} + {queries} must be positive and at most the {drawings} pictures"
            f" that each class of {where} has{fewer}"
        )


def require_balanced(task: Task, ways: int) -> None:
    """Raise InputError unless every class has as many support images as any other."""
    labels = task.support_labels.reshape(-1, task.support_labels.shape[-1])
    counts = torch.stack([(labels == label).sum(1) for label in range(ways)], 1)
    if bool((counts != counts[:, :1]).any()) or int(counts.sum()) != labels.numel():
        worst = counts[int((counts.amax(1) - counts.amin(1)).argmax())].tolist()
        raise InputError(
            f"support_labels: the classes 0 to {ways - 1} have {worst} images; give each class as many,"
            " or a class with more pulls all answers to itself"
        )


def as_batch(drawings: NDArray[Any]) -> torch.Tensor:
    """uint8 images (n, size, size) or (n, size, size, 3) as float32 (n, channels, size, size) in
    [0, 1]; features (n, count) stay what they are."""
    if drawings.ndim == 2:
        return torch.from_numpy(drawings)
    return channels_first(drawings).float() / 255


def channels_first(images: NDArray[np.uint8]) -> torch.Tensor:
    """(..., size, size) of ink or (..., size, size, 3) of colour as (..., channels, size, size)."""
    colour = images.shape[-1] == 3
    return torch.from_numpy(np.moveaxis(images, -1, -3) if colour else images[..., None, :, :])
