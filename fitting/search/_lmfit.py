"""lmfit, without loading at once what it seldom uses: most of its start.

Those are pandas, dill, parts of scipy and of numpy that a fit has no need of, and HDF5 for the chains
of emcee. Each is loaded when somebody first uses it (`roa_circuit.basics.later`).
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from roa_circuit.basics.later import put_off

_SELDOM = (
    "pandas", "dill", "h5py", "numpy.f2py", "numpy.testing", "scipy.special", "scipy.stats",
    "scipy.interpolate", "scipy.optimize._linprog", "scipy.optimize._milp", "scipy.optimize._shgo",
)  # fmt: skip


def _load() -> Any:
    if "lmfit" in sys.modules:
        return sys.modules["lmfit"]
    with put_off(*_SELDOM):
        return importlib.import_module("lmfit")


lmfit = _load()
