"""What every worker process does first, and how it talks to the process that started it.

Started by `_process` as `python -m MODULE FOLDER PROGRAM MEMORY`; MEMORY is its limit in
bytes, 0 for none. A worker runs the folder's deck.cir and leaves vectors.npz there.

It writes lines (`log TEXT`, `progress FRACTION`, `version NAME`, `program FILE`, `seconds S`,
`failed WHY`) to what was its standard output; what the simulator itself prints goes to standard
error. It ends when its standard input closes, so that no simulation outlives the program that
asked for it.
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
    """The line to the parent. Making one takes over standard output and watches standard input."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)
        threading.Thread(target=_end_with_the_parent, daemon=True).start()

    def say(self, keyword: str, text: str) -> None:
        """Send one line of the protocol."""
        self._stream.write(f"{keyword} {' '.join(text.split())}\n")


def keep_priority() -> None:
    """Pass the niceness that this process was started with on to its session.

    A worker has a session of its own, and Linux shares processors among sessions before it looks at
    niceness within one: beside a training, a niced worker would still take half the machine.
    """
    with contextlib.suppress(OSError, AttributeError):  # other systems, or no such scheduler
        Path("/proc/self/autogroup").write_text(str(os.nice(0)))


def limit_memory(limit: int) -> None:
    """Make allocations beyond `limit` bytes fail, where the system has such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def leave(vectors: Mapping[str, Any], folder: Path) -> None:
    """Write vectors.npz; it has that name only when complete, so a full disk leaves no half result."""
    np.savez(folder / "part.npz", **vectors)
    (folder / "part.npz").replace(folder / "vectors.npz")


def _end_with_the_parent() -> None:
    """End this process when standard input closes, which it does when the parent ends at the latest."""
    while os.read(0, 4096):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # the session is ours alone: a program that we run ends too
    os._exit(1)
