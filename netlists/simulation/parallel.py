"""Independent jobs on all cores, with a common progress; the first failure ends them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from roa_circuit.basics.machine import cores

Result = TypeVar("Result")


class Together:
    """Jobs that make progress together and end together.

    stop : set when one job has failed; the others end as soon as they notice
    progress : called with the fraction of all work that is done
    weights : the share of each part in that work
    """

    def __init__(
        self, progress: Callable[[float], None] | None = None, *, weights: Sequence[float] = ()
    ) -> None:
        self.stop = threading.Event()
        self._progress = progress
        self._weights = [weight / max(sum(weights), 1e-300) for weight in weights]
        self._done = [0.0] * len(weights)
        self._lock = threading.Lock()

    def part(self, index: int) -> Callable[[float], None]:
        """The function that part `index` calls with the fraction of its own work that is done."""

        def report(fraction: float) -> None:
            with self._lock:
                self._done[index] = max(self._done[index], min(fraction, 1.0))
                total = sum(w * d for w, d in zip(self._weights, self._done, strict=True))
                if self._progress is not None:
                    self._progress(min(total, 1.0))

        return report


def run_all(
    job: Callable[[int], Result], count: int, together: Together, *, workers: int | None = None
) -> list[Result]:
    """Run job(0) ... job(count - 1), `workers` at a time (default: one a core); results in order.

    The first failure, or an interrupt, sets `together.stop`, waits for the running jobs to end, and
    is raised; jobs that have not begun are dropped.
    """
    with ThreadPoolExecutor(workers or cores()) as pool:
        futures = [pool.submit(job, index) for index in range(count)]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [future for future in futures if future in done and future.exception()]
            if failed:
                failed[0].result()
            return [future.result() for future in futures]
        except BaseException:
            together.stop.set()
            for future in futures:
                future.cancel()
            raise
