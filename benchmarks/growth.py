"""How the crossbar solver's time and memory grow with the array, as numbers and as a plot.

python benchmarks/growth.py [--largest 1024] [--json FILE] [--figure FILE.png]

Square arrays of the design point, each task in a process of its own. Exponents are fitted to
processor time, of all threads, and to what a process holds beyond the smallest array's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import _fresh
import numpy as np

SIZES = (32, 64, 128, 256, 512, 1024)
READS = 32
LABELS = {
    "weights": "all effective weights",
    "linear": f"{READS} fresh linear reads",
    "exact": f"{READS} reads, Eq. 2 at every cell",
}
FITTED_FROM = 128  # smaller ones measure Python


def exponent(sizes: list[int], values: list[float]) -> float:
    """n of value ~ size^n, least squares in logarithms over sizes of at least FITTED_FROM."""
    chosen = [(n, value) for n, value in zip(sizes, values, strict=True) if n >= FITTED_FROM]
    slope, _ = np.polyfit(*np.log(chosen).T, 1)
    return float(slope)


def measure(largest: int) -> dict[str, dict[str, Any]]:
    """For each task sizes, processor seconds, bytes beyond the smallest array's, and exponents."""
    found: dict[str, dict[str, Any]] = {}
    for task, label in LABELS.items():
        sizes = [size for size in SIZES if size <= largest]
        runs = [_fresh.run(task, size, READS) for size in sizes]
        seconds = [run.processor for run in runs]
        held = [max(run.peak - runs[0].peak, 1) for run in runs]
        found[task] = {
            "sizes": sizes,
            "processor_seconds": seconds,
            "bytes": held,
            "time_exponent": exponent(sizes, seconds),
            "memory_exponent": exponent(sizes, held),
        }
        for line in zip(sizes, seconds, held, strict=True):
            print(f"{label:36} {line[0]:5d}  {line[1]:9.2e} s  {line[2] / 1e6:8.1f} MB", flush=True)
        exponents = found[task]["time_exponent"], found[task]["memory_exponent"]
        print(f"{label:36} time ~ n^{exponents[0]:.1f}, memory ~ n^{exponents[1]:.1f}", flush=True)
    return found


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Two panels, time and memory, with the exponents in the legends."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8.0, 3.4), dpi=110, layout="constrained")
    for (task, row), marker in zip(found.items(), "osD", strict=True):
        first = sum(size < FITTED_FROM for size in row["sizes"])
        megabytes = [held / 1e6 for held in row["bytes"]]
        for panel, values, start, name in (
            (panels[0], row["processor_seconds"], 0, "time_exponent"),
            (panels[1], megabytes, first, "memory_exponent"),
        ):
            sizes, label = row["sizes"][start:], f"{LABELS[task]}, $n^{{{row[name]:.1f}}}$"
            panel.loglog(sizes, values[start:], marker=marker, markersize=4, linewidth=1.2, label=label)
            panel.set_xticks(sizes, [str(size) for size in sizes])
    for panel, title in zip(panels, ("processor time [s]", "memory [MB]"), strict=True):
        panel.minorticks_off()
        panel.set_xlabel("rows = columns, n")
        panel.set_title(title, fontsize=10)
        panel.grid(alpha=0.25)
        panel.legend(fontsize=7, frameon=False)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.largest)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    if arguments.figure:
        draw(found, arguments.figure)


if __name__ == "__main__":
    main()
