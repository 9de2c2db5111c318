"""ngspice decks as this toolkit writes them, beside a naive deck; two workers beside one; VACASK.

python benchmarks/spice.py [--quick] --json FILE

The naive deck is what one writes first: the same cells and wires, sources that return to zero
between reads, ngspice's default options, nothing said about what to save.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists import costs, vacask
from netlists.deck import Deck, read_deck, sweep_deck, write_deck
from netlists.ngspice import simulate, simulate_all
from netlists.simulation import Simulation
from netlists.simulators import Engine
from roa_circuit.crossbar import Crossbar
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.in_situ import write_in_situ
from roa_circuit.solver import read_currents
from roa_circuit.waveforms import READ_EDGE, READ_HOLD, READ_SLOT

Floats = NDArray[np.float64]
Row = dict[str, object]

DEVICE = default_device()


def array(rows: int, columns: int, reads: int) -> tuple[Crossbar, Floats, Floats]:
    """A crossbar at the design point, random states, random word-line voltages [V]."""
    rng = np.random.default_rng(rows * columns)
    crossbar = default_crossbar(rows, columns)
    return crossbar, rng.random((rows, columns)), rng.uniform(0.01, 0.1, (reads, rows))


def row(case: str, own: float, peer: str, other: float, error: float, **extra: object) -> Row:
    """One line of the table; `error` is the worst relative deviation from the surrogate."""
    return {
        "case": case, "seconds": own, "peer": peer, "peer_seconds": other, "ratio": other / own,
        "error": error, **extra,
    }  # fmt: skip


def naive_deck(deck: Deck, voltages: Floats) -> str:
    """The same circuit without options or .save, its word lines returning to zero."""
    added = (".save", ".options", ".print", ".control", "set ", ".endc", ".tran")
    lines = re.sub(r"\n\+", "", deck.text).splitlines()
    kept = [line for line in lines if not line.startswith(added) and line != ".end"]
    kept = [_returning(line, voltages) if line.startswith("Vword") else line for line in kept]
    return "\n".join([*kept, f".tran {READ_HOLD / 10} {len(voltages) * READ_SLOT} uic", ".end\n"])


def _returning(card: str, voltages: Floats) -> str:
    name, node = card.split()[:2]
    points = ["0 0"]
    for index, level in enumerate(voltages[:, int(name.removeprefix("Vword"))]):
        start = index * READ_SLOT
        top, end = start + READ_EDGE, start + READ_HOLD
        points += [f"{top:.9g} {level}", f"{end:.9g} {level}", f"{end + 0.9 * READ_EDGE:.9g} 0"]
    return f"{name} {node} 0 PWL({' '.join(points)})"


def naive_currents(run: Simulation, columns: int, reads: int) -> Floats:
    """Sensed currents (reads, columns) [A] late in each hold, between ngspice's own points."""
    ends = np.arange(reads) * READ_SLOT + 0.9 * READ_HOLD
    sensed = [run.vectors[f"vsense{j}#branch"] for j in range(columns)]
    return np.stack([np.interp(ends, run.vectors["time"], i) for i in sensed], axis=1)


def deviation(measured: Floats, expected: Floats) -> float:
    """The worst relative deviation."""
    return float(np.abs(measured / expected - 1).max())


def against_naive(rows: int, columns: int, reads: int) -> list[Row]:
    """Transient and sweep beside the naive deck, per read and cell, with the naive deck's error."""
    crossbar, state, voltages = array(rows, columns, reads)
    expected = read_currents(crossbar, state, voltages, DEVICE)
    decks = [build(crossbar, state, voltages, DEVICE) for build in (read_deck, sweep_deck)]
    naive = simulate(naive_deck(decks[0], voltages))
    naive_error = deviation(naive_currents(naive, columns, reads), expected)
    table = []
    for kind, deck in zip(("transient", "sweep"), decks, strict=True):
        run = simulate(deck.text)
        error = deviation(run.matrix(deck.vectors, reads), expected)
        case = f"{rows}x{columns}, {reads} reads, {kind}"
        table.append(
            row(
                case,
                run.seconds,
                "naive deck",
                naive.seconds,
                error,
                peer_error=naive_error,
                seconds_per_read=run.seconds / reads,
                seconds_per_read_and_cell=run.seconds / reads / state.size,
            )
        )
    return table


def against_estimate(rows: int, columns: int, reads: int) -> list[Row]:
    """What decks took beside what was said before they ran: the ratio must lie in [0.5, 2]."""
    crossbar, state, voltages = array(rows, columns, reads)
    expected = read_currents(crossbar, state, voltages, DEVICE)
    table = []
    for kind, build, estimate in (
        ("transient", read_deck, costs.prices(Engine.ngspice).read_seconds),
        ("sweep", sweep_deck, costs.prices(Engine.ngspice).sweep_seconds),
    ):
        deck = build(crossbar, state, voltages, DEVICE)
        started = time.perf_counter()
        run = simulate(deck.text)
        took = time.perf_counter() - started
        error = deviation(run.matrix(deck.vectors, reads), expected)
        case = f"{rows}x{columns}, {reads} reads, {kind}"
        table.append(
            row(
                case,
                took,
                "estimate",
                estimate(crossbar, reads),
                error,
                seconds_per_read=run.seconds / reads,
                seconds_per_read_and_cell=run.seconds / reads / state.size,
            )
        )
    return table


def two_workers(rows: int, columns: int, reads: int, decks: int) -> Row:
    """Independent decks on two cores beside one."""
    crossbar, state, voltages = array(rows, columns, reads)
    expected = read_currents(crossbar, state, voltages, DEVICE)
    deck = read_deck(crossbar, state, voltages, DEVICE)
    took, worst = [], 0.0
    for workers in (2, 1):
        started = time.perf_counter()
        runs = simulate_all([deck.text] * decks, workers=workers)
        took.append(time.perf_counter() - started)
        errors = [deviation(run.matrix(deck.vectors, reads), expected) for run in runs]
        worst = max(worst, *errors)
    case = f"{decks} decks of {rows}x{columns}, {reads} reads, two workers"
    return row(case, took[0], "one worker", took[1], worst)


def vacask_against_ngspice(rows: int, columns: int, reads: int, pulses: int) -> list[Row]:
    """The same array in both simulators: swept, read and written (the error is then one of omega)."""
    crossbar, state, voltages = array(rows, columns, reads)
    counts = np.zeros((rows, columns), dtype=np.int64)
    counts[:pulses] = np.where(np.arange(min(pulses, rows)) % 2, -1, 1)[:, None]
    currents = read_currents(crossbar, state, voltages, DEVICE)
    written = write_in_situ(crossbar, state, counts, DEVICE).state.reshape(1, -1)
    table = []
    for what, build, given, expected in (
        (f"{reads} reads, sweep", sweep_deck, voltages, currents),
        (f"{reads} reads, transient", read_deck, voltages, currents),
        (f"{pulses} pulses", write_deck, counts, written),
    ):
        took, errors = {}, {}
        for engine in Engine:
            deck = build(crossbar, state, given, DEVICE, engine=engine)
            run = engine.simulator.simulate(deck.text)
            took[engine], measured = run.seconds, deck.measured(run)
            apart = measured - expected
            errors[engine] = float(np.abs(apart if build is write_deck else apart / expected).max())
        case = f"{rows}x{columns}, {what}, VACASK"
        seconds, other = took[Engine.vacask], took[Engine.ngspice]
        error, peer_error = errors[Engine.vacask], errors[Engine.ngspice]
        table.append(row(case, seconds, "ngspice", other, error, peer_error=peer_error))
    return table


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few reads, small arrays")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    quick = arguments.quick
    table = against_naive(64, 20, 2 if quick else 4)
    table.append(two_workers(65, 6, 8, 4) if quick else two_workers(64, 20, 4, 6))
    if vacask.is_available():
        table += vacask_against_ngspice(16, 6, 4, 2) if quick else vacask_against_ngspice(64, 20, 4, 4)
    for rows, columns in (
        [(16, 6), (65, 6)] if quick else [(16, 6), (65, 6), (64, 20), (64, 33), (64, 65)]
    ):
        table += against_estimate(rows, columns, 4)
    for r in table:
        print(
            f"{r['case']:46} {r['seconds']:9.2e} s  {r['peer']:11} {r['peer_seconds']:9.2e} s "
            f" x{r['ratio']:<7.3g} error {r['error']:.1e}"
        )
    arguments.json.write_text(json.dumps({"rows": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
