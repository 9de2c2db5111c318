"""The in-situ write: the surrogate beside ngspice, and beside itself at far smaller steps.

python benchmarks/write.py [--quick] --json FILE
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.deck import write_deck
from netlists.ngspice_deck import ENERGY, MILLIJOULE
from netlists.shipped import load_layer
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.in_situ import STATE_TOLERANCE, WriteOutcome, write_in_situ
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.tiling import split

Row = dict[str, object]

FINE = 1e-4 * STATE_TOLERANCE


def row(case: str, own: float, peer: str, other: float, error: float, **extra: object) -> Row:
    """One line of the table; `error` is the worst deviation of any state, in omega."""
    return {
        "case": case, "seconds": own, "peer": peer, "peer_seconds": other, "ratio": other / own,
        "error": error, **extra,
    }  # fmt: skip


def interleaved(
    runs: Sequence[Callable[[], tuple[float, NDArray[np.float64]]]], repeats: int
) -> list[float]:
    """The median seconds of each run, all taking turns."""
    taken = [[run()[0] for run in runs] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def sparse(rows: int, columns: int, density: float) -> ProgrammedLayer:
    """A layer at the design point of random states, a few of them to be written."""
    rng = np.random.default_rng(rows * columns)
    shape = rows, columns
    return ProgrammedLayer(
        name=f"{rows} x {columns}",
        device=default_device(),
        crossbar=default_crossbar(rows, columns),
        initial_state=rng.uniform(0.1, 0.9, shape),
        pulses=rng.integers(-2, 4, shape) * (rng.random(shape) < density),
        inputs=np.zeros((0, rows)),
        labels=np.zeros(0, dtype=np.int64),
    )


def against_ngspice(layer: ProgrammedLayer, repeats: int) -> Row:
    """One write of a whole array."""
    deck = write_deck(layer.crossbar, layer.initial_state, layer.pulses, layer.device)
    energies, versions = [], []

    def spice() -> tuple[float, NDArray[np.float64]]:
        run = deck.run(time_limit=3600)
        energies.append(MILLIJOULE * float(run.vectors[ENERGY][-1]))
        versions.append(run.version)
        final = [run.vectors[name][-1] for name in deck.vectors]
        return run.seconds, np.reshape(final, layer.crossbar.shape)

    outcome = write(layer)
    error = float(np.abs(outcome.state - spice()[1]).max())
    own, other = interleaved([lambda: timed([layer]), spice], repeats)
    return row(
        f"{layer.name}, {outcome.pulses} pulses", own, versions[0], other, error,
        energy_error=outcome.energy / energies[0] - 1,
    )  # fmt: skip


def against_fine_steps(layer: ProgrammedLayer, repeats: int) -> Row:
    """A layer on all its tiles, and how far smaller steps lead elsewhere."""
    tiles = [tile.layer for tile in split(layer)]
    coarse, fine = [write(one) for one in tiles], [write(one, FINE) for one in tiles]
    error = max(float(np.abs(a.state - b.state).max()) for a, b in zip(coarse, fine, strict=True))
    own, other = interleaved([lambda: timed(tiles), lambda: timed(tiles, FINE)], repeats)
    return row(
        f"{layer.name}, {sum(one.pulses for one in coarse)} pulses on {len(tiles)} tile(s)",
        own, f"steps within {FINE:.0e}", other, error,
        solves=sum(one.solves for one in coarse), peer_solves=sum(one.solves for one in fine),
    )  # fmt: skip


def write(layer: ProgrammedLayer, tolerance: float = STATE_TOLERANCE) -> WriteOutcome:
    """In the surrogate."""
    arguments = layer.crossbar, layer.initial_state, layer.pulses, layer.device
    return write_in_situ(*arguments, tolerance=tolerance)


def timed(
    layers: Sequence[ProgrammedLayer], tolerance: float = STATE_TOLERANCE
) -> tuple[float, NDArray[np.float64]]:
    """(seconds of writing them all, the last one's states)."""
    start = time.perf_counter()
    states = [write(layer, tolerance).state for layer in layers]
    return time.perf_counter() - start, states[-1]


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small arrays, one run each")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    repeats = 1 if arguments.quick else 3
    table = [against_ngspice(sparse(16, 5, 0.2), repeats)]
    if not arguments.quick:
        table += [against_ngspice(load_layer("fc"), repeats), against_ngspice(sparse(64, 20, 0.01), 1)]
    layers = ("fc", "conv4") if arguments.quick else ("fc", "conv3", "conv4")
    table += [against_fine_steps(load_layer(name), repeats) for name in layers]
    for r in table:
        print(
            f"{r['case']:34} {r['seconds']:9.2e} s  {r['peer']:19} {r['peer_seconds']:9.2e} s "
            f" x{r['ratio']:<7.3g} error {r['error']:.1e}"
        )
    arguments.json.write_text(json.dumps({"rows": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
