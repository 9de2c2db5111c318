"""A few-shot data set: images by class, and a split of its classes. Ink is 1, paper 0."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.shown import Facts, Shown

SIZE = 28  # [pixels], as in the paper
SPLIT_SEED = 2021  # of the one shuffle that every run shares


@dataclass(frozen=True, kw_only=True, repr=False)
class FewShotDataset(Shown):
    """Images by class.

    images : (classes, drawings, size, size) uint8, ink = 255; colour adds a last axis of 3; or what a
        network made of them, features (classes, drawings, count)
    classes : per split, the class indices that belong to it; splits share no class
    turns : whether, in training, a class turned by 90 degrees is another class, unless the training
        says otherwise
    remarks : what the user of these images should know, a line each
    """

    name: str
    images: NDArray[Any]
    classes: dict[str, NDArray[np.int64]]
    turns: bool = True
    remarks: tuple[str, ...] = ()

    def facts(self) -> Facts:
        """Its classes by split."""
        drawings = f"{self.images.shape[1]} drawings of {self.size} x {self.size}"
        rows = [(split, f"{len(index)} classes") for split, index in self.classes.items()]
        return Facts(title=f"{self.name}: {len(self.images)} classes, {drawings}", rows=rows)

    @property
    def size(self) -> int:
        """Rows and columns of an image."""
        return int(self.images.shape[2])

    @property
    def channels(self) -> int:
        """1 for ink, 3 for colour."""
        return int(self.images.shape[4]) if self.images.ndim == 5 else 1

    @cached_property
    def fingerprint(self) -> str:
        """Of images and split; the same for the same data alone."""
        found = hashlib.sha256(str(self.images.shape).encode())
        found.update(self.images.tobytes())
        for name, classes in self.classes.items():
            found.update(name.encode() + classes.astype(np.int64).tobytes())
        return found.hexdigest()[:16]

    def split(self, name: str) -> NDArray[Any]:
        """The images (classes, drawings, ...) of one split.

        Raises
        ------
        InputError : there is no such split.
        """
        if name not in self.classes:
            raise InputError(f"split {name!r} is unknown; {nearest(name, self.classes)}")
        return self.images[self.classes[name]]

    def only(self, name: str, images: NDArray[Any] | None = None) -> FewShotDataset:
        """One split alone, with its own images or what stands for them."""
        own = self.split(name) if images is None else images
        return replace(self, images=own, classes={name: np.arange(len(own))})


def shuffled_split(sizes: dict[str, int]) -> dict[str, NDArray[np.int64]]:
    """The class indices of each split, shuffled with a seed that never changes."""
    order = np.random.default_rng(SPLIT_SEED).permutation(sum(sizes.values()))
    cuts = np.cumsum(list(sizes.values()))[:-1]
    return dict(zip(sizes, (np.sort(part) for part in np.split(order, cuts)), strict=True))
