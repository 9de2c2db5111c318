"""A layer behind its wires: all its tiles' responses as one differentiable function of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.circuits.aware.response import Response

Numbers = NDArray[Any]

Place = tuple[slice, slice]
"""The rows and outputs of a layer that a tile holds."""


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Tiles of one shape, stacked: n of (rows, outputs), as `Response` has them."""

    places: tuple[Place, ...]
    in_rows: Numbers
    in_columns: Numbers
    words: Numbers
    bits: Numbers
    modes: Numbers

    def product(self, x: Numbers, *, transposed: bool) -> Numbers:
        """Changes (n, rows, outputs) of W by those of g, or the other way round, gradients.

        By numpy: torch's batches of matrices times one vector are thirty times slower.
        """
        down, turned = self.in_columns, np.swapaxes(x, 1, 2)
        if transposed:
            y = (x[:, :, None] @ self.in_rows)[:, :, 0]
            y += np.swapaxes((turned[:, :, None] @ down)[:, :, 0], 1, 2)
            found = np.swapaxes(self.words, 1, 2) @ x @ self.bits
            return np.asarray(y + np.einsum("npqrk,npq->nrk", self.modes, found))
        y = (self.in_rows @ x[..., None])[..., 0]
        y += np.swapaxes((down @ turned[..., None])[..., 0], 1, 2)
        found = np.einsum("npqrk,nrk->npq", self.modes, x)
        return np.asarray(y + self.words @ found @ np.swapaxes(self.bits, 1, 2))


@dataclass(frozen=True, kw_only=True)
class LayerResponse:
    """The weights (rows, outputs) of a layer as its circuit reads them, near those it was taken at.

    at : (rows, outputs) g that the cells held then
    weights : (rows, outputs) W that they were read as
    """

    at: Tensor
    weights: Tensor
    groups: tuple[Alike, ...]

    def started(self, g: Tensor) -> Tensor:
        """W of the very weights that it was taken at."""
        return _Started.apply(g, self)  # type: ignore[no-any-return, no-untyped-call]

    def moved(self, g: Tensor) -> Tensor:
        """W of weights g that have moved since."""
        return self.weights + self.product(g - self.at)

    def product(self, x: Tensor, *, transposed: bool = False) -> Tensor:
        """What a change of g (rows, outputs) makes of W; transposed, a gradient of W one of g."""
        return _Product.apply(x, self, transposed)  # type: ignore[no-any-return, no-untyped-call]

    def multiplied(self, x: Tensor, *, transposed: bool) -> Tensor:
        """The same as plain numbers, without a gradient."""
        given = x.numpy()
        y = np.empty_like(given)
        for group in self.groups:
            some = np.stack([given[place] for place in group.places])
            found = group.product(some, transposed=transposed)
            for place, one in zip(group.places, found, strict=True):
                y[place] = one
        return torch.from_numpy(y)


def joined(
    places: Sequence[Place], responses: Sequence[Response], g: Tensor, dtype: torch.dtype = torch.float32
) -> LayerResponse:
    """A layer of tiles at these places, which hold g (rows, outputs)."""
    weights = torch.empty(g.shape, dtype=dtype)
    kind = weights.numpy().dtype
    for place, one in zip(places, responses, strict=True):
        weights[place] = torch.from_numpy(one.weights).to(dtype)
    shapes = dict.fromkeys(one.weights.shape for one in responses)
    groups = []
    for shape in shapes:
        alike = [index for index, one in enumerate(responses) if one.weights.shape == shape]
        stacked: dict[str, Any] = {
            field.name: np.stack([getattr(responses[index], field.name) for index in alike]).astype(kind)
            for field in fields(Alike)
            if field.name != "places"
        }
        groups.append(Alike(places=tuple(places[index] for index in alike), **stacked))
    return LayerResponse(at=g.detach().to(dtype).clone(), weights=weights, groups=tuple(groups))


class _Product(torch.autograd.Function):
    """A linear map, whose derivative is the transposed one, and so on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: LayerResponse, transposed: bool) -> Tensor:
        ctx.layer, ctx.transposed = layer, transposed
        return layer.multiplied(x.detach(), transposed=transposed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.layer.product(gradients[0], transposed=not ctx.transposed), None, None


class _Started(torch.autograd.Function):
    """Known weights, with the derivative of the map."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, layer: LayerResponse) -> Tensor:
        ctx.layer = layer
        return layer.weights.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.layer.product(gradients[0], transposed=True), None
