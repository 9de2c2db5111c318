"""Tasks side by side: a block of the network for a stack of tasks, each with weights of its own.

On an accelerator, one matrix product for all tasks is quicker than to convolve one after another,
as `convolutional` does. Images are (tasks, images, rows, columns, channels), weights (tasks, filters,
channels, 3, 3); batch norm counts every task for itself.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from meta.network.statistics import Statistics


def convolve(x: Tensor, weight: Tensor) -> Tensor:
    """The 3 x 3 convolutions, padded by 1: (tasks, images, rows, columns, filters).

    Differentiable any number of times, every derivative again a product of `_windows`: torch's own
    grouped convolution has none as fast, and folding windows back would be a scatter.
    """
    return _Convolution.apply(x, weight.to(x.dtype))  # type: ignore[no-any-return, no-untyped-call]


def normalise(y: Tensor, scale: Tensor, shift: Tensor, statistics: Statistics) -> Tensor:
    """Batch norm, in float32."""
    slope = statistics.slope * scale
    return torch.addcmul(shift - statistics.mean * slope, _wide(y), slope).to(y.dtype)


def statistics_of(y: Tensor) -> Statistics:
    """Statistics of every task's own images, (tasks, 1, 1, 1, filters)."""
    variance, mean = torch.var_mean(_wide(y), dim=(1, 2, 3), correction=0, keepdim=True)
    return Statistics(mean, variance, y[0, ..., 0].numel())


def pool(x: Tensor) -> Tensor:
    """The 2 x 2 max-pool of every image."""
    flat = x.flatten(0, 1).movedim(-1, 1)  # channels first to the eye, last in memory
    pooled = F.max_pool2d(flat, 2).movedim(1, -1)
    return pooled.view(*x.shape[:2], *pooled.shape[1:])


def channels_last(images: Tensor) -> Tensor:
    """(tasks, images, channels, rows, columns) in the layout of this module."""
    return images.movedim(2, -1).contiguous()


def features(x: Tensor) -> Tensor:
    """(tasks, images, features), in the order of `torch.flatten` with channels first."""
    return x.movedim(-1, 2).flatten(2)


class _Convolution(torch.autograd.Function):
    """y = windows(x) W."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        matrix = weight.permute(0, 3, 4, 2, 1).flatten(1, 3)
        return torch.bmm(_windows(x), matrix).view(*x.shape[:4], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        to_input, to_weight = ctx.needs_input_grad
        return (
            convolve(gradient, _turned(weight)) if to_input else None,
            _weight_gradient(x, gradient) if to_weight else None,
        )


class _WeightGradient(torch.autograd.Function):
    """dL/dW = windows(x)' dL/dy, as (tasks, filters, channels, 3, 3)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(x, gradient)
        tasks, channels = x.shape[0], x.shape[-1]
        matrix = torch.bmm(gradient.flatten(1, 3).mT, _windows(x))
        return matrix.view(tasks, -1, 3, 3, channels).movedim(-1, 2)

    @staticmethod
    def backward(ctx: Any, change: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, gradient = ctx.saved_tensors
        to_input, to_gradient = ctx.needs_input_grad
        return (
            convolve(gradient, _turned(change)) if to_input else None,
            convolve(x, change) if to_gradient else None,
        )


def _weight_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    return _WeightGradient.apply(x, gradient)  # type: ignore[no-any-return, no-untyped-call]


def _turned(weight: Tensor) -> Tensor:
    """The weights that carry a gradient from outputs back to inputs."""
    return weight.flip(3, 4).transpose(1, 2)


def _wide(y: Tensor) -> Tensor:
    return y.to(torch.promote_types(y.dtype, torch.float32))


def _windows(x: Tensor) -> Tensor:
    """Every 3 x 3 window as a row: (tasks, images x rows x columns, 9 x channels)."""
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))
    windows = padded.unfold(2, 3, 1).unfold(3, 3, 1).movedim(4, -1)
    return windows.reshape(len(x), -1, 9 * x.shape[-1])
