"""Batch norm, max-pool and ReLU of a block in compiled passes, twice differentiable.

Of outputs y, with xhat = (y - mean) r and r = 1 / sqrt(variance + epsilon), a block passes on

    z = max(0, gamma xhat + beta) of the largest in each window.

A change g of z, at the pixels chosen, has the gradients (sums over the n pixels of a filter)

    dbeta = A = sum g,   dgamma = B = sum g xhat,   dy = k (g - A/n - xhat B/n),   k = gamma r,

and changes q, p and u of these, with U = sum u, V = sum u xhat and P = sum u g - (A U + B V)/n,

    dg     = k (u - U/n) + (p - k V/n) xhat + q   at the pixels chosen
    dgamma = r P
    dy     = r (t - mean t - xhat (mean t xhat + k P/n)),   t = (p - k V/n) g - u k B/n.

Where mean and variance were known before, 1/n is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from meta.network._parts import for_parts, in_parts, parts
from meta.network.statistics import Statistics
from roa_circuit.basics import compilation


def is_compiled(y: Tensor) -> bool:
    """Whether there are compiled passes for such a tensor."""
    return y.device.type == "cpu" and y.ndim == 4 and compilation.available()


def norm_pool(y: Tensor, scale: Tensor, shift: Tensor, statistics: Statistics) -> Tensor:
    """(images, filters, rows // 2, columns // 2) of a block's outputs (images, filters, rows, columns).

    scale, shift : batch norm's gamma and beta (filters,)
    statistics : those of y, or known before
    """
    return _NormPool.apply(_filters_last(y), scale, shift, statistics).movedim(-1, 1)  # type: ignore[no-any-return, no-untyped-call]


@torch.no_grad()
def statistics_of(y: Tensor) -> Statistics:
    """Statistics of a block's outputs (images, filters, rows, columns)."""
    from meta.network import _norm_kernels

    y, count = _filters_last(y), y.numel() // y.shape[1]
    first, second = _totals(_norm_kernels.sums, y, y) / count
    mean, variance = first, (second - first.square()).clamp(min=0)
    dtype = torch.promote_types(y.dtype, torch.float32)
    return Statistics(mean.to(dtype), variance.to(dtype), count)


class _NormPool(torch.autograd.Function):
    """z of y, both with filters last."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, scale: Tensor, shift: Tensor, statistics: Statistics) -> Tensor:
        from meta.network import _norm_kernels

        mean, r = statistics.mean, statistics.slope
        choice = torch.empty(len(y), y.shape[1] // 2, y.shape[2] // 2, y.shape[3], dtype=torch.uint8)
        z = torch.empty(choice.shape, dtype=y.dtype)
        line = torch.stack([shift - scale * r * mean, scale * r])
        in_parts(_norm_kernels.pool, (y, choice, z), for_parts(y, line))
        ctx.save_for_backward(y, choice, scale, mean, r)
        ctx.share = 1.0 / statistics.size
        return z

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        return *_Gradients.apply(g, *ctx.saved_tensors, ctx.share), None  # type: ignore[no-untyped-call]


class _Gradients(torch.autograd.Function):
    """dy, dgamma and dbeta from g."""

    @staticmethod
    def forward(
        ctx: Any,
        g: Tensor,
        y: Tensor,
        choice: Tensor,
        scale: Tensor,
        mean: Tensor,
        r: Tensor,
        share: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        from meta.network import _norm_kernels

        g, dy, k = g.contiguous(), torch.empty_like(y), scale * r
        a, by_y = _totals(_norm_kernels.chosen_sums, y, choice, g).to(scale.dtype)
        b = r * (by_y - mean * a)
        by_xhat = -k * b * share
        line = [-k * a * share - by_xhat * r * mean, by_xhat * r, torch.zeros_like(k), k]
        in_parts(_norm_kernels.combine, (y, y, dy, choice, g), for_parts(y, torch.stack(line)))
        ctx.save_for_backward(g, y, choice, scale, mean, r, a, b)
        ctx.share = share
        return dy, b, a

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, u: Tensor, p: Tensor, q: Tensor) -> tuple[Tensor | None, ...]:
        from meta.network import _norm_kernels

        (g, y, choice, scale, mean, r, a, b), share = ctx.saved_tensors, ctx.share
        u, k, dtype = u.contiguous(), scale * r, scale.dtype
        total, by_y = _totals(_norm_kernels.sums, u, y).to(dtype)
        v = r * (by_y - mean * total)
        by_g = _totals(_norm_kernels.chosen_sums, u, choice, g)[1].to(dtype)
        whole = by_g - share * (a * total + b * v)
        of_g, of_u = p - share * k * v, -share * k * b
        mean_t = share * (of_g * a + of_u * total)
        by_xhat = -share * (of_g * b + of_u * v) - share * k * whole
        dg, dy = torch.empty_like(g), torch.empty_like(y)
        line = [q - share * k * total - of_g * r * mean, of_g * r, k]
        in_parts(_norm_kernels.gather, (y, u, choice, dg), for_parts(y, torch.stack(line)))
        line = [-mean_t - by_xhat * r * mean, by_xhat * r, of_u, of_g]
        in_parts(_norm_kernels.combine, (y, u, dy, choice, g), for_parts(y, r * torch.stack(line)))
        return dg, dy, None, r * whole, None, None, None


def _totals(kernel: Callable[..., None], *of_images: Tensor) -> Tensor:
    """A kernel's two sums (2, filters) over all images, in float64."""
    found = torch.zeros(parts(of_images[0]), 2, of_images[0].shape[-1], dtype=torch.float64)
    in_parts(kernel, of_images, found)
    return found.sum(0)


def _filters_last(y: Tensor) -> Tensor:
    return y.movedim(1, -1).contiguous()
