"""Numbers and long lines as every deck writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from roa_circuit.errors import InputError

_LINE = 100


def number(value: float) -> str:
    """Twelve digits of times and resistances: no rounding noise, no two names for one instant."""
    return f"{_finite(value):.12g}"


def exact(value: float) -> str:
    """All digits of states and voltages."""
    return repr(_finite(value) + 0.0)


def folded(head: str, words: Iterable[str], mark: str = "+") -> Iterator[str]:
    """A card over as many lines as it takes, `mark` before each but the first."""
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
