"""Code of one's own, by name: 'package.module:function', imported only when a user asks for it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from roa_circuit.basics.errors import InputError, nearest

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def own_function(name: str, *, what: str) -> Callable[..., Any]:
    """The function 'package.module:function', of what is installed or of the working directory.

    what : what it makes, as errors call it

    Raises
    ------
    InputError : another form of name, no such module or function, or a module that fails.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{what} {name!r} must be PACKAGE.MODULE:FUNCTION, as in nets.digits:network")
    module, _, function = name.partition(":")
    with _from_here():
        try:
            found = importlib.import_module(module)
        except ImportError as error:
            raise InputError(f"{what} {name!r} cannot be imported: {error}") from None
        except (Exception, SystemExit) as error:  # whatever the user's file does
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise InputError(f"{what} {name!r} cannot be imported, {module} fails: {why}") from error
    known = [one for one, value in vars(found).items() if callable(value) and not one.startswith("_")]
    if function not in known:
        raise InputError(f"module {module!r} has no function {function!r}; {nearest(function, known)}")
    made: Callable[..., Any] = getattr(found, function)
    return made


def code_of(name: str) -> str:
    """The SHA-256 of the file that an imported 'package.module:function' stands in, or ''."""
    file = getattr(sys.modules.get(name.partition(":")[0]), "__file__", None)
    return "" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()


@contextlib.contextmanager
def _from_here() -> Iterator[None]:
    """Look in the working directory, too, after everything that is installed."""
    here = os.getcwd()  # noqa: PTH109, sys.path has texts
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
