"""Compilation: whether numba is there, and how it translates the kernels.

Its cache watches the file of an entry alone: what entries import is not watched, these options among it,
so after a change there touch the kernels' files. An installation does.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roa_circuit.basics import interrupts

ENTRY: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}

# Python never calls what the entries call; the wrappers would take half the translation's time.
INNER = {**ENTRY, "cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


_to_tell: list[Callable[[], None]] = []


def when_it_begins(tell: Callable[[], None]) -> None:
    """Have `tell` called once, when this process first translates a kernel that no cache has."""
    _to_tell.append(tell)


@functools.cache
def watch() -> None:
    """Listen to numba; modules of kernels call it, as numba is then loaded anyway."""
    from numba.core import caching, event

    class Listener(event.Listener):  # type: ignore[misc, unused-ignore]
        def on_start(self, _: Any) -> None:
            while _to_tell:
                _to_tell.pop()()

        def on_end(self, _: Any) -> None:
            pass

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call, unused-ignore]
    # Cut short, an index may name the code of an earlier version, which would be taken for this one's.
    kept: Any = caching.Cache
    kept.save_overload = interrupts.postponed()(kept.save_overload)


@functools.cache
def available() -> bool:
    """Whether numba is installed, not switched off, and has a place to keep what it translates."""
    return installed() and not switched_off() and cache_folder() is not None


def switched_off() -> bool:
    """Whether numba's own variable NUMBA_DISABLE_JIT says so; numpy then computes the same numbers.

    One small array is done before its kernels are translated, which takes most of a minute once.
    """
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def installed() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


@functools.cache
def cache_folder() -> Path | None:
    """Where numba keeps what it translates: as NUMBA_CACHE_DIR says, beside the code, or in HOME.

    None if none of these can be written. Each process would then translate for a minute, so that numpy
    computes instead.
    """
    named = os.environ.get("NUMBA_CACHE_DIR")
    beside, home = Path(__file__).parents[1] / "solver" / "__pycache__", _users()
    for folder in (Path(named),) if named else (beside, *home):
        if _can_be_written(folder):
            return folder
    return None


def _users() -> tuple[Path, ...]:
    """numba's folder in the user's cache, where there is a home."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return ()
    mac = sys.platform == "darwin"
    return (Path.home() / "Library" / "Caches" / "numba" if mac else Path(base) / "numba",)


def _can_be_written(folder: Path) -> bool:
    """Whether files can be made there, or the folder first; tried, as root is told that it may."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=there):
        return True
    return False
