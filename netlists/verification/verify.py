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

from netlists.decks import costs
from netlists.decks.costs import Prices
from netlists.simulation.ngspice import taken
from netlists.simulation.parallel import Together, run_all
from netlists.simulation.run import DEFAULT_MEMORY_LIMIT
from netlists.simulation.simulators import Engine
from netlists.verification.collocation import Chosen, Scope, choose
from netlists.verification.comparison import collocated, passed, reads, states
from netlists.verification.engines import (
    Analysis,
    Phase,
    Plan,
    Run,
    collocation_jobs,
    estimate,
    run_spice,
    run_surrogate,
    voltages,
)
from netlists.verification.result import Floats, Verification
from netlists.verification.samples import Arrays, Sample, draw_sample
from netlists.verification.testbench import Testbench
from roa_circuit.basics.machine import cores
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.read_energy import read_energy
from roa_circuit.chips.settling import require_prompt_writes, require_settled_reads
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.layers.maps import read_map
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import Tile


def verify(
    layer: ProgrammedLayer,
    arrays: Arrays | None = None,
    bench: Testbench | None = None,
    *,
    progress: Callable[[float], None] = lambda fraction: None,
    keep_in: Path | None = None,
    recorded: bool = False,
) -> Verification:
    """Write and read the layer in a circuit simulator and in the surrogate, and compare.

    Parameters
    ----------
    arrays : what the layer stands on; by default whole arrays of the largest size, and nothing else.
    bench : what is simulated; by default the write and the reads, in ngspice.
    progress : called with the fraction of that work which is done.
    keep_in : folder for the decks; the deck of a failed run is kept in any case.
    recorded : keep the waveforms of all lines and cells. VACASK measures energy only then.

    Raises
    ------
    InputError : a tile too large for one deck, a layer without reads, or lines too slow to settle
        within a read or a pulse.
    SimulatorError : the simulator is missing, failed or ran out of time.
    """
    arrays, bench = arrays or Arrays(), bench or Testbench()
    sample = draw_sample(layer, arrays)
    plan = bench.plan(sample.tiles, arrays.circuitry, keep_in=keep_in, recorded=recorded)
    workers = bench.at_a_time
    scopes = _scopes(sample, plan, bench.pulses, arrays.seed, workers)
    _check_memory(sample, plan)
    for chip in sample.chips:
        _check_speed(chip, plan)
    surrogate = _run_surrogate(sample, plan)
    # The limit is the simulator's: on a first run, kernels are compiled before it.
    plan = replace(plan, deadline=time.monotonic() + bench.time_limit)
    started = time.perf_counter()
    spice = _run_simulator(sample, surrogate, plan, scopes, workers, progress)
    wall = time.perf_counter() - started
    found = {
        **reads(sample, spice, surrogate, plan),
        **states(sample.tiles, spice, surrogate, plan, scopes),
    }
    checked = collocated(spice, scopes, found["max_state_change"])
    return Verification(
        **_subject(sample, plan),
        **_times(sample, plan, spice, surrogate, wall, (workers, scopes)),
        **checked,
        **found,
        engine_version=next((run.version for run in spice if run.version), ""),
        drawn=sample.imperfect(arrays.seed) if arrays.imperfections else None,
        compensation=arrays.compensation.name,
        placed=sample.placement.to_dict() if sample.placement else None,
        passed=passed({**found, **checked}, labelled=len(layer.labels) > 0),
        recordings=tuple(one for run in spice for one in run.recordings),
        **_read_in_surrogate(sample, spice, plan),
    )


def _read_in_surrogate(sample: Sample, spice: Sequence[Run], plan: Plan) -> dict[str, Any]:
    """The surrogate's energy of a read, and its map of the read with the largest currents."""
    if not plan.reads:
        return {}
    totals = np.sum([np.abs(run.currents).sum(axis=1) for run in spice], axis=0)
    arrays = [
        (tile, chip, plan.circuitry, np.clip(run.state, 0.0, 1.0), chip.drive(voltages(tile.layer)))
        for tile, chip, run in zip(sample.tiles, sample.chips, spice, strict=True)
    ]
    index, slices = int(np.argmax(totals)), sample.chips[0].slices.count
    found = read_map(sample.layer.name, index, arrays)
    return {
        "read_energy": read_energy([array[1:] for array in arrays], slices=slices),
        "map": replace(found, read=index // slices),
    }


def estimated_seconds(
    tiles: Sequence[Tile],
    phase: Phase,
    analysis: Analysis,
    prices: Prices,
    workers: int | None = None,
    chosen: Sequence[Chosen] | None = None,
    *,
    slices: int = 1,
) -> float:
    """Wall-clock seconds the simulator will take on so many cores, within a factor of two.

    slices : reads that an input takes
    chosen : the pulses of each tile that are simulated; None takes all
    """
    workers = workers or cores()
    of_tiles: Sequence[Chosen | None] = chosen or [None] * len(tiles)
    jobs = [
        estimate(tile, phase, analysis, prices, some, slices=slices)
        for tile, some in zip(tiles, of_tiles, strict=True)
    ]
    if analysis is not Analysis.collocation:
        return costs.wall_seconds(list(map(sum, jobs)), workers)
    parts, each = _parts(len(tiles), workers), []
    for tile, some, (write, read) in zip(tiles, of_tiles, jobs, strict=True):
        shared = [write / parts] * parts
        if write and some:
            shared = collocation_jobs(tile, prices, len(some.points), len(some.transients), parts)
        each.append(costs.wall_seconds(shared, parts) + read)
    return costs.wall_seconds(each, max(workers // parts, 1)) + _of_the_law(tiles, phase, of_tiles)


def _of_the_law(tiles: Sequence[Tile], phase: Phase, chosen: Sequence[Chosen | None]) -> float:
    """Seconds in which the law is integrated over the pulses of all tiles, on one core."""
    if phase is Phase.read:
        return 0.0
    some = chosen_pulses(tiles, None, 0) if None in chosen else [one for one in chosen if one]
    return sum(
        costs.law_seconds(tile.layer.crossbar, len(one.points))
        for tile, one in zip(tiles, some, strict=True)
    )


def chosen_pulses(tiles: Sequence[Tile], pulses: int | None, seed: int) -> list[Chosen]:
    """The pulses of each tile's write that are simulated by collocation."""
    return choose(
        [list(write_programme(tile.layer.pulses, tile.layer.device)) for tile in tiles], pulses, seed
    )


def predictions(layer: ProgrammedLayer, currents: Floats) -> NDArray[np.int64]:
    """The class of each read (reads,) from column currents (reads, columns) [A]."""
    return np.asarray(np.argmax(layer.outputs(currents), axis=1))


def _check_speed(chip: Chip, plan: Plan) -> None:
    """Raise InputError where lines settle too slowly for the surrogate, which is always settled."""
    if plan.reads and plan.analysis is Analysis.transient:
        require_settled_reads(chip.crossbar, chip.device, plan.circuitry)
    if plan.writes:
        require_prompt_writes(
            chip.crossbar, chip.device, plan.circuitry, instead="verify the reads alone"
        )


def _check_memory(sample: Sample, plan: Plan) -> None:
    """Raise InputError where the largest tile is too large for the simulator's memory."""
    largest = max((tile.layer.crossbar for tile in sample.tiles), key=lambda c: c.rows * c.columns)
    what = f"A tile of {largest.rows} x {largest.columns} cells in {plan.engine}"
    costs.require_memory(plan.prices.bytes(largest), DEFAULT_MEMORY_LIMIT, what)


def _run_surrogate(sample: Sample, plan: Plan) -> list[Run]:
    """The surrogate on every tile; once more beforehand, as compiled code is loaded on first use."""
    run_surrogate(sample.tiles[0], sample.believed[0], plan)
    return [run_surrogate(*pair, plan) for pair in zip(sample.tiles, sample.believed, strict=True)]


def _scopes(
    sample: Sample, plan: Plan, pulses: int | None, seed: int, workers: int
) -> Sequence[Scope | None]:
    """What is collocated of each tile; None of another analysis."""
    if plan.analysis is not Analysis.collocation:
        return [None] * len(sample.tiles)
    parts = _parts(len(sample.tiles), workers)
    return [
        Scope(believed=believed, chosen=chosen, parts=parts)
        for believed, chosen in zip(
            sample.believed, chosen_pulses(sample.tiles, pulses, seed), strict=True
        )
    ]


def _parts(tiles: int, workers: int) -> int:
    """How many decks one tile's write is parted into."""
    return max(workers // tiles, 1)


def _run_simulator(
    sample: Sample,
    surrogate: Sequence[Run],
    plan: Plan,
    scopes: Sequence[Scope | None],
    workers: int,
    progress: Callable[[float], None],
) -> list[Run]:
    """The simulator on every tile, the dearest first: no core is left with a long one at the end."""
    tiles, chips = sample.tiles, sample.chips
    how, slices = (plan.phase, plan.analysis, plan.prices), chips[0].slices.count
    prices = [
        estimate(tile, *how, scope.chosen if scope else None, slices=slices)
        for tile, scope in zip(tiles, scopes, strict=True)
    ]
    together = Together(progress, weights=[price for pair in prices for price in pair])
    order = sorted(range(len(tiles)), key=lambda index: -sum(prices[index]))

    def one(position: int) -> Run:
        index = order[position]
        parts = 2 * index, 2 * index + 1
        written, scope = surrogate[index].state, scopes[index]
        return run_spice(tiles[index], chips[index], written, plan, together, parts, scope)

    done = run_all(one, len(tiles), together, workers=workers)
    return [done[order.index(index)] for index in range(len(tiles))]


def _subject(sample: Sample, plan: Plan) -> dict[str, Any]:
    """The fields of a Verification that say what was verified, and how."""
    layer = sample.layer
    return {
        "layer": layer.name,
        "device": layer.device.name,
        "current_scale": layer.device.memristor.current_scale,
        "rows": layer.crossbar.rows,
        "columns": layer.crossbar.columns,
        "reads": len(layer.inputs),
        "tiles": len(sample.tiles),
        "tiles_in_layer": sample.in_layer,
        "tile": str(sample.size),
        "pulses": sample.pulses,
        "phase": str(plan.phase),
        "analysis": str(plan.analysis),
        "engine": str(plan.engine),
        "dialect": "" if plan.dialect.is_plain else str(plan.dialect),
        "via": str(taken(plan.dialect.via)) if plan.engine is Engine.ngspice else "",
        "read_model": str(layer.read_model),
        "circuit": plan.circuitry.to_dict(),
    }


def _times(
    sample: Sample,
    plan: Plan,
    spice: Sequence[Run],
    surrogate: Sequence[Run],
    wall: float,
    shared: tuple[int, Sequence[Scope | None]],
) -> dict[str, Any]:
    """The fields of a Verification that say how long it took [s], and was expected to take."""
    workers, scopes = shared
    chosen = [scope.chosen for scope in scopes if scope] or None
    of_spice = sum(run.seconds for run in spice)
    of_surrogate = sum(run.seconds for run in surrogate)
    return {
        "spice_seconds": of_spice,
        "surrogate_seconds": of_surrogate,
        "speedup": of_spice / of_surrogate,
        "wall_seconds": wall,
        "estimated_seconds": estimated_seconds(
            sample.tiles,
            plan.phase,
            plan.analysis,
            plan.prices,
            workers,
            chosen,
            slices=sample.chips[0].slices.count,
        ),
        "workers": workers,
    }
