"""The write of pairs: how a change of g = w+ - w- becomes pulses on two cells, in numpy and torch.

The names are those of the field: chips of phase-change pairs only ever *raise* (a potentiating pulse on
either cell), analog synapses are written *push-pull*. Beside one cell against a reference, where
g = 2 omega - 1, a change takes twice the change of omega, spent on one cell or shared by two.

    way          dg > 0                     dg < 0
    raise        w+ up                      w- up
    lower        w- down                    w+ down
    room         the one of these two whose cell has more room
    push-pull    w+ up, w- down, half each  w+ down, w- up, half each; one makes up for the other
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.arrays import Array, as_array, namespace
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming, unchecked_write


class PairWrite(StrEnum):
    """Which cell of a pair takes the pulses."""

    raise_ = "raise"
    lower_ = "lower"
    room = "room"
    push_pull = "push-pull"

    @classmethod
    def parse(cls, text: object) -> PairWrite:
        """The way of that name.

        Raises
        ------
        InputError : another name.
        """
        names = [str(one) for one in cls]
        if str(text) not in names:
            raise InputError(f"pair write {text!r} is unknown; {nearest(str(text), names)}")
        return cls(str(text))


@dataclass(frozen=True)
class Pair:
    """Two arrays alike, of the cells that count for an output and against it: states or pulses."""

    plus: Array
    minus: Array

    @property
    def difference(self) -> Array:
        """g of states."""
        return self.plus - self.minus


def centred(g: Array) -> Pair:
    """The states that hold weights g evenly about omega = 1/2."""
    g = as_array(g)
    return Pair(0.5 + 0.5 * g, 0.5 - 0.5 * g)


def wanted(state: Pair, change: Array, how: Programming, way: PairWrite) -> Pair:
    """The change of omega that each cell is asked for, so that g changes by `change`."""
    change = as_array(change)
    xp = namespace(state.plus, change)
    up, down = xp.clip(change, 0.0, None), xp.clip(change, None, 0.0)
    raised, lowered = Pair(up, -down), Pair(down, -up)
    if way is PairWrite.raise_:
        return raised
    if way is PairWrite.lower_:
        return lowered
    if way is PairWrite.room:
        # The raised cell has 1 - omega, the lowered one its omega: their sum says which is more.
        up_or_down = state.plus + state.minus <= 1.0
        return Pair(
            xp.where(up_or_down, raised.plus, lowered.plus),
            xp.where(up_or_down, raised.minus, lowered.minus),
        )
    half = 0.5 * change
    plus, minus = _within(state.plus, half, how), _within(state.minus, -half, how)
    return Pair(half + (half + minus), -(half + (half - plus)))


def write_pair(
    state: Pair,
    change: Array,
    device: Device,
    how: Programming,
    way: PairWrite,
    generator: np.random.Generator | None = None,
) -> tuple[Pair, Pair]:
    """One open-loop write of g by `change`: (states written, signed pulse counts).

    Eq. 6 counts the pulses of both cells, and both have the noise of Eq. 7 if they took any.
    """
    asked = wanted(state, change, how, way)
    cells = [
        _written(omega, step, device, how, generator)
        for omega, step in ((state.plus, asked.plus), (state.minus, asked.minus))
    ]
    (plus, plus_count), (minus, minus_count) = cells
    return Pair(plus, minus), Pair(plus_count, minus_count)


def reach(state: Pair, how: Programming, way: PairWrite) -> tuple[Array, Array]:
    """(lowest, highest) g that one write of a pair in this state comes to."""
    low, high = (
        state.difference + step * (2.0 - shortfall(state, 0.0 * state.plus + 2.0 * step, how, way))
        for step in (-1.0, 1.0)
    )
    return low, high


def shortfall(state: Pair, change: Array, how: Programming, way: PairWrite) -> Array:
    """By how much |g| stays short of a change because a cell comes to an end of [lowest, highest]."""
    asked = wanted(state, change, how, way)
    plus, minus = (
        _within(omega, step, how)
        for omega, step in ((state.plus, asked.plus), (state.minus, asked.minus))
    )
    return namespace(plus, minus).abs(as_array(change) - (plus - minus))


def _within(omega: Array, step: Array, how: Programming) -> Array:
    """The part of a change that leaves omega in [lowest, highest], or moves it no further out."""
    xp = namespace(omega, step)
    most = xp.clip(how.highest_state - omega, 0.0, None)
    least = xp.clip(how.lowest_state - omega, None, 0.0)
    return xp.clip(step, least, most)


def _written(
    omega: Array, step: Array, device: Device, how: Programming, generator: np.random.Generator | None
) -> tuple[Array, Array]:
    """One cell's write; where nothing is asked for, nothing is written, whatever its state."""
    xp = namespace(omega, step)
    written, count = unchecked_write(omega, step, device, how, generator)
    idle = step == 0
    return xp.where(idle, omega, written), xp.where(idle, xp.zeros_like(count), count)
