"""Schedules: which pulses of a train add up to one dose, and the states that doses lead to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.model._scan import Scan
from fitting.readers.measurements import FloatArray, Measurements

Block = tuple[NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """The pulses and read voltages that differ, of which laws need to know each only once.

    voltage, width : of every kind of pulse [V], [s]; `pulse` (rows,) says which
    read_voltage : each that occurs [V]; `reading` (rows,) says which
    """

    voltage: FloatArray
    width: FloatArray
    pulse: NDArray[np.int64]
    read_voltage: FloatArray
    reading: NDArray[np.int64]

    @classmethod
    def of(cls, m: Measurements) -> Kinds:
        """The kinds of these measurements."""
        order = np.lexsort((m.width, m.voltage))
        voltage, width = m.voltage[order], m.width[order]
        new = np.append(True, (np.diff(voltage) != 0) | (np.diff(width) != 0))
        pulse = np.empty(len(m), dtype=np.int64)
        pulse[order] = np.cumsum(new) - 1
        reads, reading = np.unique(m.read_voltage, return_inverse=True)
        return cls(
            voltage=voltage[new], width=width[new], pulse=pulse, read_voltage=reads,
            reading=reading.ravel(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The order of the pulses, apart from their strength: which rows add up to one dose.

    A run is a stretch of one train without a change of polarity; `run` (rows,) says which,
    `train` (runs,) whose it is, `last` (runs,) where it ends; `scan` goes from run to run.
    `blocks` gathers runs of like length, padded to twice at most: (rows of each run, which of them are
    not padding), both (runs in it, longest). `kinds` are the pulses and readings that differ.
    """

    run: NDArray[np.int64]
    train: NDArray[np.int64]
    last: NDArray[np.int64]
    scan: Scan
    blocks: tuple[Block, ...]
    kinds: Kinds

    @cached_property
    def levels(self) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]:
        """The runs that come first in their trains, then those that come second, and so on.

        Each with those of them that another run follows, to which they lead.
        """
        number = np.arange(len(self.train)) - np.searchsorted(self.train, self.train)
        order = np.argsort(number, kind="stable")
        edges = np.searchsorted(number[order], np.arange(1, int(number.max(initial=0)) + 1))
        runs = np.split(order, edges)
        return tuple(zip(runs, [*(later - 1 for later in runs[1:]), order[:0]], strict=True))


def schedule(m: Measurements, *, by_amplitude: bool = False) -> Schedule:
    """Find the runs of constant polarity, or of one amplitude; a row without a pulse belongs to the run
    before it, unless it is a train's first.
    """
    begins = _begins_run(m, m.voltage if by_amplitude else np.sign(m.voltage).astype(np.int64))
    first = np.flatnonzero(begins)
    train = m.train[first]
    number = np.arange(len(first)) - np.searchsorted(train, train)
    length = np.diff(np.append(first, len(m)))
    return Schedule(
        run=np.cumsum(begins) - 1, train=train, last=first + length - 1,
        scan=Scan.of(number), blocks=_blocks(first, length), kinds=Kinds.of(m),
    )  # fmt: skip


def _blocks(first: NDArray[np.int64], length: NDArray[np.int64]) -> tuple[Block, ...]:
    """Group runs by the power of two that holds their length."""
    size = np.ceil(np.log2(length)).astype(np.int64)
    result = []
    for one in np.unique(size):
        chosen = size == one
        place = np.arange(length[chosen].max())
        filled = place < length[chosen][:, None]
        result.append((np.where(filled, first[chosen][:, None] + place, 0), filled))
    return tuple(result)


def _begins_run(m: Measurements, kind: NDArray[Any]) -> NDArray[np.bool_]:
    """kind : (rows,) of a row's pulse, 0 without one"""
    latest = np.maximum.accumulate(np.where(kind != 0, np.arange(len(m)), 0))
    polarity = kind[latest]
    new_train = np.diff(m.train, prepend=-1) != 0
    turned = (kind != 0) & (polarity != np.concatenate(([0], polarity[:-1])))
    result: NDArray[np.bool_] = new_train | turned
    return result


def totals(dose: FloatArray, s: Schedule) -> FloatArray:
    """The dose (..., rows) since the beginning of each row's run, including its own `dose`."""
    result = np.empty_like(dose)
    for rows, filled in s.blocks:
        sums = np.cumsum(np.where(filled, dose[..., rows], 0.0), axis=-1)
        result[..., rows[filled]] = sums[..., filled]
    return result
