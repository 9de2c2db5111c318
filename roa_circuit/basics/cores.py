"""Independent work on every core: compiled kernels release Python's lock while they run."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_WORK_OF_A_THREAD = 16_384  # cells times drives


def on_all_cores(solve: Callable[[slice], bool], count: int, work: int) -> bool:
    """Run `solve` on slices of `count` things, in threads where `work` pays; True if all succeed."""
    threads = min(_cores(), count, max(1, work // _WORK_OF_A_THREAD))
    if threads == 1:
        return solve(slice(0, count))
    bounds = np.linspace(0, count, threads + 1).astype(int)
    parts = [slice(a, b) for a, b in itertools.pairwise(bounds)]
    return all(_pool().map(solve, parts))


@functools.cache
def _pool() -> ThreadPoolExecutor:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
    return ThreadPoolExecutor(_cores(), thread_name_prefix="roa-solver")


@functools.cache
def _cores() -> int:
    from numba.core import config

    # `numba.get_num_threads` starts numba's own threads, and sets OpenMP's number for torch, too.
    return int(vars(config)["NUMBA_NUM_THREADS"])
