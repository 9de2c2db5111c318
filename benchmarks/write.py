"""The in-situ write: the surrogate beside ngspice, and beside itself at far smaller steps.

python benchmarks/write.py [--quick] --json FILE
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator

import numpy as np
from _table import Row, in_turns, main, row

from netlists.decks.deck import write_deck
from netlists.decks.probes import ENERGY, MILLIJOULE
from netlists.layers.shipped import load_layer
from roa_circuit.basics.units import counted
from roa_circuit.chips.in_situ import STATE_TOLERANCE, WriteOutcome, write_in_situ
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import split

FINE = 1e-4 * STATE_TOLERANCE


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


def of_cells_that_differ(layer: ProgrammedLayer, spread: float) -> ProgrammedLayer:
    """The same array, each constant of each cell its own."""
    rng, p = np.random.default_rng(7), layer.device.memristor
    factors = rng.lognormal(0.0, spread, (len(vars(p)), *layer.crossbar.shape))
    own = {name: value * factor for (name, value), factor in zip(vars(p).items(), factors, strict=True)}
    device = dataclasses.replace(layer.device, memristor=dataclasses.replace(p, **own))
    return dataclasses.replace(layer, name=f"{layer.name} that differ", device=device)


def against_ngspice(layer: ProgrammedLayer, repeats: int) -> Row:
    """One write of a whole array."""
    deck = write_deck(layer.crossbar, layer.initial_state, layer.pulses, layer.device)
    runs = [deck.run(time_limit=3600) for _ in range(repeats)]
    energy = MILLIJOULE * float(runs[0].vectors[ENERGY][-1])
    outcome = write(layer)
    final = np.reshape(deck.measured(runs[0]), layer.crossbar.shape)
    (own,) = in_turns([lambda: write(layer)], repeats)
    return row(
        f"{layer.name}, {outcome.pulses} pulses", own, runs[0].version,
        statistics.median(run.seconds for run in runs),
        float(np.abs(outcome.state - final).max()), energy_error=outcome.energy / energy - 1,
    )  # fmt: skip


def against_fine_steps(layer: ProgrammedLayer, repeats: int) -> Row:
    """A layer on all its tiles, and how far smaller steps lead elsewhere."""
    tiles, found = [tile.layer for tile in split(layer)], {}

    def run(tolerance: float) -> None:
        found[tolerance] = [write(one, tolerance) for one in tiles]

    own, other = in_turns([lambda: run(STATE_TOLERANCE), lambda: run(FINE)], repeats)
    coarse, fine = found[STATE_TOLERANCE], found[FINE]
    return row(
        f"{layer.name}, {sum(one.pulses for one in coarse)} pulses on {counted(len(tiles), 'tile')}",
        own,
        f"steps within {FINE:.0e}",
        other,
        max(float(np.abs(a.state - b.state).max()) for a, b in zip(coarse, fine, strict=True)),
        solves=sum(one.solves for one in coarse),
        peer_solves=sum(one.solves for one in fine),
    )


def write(layer: ProgrammedLayer, tolerance: float = STATE_TOLERANCE) -> WriteOutcome:
    """In the surrogate."""
    arguments = layer.crossbar, layer.initial_state, layer.pulses, layer.device
    return write_in_situ(*arguments, tolerance=tolerance)


def measure(quick: bool) -> Iterator[Row]:
    """ngspice first; errors are the worst deviation of any state, in omega."""
    repeats = 1 if quick else 3
    yield against_ngspice(sparse(16, 5, 0.2), repeats)
    if not quick:
        yield against_ngspice(load_layer("fc"), repeats)
        yield against_ngspice(sparse(64, 20, 0.01), 1)
    for name in ("fc", "conv4") if quick else ("fc", "conv3", "conv4"):
        yield against_fine_steps(load_layer(name), repeats)
    yield against_fine_steps(of_cells_that_differ(sparse(64, 64, 0.01), 0.03), repeats)


if __name__ == "__main__":
    main(__doc__ or "", measure)
