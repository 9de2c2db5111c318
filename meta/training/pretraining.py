"""The configuration of a pretraining run, checked, and its TOML file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from meta.learning.writing import require_head_mapping
from meta.network.architecture import Architecture
from meta.network.backbones import RESIDUAL
from meta.network.methods import Method, find_method
from meta.network.rules import Rules
from meta.network.views import ONE
from meta.training.sections import read_section, require_counts, write_section
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.mapping import Mapping

TRAIN, BOTH = "train", "train+validation"

_COUNTS = {
    "epochs": (1, 10**6), "batch": (2, 10_000), "warm_up": (0, 10**6), "validate_every": (1, 10**6),
    "validation_tasks": (1, 10**6), "max_pulses": (1, 10**6), "seed": (0, 2**63 - 1),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """One pretraining run: a backbone learns to tell the training classes apart, all at once.

    Its features then serve an erased head, which is written once for a task of new classes.

    backbone, filters, centred, views, cells_per_feature : as in `Architecture`
    classes : that are learned: train; or train+validation, when every choice has been made before: no
        validation takes place then, and the last network is kept
    head_rate : at which the head is written; None is the best of a few on validation classes
    head : adopted rule of one's own (`meta.network.rules`), which writes the head in validation; None is
        the usual one
    turned_classes : whether images turned by a quarter are classes of their own, four for one
    mirror : whether images are mirrored; None is yes for colour, no for drawings in grey
    warm_up : steps in which the learning rate rises; it falls along a cosine to 0 from there on
    label_smoothing : share of a label that all classes have in common
    pasted : share of the steps whose images have a box of another image, and both labels by their areas
    validate_every : epochs between validations on classes that are not trained on
    mapping : of the head's cells that validation writes; pair, or reference for one cell a weight
    max_pulses : cap on the pulses of one cell of the head
    device : parameter set that validation writes on, a name or a TOML file; None is the design point's
    """

    dataset: str = "omniglot"
    classes: str = TRAIN
    head_rate: float | None = None
    head: str | None = None
    backbone: str = RESIDUAL
    filters: int = 32
    epochs: int = 60
    batch: int = 128
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    momentum: float = 0.9
    label_smoothing: float = 0.1
    pasted: float = 0.0
    warm_up: int = 200
    turned_classes: bool = True
    mirror: bool | None = None
    centred: bool = True
    views: str = ONE
    cells_per_feature: int = 1
    mapping: str = "pair"
    max_pulses: int = 4
    validate_every: int = 5
    validation_tasks: int = 300
    device: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        require_counts(self, _COUNTS)
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate = {self.learning_rate} must be a positive number")
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight_decay = {self.weight_decay} must be 0 or more")
        for name in ("momentum", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} must lie in [0, 1)")
        if not 0 <= self.pasted <= 1:
            raise InputError(f"pasted = {self.pasted} must lie in [0, 1]")
        if self.head_rate is not None and not 0 < self.head_rate < math.inf:
            raise InputError(f"head_rate = {self.head_rate} must be a positive number")
        if self.classes not in (TRAIN, BOTH):
            raise InputError(f"classes = {self.classes!r} must be {TRAIN} or {BOTH}")
        if self.rules.given and self.head_rate is not None:
            raise InputError(
                f"head_rate = {self.head_rate}: of the usual head; head {self.head} wants changes of a"
                " size of its own; leave one of them out"
            )
        if not self.validated and self.head_rate is None and self.head is None:
            raise InputError(
                f"classes = {BOTH!r} leaves no class on which to choose the head's rate; give head_rate,"
                f" as a run on {TRAIN} alone found it (metrics.csv, rate)"
            )
        require_head_mapping(Mapping.parse(self.mapping), self.how)

    @property
    def rules(self) -> Rules:
        """The rule of one's own that writes the head, if there is one."""
        return Rules(head=self.head)

    @property
    def validated(self) -> bool:
        """Whether classes are left on which the run is validated."""
        return self.classes == TRAIN

    @property
    def splits(self) -> tuple[str, ...]:
        """The data set's splits whose classes are learned."""
        return tuple(self.classes.split("+"))

    @property
    def how(self) -> Method:
        """The method that writes the head."""
        return find_method("roa-robust")

    def architecture(self, channels: int, size: int) -> Architecture:
        """The network of this run, for images of `channels` x `size` x `size`."""
        return Architecture(
            backbone=self.backbone,
            filters=self.filters,
            channels=channels,
            size=size,
            erased=self.how.erased,
            centred=self.centred,
            views=self.views,
            cells_per_feature=self.cells_per_feature,
        )

    def note(self) -> dict[str, Any]:
        """The run as a network's file has it, with the method that its head is written by."""
        return {**asdict(self), "method": self.how.name}

    def to_toml(self) -> str:
        """The run as TOML text; `from_toml` reads it back exactly."""
        return write_section("pretraining", self)

    @classmethod
    def from_toml(cls, path: Path, **changes: Any) -> Self:
        """Read a run's TOML file, in which `changes` replace values.

        Raises
        ------
        InputError : unreadable, an unknown key or section, a value of another type or out of range.
        """
        return read_section(cls, "pretraining", path, changes)
