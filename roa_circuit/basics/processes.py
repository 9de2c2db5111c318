"""Processes: workers that do not outlive whoever asked for their work."""

from __future__ import annotations

import os
import threading
import time

_EVERY = 0.5  # [s]


def end_with(parent: int) -> None:
    """End this process as soon as its parent, the process of that number, has ended."""
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="roa-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_EVERY)
    os._exit(1)
