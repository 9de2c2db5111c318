"""Mappings: which physical columns (bit lines) make an output, and what is subtracted from what.

    reference     w w w w ... w R       one reference column, last; digitised apart from the others
    reference:4   w w R w w  w w R w w  a reference in the middle of every 4 weight columns
    pair          + - + - + - ...       two cells a weight on neighbouring bit lines, g = w+ - w-

Output j is I[plus[j]] - I[minus[j]]. Pairs and references of groups are subtracted as currents, before
the converter, which then sees the signal alone; the reference column is digitised like any other.

What the converters of a readout see are its *channels*: the columns themselves where they are digitised
apart, and one difference an output otherwise.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.circuit.pairs import Pair, PairWrite, centred
from roa_circuit.circuit.scaling import mapping_constants
from roa_circuit.device.parameters import Device

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

REFERENCE_STATE = 0.5
"""omega of every cell of a reference column: g = 0."""


class Kind(StrEnum):
    """What a weight's current is compared with: a reference column's, or that of its own second cell."""

    reference = "reference"
    pair = "pair"


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """How physical columns make outputs, and how pairs are written.

    kind : reference columns, or pairs of cells
    every : weight columns that share one reference, which stands in their middle; None is one
        reference for all of an array, on its last column
    write : which cell of a pair takes the pulses of a change

    Raises
    ------
    InputError : groups of fewer than one column, groups of pairs, or a pair's write without pairs.
    """

    kind: Kind = Kind.reference
    every: int | None = None
    write: PairWrite = PairWrite.raise_

    def __post_init__(self) -> None:
        if not self.paired and self.write is not PairWrite.raise_:
            raise InputError(
                f"mapping 'reference' has no pairs to write by {self.write!s}: leave it out"
            )
        if self.every is None:
            return
        if self.paired:
            raise InputError("mapping 'pair' has no reference columns: leave the number out")
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise InputError(f"mapping: a reference every {self.every!r} columns; give 1 or more")

    def __str__(self) -> str:
        if self.write is not PairWrite.raise_:
            return f"{self.kind}:{self.write}"
        return str(self.kind) if self.every is None else f"{self.kind}:{self.every}"

    @classmethod
    def parse(cls, text: object) -> Self:
        """'reference', 'reference:16', 'pair' or, with another write than `raise`, 'pair:push-pull'.

        Raises
        ------
        InputError : anything else.
        """
        kind, colon, more = str(text).strip().partition(":")
        if kind == Kind.pair and bool(colon) == bool(more):
            return cls(kind=Kind.pair, write=PairWrite.parse(more) if more else PairWrite.raise_)
        if kind == Kind.reference and re.fullmatch(r"(:\d{1,6})?", colon + more):
            return cls(every=int(more) if more else None)
        names = [*map(str, Kind), "reference:16", "pair:push-pull"]
        raise InputError(f"mapping {text!r} is unknown; {nearest(str(text), names)}")

    @property
    def said(self) -> str:
        """In words, for a line about an array."""
        if self.paired:
            return f"two columns an output, written by {self.write!s}"
        if self.every is None:
            return "the last column the reference"
        return f"a reference in the middle of every {self.every} columns"

    @property
    def paired(self) -> bool:
        """Whether a weight has two cells."""
        return self.kind is Kind.pair

    @property
    def apart(self) -> bool:
        """Whether signal and reference are digitised apart, and subtracted as numbers."""
        return self.kind is Kind.reference and self.every is None

    @property
    def scale(self) -> float:
        """What Eq. 11's a is multiplied by: pairs differ by the whole range of a cell, and not half."""
        return 0.5 if self.paired else 1.0

    def lines(self, outputs: int) -> int:
        """How many bit lines so many outputs take."""
        if self.paired:
            return 2 * outputs
        return outputs + (1 if self.every is None else -(-outputs // self.every))

    def outputs_on(self, lines: int) -> int:
        """How many outputs lie on so many bit lines.

        Raises
        ------
        InputError : no number of outputs takes as many.
        """
        if self.paired:
            outputs = lines // 2
        else:
            outputs = lines - (1 if self.every is None else -(-lines // (self.every + 1)))
        if outputs < 1 or self.lines(outputs) != lines:
            raise InputError(f"mapping {self}: {lines} columns hold no whole number of outputs")
        return outputs

    def channels(self, lines: int) -> int:
        """How many converters read so many bit lines."""
        return lines if self.apart else self.outputs_on(lines)

    def plus(self, lines: int) -> Indices:
        """(outputs,) the bit line whose current counts for each output."""
        return _layout(self, lines)[0]

    def minus(self, lines: int) -> Indices:
        """(outputs,) the bit line whose current counts against each output."""
        return _layout(self, lines)[1]

    def references(self, lines: int) -> Indices:
        """The reference columns, from the left; none of pairs."""
        return np.zeros(0, dtype=np.intp) if self.paired else np.unique(self.minus(lines))

    def groups(self, lines: int) -> Indices:
        """(columns,) a number for each bit line, alike where they share a digital gain."""
        if self.apart:
            return np.arange(lines)
        found = np.empty(lines, dtype=np.intp)
        found[self.plus(lines)] = found[self.minus(lines)] = np.arange(self.outputs_on(lines))
        if not self.paired:
            found[self.plus(lines)] = found[self.minus(lines)]
        return found

    def channel_of(self, lines: int) -> Indices:
        """(columns,) the channel that reads each bit line; of a shared reference, that of its first."""
        found = np.arange(lines)
        if not self.apart:
            outputs = np.arange(self.outputs_on(lines))
            found[self.minus(lines)[::-1]] = outputs[::-1]
            found[self.plus(lines)] = outputs
        return found

    def channel_gains(self, gains: Floats) -> Floats:
        """(channels,) of gains (columns,) that are alike in each of `groups`."""
        return gains if self.apart else gains[self.plus(len(gains))]

    def laid(self, plus: NDArray[Any], minus: NDArray[Any] | float) -> NDArray[Any]:
        """(rows, columns) from what stands on each output's columns.

        plus : (rows, outputs)
        minus : the same for pairs; of references, one number that all of their cells have
        """
        lines = self.lines(plus.shape[-1])
        found = np.empty((*plus.shape[:-1], lines), dtype=np.asarray(plus).dtype)
        found[..., self.minus(lines)] = minus
        found[..., self.plus(lines)] = plus
        return found

    def states_of(self, weights: Floats) -> Floats:
        """States (rows, columns) of weights g (rows, outputs): pairs stand evenly about omega = 1/2."""
        if self.paired:
            pair = centred(weights)
            return self.laid(pair.plus, pair.minus)
        return self.laid(0.5 * (weights + 1.0), REFERENCE_STATE)

    def pair_of(self, columns: NDArray[Any]) -> Pair:
        """What stands on both columns (rows, outputs) of each output."""
        lines = columns.shape[-1]
        return Pair(columns[..., self.plus(lines)], columns[..., self.minus(lines)])

    def weights_of(self, states: Floats) -> Floats:
        """Weights g (rows, outputs) of states (rows, columns)."""
        return np.asarray(2.0 * self.scale * self.differences(states))

    def differences(self, columns: Floats) -> Floats:
        """(..., outputs) of (..., columns): plus less minus."""
        if self.paired:  # neighbours, which views hold without a copy
            return np.asarray(columns[..., 0::2] - columns[..., 1::2])
        lines = columns.shape[-1]
        return np.asarray(columns[..., self.plus(lines)] - columns[..., self.minus(lines)])

    def joined(self, columns: Floats) -> Floats:
        """(..., channels) of (..., columns): what the converters see of the bit lines."""
        return columns if self.apart else self.differences(columns)

    def signals(self, channels: Floats) -> Floats:
        """(..., outputs) of (..., channels): the differences, wherever they are formed."""
        return self.differences(channels) if self.apart else channels

    def outputs(self, channels: Floats, device: Device) -> Floats:
        """Eq. 11, y = a (I+ - I-) / V_full (reads, outputs), of currents (reads, channels) [A].

        b sum(x) cancels: what is subtracted carries it too, and wires act on both alike.
        """
        a, _ = mapping_constants(device)
        return np.asarray(self.scale * a / device.pulses.full_scale * self.signals(channels))

    def effective_weights(self, channels: Floats, device: Device) -> Floats:
        """g (rows, outputs) of effective conductances [S] (rows, channels)."""
        a, _ = mapping_constants(device)
        return np.asarray(self.scale * a * self.signals(channels))

    def part(self, outputs: slice, lines: int) -> list[int]:
        """The bit lines of some outputs alone, in the order in which this mapping lays them out.

        Each group of the part has the reference that its first output had.
        """
        plus, minus = self.plus(lines)[outputs], self.minus(lines)[outputs]
        count = self.lines(len(plus))
        found = np.empty(count, dtype=np.intp)
        found[self.minus(count)[::-1]] = minus[::-1]
        found[self.plus(count)] = plus
        return [int(line) for line in found]


REFERENCE = Mapping()
"""One reference column, the last."""

PAIR = Mapping(kind=Kind.pair)
"""Two cells a weight."""


@functools.lru_cache(maxsize=256)
def _layout(mapping: Mapping, lines: int) -> tuple[Indices, Indices]:
    """(plus, minus) on so many bit lines."""
    outputs = np.arange(mapping.outputs_on(lines))
    if mapping.paired:
        plus, minus = 2 * outputs, 2 * outputs + 1
    elif mapping.every is None:
        plus, minus = outputs, np.full_like(outputs, lines - 1)
    else:
        group, place = np.divmod(outputs, mapping.every)
        middle = (np.minimum(mapping.every, len(outputs) - group * mapping.every) + 1) // 2
        first = group * (mapping.every + 1)
        plus, minus = first + place + (place >= middle), first + middle
    for one in (plus, minus):
        one.setflags(write=False)
    return plus, minus
