"""Compiled passes over images, part after part, on as many cores as torch has here.

The parts do not depend on the number of cores, and so neither do the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

_PART = 100  # images


def parts(images: Tensor) -> int:
    """How many parts there are."""
    return -(-len(images) // _PART)


def in_parts(kernel: Callable[..., None], of_images: Sequence[Tensor], *of_parts: Tensor) -> None:
    """Run a kernel on every part of the images, with its own row of `of_parts`."""
    by_image, by_part = [array(one) for one in of_images], [array(one) for one in of_parts]

    def run(part: int) -> None:
        span = slice(part * _PART, (part + 1) * _PART)
        kernel(*(one[span] for one in by_image), *(one[part] for one in by_part))

    cores, all_ = torch.get_num_threads(), range(parts(of_images[0]))
    if min(cores, len(all_)) == 1:
        list(map(run, all_))
    else:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(run, all_))


def for_parts(images: Tensor, row: Tensor) -> Tensor:
    """The same row for every part."""
    return row.contiguous().expand(parts(images), *row.shape)


def array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """A tensor's memory as kernels take it, with bfloat16 as uint16."""
    tensor = tensor.detach()
    return (tensor.view(torch.uint16) if tensor.dtype is torch.bfloat16 else tensor).numpy()
