"""Subjects: what a sweep is a sweep of. A layer is one (`layer`), a whole network another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from roa_circuit.errors import InputError
from roa_circuit.sweeps.fields import Field, Point, Value

Numbers = Mapping[str, list[float]]
"""The metrics of a point, one number a seed."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number of a chip, a share shown in per cent: what it is, and which way is good."""

    name: str
    meaning: str
    more_is_better: bool


class Subject(Protocol):
    """Numbers as a pure function of a point and a seed. Instances travel to other processes."""

    @property
    def name(self) -> str:
        """What reports call it, such as 'layer fc'."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """What can be varied, by name."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """What `evaluate` gives, the most telling first."""

    def base(self, field: Field) -> Value | None:
        """What the field is where it is not varied; None where that is no single value."""

    def describe(self) -> dict[str, Any]:
        """All that the numbers depend on but point and seed, as plain values: the store's identity."""

    def require(self, point: Point) -> None:
        """Raise InputError where the point cannot be, before anything is computed."""

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of one chip a seed; a RoaError says why the point has none."""


def require_any(subject: Subject, points: Sequence[Point]) -> None:
    """Refuse before anything is computed what no point of a sweep can be.

    Raises
    ------
    InputError : that of the first point, if all are refused. Else the refused ones are recorded.
    """
    first: InputError | None = None
    for point in points:
        try:
            subject.require(point)
        except InputError as error:
            first = first or error
        else:
            return
    if first:
        raise first
