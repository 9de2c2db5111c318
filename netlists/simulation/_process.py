"""A watched worker process: its lines, its limits, and its certain end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.05  # [s]
_MEMORY = re.compile(
    r"can't allocate|cannot allocate|failed to map|out of memory|MemoryError|bad_alloc", re.I
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one run: wall-clock seconds, and bytes of address space (0 is no limit)."""

    seconds: float
    memory: int


class Worker:
    """A process of a worker module on one folder, and what it has said so far.

    A context manager: when it is left, the process is dead.
    """

    def __init__(
        self,
        module: str,
        folder: Path,
        program: str,
        limits: Limits,
        progress: Callable[[float], None] | None,
    ) -> None:
        self.log: deque[str] = deque(maxlen=200)
        self.version: str | None = None
        self.program: str | None = None
        self.seconds = 0.0
        self.failure: str | None = None
        self._folder, self._limits, self._progress = folder, limits, progress
        self._stderr = (folder / "stderr.txt").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(folder), program, str(limits.memory)],
            stdin=subprocess.PIPE,  # never written to: its end tells the worker of ours
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            # A Ctrl-C in the terminal is for us; we kill the worker, it needs no traceback.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None or self.crashed:
            self._kill_session()
            self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._stderr.close()

    def _kill_session(self) -> None:
        """Kill the worker, and a program that it runs."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def crashed(self) -> bool:
        """Whether a signal ended the process, a fault that may not happen again."""
        return (self._process.returncode or 0) < 0

    def wait(self, deadline: float, stop: threading.Event) -> str | None:
        """Wait for the end, or until `time.monotonic()` is there; None, or why it did not finish."""
        while True:
            try:
                self._process.wait(_POLL)
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    return "stopped, as another deck failed"
                if time.monotonic() > deadline:
                    return f"no result within the time limit of {self._limits.seconds:.3g} s"
                continue
            self._reader.join()
            if self.failure and _MEMORY.search(self.failure):
                return f"{self._out_of_memory()}: {self.failure}"
            return self.failure

    def last_words(self) -> str:
        """The reason why a process that announced no failure left no result."""
        code = self._process.returncode
        errors = (self._folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")
        self.log.extend(errors.splitlines()[-10:])
        if _MEMORY.search("\n".join(self.log)):
            return self._out_of_memory()
        if code < 0:
            return f"the simulator crashed with {signal.Signals(-code).name}"
        return f"the simulator ended with code {code} and no result"

    def _out_of_memory(self) -> str:
        limit = self._limits.memory
        return "out of memory" + (f", at a limit of {limit >> 20} MiB" if limit else "")

    def _listen(self) -> None:
        """Read the worker's lines, each a keyword, a blank and the rest."""
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            keyword, _, rest = raw.decode("utf-8", errors="replace").rstrip("\n").partition(" ")
            if keyword == "log":
                self.log.append(rest)
            elif keyword == "progress" and self._progress is not None:
                self._progress(float(rest))
            elif keyword == "version":
                self.version = rest
            elif keyword == "program":
                self.program = rest
            elif keyword == "seconds":
                self.seconds = float(rest)
            elif keyword == "failed":
                self.failure = rest
