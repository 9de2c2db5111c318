"""How long a simulator will take, said before it starts."""

from __future__ import annotations

from netlists.decks.costs import said
from netlists.decks.spice_array import SpiceArray
from roa_circuit.presentation import console

_BRIEF = 3.0  # seconds that nobody waits for


def expect(what: str, seconds: float) -> None:
    """Say that something takes so long, unless it is brief."""
    if seconds >= _BRIEF:
        console.remark(f"{what}: about {said(seconds)}")


def expect_rounds(array: SpiceArray, rounds: int) -> None:
    """Say how long rounds of write and verify take, whose pulses nobody knows beforehand."""
    expect(f"a round of one pulse a row, of at most {rounds} rounds", array.round_seconds)
