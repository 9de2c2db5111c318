"""How tests look at processes: those that a command started, and whether one is ready for signals."""

import contextlib
import signal
from pathlib import Path


def marked(mark):
    """The processes that carry a mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"ROA_KILLED={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes()[:200])
    return found


def handles_signals(pid):
    """Whether a process handles SIGTERM in a way of its own, which Python by itself does not."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def children(pid):
    """The processes that one has started, by number."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
