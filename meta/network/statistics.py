"""The statistics of a filter's outputs that batch norm needs."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

EPSILON = 1e-5  # as in torch


class Statistics(NamedTuple):
    """Mean and variance of each filter's outputs (..., filters).

    size : how many outputs they were taken from; inf where they were known before
    """

    mean: Tensor
    variance: Tensor
    size: float = math.inf

    @property
    def slope(self) -> Tensor:
        """1 / sqrt(variance + epsilon)."""
        return torch.rsqrt(self.variance + EPSILON)

    @property
    def unbiased(self) -> Tensor:
        """The unbiased estimate of the variance."""
        return self.variance * self.size / (self.size - 1)
