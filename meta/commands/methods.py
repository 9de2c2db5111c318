"""`roa-meta methods`: what can be trained and evaluated by name."""

from __future__ import annotations

from meta.methods import METHODS
from roa_circuit import console


def methods() -> None:
    """List the methods by name."""
    for method in METHODS.values():
        console.out.print(f"{method.name:12s} {method.summary}")
