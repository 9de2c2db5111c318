"""What every benchmark prints and writes: one row a comparison, both sides timed in turns."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

Row = dict[str, object]
T = TypeVar("T")

_SHORT = 0.02  # [s]


def row(case: str, own: float, peer: str, other: float, error: float | None, **extra: object) -> Row:
    """`own` and `other` in seconds; `error` as the benchmark defines it."""
    return {
        "case": case, "seconds": own, "peer": peer, "peer_seconds": other, "ratio": other / own,
        "error": error, **extra,
    }  # fmt: skip


def in_turns(runs: Iterable[Callable[[], object]], repeats: int) -> list[float]:
    """The median wall clock [s] of each run, all taking turns after one warm-up each.

    Between turns the machine rests: idle threads of a BLAS spin for a while, on the other's core.
    """
    runs = list(runs)
    for run in runs:
        run()
    taken = [[_rested(run) for run in runs] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def _rested(run: Callable[[], object]) -> float:
    time.sleep(0.2)
    return seconds(run)


def share(case: str, own: float, peer: str, ratio: float, error: float | None) -> Row:
    """A row whose `ratio` is what `peer` says, not one of times."""
    return {
        "case": case, "seconds": own, "peer": peer, "peer_seconds": None, "ratio": ratio, "error": error,
    }  # fmt: skip


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """(wall clock [s] of one run, what it gave)."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def seconds(run: Callable[[], object]) -> float:
    """The wall clock of one run; the mean of several where one is short."""
    start, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - start < _SHORT:
        run()
        count += 1
    return (time.perf_counter() - start) / count


def main(description: str, measure: Callable[..., Iterable[Row]], *, in_parts: bool = False) -> None:
    """Print the rows of `measure(quick)` as they come, and write them as JSON.

    in_parts : `--only TEXT` becomes the second argument of `measure`, else empty
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small cases only, within 45 s")
    parser.add_argument("--json", type=Path, required=True)
    if in_parts:
        parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds TEXT")
    arguments = parser.parse_args()
    rows = []
    for one in measure(arguments.quick, arguments.only) if in_parts else measure(arguments.quick):
        rows.append(one)
        other = "" if one["peer_seconds"] is None else f"{one['peer_seconds']:9.2e} s"
        error = "" if one["error"] is None else f"error {one['error']:.1e}"
        print(
            f"{one['case']:46} {one['seconds']:9.2e} s  {one['peer']:34} {other:11}"
            f"  x{one['ratio']:<9.3g} {error}",
            flush=True,
        )
    arguments.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
