"""Flags of `os.open` by name, those that the system has: Windows lacks some, and has one of its own."""

from __future__ import annotations

import functools
import operator
import os


def flags(*names: str) -> int:
    """All these flags together, such as 'O_RDONLY', without those that the system lacks.

    Bytes are left as they are, on Windows as well; processes that are started inherit nothing.
    """
    found = (getattr(os, name, 0) for name in (*names, "O_CLOEXEC", "O_BINARY", "O_NOINHERIT"))
    return functools.reduce(operator.or_, found)
