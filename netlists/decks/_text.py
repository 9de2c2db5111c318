"""Numbers and long lines in the form that every deck has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.components import Transistor

_LINE = 100


def number(value: float) -> str:
    """Times and resistances with twelve digits: no rounding noise, one spelling for each instant."""
    return f"{_finite(value):.12g}"


def exact(value: float) -> str:
    """States and voltages with all digits."""
    return repr(_finite(value) + 0.0)


def level_1(transistor: Transistor) -> str:
    """The constants of its model card; its junctions carry nothing, as the surrogate has none."""
    return f"vto={number(transistor.threshold)} kp={number(transistor.kp)} is=1e-18"


def folded(head: str, words: Iterable[str], mark: str = "+") -> Iterator[str]:
    """A card on as many lines as it takes, with `mark` before each but the first."""
    line = head
    for word in words:
        if len(line) + 1 + len(word) > _LINE:
            yield line
            line = mark
        line += " " + word
    yield line


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InputError(f"{value!r} cannot stand in a deck")
    return float(value)
