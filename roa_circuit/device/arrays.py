"""Arrays: what the laws of devices need to run on numpy and torch alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj

Array = Any
"""A numpy array, a torch tensor, or another array of the Array API standard."""

# e^80 switches any cell in a femtosecond and still fits float32: the clamp changes no result.
LARGEST_EXPONENT = 80.0


def namespace(*values: Array) -> Any:
    """The array library of `values`; numpy when all are plain numbers."""
    arrays = [v for v in values if is_array_api_obj(v)]
    if all(isinstance(v, np.ndarray | np.generic) for v in arrays):
        return np  # has every function used here; array_api_compat's copy of it loads f2py
    return array_namespace(*arrays)


def as_array(value: Array) -> Array:
    """`value` itself if it is an array, else a float64 numpy array."""
    return value if is_array_api_obj(value) else np.asarray(value, dtype=np.float64)
