"""Running decks in ngspice: one worker process a deck, with a time limit and its last words.

ngspice leaks memory with every transient, and a fault in libngspice takes its process along.
So each deck gets a fresh process (`netlists._worker`), watched from here. The worker is a
plain subprocess rather than a multiprocessing one: scripts need no `__main__` guard.
"""

from __future__ import annotations

import ctypes.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roa_circuit.errors import SimulatorError

LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
"""The environment variable that names libngspice where the usual places do not hold it."""

DEFAULT_TIME_LIMIT = 600.0
"""Wall-clock seconds for one deck."""

_USUAL_PLACES = (
    "/opt/homebrew/lib/libngspice.dylib",
    "/usr/local/lib/libngspice.dylib",
    "/usr/local/lib/libngspice.so.0",
    "/usr/lib/x86_64-linux-gnu/libngspice.so.0",
    "/usr/lib/aarch64-linux-gnu/libngspice.so.0",
)
_POLL = 0.05  # [s]

Progress = Callable[[float], None]
"""Called with the fraction of the analysis that is done, from a thread of its own."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What ngspice computed.

    vectors : by ngspice's name in lower case ('time', 'vsense0#branch', 'xword0_col0.omega')
    version : what the library calls itself, e.g. 'ngspice-39'
    seconds : wall clock of loading and running the deck, without the start of the process
    """

    vectors: dict[str, NDArray[np.float64]]
    version: str
    log: str
    seconds: float

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
    progress: Progress | None = None,
    keep_in: Path | None = None,
) -> Simulation:
    """Run one deck in a process of its own and return what it saved.

    Parameters
    ----------
    name : what the deck is called in messages and in the file that keeps it.
    time_limit : wall-clock seconds [s]; the process is killed when they are over.
    keep_in : the folder for the deck of a failed run, else the system's temporary folder.

    Raises
    ------
    SimulatorError : no libngspice; the deck was refused, did not converge, crashed or ran out
        of time. `log` holds ngspice's last lines, `deck` the file that keeps the deck.
    """
    return _simulate(deck, name, time_limit, progress, keep_in, threading.Event())


def simulate_all(
    decks: Sequence[str],
    *,
    name: str = "deck",
    workers: int | None = None,
    time_limit: float = DEFAULT_TIME_LIMIT,
    keep_in: Path | None = None,
) -> list[Simulation]:
    """Run independent decks, `workers` of them at a time (default: one a core), in order.

    The first failure stops the others and is raised.
    """
    stop = threading.Event()

    def one(index: int) -> Simulation:
        try:
            return _simulate(decks[index], f"{name}{index}", time_limit, None, keep_in, stop)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        futures = [pool.submit(one, index) for index in range(len(decks))]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            raise


def _simulate(
    deck: str,
    name: str,
    time_limit: float,
    progress: Progress | None,
    keep_in: Path | None,
    stop: threading.Event,
) -> Simulation:
    library = find_library()
    with tempfile.TemporaryDirectory(prefix="roa-spice-") as temporary:
        folder = Path(temporary)
        (folder / "deck.cir").write_text(deck, encoding="utf-8")
        worker = _Worker(folder, library, progress)
        try:
            outcome = worker.wait(time_limit, stop)
        finally:
            worker.kill()
        if outcome is None and worker.version is not None and (folder / "vectors.npz").exists():
            return worker.result()
        raise SimulatorError(
            f"ngspice, {name}: {outcome or worker.last_words()}",
            log="\n".join(worker.log),
            deck=_keep(deck, name, keep_in),
        )


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


class _Worker:
    """One process of `netlists._worker` and what it has said so far."""

    def __init__(self, folder: Path, library: str, progress: Progress | None) -> None:
        self.log: deque[str] = deque(maxlen=200)
        self.version: str | None = None
        self.seconds = 0.0
        self.failure: str | None = None
        self._folder = folder
        self._progress = progress
        self._stderr = (folder / "stderr.txt").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "netlists._worker", str(folder), library],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def wait(self, time_limit: float, stop: threading.Event) -> str | None:
        """Until the process ends: None, or why it was not let finish."""
        deadline = time.monotonic() + time_limit
        while True:
            try:
                self._process.wait(_POLL)
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    return "stopped, as another deck failed"
                if time.monotonic() > deadline:
                    return f"no result within the time limit of {time_limit:.3g} s"
                continue
            self._reader.join()
            return self.failure

    def kill(self) -> None:
        """End the process, if it still runs, and free what belongs to it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()

    def last_words(self) -> str:
        """Why a process that announced no failure left no result."""
        code = self._process.returncode
        errors = (self._folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")
        self.log.extend(errors.splitlines()[-10:])
        if code < 0:
            return f"the simulator crashed with {signal.Signals(-code).name}"
        return f"the simulator ended with code {code} and no result"

    def result(self) -> Simulation:
        """The vectors of a run that succeeded."""
        with np.load(self._folder / "vectors.npz", allow_pickle=False) as archive:
            vectors = {name: archive[name] for name in archive.files}
        return Simulation(
            vectors=vectors, version=str(self.version), log="\n".join(self.log), seconds=self.seconds
        )

    def _listen(self) -> None:
        """Take in the worker's lines: a keyword, a blank, the rest."""
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            keyword, _, rest = raw.decode("utf-8", errors="replace").rstrip("\n").partition(" ")
            if keyword == "log":
                self.log.append(rest)
            elif keyword == "progress" and self._progress is not None:
                self._progress(float(rest))
            elif keyword == "version":
                self.version = rest
            elif keyword == "seconds":
                self.seconds = float(rest)
            elif keyword == "failed":
                self.failure = rest
