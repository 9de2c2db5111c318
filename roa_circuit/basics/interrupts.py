"""Interrupts: Ctrl-C and signals that end a process, before it is ready and while it must not stop."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end; Ctrl-C is beside them."""

_HANDLED = (signal.SIGINT, *ENDING)
_USUAL = (signal.SIG_DFL, signal.default_int_handler)
_COMPILERS = {"numba", "llvmlite"}
_A_MOMENT, _PATIENCE = 0.02, 3.0  # [s]: until the next try, and until the process is ended


def said_of(number: int) -> str:
    """What a command says of the signal that ended it."""
    return "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"


def end_at_once() -> None:
    """From now on, until a command handles them, signals end the process with one line.

    A program calls it first, while it still loads what it needs: nothing is written yet. What somebody
    else handles or ignores stays so.
    """
    for number in _HANDLED:
        if signal.getsignal(number) in _USUAL:
            signal.signal(number, _end)


def end_without_a_word(code: int) -> None:
    """From now on signals end the process at once, with this exit code: all is said and written."""

    def leave(number: int, frame: FrameType | None) -> None:
        os._exit(code)

    for number in _HANDLED:
        if signal.getsignal(number) is _end:
            signal.signal(number, leave)


def _end(number: int, frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"error: {said_of(number)}\n".encode())
    os._exit(128 + number)


@contextmanager
def postponed() -> Iterator[None]:
    """A block that signals do not cut short: they are raised again at its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _HANDLED}
    mine = {number: one for number, one in before.items() if callable(one)}
    for number in mine:
        signal.signal(number, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        for number, handler in mine.items():
            signal.signal(number, handler)
        for number in waiting[:1]:
            signal.raise_signal(number)


@contextmanager
def as_interrupts() -> Iterator[list[int]]:
    """A block in which signals raise KeyboardInterrupt, so that it removes what it began.

    Yields the list that will hold their numbers, the first one first. One that meets a finalizer or a
    callback of C, where Python prints a traceback and goes on, is raised again. Within numba's translation
    none is raised: it would go on with broken memory. It waits for the end, or ends the process.
    """
    met: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield met
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _HANDLED}
    found = [n for n, handler in before.items() if handler in (*_USUAL, _end)]
    raised = _Raised(met)

    def handle(number: int, frame: FrameType | None) -> None:
        met.append(number)
        for other in ENDING if number != signal.SIGINT else ():
            if other in found:
                signal.signal(other, signal.SIG_IGN)  # a second would cut the clean-up short
        raised.unless_it_breaks(frame)

    for number in found:
        signal.signal(number, handle)
    usual, sys.unraisablehook = sys.unraisablehook, raised.instead_of(sys.unraisablehook)
    try:
        yield met
    finally:
        raised.over.set()
        sys.unraisablehook = usual
        told = any(number != signal.SIGINT for number in met)
        for number in found:
            ignored = told and number != signal.SIGINT and before[number] is not _end
            signal.signal(number, signal.SIG_IGN if ignored else before[number])


class _Raised:
    """KeyboardInterrupt in the main thread: now, or as soon as it breaks nothing and is not lost."""

    def __init__(self, met: list[int]) -> None:
        self.met, self.over = met, threading.Event()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def unless_it_breaks(self, frame: FrameType | None) -> None:
        """Raise it, or try again later where the main thread, with this frame, is in the compiler."""
        if _compiles(frame):
            self._again()
            return
        self._done.set()
        raise KeyboardInterrupt

    def instead_of(self, usual: Callable[[Any], object]) -> Callable[[Any], object]:
        """A hook for errors that nobody can catch: this one is tried again."""

        def hook(unraisable: Any) -> None:
            if issubclass(unraisable.exc_type, KeyboardInterrupt):
                self._again()
            else:
                usual(unraisable)

        return hook

    def _again(self) -> None:
        self._done.clear()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._try, daemon=True, name="roa-interrupt")
            self._thread.start()

    def _try(self) -> None:
        for _ in range(round(_PATIENCE / _A_MOMENT)):
            if self.over.wait(_A_MOMENT) or self._done.is_set():
                return
            _thread.interrupt_main()
        if not self.over.is_set():
            _end(self.met[0] if self.met else signal.SIGINT, None)


def _compiles(frame: FrameType | None) -> bool:
    """Whether a frame, or one that called it, is numba's or LLVM's."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).split(".")[0] in _COMPILERS:
            return True
        frame = frame.f_back
    return False
