"""lmfit, without loading at once what it seldom uses: pandas and scipy.stats, two thirds of its start.

While lmfit loads, stand-ins take their place; each loads the real thing when somebody first uses it.
So lmfit does all that it always does, and later imports of pandas and scipy.stats are ordinary.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_SELDOM = ("pandas", "scipy.stats")


class _Later:
    """A name of a module that is not loaded yet: callable, with attributes, a class to isinstance."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._real()(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __instancecheck__(self, one: object) -> bool:
        """Nothing is an instance of a class whose module nobody has loaded."""
        return self._module in sys.modules and isinstance(one, self._real())


class _Stand(ModuleType):
    """A module that hands out names without loading anything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Later(self.__name__, name)


def _load() -> Any:
    stands = {name: _Stand(name) for name in _SELDOM if name not in sys.modules}
    if "lmfit" in sys.modules:
        return sys.modules["lmfit"]
    sys.modules.update(stands)
    try:
        return importlib.import_module("lmfit")
    finally:
        for name, stand in stands.items():
            if sys.modules.get(name) is stand:
                del sys.modules[name]
            package, _, inner = name.rpartition(".")
            if package and vars(sys.modules[package]).get(inner) is stand:
                delattr(sys.modules[package], inner)


lmfit = _load()
