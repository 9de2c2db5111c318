"""Locks: one process at a time works in a folder; a lock ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roa_circuit.basics.errors import InputError


def lock(handle: int) -> bool:
    """Lock an open file or folder for this process; False where another one holds it."""
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
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    try:
        if not lock(handle):
            raise InputError(f"{folder}: {work} is writing there: wait for its end, or name another")
        yield
    finally:
        os.close(handle)
