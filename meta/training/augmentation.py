"""Augmentation: images as they might also have been taken, in one resampling pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far images are changed: uniform draws, of each image its own.

    zoom : factor by which images grow or shrink, at most
    stretch : factor between width and height, at most
    shift : of the image's half width, at most
    mirror : whether half of the images are mirrored, as photographs may be and drawings may not
    gain, offset : of colours or ink, at most; results stay in [0, 1]
    """

    zoom: float = 1.25
    stretch: float = 1.16
    shift: float = 0.25
    mirror: bool = True
    gain: float = 0.3
    offset: float = 0.15

    def __call__(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Changed copies of images (n, channels, size, size) in [0, 1]."""
        n, channels = images.shape[:2]
        zoom = np.exp(rng.uniform(-1, 1, n) * np.log(self.zoom))
        stretch = np.exp(rng.uniform(-1, 1, n) * np.log(self.stretch) / 2)
        sign = 1 - 2 * rng.integers(2, size=n) if self.mirror else np.ones(n)
        where = np.zeros((n, 2, 3), dtype=np.float32)
        where[:, 0, 0], where[:, 1, 1] = sign * stretch / zoom, 1 / (stretch * zoom)
        where[:, :, 2] = rng.uniform(-self.shift, self.shift, (n, 2))
        grid = F.affine_grid(torch.from_numpy(where), list(images.shape), align_corners=False)
        moved = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        gain = 1 + self.gain * rng.uniform(-1, 1, (n, channels, 1, 1))
        offset = self.offset * rng.uniform(-1, 1, (n, 1, 1, 1))
        return (moved * _like(gain, images) + _like(offset, images)).clamp(0, 1)


def pasted(images: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """(images with a box of another image each, which image that is, the share that is their own).

    The box is the same for all: of a uniformly drawn area, anywhere, cut off at the edges (CutMix, Yun
    et al. 2019).
    """
    size = np.array(images.shape[-2:])
    centre, half = rng.uniform(0, size), 0.5 * size * np.sqrt(rng.uniform())
    top, left = np.clip(np.round(centre - half), 0, size).astype(int)
    bottom, right = np.clip(np.round(centre + half), 0, size).astype(int)
    order = torch.from_numpy(rng.permutation(len(images)))
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = images[order][..., top:bottom, left:right]
    return mixed, order, 1.0 - (bottom - top) * (right - left) / float(size.prod())


def _like(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], images: Tensor) -> Tensor:
    return torch.from_numpy(values).to(images.dtype)
