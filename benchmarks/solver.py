"""The crossbar solver beside ngspice, its dense twin and the bare matrix product.

python benchmarks/solver.py [--quick] --json FILE
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netlists.deck import read_deck
from netlists.ngspice import simulate
from roa_circuit.dense import read_currents_dense
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.solver import effective_weights, read_currents

READS = 75
DEVICE = default_device()


def seconds(run: Callable[[], object], repeats: int) -> float:
    """The median wall clock of `repeats` runs after one warm-up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def row(case: str, own: float, peer: str, other: float, error: float) -> dict[str, object]:
    """One line of the table; `error` is the worst deviation over the largest current."""
    return {
        "case": case,
        "seconds": own,
        "peer": peer,
        "peer_seconds": other,
        "ratio": other / own,
        "error": error,
    }


def compare(rows: int, columns: int, *, spice: bool, repeats: int) -> list[dict[str, object]]:
    """All comparisons on one array."""
    rng = np.random.default_rng(rows * columns)
    crossbar, state = default_crossbar(rows, columns), rng.random((rows, columns))
    voltages = rng.uniform(0, 0.1, (READS, rows))
    weights = effective_weights(crossbar, state, DEVICE)
    exact = read_currents(crossbar, state, voltages, DEVICE)
    linear = voltages @ weights
    case = f"{rows}x{columns}, {READS} reads"
    exact_seconds = seconds(lambda: read_currents(crossbar, state, voltages, DEVICE), repeats)
    matrix_seconds = seconds(lambda: voltages @ weights, 200)
    product = seconds(lambda: voltages @ state, 200)
    few = voltages[:2]
    dense = read_currents_dense(crossbar, state, few, DEVICE, exact=False)
    error = float(np.abs(linear[:2] - dense).max() / dense.max())
    result = [row(f"{case}, linear, weights in hand", matrix_seconds, "numpy product", product, error)]
    start = time.perf_counter()
    dense = read_currents_dense(crossbar, state, few, DEVICE)
    dense_seconds = (time.perf_counter() - start) * READS / len(few)
    error = float(np.abs(exact[:2] - dense).max() / dense.max())
    result.append(row(f"{case}, exact", exact_seconds, "dense twin", dense_seconds, error))
    if spice:
        deck = read_deck(crossbar, state, voltages, DEVICE)
        run = simulate(deck.text)
        currents = np.stack([run.vectors[name] for name in deck.vectors], axis=1)
        error = float(np.abs(exact - currents).max() / currents.max())
        result.append(row(f"{case}, exact", exact_seconds, run.version, run.seconds, error))
        error = float(np.abs(linear - currents).max() / currents.max())
        result.append(
            row(f"{case}, linear, weights in hand", matrix_seconds, run.version, run.seconds, error)
        )
    return result


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small arrays only")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    sizes = [(16, 6)] if arguments.quick else [(16, 6), (65, 6), (64, 20)]
    rows = [r for size in sizes for r in compare(*size, spice=True, repeats=5)]
    for r in rows:
        print(
            f"{r['case']:42} {r['seconds']:9.2e} s  {r['peer']:14} {r['peer_seconds']:9.2e} s "
            f" x{r['ratio']:<9.3g} error {r['error']:.1e}"
        )
    arguments.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
