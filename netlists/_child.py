"""What every worker process does first, and how it speaks to the one that started it.

Started by `netlists._process` as `python -m MODULE FOLDER PROGRAM MEMORY`; MEMORY is its limit in
bytes, 0 for none. A worker runs the folder's deck.cir and leaves vectors.npz there.

It speaks in lines (`log TEXT`, `progress FRACTION`, `version NAME`, `program FILE`, `seconds S`,
`failed WHY`) on what was its standard output; whatever the simulator itself prints goes to standard
error. It ends when its standard input closes: no simulation outlives the program that asked for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


class Speaker:
    """The way to the parent. Making it takes standard output over and watches standard input."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)
        threading.Thread(target=_end_with_the_parent, daemon=True).start()

    def say(self, keyword: str, text: str) -> None:
        """One line of the protocol."""
        self._stream.write(f"{keyword} {' '.join(text.split())}\n")


def keep_priority() -> None:
    """Be as nice towards other sessions as we were made within our parent's.

    A worker has a session of its own, and Linux shares processors among sessions before it looks at
    what is nice in one: beside a training, a niced worker would take half the machine.
    """
    with contextlib.suppress(OSError, AttributeError):  # other systems, or no such scheduler
        Path("/proc/self/autogroup").write_text(str(os.nice(0)))


def limit_memory(limit: int) -> None:
    """Let allocations beyond `limit` bytes fail, where the system knows such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def leave(vectors: Mapping[str, Any], folder: Path) -> None:
    """Write vectors.npz, under that name only when complete: a full disk leaves no half result."""
    np.savez(folder / "part.npz", **vectors)
    (folder / "part.npz").replace(folder / "vectors.npz")


def _end_with_the_parent() -> None:
    """Wait for the other end of standard input to close, which is the parent's end at the latest."""
    while os.read(0, 4096):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # the session is ours alone: a program that we run ends too
    os._exit(1)
