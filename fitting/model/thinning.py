"""Thinning: the same pulses with fewer readings between them, for searches that only look around."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fitting.readers.measurements import Measurements

_WORTH = 0.7  # of the readings: with more left, nothing is gained


def thinned(m: Measurements, most: int) -> tuple[Measurements, NDArray[np.int64]]:
    """(measurements with some `most` readings, which rows they are): the pulses between act together.

    Equal pulses that follow each other are one of their whole width, exact for every law, as doses add.
    Where pulses change, and where a train begins, every reading is kept.
    """
    begins = np.ones(len(m), dtype=bool)
    alike = [getattr(m, name) for name in ("train", "voltage", "read_voltage", "sweep")]
    begins[1:] = np.any([one[1:] != one[:-1] for one in alike], axis=0)
    stretch = np.cumsum(begins) - 1
    place = np.arange(len(m)) - np.flatnonzero(begins)[stretch]
    every = -(-len(m) // most)
    rows = np.flatnonzero((place % every == 0) | np.append(begins[1:], True))
    if every == 1 or len(rows) > _WORTH * len(m):
        return m, np.arange(len(m))
    groups = np.append(0, rows[:-1] + 1)
    pulses = None if m.pulses is None else np.add.reduceat(m.pulses, groups)
    return replace(m.of_rows(rows), width=np.add.reduceat(m.width, groups), pulses=pulses), rows
