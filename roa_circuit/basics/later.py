"""Modules that are put off: what others load at their start and seldom use is loaded at its first use.

While a package loads, stand-ins take the place of some modules that it asks for. Each hands out names
that load the real thing when somebody first uses them. So the package does all that it always does,
and later imports of these modules are ordinary.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Later:
    """A name of a module that is not loaded yet: callable, with attributes, a class to isinstance."""

    def __init__(self, module: str, name: str, known: Mapping[str, Any] | None = None) -> None:
        self._module, self._name = module, name
        vars(self).update(known or {})

    def _real(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._real()(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __deepcopy__(self, memo: object) -> _Later:
        """Itself, like the function or class that it stands for."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _Later, (self._module, self._name)

    def __instancecheck__(self, one: object) -> bool:
        """Nothing is an instance of a class whose module nobody has loaded."""
        return self._module in sys.modules and isinstance(one, self._real())


class _Stand(ModuleType):
    """A module that hands out names without loading anything."""

    def __init__(self, name: str, known: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(name)
        vars(self).update({one: _Later(name, one, values) for one, values in known.items()})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Later(self.__name__, name)


@contextmanager
def put_off(
    *modules: str, known: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None
) -> Iterator[None]:
    """Let stand-ins take the place of those modules that are not loaded yet, within the block.

    known : attributes, {module: {name in it: {attribute: value}}}, that may be asked for without loading
    """
    stands = {
        name: _Stand(name, (known or {}).get(name, {})) for name in modules if name not in sys.modules
    }
    for name, stand in stands.items():
        package, _, inner = name.rpartition(".")
        if package:
            importlib.import_module(package.partition(".")[0])
        sys.modules[name] = stand
        if package in sys.modules:  # numpy looks for its parts there, and if there is none, for ever
            setattr(sys.modules[package], inner, stand)
    try:
        yield
    finally:
        for name, stand in stands.items():
            if sys.modules.get(name) is stand:
                del sys.modules[name]
            package, _, inner = name.rpartition(".")
            if package in sys.modules and vars(sys.modules[package]).get(inner) is stand:
                delattr(sys.modules[package], inner)
