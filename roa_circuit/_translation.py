"""How numba translates the kernels.

Its cache watches the file of an entry alone: what entries call and these options are not watched, so
after a change here or in `_lanes` touch the kernels' files. An installation does.
"""

from __future__ import annotations

from typing import Any

ENTRY: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}

# Python never calls what the entries call; the wrappers would take half the translation's time.
INNER = {**ENTRY, "cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
