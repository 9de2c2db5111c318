"""The first block in closed form: convolution, batch norm, max-pool and ReLU of images in one pass.

Batch norm asks for the mean and the variance of every filter's outputs. A window of 3 x 3 pixels has few
numbers: of the mean m and the covariance C of all windows, w m and w C w are what it asks for, without
any output. Its scale and shift then go into weights and an offset, and what is left is the
largest of four windows' sums, or zero: piecewise linear, so that every derivative is again a sum
over chosen windows. Nothing as large as the convolution's output is ever stored, on which a
block of so few channels would spend nearly all of its time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta import stacked
from roa_circuit import compiled

_PART = 100  # images that a core takes at a time


def first_block(
    images: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, known: tuple[Tensor, ...] = ()
) -> Tensor:
    """(images, filters, size // 2, size // 2), >= 0, of images (images, channels, size, size).

    weight : (filters, channels, 3, 3); scale, shift : batch norm's gamma and beta (filters,)
    known : mean and variance of the filters' outputs (filters,); those of these images by default

    Images and weights of a stack have one more axis in front, outputs are as in `meta.stacked`.
    """
    mean, variance = known or statistics(images, weight)
    slope = torch.rsqrt(variance + stacked.EPSILON) * scale
    folded, offset = slope[..., None, None, None] * weight, shift - slope * mean
    if images.ndim > 4:
        pooled = stacked.pool(stacked.convolve(stacked.channels_last(images), folded))
        return F.relu(pooled + offset[..., None, None, None, :])
    if _is_compiled(images):
        by_filter = folded.permute(1, 2, 3, 0).flatten(1, 2)
        return _Largest.apply(_bordered(images), by_filter.contiguous(), offset).movedim(-1, 1)  # type: ignore[no-any-return, no-untyped-call]
    return F.relu(F.max_pool2d(F.conv2d(images, folded, offset, padding=1), 2))


def statistics(images: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (filters,) of what the filters make of all windows of the images; of every task
    of a stack (tasks, filters)."""
    mean, covariance = _moments(images)
    w = weight.flatten(-3).double()
    variance = ((w @ covariance) * w).sum(-1)
    return (w @ mean.unsqueeze(-1)).squeeze(-1).to(weight.dtype), variance.to(weight.dtype)


@torch.no_grad()
def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (..., 9 channels) and covariance (..., 9 channels, 9 channels) of all windows, in float64."""
    *_, count, channels, rows, columns = images.shape
    if _is_compiled(images):
        from meta import _first_kernels

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
    def forward(ctx: Any, images: Tensor, weights: Tensor, offset: Tensor) -> Tensor:
        from meta import _first_kernels

        count, _, rows, columns = images.shape
        choice = torch.empty(count, rows // 2 - 1, columns // 2 - 1, len(offset), dtype=torch.uint8)
        out = torch.empty(choice.shape, dtype=offset.dtype)
        _by_parts(_first_kernels.largest, images, choice, out, *_of_all(choice, weights, offset))
        ctx.save_for_backward(images, choice)
        return out

    @staticmethod
    def backward(ctx: Any, change: Tensor) -> tuple[None, Tensor, Tensor]:
        return None, *_Sums.apply(*ctx.saved_tensors, change)  # type: ignore[no-untyped-call]


class _Chosen(torch.autograd.Function):
    """The same where the windows have been chosen."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, choice: Tensor, weights: Tensor, offset: Tensor) -> Tensor:
        from meta import _first_kernels

        out = torch.empty(choice.shape, dtype=offset.dtype)
        _by_parts(_first_kernels.chosen, images, choice, out, *_of_all(choice, weights, offset))
        ctx.save_for_backward(images, choice)
        return out

    @staticmethod
    def backward(ctx: Any, change: Tensor) -> tuple[None, None, Tensor, Tensor]:
        return None, None, *_Sums.apply(*ctx.saved_tensors, change)  # type: ignore[no-untyped-call]


class _Sums(torch.autograd.Function):
    """What a change of the outputs says of weights and offset: the transpose of `_Chosen`."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, choice: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
        from meta import _first_kernels

        filters = choice.shape[-1]
        weights = torch.zeros(_parts(choice), images.shape[1], 9, filters, dtype=torch.float64)
        offset = torch.zeros(_parts(choice), filters, dtype=torch.float64)
        _by_parts(_first_kernels.sums, images, choice, change, weights, offset)
        ctx.save_for_backward(images, choice)
        return weights.sum(0).to(change.dtype), offset.sum(0).to(change.dtype)

    @staticmethod
    def backward(ctx: Any, weights: Tensor, offset: Tensor) -> tuple[None, None, Tensor]:
        return None, None, _Chosen.apply(*ctx.saved_tensors, weights, offset)  # type: ignore[no-untyped-call]


def _is_compiled(images: Tensor) -> bool:
    return images.device.type == "cpu" and images.ndim == 4 and compiled.available()


def _bordered(images: Tensor) -> Tensor:
    return F.pad(images, (1, 1, 1, 1)).contiguous()


def _parts(choice: Tensor) -> int:
    return -(-len(choice) // _PART)


def _of_all(choice: Tensor, *tensors: Tensor) -> list[Tensor]:
    return [tensor.expand(_parts(choice), *tensor.shape) for tensor in tensors]


def _by_parts(
    kernel: Any, images: Tensor, choice: Tensor, outputs: Tensor, weights: Tensor, offset: Tensor
) -> None:
    """Run a kernel on part after part of the images, each with weights and an offset of its own, on as
    many cores as torch has here. What parts there are does not depend on the cores, nor do sums."""
    of_images = [tensor.contiguous().numpy() for tensor in (images, choice, outputs)]
    of_parts = [tensor.detach().numpy() for tensor in (weights, offset)]

    def run(part: int) -> None:
        span = slice(part * _PART, (part + 1) * _PART)
        kernel(*(array[span] for array in of_images), *(array[part] for array in of_parts))

    cores, parts = torch.get_num_threads(), range(_parts(choice))
    if min(cores, len(parts)) == 1:
        list(map(run, parts))
    else:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(run, parts))
