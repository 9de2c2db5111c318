"""The first block in closed form: convolution, batch norm, max-pool and ReLU of images in one pass.

Batch norm needs the mean and the variance of every filter's outputs. A window of 3 x 3 pixels has so
few numbers that both follow from the mean m and the covariance C of all windows, as w m and w C w,
before any output is computed. Scale and shift then go into the weights and an offset, and what is
left is the largest of four windows' sums, or zero. That is piecewise linear, so every derivative
is again a sum over chosen windows. Nothing as large as the convolution's output is ever stored,
which is where a block of so few channels would spend nearly all of its time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from meta.network import stacked
from meta.network._parts import for_parts, in_parts, parts
from meta.network.norm_pool import is_compiled
from meta.network.statistics import Statistics


def first_block(
    images: Tensor,
    weight: Tensor,
    scale: Tensor,
    shift: Tensor,
    statistics: Statistics,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """(images, filters, size // 2, size // 2), >= 0, of images (images, channels, size, size).

    weight : (filters, channels, 3, 3); scale, shift : batch norm's gamma and beta (filters,)
    statistics : `statistics_of` the filters' outputs, or known before
    dtype : of the outputs; the weight's by default

    Images and weights of a stack have one more axis in front, outputs are as in `meta.network.stacked`.
    """
    slope, dtype = statistics.slope * scale, dtype or weight.dtype
    folded, offset = slope[..., None, None, None] * weight, shift - slope * statistics.mean
    if images.ndim > 4:
        pooled = stacked.pool(stacked.convolve(stacked.channels_last(images), folded))
        return F.relu(pooled + offset[..., None, None, None, :]).to(dtype)
    if is_compiled(images):
        by_filter = folded.permute(1, 2, 3, 0).flatten(1, 2)
        return _Largest.apply(_bordered(images), by_filter, offset, dtype).movedim(-1, 1)  # type: ignore[no-any-return, no-untyped-call]
    return F.relu(F.max_pool2d(F.conv2d(images, folded, offset, padding=1), 2)).to(dtype)


def statistics_of(images: Tensor, weight: Tensor) -> Statistics:
    """Statistics of the filters' outputs over all windows, or over those of each task of a stack."""
    mean, covariance = _moments(images)
    w = weight.flatten(-3).double()
    variance = ((w @ covariance) * w).sum(-1).to(weight.dtype)
    count = images.shape[-4] * images.shape[-2] * images.shape[-1]
    return Statistics((w @ mean.unsqueeze(-1)).squeeze(-1).to(weight.dtype), variance, count)


@torch.no_grad()
def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., 9 channels) and covariance (..., 9 channels, 9 channels) of all windows, in float64."""
    *_, count, channels, rows, columns = images.shape
    if is_compiled(images):
        from meta.network import _first_kernels

        by_pixel = _bordered(images).permute(1, 2, 3, 0).contiguous()
        total, products = np.zeros(9 * channels), np.zeros((9 * channels, 9 * channels))
        _first_kernels.moments(by_pixel.numpy(), total, products)
        row = np.arange(9 * channels) // 3 % 3
        products = np.where(row[:, None] <= row, products, products.T)
        first, second = torch.from_numpy(total), torch.from_numpy(products)
    else:
        windows = F.unfold(images.flatten(0, -4).double(), 3, padding=1)
        windows = windows.view(*images.shape[:-3], *windows.shape[1:])
        first, second = windows.sum((-3, -1)), (windows @ windows.mT).sum(-3)
    mean = first / (count * rows * columns)
    return mean, second / (count * rows * columns) - mean.unsqueeze(-1) * mean.unsqueeze(-2)


class _Largest(torch.autograd.Function):
    """Outputs (n, rows, columns, filters) of bordered images, weights (channels, 9, filters), offset."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weights: Tensor, offset: Tensor, dtype: torch.dtype) -> Tensor:
        from meta.network import _first_kernels

        count, _, rows, columns = images.shape
        choice = torch.empty(count, rows // 2 - 1, columns // 2 - 1, len(offset), dtype=torch.uint8)
        out = torch.empty(choice.shape, dtype=dtype)
        lines = (for_parts(images, one) for one in (weights, offset))
        in_parts(_first_kernels.largest, (images, choice, out), *lines)
        ctx.save_for_backward(images, choice)
        ctx.dtype = offset.dtype
        return out

    @staticmethod
    def backward(ctx: Any, change: Tensor) -> tuple[None, Tensor, Tensor, None]:
        return None, *_Sums.apply(*ctx.saved_tensors, change, ctx.dtype), None  # type: ignore[no-untyped-call]


class _Sums(torch.autograd.Function):
    """Gradients of weights and offset from those of the outputs."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, choice: Tensor, change: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        from meta.network import _first_kernels

        count, filters = parts(images), choice.shape[-1]
        weights = torch.zeros(count, images.shape[1], 9, filters, dtype=torch.float64)
        offset = torch.zeros(count, filters, dtype=torch.float64)
        in_parts(_first_kernels.sums, (images, choice, change.contiguous()), weights, offset)
        ctx.save_for_backward(images, choice)
        ctx.dtype = change.dtype
        return weights.sum(0).to(dtype), offset.sum(0).to(dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weights: Tensor, offset: Tensor) -> tuple[None, None, Tensor, None]:
        from meta.network import _first_kernels

        images, choice = ctx.saved_tensors
        change = torch.empty(choice.shape, dtype=ctx.dtype)
        lines = (for_parts(images, one) for one in (weights, offset))
        in_parts(_first_kernels.chosen, (images, choice, change), *lines)
        return None, None, change, None


def _bordered(images: Tensor) -> Tensor:
    return F.pad(images, (1, 1, 1, 1)).contiguous()
