"""The port of a converted layer: which range of inputs its drivers make, and what lies beyond it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

KEPT_READS = 64
"""Of the sample, that a layer keeps at most for its summary and its verification."""


class Port:
    """The inputs of one matrix on chips.

    scale : the largest |input| of the sample, which drives the full scale; 0 until it is calibrated
    signed : whether the sample has negative inputs, which take a read of their own
    observing : whether inputs are looked at now, and multiplied digitally
    seen, beyond : inputs since calibration, and how many of them were clipped to +-scale
    reads : rows of inputs in the sample
    kept : (reads, rows) of the sample, at most KEPT_READS, from all steps of a sequence
    """

    def __init__(self, *, scale: float = 0.0, signed: bool = False) -> None:
        self._least = scale, signed
        self.observing = False
        self.forget()

    def forget(self) -> None:
        """Begin again, as before any sample."""
        self.scale, self.signed = self._least
        self.reads = self.seen = self.beyond = 0
        self._noted: list[Floats] = []

    def observe(self, x: Tensor, count: int | None = None) -> None:
        """Take note of inputs (..., rows) of the sample.

        count : how many rows they stand for, if these are but some
        """
        rows = x.detach().flatten(0, -2) if x.dim() > 1 else x.detach()[None]
        self.scale = max(self.scale, float(rows.abs().max()) if rows.numel() else 0.0)
        self.signed = self.signed or bool((rows < 0).any())
        self.reads += len(rows) if count is None else count
        some = torch.from_numpy(_evenly(len(rows))).to(rows.device)
        self._noted.append(rows[some].double().cpu().numpy())
        if len(self._noted) > KEPT_READS:  # of a long sequence
            self._noted = self._noted[::2]

    @property
    def kept(self) -> Floats:
        """Reads of the sample (reads, rows); see above."""
        noted = np.vstack(self._noted) if self._noted else np.zeros((0, 0))
        return noted[_evenly(len(noted))]

    def limited(self, x: Tensor) -> Tensor:
        """Inputs clipped to the range of the drivers, and counted where that changes them."""
        self.seen += x.numel()
        self.beyond += int((x.detach().abs() > self.scale).sum())
        return x.clamp(-self.scale, self.scale)


def _evenly(count: int) -> NDArray[np.int64]:
    """At most KEPT_READS of so many places."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(KEPT_READS, count)).astype(np.int64))
