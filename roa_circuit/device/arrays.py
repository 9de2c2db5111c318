"""Arrays: what the laws of devices need to run on numpy and torch alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj
from array_api_compat import device as device_of
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError

Array = Any
"""A numpy array, a torch tensor, or another array of the Array API standard."""

# Still fits float32. A device whose own pulses go beyond is refused; elsewhere e^80 is as good as more.
LARGEST_EXPONENT = 80.0

_NUMPYS_OWN = frozenset({np.ndarray, np.float64, float, int})


def namespace(*values: Array) -> Any:
    """The array library of `values`; numpy when all are plain numbers."""
    for value in values:
        if type(value) not in _NUMPYS_OWN:
            break
    else:
        return np  # most calls; asking each value costs as much as the arithmetic of a small array
    arrays = [unmasked(v) for v in values if is_array_api_obj(v)]
    if all(isinstance(v, np.ndarray | np.generic) for v in arrays):
        return np  # has every function used here; array_api_compat's copy of it loads f2py
    return array_namespace(*arrays)


def as_array(value: Array) -> Array:
    """`value` itself if it is an array, else a float64 numpy array."""
    return unmasked(value) if is_array(value) else np.asarray(value, dtype=np.float64)


def matching(values: NDArray[np.float64], array: Array) -> Array:
    """`values` as an array of the library, precision and device of `array`."""
    xp = namespace(array)
    return values if xp is np else xp.asarray(values, dtype=array.dtype, device=device_of(array))


def unmasked(value: Array) -> Array:
    """`value`; raises InputError of a masked array, whose hidden numbers no formula leaves out."""
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(
            "a masked array has hidden numbers, which would count; give a plain one, such as"
            " values.filled(0.5) or values.compressed()"
        )
    return value


def is_array(value: Any) -> bool:
    """Whether `value` is an array of any library, not a plain number."""
    return type(value) is np.ndarray or bool(is_array_api_obj(value))
