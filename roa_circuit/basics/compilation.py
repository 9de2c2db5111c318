"""Compilation: whether numba is there, and how it translates the kernels.

Its cache watches the file of an entry alone: what entries import is not watched, these options among it,
so after a change there touch the kernels' files. An installation does.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

ENTRY: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}

# Python never calls what the entries call; the wrappers would take half the translation's time.
INNER = {**ENTRY, "cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@functools.cache
def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None
