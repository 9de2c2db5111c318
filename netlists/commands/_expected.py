"""How long a simulator will take, said before it starts."""

from __future__ import annotations

from netlists.decks.costs import said
from netlists.decks.spice_array import SpiceArray
from roa_circuit.basics.units import counted
from roa_circuit.presentation import console

_BRIEF = 3.0  # seconds that nobody waits for


def expect(what: str, seconds: float) -> None:
    """Say that something takes so long, unless it is brief."""
    if seconds >= _BRIEF:
        console.remark(f"{what}: about {said(seconds)}")


def expect_rounds(array: SpiceArray, pulses: int, rounds: int) -> None:
    """Say how long write and verify take: of the first round, which has most of the pulses.

    pulses : of rows, in the first round; those of the others nobody knows beforehand
    """
    what = f"the first of at most {rounds} rounds, {counted(pulses, 'pulse')} of a row"
    expect(what, array.round_seconds(pulses))
