"""The description of a sweep: its axes, design, repeats and seed, from options or a TOML file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from roa_circuit.basics import toml
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import counted
from roa_circuit.sweeps import axes
from roa_circuit.sweeps.axes import Axis
from roa_circuit.sweeps.designs import DESIGNS, points_of
from roa_circuit.sweeps.fields import Field, Value, find_field, require_disjoint

MOST_POINTS = 1_000_000
MOST_CHIPS = 100_000
KEYS = ("vary", "design", "points", "repeats", "seed")

Vary = Mapping[str, str | float | Sequence[object] | NDArray[Any]]
"""Axes by field name, each as `axes.parse` reads it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Sweep(Shown):
    """The description of a sweep.

    axes : the fields that are varied, and their values; none varies the chips alone, a Monte Carlo
    design : 'grid' takes all combinations of levels; 'random' and 'sobol' draw `points` of them, and
        also draw from intervals
    repeats : chips at every point, the same ones at all points: repeat i is drawn with seed + i
    seed : of the first repeat, and of the design

    Raises
    ------
    InputError : neither axes nor several chips, two axes that set the same thing, an interval in a grid,
        too many points.
    """

    axes: tuple[Axis, ...]
    design: str = "grid"
    points: int = 256
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{name} is varied twice")
        require_disjoint(axis.field for axis in self.axes)
        if self.design not in DESIGNS:
            raise InputError(f"design {self.design!r} is unknown; {nearest(self.design, DESIGNS)}")
        for name, least in (("points", 1), ("repeats", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} = {value!r} must be a whole number of at least {least}")
        self._require_levels()
        if not self.axes:
            self._require_chips()
        if self.seed >= 2**63 or self.repeats > MOST_CHIPS:
            raise InputError(
                f"repeats = {self.repeats} must be at most {MOST_CHIPS:,}, seed less than 2^63"
            )
        if self.size > MOST_POINTS:
            raise InputError(f"{self.size:,} points are more than the {MOST_POINTS:,} of one sweep")

    def _require_levels(self) -> None:
        for axis in self.axes:
            if self.design == "grid" and not axis.levels:
                raise InputError(
                    f"{axis.name}={axis.said()} is an interval, which a grid has no levels of:"
                    f" add a count, as in {axis.name}={axis.low:g}:{axis.high:g}:11, or choose"
                    " --design sobol"
                )

    def _require_chips(self) -> None:
        if self.repeats == 1:
            raise InputError(
                "nothing is varied; name a field, such as --vary wire_resistance=0:5:11, or draw chips"
                " that differ in their imperfections: --chips 100"
            )
        if not self.is_grid:
            raise InputError(
                f"design {self.design!r}: nothing is varied that it could draw; leave it out"
            )

    def facts(self) -> Facts:
        """The axes, with their units."""
        many = f"{counted(self.size, 'point')}, {counted(self.repeats, 'chip')} each"
        title = f"Sweep: {self.design} of {many}"
        rows = [(axis.name, axis.said(), axis.field.unit) for axis in self.axes]
        return Facts(title=title, rows=rows)

    @property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(len(axis.levels) for axis in self.axes) if self.is_grid else self.points

    @property
    def is_grid(self) -> bool:
        """Whether the points are all combinations of levels."""
        return self.design == "grid"

    @property
    def seeds(self) -> range:
        """The seeds of the repeats."""
        return range(self.seed, self.seed + self.repeats)

    def configurations(self) -> list[dict[str, Value]]:
        """The points, in order: the last axis of a grid runs fastest."""
        return points_of(self.design, self.axes, self.points, self.seed)

    def to_dict(self) -> dict[str, Any]:
        """The description as the TOML file has it."""
        drawn = {} if self.is_grid else {"points": self.points}
        return {
            "design": self.design,
            **drawn,
            "repeats": self.repeats,
            "seed": self.seed,
            "vary": {axis.name: list(axis.levels) or axis.said() for axis in self.axes},
        }

    def to_toml(self) -> str:
        """The description as TOML; `described` of its document gives it back."""
        return toml.dumps(self.to_dict())


def described(document: Mapping[str, Any], known: Mapping[str, Field]) -> Sweep:
    """A sweep from a TOML document, or from the options of a command; None counts as not given.

    Raises
    ------
    InputError : an unknown key or field, or what `Sweep` refuses.
    """
    for key in document:
        if key not in KEYS:
            raise InputError(f"unknown key {key!r}; {nearest(key, KEYS)}")
    vary = document.get("vary", {})
    design = document.get("design")
    if design is not None and not isinstance(design, str):
        raise InputError(f"design = {design!r} must be a word")
    if document.get("points") is not None and design in (None, "grid"):
        raise InputError(
            f"points = {document['points']}: a grid has as many points as its levels make; choose"
            " --design random or sobol, or leave it out"
        )
    if not isinstance(vary, Mapping):
        raise InputError(f"vary = {vary!r} must be a section of fields and their values")
    found = tuple(axes.parse(find_field(name, known), written) for name, written in vary.items())
    rest = {key: value for key, value in document.items() if key != "vary" and value is not None}
    return Sweep(axes=found, **rest)


def vary_options(options: Sequence[str]) -> dict[str, str]:
    """The values of `--vary NAME=VALUES`, by name.

    Raises
    ------
    InputError : no equals sign, or a name given twice.
    """
    found: dict[str, str] = {}
    for option in options:
        name, sign, written = option.partition("=")
        name = name.strip()
        if not (name and sign and written.strip()):
            raise InputError(f"--vary {option}: expected NAME=VALUES, as in wire_resistance=0:5:11")
        if name in found:
            raise InputError(f"--vary {name} is given twice")
        found[name] = written.strip()
    return found


def read_description(path: Path) -> dict[str, Any]:
    """The document of a TOML file.

    Raises
    ------
    InputError : unreadable, or not TOML.
    """
    return toml.loads(toml.read(path), source=str(path))
