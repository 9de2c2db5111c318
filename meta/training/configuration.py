"""The configuration of a training run, checked, and its TOML file."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from meta.learning.writing import require_one_reference, require_pairs
from meta.network.architecture import Architecture
from meta.network.backbones import BLOCKS
from meta.network.methods import Method, find_method
from meta.network.rules import KINDS, Rules, adopted
from meta.network.views import ONE
from meta.training.sections import read_section, require_counts, write_section
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.mapping import REFERENCE, Mapping

_COUNTS = {
    "shots": (1, 1000), "queries": (1, 1000), "epochs": (1, 10**6), "iterations": (1, 10**9),
    "batch": (1, 10_000), "pulses_from": (0, 10**9), "max_pulses": (1, 10**6),
    "multi_step_epochs": (1, 10**9), "validation_tasks": (1, 10**6), "circuit_every": (1, 10**6),
    "seed": (0, 2**63 - 1),
}  # fmt: skip
"""The least and the most of every count; what an architecture counts has limits there."""


_OF_ERASED = {
    "erased": None, "same_length": True, "noise_scale": 1.0, "cells_per_feature": 1, "views": ONE,
    "backbone": BLOCKS, "centred": False,
}  # fmt: skip
"""What is set for an erased head alone, and what it usually is."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training run: a method of `meta.network.methods`, its data, sizes and budget.

    pulses_from : epochs that take the inner step in floating point. Later ones round it to device
        pulses, with gradients passing straight through. Rounding from the first epoch on stalls: a
        rate of 0.1 moves most cells by less than half a pulse. An erased head is written from the
        first epoch on.
    relative_rate : multiplies the learned rates wherever pulses are written, for the same reason
    rate_scale : multiplies all learned rates once, before the first iteration; head_rate multiplies
        those of the head once more
    mapping : `pair` writes pairs of cells, by `raise` or, as in `pair:push-pull`, another way; None is
        one cell a weight
    device : parameter set that is written on, a name or a TOML file; None is the design point's
    circuit, imperfections : TOML files of the circuit that the network learns with: its support
        loss, gradient and query loss are those behind its wires. Their write noise is that of pulses.
    wire_spread : how far the resistance of wires may be from the file's, as a share
    circuit_every : outer steps until it is drawn anew, and its response to the weights with it
    second_order : False stops the outer gradient at the inner one (first-order MAML)
    rho : the constraint of Eq. 18; 1 leaves it out, None is the method's own
    max_pulses : cap on the pulses of one cell; None is the method's own
    inner_loss, rate_rule, sampler : adopted functions of one's own (`meta.network.rules`): the loss of
        the inner step, its rates, and which classes and drawings make a task of the training
    head : another, of an erased head: the changes that it is written with
    turns : whether a class turned by 90 degrees is another class, as drawings in grey are unless they
        are like 6 and 9; None is as the data set has it, no for pictures in colour

    For a head that is written from an erased state:

    erased : omega at which its cells start; None is the method's own
    same_length : scale the features before it to one length
    noise_scale : factor on the noise levels that training writes at; 0 for none
    cells_per_feature, views, backbone, centred : as in `Architecture`
    """

    method: str = "roa"
    dataset: str = "omniglot"
    ways: int = 5
    shots: int = 1
    queries: int = 5
    filters: int = 64
    last_filters: int = 0  # of the last block; 0 is `filters`
    epochs: int = 16
    iterations: int = 500
    batch: int = 8
    pulses_from: int = 8
    relative_rate: float = 3.0
    rate_scale: float = 1.0
    head_rate: float = 1.0
    second_order: bool = True
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    rho: float | None = None
    max_pulses: int | None = None
    turns: bool | None = None
    erased: float | None = None
    same_length: bool = True
    noise_scale: float = 1.0
    cells_per_feature: int = 1
    views: str = ONE
    backbone: str = BLOCKS
    centred: bool = False
    constraint_rate: float = 1e-4  # gamma of Eq. 17
    multi_step_epochs: int = 10  # MAML++: until only the last step's loss counts
    validation_tasks: int = 100
    mapping: str | None = None
    device: str | None = None
    circuit: str | None = None
    imperfections: str | None = None
    wire_spread: float = 0.0
    circuit_every: int = 16
    inner_loss: str | None = None
    rate_rule: str | None = None
    sampler: str | None = None
    head: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        method = find_method(self.method)
        if not method.trained:
            raise InputError(
                f"method {self.method!r} has no network of its own; train {method.network!r} for it"
            )
        require_counts(self, _COUNTS)
        for name in ("rate_scale", "head_rate", "relative_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} = {getattr(self, name)} must be a positive number")
        for name in ("noise_scale", "learning_rate", "final_learning_rate", "constraint_rate"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} = {getattr(self, name)} must be 0 or more")
        changed = [name for name, usual in _OF_ERASED.items() if getattr(self, name) != usual]
        if method.erased is None and changed:
            raise InputError(
                f"{' and '.join(changed)}: of an erased head; {self.method} has none, roa-robust has"
            )
        if self.rho is not None and not 0 < self.rho <= 1:
            raise InputError(f"rho = {self.rho} must lie in (0, 1]")
        if self.columns.paired:
            require_pairs(self.columns, method)
        elif not self.behind_circuit:
            require_one_reference(self.columns)
        self._check_circuit(method)
        self._check_rules(method)

    def _check_rules(self, method: Method) -> None:
        for kind in KINDS:
            if (name := getattr(self, kind)) is not None:
                adopted(kind, name)
        own = [kind for kind in self.rules.given if kind != "head"]
        if method.erased is None and self.head is not None:
            raise InputError(
                f"head: of an erased head; {self.method} learns its own, and writes all layers; train"
                " roa-robust, or leave it out"
            )
        if method.erased is not None and own:
            raise InputError(
                f"{' and '.join(own)}: of an inner step; {self.method} writes its head in closed form,"
                " without one; train roa or another method, or leave it out"
            )

    def _check_circuit(self, method: Method) -> None:
        if not 0 <= self.wire_spread < 1:
            raise InputError(f"wire_spread = {self.wire_spread} must lie in [0, 1)")
        if self.behind_circuit and (method.erased is not None or method.written != "pulses"):
            raise InputError(
                f"circuit: {self.method} does not learn through its wires, as it writes no gradient in"
                " pulses; train roa or roa-wc, or leave the circuit out"
            )
        if self.wire_spread and not self.behind_circuit:
            raise InputError("wire_spread: is about the wires of a circuit; add --circuit FILE")

    @property
    def behind_circuit(self) -> bool:
        """Whether the network learns with a circuit."""
        return self.circuit is not None or self.imperfections is not None

    @property
    def how(self) -> Method:
        """The method that is trained."""
        return find_method(self.method)

    @property
    def rules(self) -> Rules:
        """The rules of one's own that decide an adaptation."""
        return Rules(inner_loss=self.inner_loss, rate_rule=self.rate_rule)

    @property
    def columns(self) -> Mapping:
        """How the cells of a weight lie on columns, and how pairs are written."""
        return REFERENCE if self.mapping is None else Mapping.parse(self.mapping)

    @property
    def constraint(self) -> float:
        """rho of Eq. 18 in this run."""
        return self.how.rho if self.rho is None else self.rho

    @property
    def pulse_cap(self) -> int:
        """The cap on the pulses of one cell in this run."""
        return self.how.max_pulses if self.max_pulses is None else self.max_pulses

    @property
    def noise(self) -> tuple[float, ...]:
        """The levels of write noise that tasks of this run draw from."""
        return tuple(self.noise_scale * sigma for sigma in self.how.noise)

    @property
    def idle(self) -> dict[str, str]:
        """The settings that differ from the usual ones and change nothing here, each with the reason."""
        how, why = self.how, dict[str, str]()
        if how.erased is not None:
            erased = f"{self.method} writes its head from an erased state, in one closed step"
            why |= dict.fromkeys(("pulses_from", "relative_rate", "second_order"), erased)
            own = f"head {self.head} wants changes of a size of its own"
            why |= dict.fromkeys(("rate_scale", "head_rate") if self.head else (), own)
        elif how.written != "pulses":
            why["pulses_from"] = f"{self.method} trains with ideal weights"
        if not how.multi_step:
            why["multi_step_epochs"] = f"{self.method} has the loss of its last step alone"
        if self.constraint_rate == 0:
            why["rho"] = "constraint_rate = 0 leaves the constraint out"
        usual = {field.name: field.default for field in fields(self)}
        return {name: text for name, text in why.items() if getattr(self, name) != usual[name]}

    def architecture(self, channels: int, size: int) -> Architecture:
        """The network of this run, for images of `channels` x `size` x `size`."""
        return Architecture(
            ways=self.ways,
            filters=self.filters,
            last_filters=self.last_filters,
            channels=channels,
            size=size,
            steps=self.how.steps,
            erased=self.how.erased if self.erased is None else self.erased,
            same_length=self.same_length,
            cells_per_feature=self.cells_per_feature,
            views=self.views,
            backbone=self.backbone,
            centred=self.centred,
        )

    def to_toml(self) -> str:
        """The run as TOML text; `from_toml` reads it back exactly."""
        return write_section("training", self)

    @classmethod
    def from_toml(cls, path: Path, **changes: Any) -> Self:
        """Read a run's TOML file, in which `changes` replace values.

        Raises
        ------
        InputError : unreadable, an unknown key or section, a value of another type or out of range.
        """
        return read_section(cls, "training", path, changes)
