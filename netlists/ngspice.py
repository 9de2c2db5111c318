"""Running decks in ngspice: one worker process a deck, with a time limit and its last words.

ngspice leaks memory with every transient, and a fault in libngspice takes its process along.
So each deck gets a fresh process (`netlists._worker`), watched by `netlists._process`. It is a
plain subprocess rather than a multiprocessing one: scripts need no `__main__` guard.
"""

from __future__ import annotations

import ctypes.util
import dataclasses
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists._process import Limits, Worker
from netlists.parallel import Together, run_all
from roa_circuit.errors import SimulatorError

LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
"""The environment variable that names libngspice where the usual places do not hold it."""

DEFAULT_TIME_LIMIT = 600.0
"""Wall-clock seconds for one deck."""

DEFAULT_MEMORY_LIMIT = 8 << 30
"""Bytes of address space for one worker; the largest deck takes a quarter of it."""

_USUAL_PLACES = (
    "/opt/homebrew/lib/libngspice.dylib",
    "/usr/local/lib/libngspice.dylib",
    "/usr/local/lib/libngspice.so.0",
    "/usr/lib/x86_64-linux-gnu/libngspice.so.0",
    "/usr/lib/aarch64-linux-gnu/libngspice.so.0",
)
_NOT_CONVERGED = re.compile(r"timestep too small|no convergence|iteration limit|not converge", re.I)

# Of a second attempt. Gear damps the ringing of trapezoids; results keep the deck's tolerances.
_SAFER_OPTIONS = ".options method=gear itl1=2000 itl2=1000 itl4=200"

Progress = Callable[[float], None]
"""Called with the fraction of the analysis that is done, from a thread of its own."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What ngspice computed.

    vectors : by ngspice's name in lower case ('time', 'vsense0#branch', 'xword0_col0.omega')
    version : what the library calls itself, e.g. 'ngspice-39'
    seconds : wall clock of loading and running the deck, without the start of the process
    attempts : 2 if the first run crashed or did not converge
    """

    vectors: dict[str, NDArray[np.float64]]
    version: str
    log: str
    seconds: float
    attempts: int = 1

    def matrix(self, names: Sequence[str], rows: int) -> NDArray[np.float64]:
        """The named vectors as columns (rows, names); each must be `rows` long.

        Raises
        ------
        SimulatorError : a vector is missing or of another length.
        """
        for name in names:
            length = len(self.vectors.get(name, ()))
            if length != rows:
                raise SimulatorError(f"ngspice left {length} values of {name}, not {rows}", log=self.log)
        return np.stack([self.vectors[name] for name in names], axis=1)


def find_library() -> str:
    """The path or soname of libngspice.

    Raises
    ------
    SimulatorError : nowhere; the message says how to install it.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SimulatorError(f"{LIBRARY_VARIABLE} names {named!r}, which is not a file")
        return named
    found = ctypes.util.find_library("ngspice")
    if found:
        return found
    for place in _USUAL_PLACES:
        if Path(place).is_file():
            return place
    raise SimulatorError(
        "libngspice is not installed: 'apt install libngspice0' on Debian and Ubuntu, "
        f"'brew install libngspice' on macOS, or name the file in {LIBRARY_VARIABLE}"
    )


def is_available() -> bool:
    """Whether libngspice can be found; it is not loaded."""
    try:
        find_library()
    except SimulatorError:
        return False
    return True


def simulate(
    deck: str,
    *,
    name: str = "deck",
    time_limit: float = DEFAULT_TIME_LIMIT,
    memory_limit: int = DEFAULT_MEMORY_LIMIT,
    progress: Progress | None = None,
    keep_in: Path | None = None,
    together: Together | None = None,
) -> Simulation:
    """Run one deck in a process of its own and return what it saved.

    A run that crashes is repeated once as it is, one that does not converge once with safer
    options (`attempts` says so); both share the time limit.

    Parameters
    ----------
    name : what the deck is called in messages and in the file that keeps it.
    time_limit : wall-clock seconds [s]; the process is killed when they are over.
    memory_limit : bytes of address space of the process, 0 for no limit.
    keep_in : the folder for the deck of a failed run, else the system's temporary folder.
    together : the runs that this one belongs to, and ends with.

    Raises
    ------
    SimulatorError : no libngspice; the deck was refused, did not converge, crashed, or ran out
        of time, memory or disk. `log` holds ngspice's last lines, `deck` the file that keeps it.
    """
    stop = (together or Together()).stop
    library = find_library()
    limits = Limits(seconds=time_limit, memory=memory_limit)
    deadline = time.monotonic() + time_limit
    text, attempt = deck, 1
    while True:
        run = _attempt(text, library, limits, deadline, progress, stop)
        if isinstance(run, Simulation):
            return dataclasses.replace(run, attempts=attempt)
        if not run.worth_repeating or attempt > 1 or stop.is_set():
            break
        text, attempt = (_safer(deck) if run.not_converged else deck), attempt + 1
    again = " (again, on a fresh worker)" if attempt > 1 else ""
    raise SimulatorError(
        f"ngspice, {name}: {run.reason}{again}", log=run.log, deck=_keep(deck, name, keep_in)
    )


def simulate_all(
    decks: Sequence[str],
    *,
    name: str = "deck",
    workers: int | None = None,
    time_limit: float = DEFAULT_TIME_LIMIT,
    memory_limit: int = DEFAULT_MEMORY_LIMIT,
    progress: Progress | None = None,
    keep_in: Path | None = None,
) -> list[Simulation]:
    """Run independent decks, `workers` of them at a time (default: one a core), in order.

    The first failure stops the others and is raised; so does an interrupt. `time_limit` and
    `memory_limit` are each deck's own, `progress` counts all decks alike.
    """
    together = Together(progress, weights=[1.0] * len(decks))

    def one(index: int) -> Simulation:
        return simulate(
            decks[index],
            name=f"{name}{index}",
            time_limit=time_limit,
            memory_limit=memory_limit,
            progress=together.part(index),
            keep_in=keep_in,
            together=together,
        )

    return run_all(one, len(decks), together, workers=workers)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What libngspice says of itself: its file, its version, the lines it answers to each command."""

    library: str
    version: str
    lines: dict[str, list[str]]


def ask(commands: Sequence[str], *, time_limit: float = 60.0) -> Answers:
    """Give commands to ngspice, in a process of its own.

    Raises
    ------
    SimulatorError : no libngspice, or one that cannot be loaded.
    """
    library = find_library()
    limits = Limits(seconds=time_limit, memory=DEFAULT_MEMORY_LIMIT)
    with _folder() as folder:
        _write(folder / "commands.txt", "\n".join(commands) + "\n")
        with Worker(folder, library, limits, None) as worker:
            reason = worker.wait(time.monotonic() + time_limit, threading.Event())
        if reason is None and (folder / "answers.json").exists():
            lines = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
            loaded = worker.library or library
            return Answers(library=loaded, version=str(worker.version), lines=lines)
        reason = reason or worker.last_words()
        raise SimulatorError(f"ngspice: {reason}", log="\n".join(worker.log))


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """Why one attempt left no result."""

    reason: str
    log: str
    crashed: bool

    @property
    def not_converged(self) -> bool:
        return bool(_NOT_CONVERGED.search(f"{self.reason}\n{self.log}"))

    @property
    def worth_repeating(self) -> bool:
        return self.crashed or self.not_converged


def _attempt(
    deck: str,
    library: str,
    limits: Limits,
    deadline: float,
    progress: Progress | None,
    stop: threading.Event,
) -> Simulation | _Failure:
    with _folder() as folder:
        _write(folder / "deck.cir", deck)
        with Worker(folder, library, limits, progress) as worker:
            reason = worker.wait(deadline, stop)
            ended = worker.ended
        result = folder / "vectors.npz"
        if reason is None and worker.version is not None and result.exists():
            return _read(result, worker)
        reason = reason or worker.last_words()
        return _Failure(reason=reason, log="\n".join(worker.log), crashed=ended and worker.crashed)


def _read(result: Path, worker: Worker) -> Simulation:
    """The vectors of a run that succeeded."""
    with np.load(result, allow_pickle=False) as archive:
        vectors = {name: archive[name] for name in archive.files}
    log, version = "\n".join(worker.log), str(worker.version)
    return Simulation(vectors=vectors, version=version, log=log, seconds=worker.seconds)


@contextmanager
def _folder() -> Iterator[Path]:
    """A private folder that is gone afterwards.

    Raises
    ------
    SimulatorError : there is no place for it.
    """
    try:
        temporary = tempfile.TemporaryDirectory(prefix="roa-spice-", ignore_cleanup_errors=True)
    except OSError as error:
        raise SimulatorError(f"no temporary folder for the deck: {error}; set TMPDIR") from None
    with temporary as path:
        yield Path(path)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SimulatorError(
            f"the deck cannot be written to {path.parent}: {error.strerror or error};"
            " set TMPDIR to a folder with room"
        ) from None


def _safer(deck: str) -> str:
    """The deck with options that trade speed for convergence; a later card overrides."""
    lines = deck.rstrip().splitlines()
    body = lines[:-1] if lines[-1].strip().lower() == ".end" else lines
    return "\n".join([*body, _SAFER_OPTIONS, ".end\n"])


def _keep(deck: str, name: str, folder: Path | None) -> Path | None:
    """Write the failed deck where it survives; None if even that fails."""
    try:
        folder = folder or Path(tempfile.mkdtemp(prefix="roa-spice-failed-"))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}-failed.cir"
        path.write_text(deck, encoding="utf-8")
    except OSError:
        return None
    return path
