"""The tensors of a network as the matrices that crossbars hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from meta.network.architecture import HEAD


def matrix(name: str, tensors: dict[str, Tensor]) -> NDArray[np.float64]:
    """A layer's tensor as (rows, columns): inputs by outputs, with the head's bias as last row."""
    weights = as_numpy(tensors[name].flatten(1).T)
    return np.vstack([weights, as_numpy(tensors[f"{HEAD}.bias"])]) if name == HEAD else weights


def as_numpy(tensor: Tensor) -> NDArray[np.float64]:
    """A tensor of any device and precision, without its gradient, as numbers of 64 bits."""
    return tensor.double().numpy(force=True)
