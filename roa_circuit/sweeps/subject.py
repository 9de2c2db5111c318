"""Subjects: what a sweep varies things of. A layer is one (`layer`), a whole network another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from roa_circuit.basics.errors import InputError
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.fields import Field, Point, Value

_TRIED = 8  # points with a value, of which one at least must be possible

Numbers = Mapping[str, list[float]]
"""The metrics of a point, one number a seed."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that a chip is judged by, shown in per cent, and whether more of it is better."""

    name: str
    meaning: str
    more_is_better: bool


class Subject(Protocol):
    """Metrics as a pure function of point and seed. Instances are sent to other processes."""

    @property
    def name(self) -> str:
        """The name in reports, such as 'layer fc'."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields that can be varied, by name."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """The metrics that `evaluate` returns, the most telling first."""

    @property
    def chance(self) -> bool:
        """Whether chips of different seeds differ, before anything is varied."""

    def base(self, field: Field) -> Value | None:
        """The field's value where it is not varied; None where that is no single value."""

    def describe(self) -> dict[str, Any]:
        """Everything but point and seed that the metrics depend on, as plain values."""

    def require(self, point: Point) -> None:
        """Raise InputError, before anything is computed, for a point that cannot be."""

    def evaluate(self, point: Point, seeds: Sequence[int]) -> Numbers:
        """The metrics of the chip of each seed; a RoaError says why the point has none."""


def require_chance(subject: Subject) -> None:
    """Refuse a Monte Carlo of chips that are all alike.

    Raises
    ------
    InputError : nothing is drawn by chance.
    """
    if not subject.chance:
        raise InputError(
            f"{subject.name}: nothing of it is drawn by chance, so all chips are alike; say what they"
            " differ in with --imperfections FILE (spread, faults, noise, offsets), or vary a field"
        )


def require_values(subject: Subject, axes: Sequence[Axis], points: Sequence[Point]) -> None:
    """Refuse a sweep with a value that no point can have, whatever its other values are.

    Raises
    ------
    InputError : that of the first point with this value, of a few.
    """
    for axis in axes:
        for value in axis.levels:
            some = islice((one for one in points if one[axis.name] == value), _TRIED)
            refusals = [_refused(subject, point) for point in some]
            if refusals and all(refusals):
                raise InputError(f"{axis.name} = {value}: {refusals[0]}")


def _refused(subject: Subject, point: Point) -> str:
    """Why the subject refuses a point; '' if it does not."""
    try:
        subject.require(point)
    except InputError as error:
        return str(error)
    return ""


def require_any(subject: Subject, points: Sequence[Point]) -> None:
    """Refuse a sweep before anything is computed if none of its points can be.

    Raises
    ------
    InputError : that of the first point, if all are refused. Otherwise a refusal is recorded with
        its point.
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
