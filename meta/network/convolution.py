"""A convolution as its crossbar has it: one window of an image drives the word lines at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from meta.network import stacked
from meta.network.precision import layout


def convolve(x: Tensor, weight: Tensor) -> Tensor:
    """The convolution, padded to keep the size of images, in the layout and precision of its input.

    x : (images, channels, rows, columns), or a stack of tasks as in `stacked`
    weight : (filters, channels, k, k) with an odd k
    """
    if x.ndim == 5:
        return stacked.convolve(x, weight)
    padding = weight.shape[-1] // 2
    return F.conv2d(x, weight.to(dtype=x.dtype, memory_format=layout(x.dtype)), padding=padding)


def windows(x: Tensor, kernel: int) -> Tensor:
    """What word lines are driven with, a row for each place of the window: (windows, channels k k)."""
    return F.unfold(x, kernel, padding=kernel // 2).transpose(1, 2).flatten(0, 1)


def initial(shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    """Xavier for weights, zero for the bias, as MAML++."""
    if len(shape) == 1:
        return torch.zeros(shape)
    limit = math.sqrt(6.0 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
    return (2 * torch.rand(shape, generator=generator) - 1) * limit
