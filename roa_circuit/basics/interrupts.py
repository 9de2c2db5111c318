"""Interrupts: Ctrl-C, SIGTERM and SIGHUP end a command at once, with one line, but never amid a write.

A process that is killed cannot tidy up, so nothing here needs that: files appear when they are complete,
workers and scratch folders end with the process. A signal therefore ends it on the spot, whatever it is
doing. An exception in its place would be lost in callbacks of C, and break compilers that it passes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, one) for one in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, one))
"""Signals that ask a process to end."""

_writing: list[None] = []  # one entry for every block, of any thread, that is not to be cut short
_asked: list[int] = []  # the signals so far


def end_at_once() -> None:
    """From now on signals end this process with one line: a program calls it before all else.

    What whoever started it ignores stays ignored, as nohup wants it.
    """
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end_or_wait)
    atexit.register(_end_in_peace)  # the first to be registered is the last to be called


def said_of(number: int) -> str:
    """What a command says of the signal that ended it."""
    return "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"


@contextmanager
def postponed() -> Iterator[None]:
    """A block, of any thread, that signals do not cut short: they end the process behind it."""
    _writing.append(None)
    try:
        yield
    finally:
        _writing.pop()
        _end_if_asked()


def _end_or_wait(number: int, frame: FrameType | None) -> None:
    _asked.append(number)
    _end_if_asked()


def _end_if_asked() -> None:
    if not _asked or _writing:
        return
    _writing.append(None)  # or a second signal might say a second line
    with contextlib.suppress(OSError):
        os.write(2, f"{_line_start()}error: {said_of(_asked[0])}\n".encode())
    os._exit(128 + _asked[0])


def _line_start() -> str:
    """On a terminal, where a bar of progress may stand: a clear line, in no colour, and the cursor."""
    animated = os.isatty(2) and os.environ.get("TERM", "dumb") != "dumb"
    return "\r\x1b[0m\x1b[K\x1b[?25h" if animated else ""


def _end_in_peace() -> None:
    """All is said and written; Python only tidies up."""
    for number in ENDING:
        if signal.getsignal(number) == _end_or_wait:
            signal.signal(number, signal.SIG_IGN)
