"""Side by side: a second process takes half of some independent work, where a core is free for it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from roa_circuit.basics import interrupts
from roa_circuit.basics.processes import end_with

T = TypeVar("T")

_THREADED = ("torch", "matplotlib.pyplot")
"""Packages that may run threads of their own, or a window, neither of which outlives a fork."""


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What independent calls return, in their order; every second one runs in a forked process.

    Where a fork is unsafe or brings nothing (one core, threads, not Linux), all run here. What the
    other process cannot return, or fails at, is done here, so errors are those of plain calls.
    """
    theirs = range(1, len(calls), 2) if _may_fork() else range(0)
    if not theirs:
        return [call() for call in calls]
    reader, writer = os.pipe()
    # The child stays deaf to signals, which would end it as if it were its parent; it ends with that.
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, interrupts.ENDING)
    try:
        parent, child = os.getpid(), os.fork()
        if child == 0:
            _answer(reader, writer, parent, [calls[i] for i in theirs])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as pipe:
            mine = {i: call() for i, call in enumerate(calls) if i not in theirs}
            answer = pipe.read()
    finally:
        os.kill(child, signal.SIGKILL)  # it has answered, or nobody waits for it any more
        os.waitpid(child, 0)
    found = pickle.loads(answer) if answer else [calls[i]() for i in theirs]
    return [mine[i] if i in mine else found[i // 2] for i in range(len(calls))]


def _may_fork() -> bool:
    several = len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else False
    alone = threading.active_count() == 1 and not any(name in sys.modules for name in _THREADED)
    return sys.platform == "linux" and several and alone


def _answer(reader: int, writer: int, parent: int, calls: Sequence[Callable[[], Any]]) -> None:
    """Write what the calls return, whole or not at all, and end without anything else."""
    try:
        os.close(reader)
        end_with(parent)  # by a thread, so that it never forks in turn
        answer = pickle.dumps([call() for call in calls])
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
    except BaseException:  # the parent makes the calls itself, and reports what it meets
        os._exit(1)
    os._exit(0)
