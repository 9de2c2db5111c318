"""Reads of large arrays in every simulator at hand: time and memory, beside what is said beforehand.

python benchmarks/large_reads.py [--quick] [--only "128x128, vacask"] --json FILE

Two reads as a sweep at the design point. Seconds are processor time, and errors are relative to the
surrogate's currents. Each case is a process of its own, so that its memory is its alone.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
from _table import Row, main, row

from netlists.decks import costs
from netlists.decks.deck import sweep_deck
from netlists.decks.dialect import PLAIN, PROBES, Dialect, abilities
from netlists.simulation import vacask
from netlists.simulation.ngspice import ask
from netlists.simulation.simulators import Engine
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.solver.read import read_currents

READS = 2
SMALL, USUAL, LARGE = 48, 128, 256  # rows and columns
KIB = 1024


def ways() -> Iterator[tuple[Engine, Dialect]]:
    """What can simulate here: ngspice plain and with what it was built with, and VACASK."""
    able = abilities(ask(PROBES))
    for klu, osdi in ((False, False), (True, False), (False, True), (True, True)):
        if (able.klu or not klu) and (able.osdi or not osdi):
            yield Engine.ngspice, Dialect(klu=klu, osdi=osdi)
    if vacask.is_available():
        yield Engine.vacask, PLAIN


def measured(size: int, engine: Engine, dialect: Dialect) -> dict[str, float]:
    """What one sweep takes and how far it is off, found in a fresh process."""
    given = json.dumps([size, str(engine), dialect.klu, dialect.osdi])
    done = subprocess.run(
        [sys.executable, __file__, "--one", given], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(size: int, engine: Engine, dialect: Dialect) -> dict[str, float]:
    """One sweep in this process: seconds, bytes of the simulator's process, bytes of its deck."""
    rng = np.random.default_rng(size)
    crossbar, device = default_crossbar(size, size), default_device()
    state, voltages = rng.random((size, size)), rng.uniform(0.01, 0.1, (READS, size))
    deck = sweep_deck(crossbar, state, voltages, device, engine=engine, dialect=dialect)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = deck.run(time_limit=3600.0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    expected = read_currents(crossbar, state, voltages, device)
    return {
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall": run.seconds,
        "memory": float(after.ru_maxrss * KIB),
        "deck": float(len(deck.text)),
        "error": float(np.abs(deck.measured(run) / expected - 1).max()),
    }


def measure(quick: bool, only: str) -> Iterator[Row]:
    """Of 256 x 256 cells only the simulators that do not take hours."""
    for size in (SMALL,) if quick else (USUAL, LARGE):
        crossbar = default_crossbar(size, size)
        for engine, dialect in ways():
            if size == LARGE and engine is Engine.ngspice and not dialect.klu:
                continue
            case = f"{size}x{size}, {engine}"
            case += "" if engine is Engine.vacask else f", {dialect}"
            if only not in case:
                continue
            price = costs.prices(engine, dialect)
            found = measured(size, engine, dialect)
            yield row(
                case, found["processor"],
                "estimate", price.sweep_seconds(crossbar, READS), found["error"],
                memory=found["memory"], estimated_memory=price.bytes(crossbar),
                wall_seconds=found["wall"], deck=found["deck"],
            )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        size, engine, klu, osdi = json.loads(sys.argv[2])
        print(json.dumps(one(size, Engine(engine), Dialect(klu=klu, osdi=osdi))))
    else:
        main(__doc__ or "", measure, in_parts=True)
