"""Running decks: one worker process for each, with a time limit.

A simulator leaks memory with every run, and a crash in it takes its process along. So each deck
gets a fresh process, watched by `_process`. It is a plain subprocess rather than one of
multiprocessing, so that scripts need no `__main__` guard.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from netlists.simulation._process import Limits, Worker
from netlists.simulation.parallel import Together, run_all
from netlists.simulation.scratch import private_folder
from roa_circuit.basics.errors import SimulatorError

DEFAULT_TIME_LIMIT = 600.0
"""Wall-clock seconds for one deck."""

DEFAULT_MEMORY_LIMIT = 8 << 30
"""Bytes of address space for one worker; the largest deck takes a quarter of it."""

_NOT_CONVERGED = re.compile(
    r"timestep too small|no convergence|iteration limit|not converge|failed to converge", re.I
)

Progress = Callable[[float], None]
"""Called with the fraction of the analysis that is done, from a thread of its own."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The result of one run.

    vectors : by the simulator's name in lower case ('time', 'vsense0#branch', 'xword0_col0.omega')
    version : what the simulator calls itself, e.g. 'ngspice-39'
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
        SimulatorError : a vector is missing or of another length, or has what is no number.
        """
        for name in names:
            length = len(self.vectors.get(name, ()))
            if length != rows:
                raise SimulatorError(
                    f"{self.version} left {length} values of {name}, not {rows}", log=self.log
                )
            if not np.isfinite(self.vectors[name]).all():
                raise SimulatorError(
                    f"{self.version} left values of {name} that are no numbers", log=self.log
                )
        return np.stack([self.vectors[name] for name in names], axis=1)

    def at(self, times: Sequence[float], names: Sequence[str]) -> NDArray[np.float64]:
        """The named vectors of a transient as columns (times, names), between its own points.

        Raises
        ------
        SimulatorError : a vector is missing, or the transient ended before the last of `times`.
        """
        own = self.vectors.get("time", np.zeros(0))
        table = self.matrix(names, len(own))
        if not len(own) or own[-1] < times[-1] * (1.0 - 1e-9):
            reached = own[-1] if len(own) else 0.0
            raise SimulatorError(
                f"{self.version} came to {reached:.6g} s, not {times[-1]:.6g}", log=self.log
            )
        return np.stack([np.interp(times, own, values) for values in table.T], axis=1)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of driving a simulator.

    worker : the module that runs one deck in a process of its own
    find : finds the library or program, or raises a SimulatorError that says how to install it
    """

    worker: str
    find: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A circuit simulator, and how it is driven.

    name : for messages
    suffix : of its decks' files
    ways : of driving it; the first that finds what it needs is taken
    safer : gives a deck options that trade speed for convergence
    """

    name: str
    suffix: str
    ways: tuple[Way, ...]
    safer: Callable[[str], str]

    def find(self) -> str:
        """The library or program that decks run in.

        Raises
        ------
        SimulatorError : there is none; the message says how to install what the first way needs.
        """
        return self.found()[1]

    def found(self) -> tuple[Way, str]:
        """The way that is taken, and its library or program. Raises as `find`."""
        for way in self.ways:
            with contextlib.suppress(SimulatorError):
                return way, way.find()
        return self.ways[0], self.ways[0].find()

    def is_available(self) -> bool:
        """Whether it can be found; it is not started."""
        try:
            self.find()
        except SimulatorError:
            return False
        return True

    def simulate(
        self,
        deck: str,
        *,
        name: str = "deck",
        time_limit: float = DEFAULT_TIME_LIMIT,
        memory_limit: int = DEFAULT_MEMORY_LIMIT,
        progress: Progress | None = None,
        keep_in: Path | None = None,
        together: Together | None = None,
        files: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Simulation:
        """Run one deck in a process of its own and return what it saved.

        A run that crashes is repeated once as it is, one that does not converge once with safer
        options (`attempts` says so); both share the time limit.

        Parameters
        ----------
        name : the deck's name in messages, and in the name of a file that keeps it.
        time_limit : wall-clock seconds, after which the process is killed.
        memory_limit : bytes of address space of the process, 0 for no limit.
        keep_in : folder for the deck of a failed run; by default the system's temporary folder.
        together : the runs that this one belongs to, and ends with.
        files : contents of the files that the deck loads, by name.

        Raises
        ------
        SimulatorError : it is not installed; the deck was refused, did not converge, crashed, or
            ran out of time, memory or disk. `log` holds its last lines, `deck` the file that keeps
            the deck.

        Examples
        --------
        >>> from netlists import simulate
        >>> result = simulate("a divider\\nV1 in 0 1\\nR1 in out 1k\\nR2 out 0 3k\\n.op\\n.end\\n")
        >>> float(result.vectors["out"][0])
        0.75
        """
        stop = (together or Together()).stop
        way, program = self.found()
        limits = Limits(seconds=time_limit, memory=memory_limit)
        deadline = time.monotonic() + time_limit
        text, attempt = deck, 1
        while True:
            run = self._attempt(text, files, (way.worker, program), limits, deadline, progress, stop)
            if isinstance(run, Simulation):
                return dataclasses.replace(run, attempts=attempt)
            if not run.worth_repeating or attempt > 1 or stop.is_set():
                break
            text, attempt = (self.safer(deck) if run.not_converged else deck), attempt + 1
        again = " (again, on a fresh worker)" if attempt > 1 else ""
        # What another deck's failure or an interrupt ended did not fail.
        kept = None if stop.is_set() else _keep(deck, f"{name}-failed{self.suffix}", keep_in, files)
        raise SimulatorError(f"{self.name}, {name}: {run.reason}{again}", log=run.log, deck=kept)

    def simulate_all(
        self,
        decks: Sequence[str],
        *,
        name: str = "deck",
        workers: int | None = None,
        time_limit: float = DEFAULT_TIME_LIMIT,
        memory_limit: int = DEFAULT_MEMORY_LIMIT,
        progress: Progress | None = None,
        keep_in: Path | None = None,
    ) -> list[Simulation]:
        """Run independent decks, `workers` at a time (default: one a core); results are in their order.

        The first failure, or an interrupt, stops the others and is raised. `time_limit` and
        `memory_limit` hold for each deck, and `progress` counts all decks alike.

        Examples
        --------
        >>> from netlists import simulate_all
        >>> decks = [f"a resistor\\nV1 in 0 1\\nR1 in 0 {ohms}\\n.op\\n.end\\n" for ohms in (1, 2)]
        >>> [float(run.vectors["v1#branch"][0]) for run in simulate_all(decks, workers=1)]
        [-1.0, -0.5]
        """
        together = Together(progress, weights=[1.0] * len(decks))

        def one(index: int) -> Simulation:
            return self.simulate(
                decks[index],
                name=f"{name}{index}",
                time_limit=time_limit,
                memory_limit=memory_limit,
                progress=together.part(index),
                keep_in=keep_in,
                together=together,
            )

        return run_all(one, len(decks), together, workers=workers)

    def _attempt(
        self,
        deck: str,
        files: Mapping[str, bytes],
        driven: tuple[str, str],
        limits: Limits,
        deadline: float,
        progress: Progress | None,
        stop: threading.Event,
    ) -> Simulation | _Failure:
        with private_folder() as folder:
            write_deck_file(folder / "deck.cir", deck)
            for name, content in files.items():
                write_deck_file(folder / name, content)
            with Worker(driven[0], folder, driven[1], limits, progress) as worker:
                reason = worker.wait(deadline, stop)
                ended = worker.ended
            result = folder / "vectors.npz"
            if reason is None and worker.version is not None and result.exists():
                return _read(result, worker)
            reason = reason or worker.last_words()
            return _Failure(reason=reason, log="\n".join(worker.log), crashed=ended and worker.crashed)


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


def _read(result: Path, worker: Worker) -> Simulation:
    """The vectors of a run that succeeded."""
    with np.load(result, allow_pickle=False) as archive:
        vectors = {name: archive[name] for name in archive.files}
    log, version = "\n".join(worker.log), str(worker.version)
    return Simulation(vectors=vectors, version=version, log=log, seconds=worker.seconds)


def write_deck_file(path: Path, content: str | bytes) -> None:
    """Write a worker's input.

    Raises
    ------
    SimulatorError : the disk is full or may not be written.
    """
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise SimulatorError(
            f"the deck cannot be written to {path.parent}: {error.strerror or error};"
            " set TMPDIR to a folder with room"
        ) from None


def _keep(deck: str, name: str, folder: Path | None, files: Mapping[str, bytes]) -> Path | None:
    """Write the failed deck where it survives; None if even that fails."""
    try:
        folder = folder or Path(tempfile.mkdtemp(prefix="roa-spice-failed-"))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(deck, encoding="utf-8")
        for other, content in files.items():
            (folder / other).write_bytes(content)
    except OSError:
        return None
    return path
