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
class Schedule:
    """The order of the pulses, apart from their strength: which rows add up to one dose.

    A run is a stretch of one train without a change of polarity; `run` (rows,) says which,
    `train` (runs,) whose it is, `last` (runs,) where it ends; `scan` goes from run to run.
    `blocks` gathers runs of like length, padded to twice at most: (rows of each run, which of them are
    not padding), both (runs in it, longest).
    """

    run: NDArray[np.int64]
    train: NDArray[np.int64]
    last: NDArray[np.int64]
    scan: Scan
    blocks: tuple[Block, ...]

    @cached_property
    def levels(self) -> tuple[NDArray[np.int64], ...]:
        """The runs that come first in their trains, then those that come second, and so on."""
        number = np.arange(len(self.train)) - np.searchsorted(self.train, self.train)
        order = np.argsort(number, kind="stable")
        edges = np.searchsorted(number[order], np.arange(1, int(number.max(initial=0)) + 1))
        return tuple(np.split(order, edges))


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
        scan=Scan.of(number), blocks=_blocks(first, length),
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
