"""The current of a law by formulas, between its curves at both ends of the range."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roa_circuit.device.arrays import Array
from roa_circuit.device.laws.formulas.definition import Definition
from roa_circuit.device.laws.formulas.grammar import Tree
from roa_circuit.device.laws.formulas.values import value, value_and_slope


@functools.lru_cache(maxsize=64)
def trees_of(definition: Definition) -> dict[str, Tree]:
    """The formulas of a definition, checked once."""
    return definition.trees()


def current_at(
    definition: Definition, constants: Mapping[str, Any], omega: float, V: Array
) -> tuple[Array, Array]:
    """(current, its slope) at one end of the range, `current_scale` left out."""
    trees = trees_of(definition)
    x = value(trees["state_of_omega"], {**constants, "omega": omega})
    found = value_and_slope(trees["current"], {**constants, definition.state: x, "v": V}, "v")
    return found[0] + 0.0 * V, found[1] + 0.0 * V


@dataclass(frozen=True)
class Curve:
    """The current at one end of the range, for numbers as constants; equal curves are one to caches."""

    definition: Definition
    values: tuple[tuple[str, float], ...]
    omega: float

    def __call__(self, V: Array) -> Array:
        return current_at(self.definition, dict(self.values), self.omega, V)[0]
