"""A sampler of one's own: which classes and drawings make a task of training."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError


class Sampler(Protocol):
    """Chooses the classes of one task, and the drawings of each."""

    def __call__(
        self, images: torch.Tensor, rng: np.random.Generator, /, *, ways: int, drawings: int
    ) -> tuple[Any, Any]:
        """(classes (ways,), drawings (ways, drawings)), whole numbers from 0, each but once in a row.

        images : (classes, drawings, channels, size, size) uint8 of the training
        rng : the only chance that it may use, or a run does not go on as if it had never stopped
        drawings : of a class; its support images come first, then its query images
        """
        ...


def drawn(
    sampler: Sampler, images: torch.Tensor, rng: np.random.Generator, tasks: int, ways: int, each: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(classes (tasks, ways), drawings (tasks, ways, each)) as a sampler chooses them.

    Raises
    ------
    InputError : it fails, or chooses what there is not.
    """
    chosen = [_one(sampler, images, rng, ways, each) for _ in range(tasks)]
    return np.stack([one[0] for one in chosen]), np.stack([one[1] for one in chosen])


def _one(
    sampler: Sampler, images: torch.Tensor, rng: np.random.Generator, ways: int, each: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    try:
        classes, drawings = map(np.asarray, sampler(images, rng, ways=ways, drawings=each))
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"sampler fails: {why}") from error
    return (
        _checked("classes", classes, (ways,), images.shape[0]),
        _checked("drawings", drawings, (ways, each), images.shape[1]),
    )


def _checked(
    what: str, found: NDArray[Any], shape: tuple[int, ...], available: int
) -> NDArray[np.int64]:
    if found.shape != shape or found.dtype.kind not in "iu":
        raise InputError(
            f"sampler chose {what} of shape {found.shape} and kind {found.dtype}; whole numbers of shape"
            f" {shape} make a task"
        )
    if found.min() < 0 or found.max() >= available:
        raise InputError(f"sampler chose {what} up to {found.max()}; there are 0 to {available - 1}")
    ordered = np.sort(found, -1)
    if (ordered[..., 1:] == ordered[..., :-1]).any():
        raise InputError(f"sampler chose some {what} twice in one task; each may be there once")
    return found.astype(np.int64)
