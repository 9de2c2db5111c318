"""The port of a converted layer: which range of inputs its drivers make, and what lies beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roa_circuit.basics.errors import InputError

Floats = NDArray[np.float64]

KEPT_READS = 64
"""Of the sample, that a layer keeps at most for its summary and its verification."""

RANGING_READS = 1024
"""Of the sample, that tell converters their ranges at the most; they are kept until these are found."""


class Port:
    """The inputs of one matrix on chips.

    scale : the largest |input| of the sample, which drives the full scale; 0 until it is calibrated
    signed : whether the sample has negative inputs, which take a read of their own
    observing : whether inputs are looked at now, and multiplied digitally
    seen, beyond : inputs since calibration, and how many of them were clipped to +-scale
    reads : rows of inputs in the sample
    kept : (reads, rows) of the sample, at most KEPT_READS, from all of its items and all steps
    """

    def __init__(self, *, scale: float = 0.0, signed: bool = False) -> None:
        self._least = scale, signed
        self.observing = False
        self.forget()

    def forget(self) -> None:
        """Begin again, as before any sample."""
        self.scale, self.signed = self._least
        self.reads = self.seen = self.beyond = 0
        self._noted: list[NDArray[Any]] = []

    def observe(self, x: Tensor, count: int | None = None) -> None:
        """Take note of inputs (..., rows) of the sample.

        count : how many rows they stand for, if these are but some

        Raises
        ------
        InputError : inputs that are no finite numbers.
        """
        rows = x.detach().flatten(0, -2) if x.dim() > 1 else x.detach()[None]
        if not torch.isfinite(rows).all():
            raise InputError("the sample brings it inputs that are no finite numbers")
        self.scale = max(self.scale, float(rows.abs().max()) if rows.numel() else 0.0)
        self.signed = self.signed or bool((rows < 0).any())
        self.reads += len(rows) if count is None else count
        some = torch.from_numpy(evenly(len(rows), RANGING_READS)).to(rows.device)
        self._noted.append(rows[some].cpu().numpy())
        if sum(map(len, self._noted)) > 2 * RANGING_READS:  # of a long sequence
            self._noted = [self._some(RANGING_READS)]

    @property
    def kept(self) -> Floats:
        """Reads of the sample (reads, rows); see above."""
        return self._some(KEPT_READS).astype(np.float64)

    @property
    def ranging(self) -> Floats:
        """Reads of the sample (reads, rows) that tell ranges; after `settle` those that are kept."""
        return self._some(RANGING_READS).astype(np.float64)

    def settle(self) -> None:
        """Keep no more than `kept`."""
        self._noted = [self._some(KEPT_READS)] if self._noted else []

    def _some(self, most: int) -> NDArray[Any]:
        noted = np.vstack(self._noted) if self._noted else np.zeros((0, 0))
        return noted[evenly(len(noted), most)]

    def limited(self, x: Tensor) -> Tensor:
        """Inputs clipped to the range of the drivers, and counted where that changes them."""
        self.seen += x.numel()
        self.beyond += int((x.detach().abs() > self.scale).sum())
        return x.clamp(-self.scale, self.scale)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of `count` places, the first and the last among them."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(most, count)).astype(np.int64))
