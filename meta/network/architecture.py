"""The architecture of a network: its blocks, its head, and the shapes of all weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

from meta.network.views import ONE, TURNED, check_views
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.records import require_finite

BLOCKS = ("conv1", "conv2", "conv3", "conv4")
HEAD = "fc"
LAYERS = (*BLOCKS, HEAD)

_LIMITS = {
    "ways": (2, 100_000), "filters": (1, 4096), "last_filters": (0, 4096), "channels": (1, 64),
    "size": (16, 1024), "steps": (1, 1000), "cells_per_feature": (1, 64),
}  # fmt: skip
_MOST_WEIGHTS = 100_000_000  # half a gigabyte


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The sizes of a network: `filters` per block, `ways` classes, inner `steps`.

    last_filters : filters of the last block, where they differ; 0 is `filters`
    erased : omega at which all cells of the head start, the only cells that are then written; None
        learns the head and writes every layer
    same_length : scale the features before an erased head to one length, digitally
    cells_per_feature : rows of an erased head that each feature drives, every one with cells of its own
    views : copies of an image that its features are made of, one of `meta.network.views.VIEWS`. Those
        of turned copies stand side by side, others are averaged; before an erased head alone
    """

    ways: int = 5
    filters: int = 64
    last_filters: int = 0
    channels: int = 1
    size: int = 28  # [pixels]
    steps: int = 1
    erased: float | None = None
    same_length: bool = True
    cells_per_feature: int = 1
    views: str = ONE

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int:
                raise InputError(f"{name} = {value!r} must be a whole number")
            if value < least:
                raise InputError(f"{name} = {value} must be at least {least}")
            if value > most:
                raise InputError(f"{name} = {value} must be at most {most:,}")
        if self.erased is not None and not 0 < require_finite("erased", self.erased, "-") < 1:
            raise InputError(f"erased = {self.erased!r} must lie inside (0, 1)")
        if type(self.same_length) is not bool:
            raise InputError(f"same_length = {self.same_length!r} must be true or false")
        check_views(self.views)
        if self.erased is None and (self.cells_per_feature > 1 or self.views != ONE):
            raise InputError(
                "cells_per_feature and views are of an erased head; this network learns its own"
            )
        weights = sum(math.prod(shape) for shape in self.weight_shapes.values())
        if weights > _MOST_WEIGHTS:
            raise InputError(f"a network of {weights:,} weights; the most are {_MOST_WEIGHTS:,}")

    def check_images(self, shape: tuple[int, ...]) -> None:
        """Whether images (channels, rows, columns) are such as this is for.

        Raises
        ------
        InputError : they are not.
        """
        own = (self.channels, self.size, self.size)
        if shape != own:
            theirs, mine = (f"{rows} x {columns} x {count}" for count, rows, columns in (shape, own))
            raise InputError(
                f"images are {theirs} (rows, columns, channels), this network takes {mine}: "
                "train one on such images with `roa-meta train` and pass it with --network"
            )

    @property
    def poolings(self) -> int:
        """How many blocks pool: all, or all but the last before an erased head."""
        return len(BLOCKS) if self.erased is None else len(BLOCKS) - 1

    @property
    def block_filters(self) -> dict[str, int]:
        """Filters of every block."""
        last = self.last_filters or self.filters
        return dict(zip(BLOCKS, (*(self.filters,) * 3, last), strict=True))

    @property
    def features(self) -> int:
        """How many inputs the head has: every pooling halves the image, rounding down."""
        side: int = self.size // 2**self.poolings
        own = self.block_filters[BLOCKS[-1]] * side * side
        return own * self.cells_per_feature * (4 if self.views == TURNED else 1)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all crossbar weights."""
        inputs = (self.channels, *(self.filters,) * 3)
        filters = self.block_filters.items()
        shapes = {name: (count, n, 3, 3) for (name, count), n in zip(filters, inputs, strict=True)}
        return {**shapes, HEAD: (self.ways, self.features), f"{HEAD}.bias": (self.ways,)}

    @property
    def learned_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the crossbar weights that training learns, without an erased head."""
        shapes = self.weight_shapes
        return shapes if self.erased is None else {name: shapes[name] for name in BLOCKS}
