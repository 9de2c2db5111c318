"""ngspice decks beside a naive deck and their estimates; two workers beside one; VACASK, KLU, OSDI.

python benchmarks/spice.py [--quick] --json FILE

The naive deck is what one writes first: the same cells and wires, sources that return to zero
between reads, ngspice's default options, nothing said about what to save.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Unpack

import numpy as np
from _table import Row, main, row
from numpy.typing import NDArray

from netlists.decks import costs
from netlists.decks.deck import How, read_deck, sweep_deck, write_deck
from netlists.decks.dialect import PLAIN, PROBES, choose
from netlists.decks.runnable import Deck
from netlists.simulation import vacask
from netlists.simulation.ngspice import ask, simulate, simulate_all
from netlists.simulation.run import Simulation
from netlists.simulation.simulators import Engine
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.waveforms import READ_EDGE, READ_HOLD, READ_SLOT
from roa_circuit.solver.read import read_currents

Floats = NDArray[np.float64]

DEVICE = default_device()


def array(rows: int, columns: int, reads: int) -> tuple[Crossbar, Floats, Floats]:
    """A crossbar at the design point, random states, random word-line voltages [V]."""
    rng = np.random.default_rng(rows * columns)
    crossbar = default_crossbar(rows, columns)
    return crossbar, rng.random((rows, columns)), rng.uniform(0.01, 0.1, (reads, rows))


def naive_deck(deck: Deck, voltages: Floats) -> str:
    """The same circuit without options, cuts or .save, its word lines returning to zero."""
    added = ("Gcut", ".save", ".options", ".print", ".control", "set ", ".endc", ".tran")
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


def against_naive(rows: int, columns: int, reads: int) -> Iterator[Row]:
    """Transient and sweep beside the naive deck, with the naive deck's error."""
    crossbar, state, voltages = array(rows, columns, reads)
    expected = read_currents(crossbar, state, voltages, DEVICE)
    decks = [build(crossbar, state, voltages, DEVICE) for build in (read_deck, sweep_deck)]
    naive = simulate(naive_deck(decks[0], voltages))
    naive_error = deviation(naive_currents(naive, columns, reads), expected)
    for kind, deck in zip(("transient", "sweep"), decks, strict=True):
        run = deck.run()
        yield row(
            f"{rows}x{columns}, {reads} reads, {kind}",
            run.seconds,
            "naive deck",
            naive.seconds,
            deviation(deck.measured(run), expected),
            peer_error=naive_error,
            **per_read(run, reads, state.size),
        )


def against_uncut(rows: int, columns: int, reads: int) -> Row:
    """A sweep beside the same deck without its cuts, in processor time with the worker's start."""
    crossbar, state, voltages = array(rows, columns, reads)
    expected = read_currents(crossbar, state, voltages, DEVICE)
    deck = sweep_deck(crossbar, state, voltages, DEVICE)
    took, errors = [], []
    for text in (deck.text, re.sub(r"(?m)^Gcut.*\n", "", deck.text)):
        before = processor_time()
        run = simulate(text)
        took.append(processor_time() - before)
        errors.append(deviation(deck.measured(run), expected))
    case = f"{rows}x{columns}, {reads} reads, sweep, cut"
    return row(case, took[0], "without cuts", took[1], errors[0], peer_error=errors[1])


def against_estimate(kind: str, rows: int, columns: int, reads: int) -> Row:
    """What a deck took beside what was said before it ran: the ratio must lie in [0.5, 2].

    Processor time, which a busy machine does not stretch; the worker's start counts.
    """
    crossbar, state, voltages = array(rows, columns, reads)
    prices = costs.prices(Engine.ngspice)
    build, estimate = {
        "transient": (read_deck, prices.read_seconds),
        "sweep": (sweep_deck, prices.sweep_seconds),
    }[kind]
    deck = build(crossbar, state, voltages, DEVICE)
    before = processor_time()
    run = deck.run()
    return row(
        f"{rows}x{columns}, {reads} reads, {kind}",
        processor_time() - before,
        "estimate",
        estimate(crossbar, reads),
        deviation(deck.measured(run), read_currents(crossbar, state, voltages, DEVICE)),
        **per_read(run, reads, state.size),
    )


def processor_time() -> float:
    """Of all processes that have ended [s]."""
    times = os.times()
    return times.children_user + times.children_system


def per_read(run: Simulation, reads: int, cells: int) -> dict[str, float]:
    """How the cost grows with size."""
    each = run.seconds / reads
    return {"seconds_per_read": each, "seconds_per_read_and_cell": each / cells}


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
        worst = max(worst, *(deviation(deck.measured(run), expected) for run in runs))
    case = f"{decks} decks of {rows}x{columns}, {reads} reads, two workers"
    return row(case, took[0], "one worker", took[1], worst)


def against_plain(
    name: str, peer: str, rows: int, columns: int, reads: int, pulses: int, **how: Unpack[How]
) -> Iterator[Row]:
    """Other engines and dialects beside plain decks of ngspice: swept, read and written.

    The error of a write is one of omega.
    """
    crossbar, state, voltages = array(rows, columns, reads)
    counts = np.zeros((rows, columns), dtype=np.int64)
    counts[:pulses] = np.where(np.arange(min(pulses, rows)) % 2, -1, 1)[:, None]
    currents = read_currents(crossbar, state, voltages, DEVICE)
    written = write_in_situ(crossbar, state, counts, DEVICE).state.reshape(1, -1)
    for what, build, given, expected in (
        (f"{reads} reads, sweep", sweep_deck, voltages, currents),
        (f"{reads} reads, transient", read_deck, voltages, currents),
        (f"{pulses} pulses", write_deck, counts, written),
    ):
        took, errors = [], []
        for told in (how, How()):
            deck = build(crossbar, state, given, DEVICE, **told)
            run = deck.run()
            apart = deck.measured(run) - expected
            took.append(run.seconds)
            errors.append(float(np.abs(apart if build is write_deck else apart / expected).max()))
        case = f"{rows}x{columns}, {what}, {name}"
        yield row(case, took[0], peer, took[1], errors[0], peer_error=errors[1])


def measure(quick: bool) -> Iterator[Row]:
    """Small arrays first where their cost grows; errors are relative to the surrogate's currents."""
    yield from against_naive(64, 20, 2 if quick else 4)
    yield against_uncut(32, 32, 2) if quick else against_uncut(64, 65, 4)
    yield two_workers(65, 6, 4, 4) if quick else two_workers(64, 20, 2, 4)
    shape = (16, 6, 4, 2) if quick else (64, 20, 2, 2)
    peer = ask(PROBES).version
    if vacask.is_available():
        yield from against_plain("VACASK", peer, *shape, engine=Engine.vacask)
    best = choose()
    if best != PLAIN:
        yield from against_plain(str(best), peer, *shape, dialect=best)
    for rows, columns in ((16, 6), (65, 6)) if quick else ((16, 6), (65, 6), (64, 20), (64, 33)):
        yield against_estimate("transient", rows, columns, 4)
    for rows, columns in ((16, 6), (65, 6)) if quick else ((65, 6), (64, 20), (64, 33), (64, 65)):
        yield against_estimate("sweep", rows, columns, 4)


if __name__ == "__main__":
    main(__doc__ or "", measure)
