"""Workers: points evaluated in this process, on the cores of this machine, or on a Dask cluster.

The same function runs everywhere, and a point's numbers depend on nothing but itself and its
seeds: their order and the number of workers change nothing.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from roa_circuit.basics.errors import InputError, RoaError, WorkerError
from roa_circuit.basics.processes import end_with
from roa_circuit.sweeps.fields import Point
from roa_circuit.sweeps.store import Outcome
from roa_circuit.sweeps.subject import Subject

Job = tuple[Point, tuple[int, ...]]
"""A point and the seeds that it is to be evaluated with."""

_Shared = TypeVar("_Shared")
_Piece = TypeVar("_Piece")
_Result = TypeVar("_Result")

_LARGEST_CHUNK = 16  # points that travel together: neighbours share what they are made of
START = 3.0
"""What a worker takes to start, or nearly [s]: it imports what a point needs."""

_TOOLKIT = "roa-circuit"
_GOES_ON = "what was stored is kept, and the same again goes on from it"


def outcomes(
    subject: Subject, jobs: Sequence[Job], workers: int, scheduler: str | None
) -> Iterator[list[Outcome]]:
    """The outcomes of all jobs, yielded as they come.

    scheduler : address of a Dask scheduler, whose workers then replace those of this machine

    Raises
    ------
    InputError : the scheduler does not answer, Dask is missing, or its workers lack this toolkit.
    WorkerError : workers died over the same points again and again, or the scheduler went away.
    """
    done = 0
    if not scheduler:
        for outcome in _while_alone_is_faster(subject, jobs, workers):
            yield [outcome]
            done += 1
    if left := jobs[done:]:
        yield from each(evaluated, subject, lambda count: _chunks(left, count), workers, scheduler)


def each(
    function: Callable[[_Shared, _Piece], _Result],
    shared: _Shared,
    pieces: Callable[[int], Sequence[_Piece]],
    workers: int,
    scheduler: str | None,
) -> Iterator[_Result]:
    """function(shared, piece) of every piece, yielded as they come, over processes or a Dask cluster.

    pieces : makes the pieces, given how many workers there are
    workers : processes here; for a cluster without workers yet, how many to expect

    Raises
    ------
    InputError, WorkerError : as for `outcomes`.
    """
    if scheduler:
        yield from _on_dask(function, shared, pieces, workers, scheduler)
    else:
        yield from _on_this_machine(function, shared, pieces(workers), workers)


def evaluated(subject: Subject, jobs: Sequence[Job]) -> list[Outcome]:
    """The outcomes of jobs, one after the other; a point that cannot be computed gives its reason."""
    done = []
    for point, seeds in jobs:
        started, failed, numbers = time.perf_counter(), "", {}
        try:
            numbers = dict(subject.evaluate(point, seeds))
        except RoaError as error:
            failed = str(error)
        seconds = time.perf_counter() - started
        done.append(Outcome(point=point, seeds=seeds, numbers=numbers, failed=failed, seconds=seconds))
    return done


def _while_alone_is_faster(subject: Subject, jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Do the first jobs here, until those that are left are worth starting other processes."""
    for index, job in enumerate(jobs):
        (outcome,) = evaluated(subject, [job])
        yield outcome
        left = outcome.seconds * (len(jobs) - index - 1)
        warm = index > 0 or outcome.seconds > START  # the first also loads what is compiled
        if workers > 1 and warm and left > START:
            return


def _on_this_machine(
    function: Callable[[Any, Any], Any], shared: Any, pieces: Sequence[Any], workers: int
) -> Iterator[Any]:
    import joblib

    watched = {"initializer": end_with, "initargs": (os.getpid(),)}
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1, **watched):
        # No more on its way than is computed: what is lost with this process is one chunk a worker.
        pool = joblib.Parallel(
            n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs"
        )
        work = (joblib.delayed(function)(shared, piece) for piece in pieces)
        try:
            with _deaf_to_interrupts():
                coming = pool(work)
            yield from coming
        except BrokenProcessPool:
            raise WorkerError(
                "a worker process was killed, most often for want of memory: ask for fewer at a time;"
                f" {_GOES_ON}"
            ) from None


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that begin within do not hear Ctrl-C, of which each would print where it was.

    This one hears of it afterwards, and ends them. A mask of signals would not do: loky lifts it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _on_dask(
    function: Callable[[Any, Any], Any],
    shared: Any,
    pieces: Callable[[int], Sequence[Any]],
    expected: int,
    address: str,
) -> Iterator[Any]:
    try:
        import dask
        import distributed
        from distributed.comm.core import CommClosedError
    except ImportError:
        raise InputError("--scheduler needs Dask: pip install 'roa-circuit[dask]'") from None
    connect: Any = distributed.Client
    as_completed: Any = distributed.as_completed
    try:
        # Not as the default: one that found no scheduler would stay it, and refuse all that follows.
        client: Any = connect(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"--scheduler {address}: no Dask scheduler answers there: {reason}") from None
    with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):
        _require_same_toolkit(client.get_versions(packages=[_TOOLKIT]), address)
        threads = sum(client.nthreads().values()) or expected
        # As a task, not scattered: what the last worker that held it took along is made again.
        sent = client.submit(_itself, shared, pure=False)
        # What a lost worker had begun is begun again elsewhere; `pure` would merge equal tasks.
        tasks = [client.submit(function, sent, piece, pure=False) for piece in pieces(threads)]
        try:
            for task in as_completed(tasks, loop=client.loop):
                yield task.result()
        except distributed.KilledWorker as error:
            raise WorkerError(
                f"--scheduler {address}: {error.allowed_failures + 1} workers died over the same piece,"
                " most often for want of memory: start workers with more of it, or fewer a node;"
                f" {_GOES_ON}"
            ) from None
        except (CancelledError, CommClosedError):
            raise WorkerError(f"--scheduler {address} went away; {_GOES_ON}") from None


def _require_same_toolkit(found: Any, address: str) -> None:
    """Refuse workers without this toolkit, which end without a word, or with another version of it."""
    own = found["client"]["packages"][_TOOLKIT]
    for worker, about in found["workers"].items():
        theirs = about["packages"][_TOOLKIT]
        if theirs != own:
            raise InputError(
                f"--scheduler {address}: worker {worker} has {_TOOLKIT} {theirs or 'not installed'},"
                f" {own} is here; in its environment: pip install {_TOOLKIT}=={own}"
            )


def _itself(shared: _Shared) -> _Shared:
    return shared


def _chunks(jobs: Sequence[Job], workers: int) -> list[Sequence[Job]]:
    size = max(1, min(_LARGEST_CHUNK, len(jobs) // (8 * workers)))
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]
