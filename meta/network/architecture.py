"""The architecture of a network: its blocks, its head, and the shapes of all weights."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields

from meta.network.backbones import (
    BLOCKS,
    RESIDUAL,
    Backbone,
    Blocks,
    Convolution,
    Residual,
    check_backbone,
)
from meta.network.own_backbone import OwnBackbone
from meta.network.views import ONE, check_views, parts_of
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.records import require_finite

HEAD = "fc"

_LIMITS = {
    "ways": (2, 100_000), "filters": (1, 4096), "last_filters": (0, 4096), "channels": (1, 64),
    "size": (16, 1024), "steps": (1, 1000), "cells_per_feature": (1, 64),
}  # fmt: skip
_MOST_WEIGHTS = 100_000_000  # half a gigabyte


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The sizes of a network: `filters` per block, `ways` classes, inner `steps`.

    backbone : `blocks`, the paper's four; or, before an erased head alone, `residual`, whose filters
        double from block to block and whose features are the means of the last maps, or one of your own
        (`meta.network.own_backbone`)
    last_filters : filters of the last of the paper's blocks, where they differ; 0 is `filters`
    erased : omega at which all cells of the head start, the only cells that are then written; None
        learns the head and writes every layer
    same_length : scale the features before an erased head to one length, digitally
    centred : take the mean of all training images off the features, before an erased head, and drive
        rows of their own with what lies above the mean and with what lies below it
    cells_per_feature : rows of an erased head that each feature drives, every one with cells of its own
    views : copies of an image that its features are made of, one of `meta.network.views.VIEWS`. Those
        of turned copies stand side by side, others are averaged; before an erased head alone
    """

    ways: int = 5
    backbone: str = BLOCKS
    filters: int = 64
    last_filters: int = 0
    channels: int = 1
    size: int = 28  # [pixels]
    steps: int = 1
    erased: float | None = None
    same_length: bool = True
    centred: bool = False
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
        for name in ("same_length", "centred"):
            if type(getattr(self, name)) is not bool:
                raise InputError(f"{name} = {getattr(self, name)!r} must be true or false")
        check_views(self.views)
        check_backbone(self.backbone)
        self._require_erased()
        if isinstance(self.body, OwnBackbone):
            self.body.check(self.size)
        if self.backbone != BLOCKS and self.last_filters:
            raise InputError(f"last_filters: of the paper's blocks, not of a {self.backbone} backbone")
        weights = sum(math.prod(shape) for shape in self.weight_shapes.values())
        if weights > _MOST_WEIGHTS:
            raise InputError(f"a network of {weights:,} weights; the most are {_MOST_WEIGHTS:,}")

    def _require_erased(self) -> None:
        """Raise InputError where a head that is learned has what is of an erased one."""
        usual = {"cells_per_feature": 1, "views": ONE, "centred": False, "backbone": BLOCKS}
        given = [name for name, value in usual.items() if getattr(self, name) != value]
        if self.erased is None and given:
            what = " and ".join(f"{name} = {getattr(self, name)}" for name in given)
            raise InputError(f"{what}: of an erased head; this network learns its own")

    def check_images(self, shape: tuple[int, ...]) -> None:
        """Whether images (channels, rows, columns) are such as this is for.

        Raises
        ------
        InputError : they are not.
        """
        own = (self.channels, self.size, self.size)
        if shape == own:
            return
        theirs, mine = (f"{rows} x {columns} x {count}" for count, rows, columns in (shape, own))
        side, command = self.size, "train" if self.backbone == BLOCKS else "pretrain"
        scale = (
            f"scale the pictures to {side} x {side} pixels, which --dataset folder then keeps"
            f" (ImageMagick: mogrify -resize {side}x{side}!), or "
        )
        raise InputError(
            f"images are {theirs} (rows, columns, channels), this network takes {mine}:"
            f" {scale if shape[0] == self.channels else ''}train one on such images with"
            f" `roa-meta {command}` and pass it with --network"
        )

    def require_same(self, other: Architecture) -> None:
        """Whether a network of this kind can go on as another.

        Raises
        ------
        InputError : it cannot; the message says what differs, and which options name it.
        """
        if (self.channels, self.size) != (other.channels, other.size):
            mine, theirs = (f"{one.size} x {one.size} x {one.channels}" for one in (self, other))
            raise InputError(
                f"the network to start from takes images of {mine}, these are {theirs}: start from one"
                " of such images, or train on images of its own size"
            )
        if (self.erased is None) != (other.erased is None):
            learned, cleared = "learns its head", "writes its head from an erased state"
            ours, theirs = (learned, cleared) if self.erased is None else (cleared, learned)
            raise InputError(
                f"the network to start from {ours}, and this training {theirs}: give the --method that"
                " it was trained for, or another network"
            )
        names = [one.name for one in fields(self) if getattr(self, one.name) != getattr(other, one.name)]
        if names:
            has = ", ".join(f"{name} = {getattr(self, name)}" for name in names)
            asked = ", ".join(f"{getattr(other, name)}" for name in names)
            raise InputError(
                f"the network to start from has {has}, and this training asks for {asked}: give"
                f" {', '.join('--' + name.replace('_', '-') for name in names)} as it has, or another"
                " network"
            )

    @functools.cached_property
    def body(self) -> Backbone:
        """What makes the features."""
        if self.backbone == RESIDUAL:
            return Residual(channels=self.channels, filters=self.filters)
        if self.backbone != BLOCKS:
            return OwnBackbone(self.backbone, self.channels, self.filters)
        pools = self.erased is None  # the last block, too
        return Blocks(
            channels=self.channels,
            filters=self.filters,
            last_filters=self.last_filters,
            last_pools=pools,
        )

    @functools.cached_property
    def convolutions(self) -> dict[str, Convolution]:
        """The backbone's convolutions by name, in the order in which images pass them."""
        return self.body.convolutions

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers that stand on crossbars: the convolutions, then the head."""
        return (*self.convolutions, HEAD)

    @property
    def embedding(self) -> int:
        """How many features the backbone makes of one view."""
        body = self.body
        *_, last = body.convolutions.values()
        return last.filters * body.pooled(self.size)

    @property
    def seen(self) -> int:
        """How many features all views of an image have together."""
        return self.embedding * parts_of(self.views)

    @property
    def features(self) -> int:
        """How many inputs the head has."""
        return self.seen * self.cells_per_feature * (2 if self.centred else 1)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all crossbar weights."""
        shapes = {name: one.shape for name, one in self.convolutions.items()}
        return {**shapes, HEAD: (self.ways, self.features), f"{HEAD}.bias": (self.ways,)}

    @property
    def learned_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the crossbar weights that training learns, without an erased head."""
        shapes = self.weight_shapes
        return shapes if self.erased is None else {name: shapes[name] for name in self.convolutions}
