"""Locks: one process at a time works in a folder; a lock ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.flags import flags

_ON_WINDOWS = ".lock"
"""The file that stands for a folder where folders cannot be opened."""


def lock(handle: int) -> bool:
    """Lock an open file or folder for this process; False where another one holds it."""
    try:
        import fcntl
    except ImportError:
        return _locked_on_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def held(folder: Path, work: str) -> Iterator[None]:
    """Hold a folder, made if need be, while `work` is done in it. The lock is on the folder itself.

    work : what would be going on there already, such as 'another training'

    Raises
    ------
    InputError : another process holds it, or it cannot be made or locked.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _opened(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    try:
        if not lock(handle):
            raise InputError(f"{folder}: {work} is writing there: wait for its end, or name another")
        yield
    finally:
        os.close(handle)
        if not hasattr(os, "O_DIRECTORY"):
            with contextlib.suppress(OSError):  # another process has it open: it is that one's now
                (folder / _ON_WINDOWS).unlink()


def _opened(folder: Path) -> int:
    if hasattr(os, "O_DIRECTORY"):
        return os.open(folder, flags("O_RDONLY", "O_DIRECTORY"))
    return os.open(folder / _ON_WINDOWS, flags("O_RDWR", "O_CREAT"))


def _locked_on_windows(handle: int) -> bool:
    try:
        import msvcrt
    except ImportError:  # a system without either: nobody is kept out
        return True
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return False
    return True
