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
    kept : (reads, rows) of the sample, at most KEPT_READS
    """

    def __init__(self, *, scale: float = 0.0, signed: bool = False) -> None:
        self._least = scale, signed
        self.observing = False
        self.forget()

    def forget(self) -> None:
        """Begin again, as before any sample."""
        self.scale, self.signed = self._least
        self.reads = self.seen = self.beyond = 0
        self.kept: Floats = np.zeros((0, 0))

    def observe(self, x: Tensor, count: int | None = None) -> None:
        """Take note of inputs (..., rows) of the sample.

        count : how many rows they stand for, if these are but some
        """
        rows = x.detach().flatten(0, -2) if x.dim() > 1 else x.detach()[None]
        self.scale = max(self.scale, float(rows.abs().max()) if rows.numel() else 0.0)
        self.signed = self.signed or bool((rows < 0).any())
        self.reads += len(rows) if count is None else count
        some = np.unique(np.linspace(0, max(len(rows) - 1, 0), min(KEPT_READS, len(rows))).astype(int))
        new = rows[torch.from_numpy(some).to(rows.device)].double().cpu().numpy()
        self.kept = np.vstack([self.kept, new])[:KEPT_READS] if self.kept.size else new

    def limited(self, x: Tensor) -> Tensor:
        """Inputs clipped to the range of the drivers, and counted where that changes them."""
        self.seen += x.numel()
        self.beyond += int((x.detach().abs() > self.scale).sum())
        return x.clamp(-self.scale, self.scale)
