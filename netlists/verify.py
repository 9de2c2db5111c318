"""Verification: a programmed layer written and read in a simulator, against the surrogate.

Both walk through the same waveforms on the same arrays of cells and wires, tile by tile:

    initial states -- write transient --> final states -- read transient --> column currents
                                       '- surrogate reads them too: the current error
    initial states -- surrogate write ---> final states: the state error
                                       '- surrogate reads --> predictions, end to end
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists import costs
from netlists.comparison import passed, reads, states
from netlists.costs import Prices
from netlists.dialect import PLAIN, Dialect
from netlists.engines import (
    Analysis,
    Phase,
    Plan,
    Run,
    estimate,
    run_spice,
    run_surrogate,
)
from netlists.parallel import Together, run_all
from netlists.simulation import DEFAULT_TIME_LIMIT
from netlists.simulators import Engine
from netlists.verification import Floats, Verification
from roa_circuit.chip import Chip, chip_of
from roa_circuit.circuitry import BARE, Circuitry
from roa_circuit.crossbar import Crossbar
from roa_circuit.imperfections import Imperfections
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.machine import cores
from roa_circuit.mapping import output_from_reference
from roa_circuit.settling import require_prompt_writes, require_settled_reads
from roa_circuit.tiling import Tile, TileSize, sample, split


def verify(
    layer: ProgrammedLayer,
    *,
    tile: TileSize | None = None,
    tiles: int | None = None,
    phase: Phase = Phase.both,
    analysis: Analysis | None = None,
    engine: Engine = Engine.ngspice,
    workers: int | None = None,
    imperfections: Imperfections | None = None,
    seed: int = 0,
    circuitry: Circuitry = BARE,
    believed: Crossbar | None = None,
    dialect: Dialect = PLAIN,
    time_limit: float = DEFAULT_TIME_LIMIT,
    progress: Callable[[float], None] = lambda fraction: None,
    keep_in: Path | None = None,
    recorded: bool = False,
) -> Verification:
    """Write and read the layer in a circuit simulator, with wires, and compare.

    Parameters
    ----------
    tile : how large an array may be; a larger layer is split (`roa_circuit.tiling`).
    tiles : so many of them, drawn by `seed`, in place of all; then there are no outputs to compare.
    phase : reads alone start from the states that the surrogate wrote.
    analysis : of the reads; by default `default_analysis(phase, circuitry)`.
    engine : the circuit simulator.
    workers : tiles at a time, by default one a core.
    imperfections, seed : what the arrays have (default: nothing), and what draws them; both
        engines write and read the same chips.
    circuitry : what the arrays have beside cells and resistances. The layer is what
        `Circuitry.applied` made of it already.
    believed : resistances that the surrogate takes for those of the layer; by default its own.
    dialect : what decks for ngspice use; `netlists.dialect.choose` finds out what they may.
    time_limit : wall-clock seconds for all of the simulator's work.
    progress : called with the fraction of the simulator's work that is done.
    keep_in : folder for the decks `write` and `read`; a failed deck is kept in any case.
    recorded : keep the waveforms of all lines and cells; VACASK measures energy with them alone.

    Raises
    ------
    InputError : a tile too large for one deck, or a layer without reads; lines too slow for the
        reads or the pulses.
    SimulatorError : the simulator is missing, failed or ran out of time.
    """
    analysis = analysis or default_analysis(phase, circuitry)
    approximate = circuitry.transistor is not None
    every, workers = split(layer, tile), workers or cores()
    chosen = sample(every, tiles, seed)
    deadline = time.monotonic() + time_limit
    plan = Plan(
        phase=phase,
        analysis=analysis,
        deadline=deadline,
        keep_in=keep_in,
        engine=engine,
        recorded=recorded,
        circuitry=circuitry,
        dialect=dialect,
    )
    chips = [chip_of(part, imperfections, seed) for part in chosen]
    for chip in chips:
        _check_speed(chip, plan)
    known = [chip_of(_believed(part, believed), imperfections, seed) for part in chosen]
    run_surrogate(chosen[0], known[0], plan)  # once beforehand: compiled code is loaded on first use
    surrogate = [run_surrogate(*pair, plan) for pair in zip(chosen, known, strict=True)]
    started = time.perf_counter()
    spice = _run_tiles(chosen, chips, surrogate, plan, workers, progress)
    wall = time.perf_counter() - started
    seconds = sum(run.seconds for run in spice), sum(run.seconds for run in surrogate)
    fields = {
        **reads(layer, chosen, known, spice, surrogate, plan, whole=len(chosen) == len(every)),
        **states(chosen, spice, surrogate, plan),
    }
    return Verification(
        layer=layer.name,
        phase=str(phase),
        analysis=str(analysis),
        tiles=len(chosen),
        tiles_in_layer=len(every),
        tile=str(tile or TileSize()),
        rows=layer.crossbar.rows,
        columns=layer.crossbar.columns,
        reads=len(layer.inputs),
        pulses=sum(int(np.abs(part.layer.pulses).sum()) for part in chosen),
        spice_seconds=seconds[0],
        surrogate_seconds=seconds[1],
        speedup=seconds[0] / seconds[1],
        wall_seconds=wall,
        estimated_seconds=estimated_seconds(chosen, phase, analysis, plan.prices, workers),
        workers=workers,
        engine=str(engine),
        dialect="" if dialect == PLAIN else str(dialect),
        engine_version=next((run.version for run in spice if run.version), ""),
        circuit=circuitry.to_dict(),
        approximate=approximate,
        drawn=_drawn(chips, seed) if imperfections else None,
        passed=passed(fields, labelled=len(layer.labels) > 0, approximate=approximate),
        recordings=tuple(one for run in spice for one in run.recordings),
        **fields,
    )


def _believed(tile: Tile, circuit: Crossbar | None) -> Tile:
    """The tile with the resistances of another circuit."""
    if circuit is None:
        return tile
    own = tile.layer.crossbar
    crossbar = replace(circuit, rows=own.rows, columns=own.columns)
    return replace(tile, layer=replace(tile.layer, crossbar=crossbar))


def default_analysis(phase: Phase, circuitry: Circuitry = BARE) -> Analysis:
    """Reads after a write, or of lines that store charge, are a transient; else cells are frozen."""
    still = phase is Phase.read and not circuitry.stores_charge
    return Analysis.sweep if still else Analysis.transient


def estimated_seconds(
    tiles: Sequence[Tile],
    phase: Phase,
    analysis: Analysis,
    prices: Prices,
    workers: int | None = None,
) -> float:
    """Wall clock that the simulator will take on that many cores, within a factor of two."""
    jobs = [sum(estimate(tile, phase, analysis, prices)) for tile in tiles]
    return costs.wall_seconds(jobs, workers or cores())


def predictions(layer: ProgrammedLayer, currents: Floats) -> NDArray[np.int64]:
    """The answer (reads,) of column currents (reads, columns): Eq. 11 against the reference."""
    y = layer.input_scale * output_from_reference(currents[:, :-1], currents[:, -1:], layer.device)
    return np.asarray(np.argmax(y, axis=1))


def _check_speed(chip: Chip, plan: Plan) -> None:
    """Raise InputError where the surrogate, which is always settled, is no measure."""
    if plan.reads and plan.analysis is Analysis.transient:
        require_settled_reads(chip.crossbar, chip.device, plan.circuitry)
    if plan.writes:
        require_prompt_writes(
            chip.crossbar, chip.device, plan.circuitry, instead="verify the reads alone"
        )


def _run_tiles(
    tiles: Sequence[Tile],
    chips: Sequence[Chip],
    surrogate: Sequence[Run],
    plan: Plan,
    workers: int,
    progress: Callable[[float], None],
) -> list[Run]:
    """The simulator on all tiles, the dearest first, so that no core is left with one at the end."""
    prices = [estimate(tile, plan.phase, plan.analysis, plan.prices) for tile in tiles]
    together = Together(progress, weights=[price for pair in prices for price in pair])
    order = sorted(range(len(tiles)), key=lambda index: -sum(prices[index]))

    def one(position: int) -> Run:
        index = order[position]
        parts = 2 * index, 2 * index + 1
        return run_spice(tiles[index], chips[index], surrogate[index].state, plan, together, parts)

    done = run_all(one, len(tiles), together, workers=workers)
    return [done[order.index(index)] for index in range(len(tiles))]


def _drawn(chips: Sequence[Chip], seed: int) -> dict[str, Any]:
    """What the chips of all tiles came out as."""
    counts = [chip.summary() for chip in chips]
    total = {name: sum(count[name] for count in counts) for name in counts[0]}
    return {"seed": seed, "imperfections": chips[0].imperfections.to_dict(), **total}
