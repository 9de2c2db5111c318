"""Images turned by quarters."""

from __future__ import annotations

import torch
from torch import Tensor


def turned(images: Tensor, quarters: Tensor) -> Tensor:
    """Images (..., size, size), each turned by its quarter turns, 0 to 3, as `torch.rot90` does.

    quarters : has the first axes of the images, as many as all images of one turn need
    """
    k = quarters[(..., *[None] * (images.ndim - quarters.ndim))]
    out = torch.where(k % 2 == 1, images.mT, images)
    out = torch.where((k == 1) | (k == 2), out.flip(-2), out)
    return torch.where(k >= 2, out.flip(-1), out)
