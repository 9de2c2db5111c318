"""Backbones: which convolutions make the features of an image, and in which order.

A backbone is a list of convolutions and a way through them. What a convolution does (a crossbar, or
its ideal), its batch norm and its ReLU are a function that the caller gives: `layer(name, x)`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch.nn import functional as F

from roa_circuit.basics.errors import InputError, nearest

Layer = Callable[[str, Tensor], Tensor]
"""The outputs of a convolution of that name, with its norm and what follows, of images before it."""


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """One convolution of a backbone; padded, so that it keeps the size of its images.

    kernel : rows and columns of its window, odd
    pools : whether a 2 x 2 max-pool follows the norm
    bends : whether a ReLU follows it
    """

    inputs: int
    filters: int
    kernel: int = 3
    pools: bool = False
    bends: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the weights: (filters, inputs, rows, columns)."""
        return self.filters, self.inputs, self.kernel, self.kernel


class Backbone(Protocol):
    """What makes features of an image."""

    @property
    def convolutions(self) -> dict[str, Convolution]:
        """All convolutions by name, in the order in which images pass them."""

    def pooled(self, size: int) -> int:
        """How many features a filter of the last convolution has, for images of size x size."""

    def outputs(self, images: Tensor, layer: Layer) -> Tensor:
        """The last maps (images, filters, rows, columns) of images (images, channels, size, size)."""


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The paper's: four blocks of convolution, batch norm, max-pool, ReLU; all features of the last map.

    last_pools : whether the last block pools, too
    """

    channels: int
    filters: int
    last_filters: int
    last_pools: bool = True

    @property
    def convolutions(self) -> dict[str, Convolution]:
        """conv1 to conv4."""
        n = self.filters
        pairs = ((self.channels, n), (n, n), (n, n), (n, self.last_filters or n))
        return {
            f"conv{k}": Convolution(inputs=a, filters=b, pools=k < 4 or self.last_pools)
            for k, (a, b) in enumerate(pairs, start=1)
        }

    def pooled(self, size: int) -> int:
        """Every pooling halves the image, rounding down."""
        side: int = size // 2 ** sum(one.pools for one in self.convolutions.values())
        return side * side

    def outputs(self, images: Tensor, layer: Layer) -> Tensor:
        """One block after another."""
        return functools.reduce(lambda x, name: layer(name, x), self.convolutions, images)


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Four blocks of two convolutions beside a shortcut of 1 x 1, and the mean of the last map.

    Filters double from block to block; the first three pool. Such networks are usual where features
    are learned by classification (He et al. 2016; in few-shot learning, Tian et al. 2020).
    """

    channels: int
    filters: int

    @property
    def convolutions(self) -> dict[str, Convolution]:
        """res1.conv1, res1.conv2 and res1.shortcut, to res4.shortcut."""
        found, inputs = dict[str, Convolution](), self.channels
        for k in range(1, 5):
            filters = self.filters * 2 ** (k - 1)
            found[f"res{k}.conv1"] = Convolution(inputs=inputs, filters=filters)
            found[f"res{k}.conv2"] = Convolution(inputs=filters, filters=filters, bends=False)
            found[f"res{k}.shortcut"] = Convolution(
                inputs=inputs, filters=filters, kernel=1, bends=False
            )
            inputs = filters
        return found

    def pooled(self, size: int) -> int:
        """The mean of a map is one feature."""
        return 1

    def outputs(self, images: Tensor, layer: Layer) -> Tensor:
        """The sum of both ways through each block."""
        x = images
        for k in range(1, 5):
            inner = layer(f"res{k}.conv2", layer(f"res{k}.conv1", x))
            x = F.relu(inner + layer(f"res{k}.shortcut", x))
            x = F.max_pool2d(x, 2) if k < 4 else x
        return x.mean((-2, -1), keepdim=True)


BLOCKS, RESIDUAL = "blocks", "residual"
BACKBONES: Sequence[str] = (BLOCKS, RESIDUAL)

Maker = Callable[[int, int], Backbone]
"""Of (channels, filters): what `Architecture` has of both."""

OWN: dict[str, Maker] = {}
"""Backbones of one's own by name; see `meta.network.own_backbone`."""


def check_backbone(name: str) -> None:
    """Raise InputError unless there is such a backbone; the nearest name is given."""
    if name in (*BACKBONES, *OWN):
        return
    if ":" in name:
        raise InputError(
            f"backbone {name!r} is code of its own, which runs only when asked for: give --backbone"
            f" {name}, or call meta.adopt_backbone first"
        )
    raise InputError(f"backbone {name!r} is unknown; {nearest(name, BACKBONES)}")
