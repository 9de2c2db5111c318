"""Verification: a programmed layer written and read in a simulator, against the surrogate.

Both walk through the same waveforms on the same arrays of cells and wires, tile by tile:

    initial states -- write transient --> final states -- read transient --> column currents
                                       '- surrogate reads them too: the current error
    initial states -- surrogate write ---> final states: the state error
                                       '- surrogate reads --> predictions, end to end
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists import costs
from netlists.engines import (
    Analysis,
    Phase,
    Plan,
    Run,
    estimate,
    run_spice,
    run_surrogate,
    surrogate_reads,
    voltages,
)
from netlists.parallel import Together, cores, run_all
from netlists.recordings import Recording
from netlists.simulation import DEFAULT_TIME_LIMIT
from netlists.simulators import Engine
from roa_circuit.chip import Chip, chip_of
from roa_circuit.imperfections import Imperfections
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.mapping import output_from_reference
from roa_circuit.programming import after_pulses
from roa_circuit.solver import read_currents
from roa_circuit.tiling import Tile, TileSize, assemble, outputs, split

Floats = NDArray[np.float64]

CURRENT_LIMIT = 1e-5
STATE_LIMIT = 5e-3
"""What `passed` asks for, beside the same prediction for every read of a layer with labels."""

_NEGLIGIBLE = 1e-6  # currents below this share of the largest are measured against that share


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How far a circuit simulator and the surrogate are apart on one layer, and the arrays behind it.

    A phase that was not run leaves None. Arrays of a tiled layer lie as its tiles do, each
    with its own reference column last; currents of a band of rows follow those of the band above.

    max_relative_current_error : worst |I_spice - I| / |I| of all tiles, reads and columns, the
        surrogate reading the states that the simulator wrote
    end_to_end_current_error : the same, the surrogate reading the states it wrote itself
    max_output_error : worst |y_spice - y| of the layer's outputs over the largest |y|, each
        engine on the states it wrote itself
    max_state_error : worst |omega_spice - omega| of all cells
    max_disturb_* : largest |change of omega| of a cell that was given no pulse
    write_energy_* : what the line drivers delivered during the write [J]; `wire_energy` is what
        the surrogate's wires, drivers and sense resistors took of it
    prediction_agreement : share of reads whose largest output is the same in both, each on its
        own states
    accuracy_* : share of right answers, None where the layer has no labels; `ideal` are the
        intended states (Eq. 6 undone) behind perfect wires
    spice_seconds, surrogate_seconds : of all tiles one after the other; `wall_seconds` is what
        the simulator took on `workers` cores, and `estimated_seconds` what was expected
    drawn : the imperfections, their seed, and how many cells and lines they hit, if there are any
    """

    layer: str
    phase: str
    analysis: str
    tiles: int
    tile: str
    rows: int
    columns: int
    reads: int
    pulses: int
    max_relative_current_error: float | None
    end_to_end_current_error: float | None
    max_output_error: float | None
    max_state_error: float | None
    max_disturb_surrogate: float | None
    max_disturb_spice: float | None
    write_energy_surrogate: float | None
    write_energy_spice: float | None
    wire_energy: float | None
    prediction_agreement: float | None
    accuracy_ideal: float | None
    accuracy_surrogate: float | None
    accuracy_spice: float | None
    spice_seconds: float
    surrogate_seconds: float
    speedup: float
    read_speedup: float | None
    wall_seconds: float
    estimated_seconds: float
    workers: int
    engine: str
    engine_version: str
    drawn: dict[str, Any] | None
    passed: bool
    initial_state: Floats
    spice_state: Floats
    surrogate_state: Floats
    spice_currents: Floats
    surrogate_currents: Floats  # of spice_state
    recordings: tuple[Recording, ...]  # of all tiles' decks, if they were to be kept

    @property
    def ngspice_version(self) -> str | None:
        """Of the run, where ngspice was its engine."""
        return self.engine_version if self.engine == Engine.ngspice else None

    def to_dict(self) -> dict[str, Any]:
        """The numbers without the arrays, as in the JSON report."""
        numbers = {k: v for k, v in vars(self).items() if not isinstance(v, np.ndarray)}
        del numbers["recordings"]
        return {**numbers, "ngspice_version": self.ngspice_version}


def verify(
    layer: ProgrammedLayer,
    *,
    tile: TileSize | None = None,
    phase: Phase = Phase.both,
    analysis: Analysis | None = None,
    engine: Engine = Engine.ngspice,
    workers: int | None = None,
    imperfections: Imperfections | None = None,
    seed: int = 0,
    time_limit: float = DEFAULT_TIME_LIMIT,
    progress: Callable[[float], None] = lambda fraction: None,
    keep_in: Path | None = None,
    recorded: bool = False,
) -> Verification:
    """Write and read the layer in a circuit simulator, with wires, and compare.

    Parameters
    ----------
    tile : how large an array may be; a larger layer is split (`roa_circuit.tiling`).
    phase : reads alone start from the states that the surrogate wrote.
    analysis : of the reads; by default `default_analysis(phase)`.
    engine : the circuit simulator.
    workers : tiles at a time, by default one a core.
    imperfections, seed : what the arrays have (default: nothing), and what draws them; both
        engines write and read the same chips.
    time_limit : wall-clock seconds for all of the simulator's work.
    progress : called with the fraction of the simulator's work that is done.
    keep_in : folder for the decks `write` and `read`; a failed deck is kept in any case.
    recorded : keep the waveforms of all lines and cells; of ngspice alone.

    Raises
    ------
    InputError : a tile too large for one deck, or a layer without reads.
    SimulatorError : the simulator is missing, failed or ran out of time.
    """
    analysis = analysis or default_analysis(phase)
    tiles, workers = split(layer, tile), workers or cores()
    deadline = time.monotonic() + time_limit
    plan = Plan(
        phase=phase,
        analysis=analysis,
        deadline=deadline,
        keep_in=keep_in,
        engine=engine,
        recorded=recorded,
    )
    chips = [chip_of(part, imperfections, seed) for part in tiles]
    surrogate = [run_surrogate(*pair, plan) for pair in zip(tiles, chips, strict=True)]
    started = time.perf_counter()
    spice = _run_tiles(tiles, chips, surrogate, plan, workers, progress)
    wall = time.perf_counter() - started
    seconds = sum(run.seconds for run in spice), sum(run.seconds for run in surrogate)
    fields = {
        **_reads(layer, tiles, chips, spice, surrogate, plan),
        **_states(tiles, spice, surrogate, plan),
    }
    return Verification(
        layer=layer.name,
        phase=str(phase),
        analysis=str(analysis),
        tiles=len(tiles),
        tile=str(tile or TileSize()),
        rows=layer.crossbar.rows,
        columns=layer.crossbar.columns,
        reads=len(layer.inputs),
        pulses=int(np.abs(layer.pulses).sum()),
        spice_seconds=seconds[0],
        surrogate_seconds=seconds[1],
        speedup=seconds[0] / seconds[1],
        wall_seconds=wall,
        estimated_seconds=estimated_seconds(tiles, phase, analysis, workers, engine),
        workers=workers,
        engine=str(engine),
        engine_version=next((run.version for run in spice if run.version), ""),
        drawn=_drawn(chips, seed) if imperfections else None,
        passed=_passed(fields, labelled=len(layer.labels) > 0),
        recordings=tuple(one for run in spice for one in run.recordings),
        **fields,
    )


def default_analysis(phase: Phase) -> Analysis:
    """Reads after a write go on as a transient; reads alone sweep frozen cells."""
    return Analysis.sweep if phase is Phase.read else Analysis.transient


def estimated_seconds(
    tiles: Sequence[Tile],
    phase: Phase,
    analysis: Analysis,
    workers: int | None = None,
    engine: Engine = Engine.ngspice,
) -> float:
    """Wall clock that the simulator will take on that many cores, within a factor of two."""
    jobs = [sum(estimate(tile, phase, analysis, engine)) for tile in tiles]
    return costs.wall_seconds(jobs, workers or cores())


def predictions(layer: ProgrammedLayer, currents: Floats) -> NDArray[np.int64]:
    """The answer (reads,) of column currents (reads, columns): Eq. 11 against the reference."""
    y = layer.input_scale * output_from_reference(currents[:, :-1], currents[:, -1:], layer.device)
    return np.asarray(np.argmax(y, axis=1))


def relative_error(currents: Floats, reference: Floats) -> float:
    """The worst relative deviation of any read and column.

    A current below a millionth of the largest counts as that millionth, so that a read of
    nothing but zeros does not divide rounding noise by nothing.
    """
    return float(_relative(currents, reference).max(initial=0.0))


def column_errors(result: Verification) -> Floats:
    """The worst relative deviation of each column's currents, (columns,)."""
    worst = _relative(result.spice_currents, result.surrogate_currents).max(axis=0, initial=0.0)
    return np.asarray(worst)


def _relative(currents: Floats, reference: Floats) -> Floats:
    floor = _NEGLIGIBLE * float(np.abs(reference).max(initial=0.0))
    return np.abs(currents - reference) / np.maximum(np.abs(reference), max(floor, 1e-300))


def _run_tiles(
    tiles: Sequence[Tile],
    chips: Sequence[Chip],
    surrogate: Sequence[Run],
    plan: Plan,
    workers: int,
    progress: Callable[[float], None],
) -> list[Run]:
    """The simulator on all tiles, the dearest first, so that no core is left with one at the end."""
    prices = [estimate(tile, plan.phase, plan.analysis, plan.engine) for tile in tiles]
    together = Together(progress, weights=[price for pair in prices for price in pair])
    order = sorted(range(len(tiles)), key=lambda index: -sum(prices[index]))

    def one(position: int) -> Run:
        index = order[position]
        parts = 2 * index, 2 * index + 1
        return run_spice(tiles[index], chips[index], surrogate[index].state, plan, together, parts)

    done = run_all(one, len(tiles), together, workers=workers)
    return [done[order.index(index)] for index in range(len(tiles))]


def _reads(
    layer: ProgrammedLayer,
    tiles: Sequence[Tile],
    chips: Sequence[Chip],
    spice: Sequence[Run],
    surrogate: Sequence[Run],
    plan: Plan,
) -> dict[str, Any]:
    """The fields of a Verification that need currents."""
    if not plan.reads:
        names = (
            "max_relative_current_error", "end_to_end_current_error", "max_output_error",
            "prediction_agreement", "accuracy_ideal", "accuracy_surrogate", "accuracy_spice",
            "read_speedup",
        )  # fmt: skip
        empty = np.zeros((0, 0))
        return {**dict.fromkeys(names), "spice_currents": empty, "surrogate_currents": empty}
    own = [run.currents for run in spice]
    theirs = [run.currents for run in surrogate]
    same = [
        surrogate_reads(tile, chip, np.clip(run.state, 0.0, 1.0))[0]
        for tile, chip, run in zip(tiles, chips, spice, strict=True)
    ]
    y_spice, y_surrogate = (outputs(tiles, [run.sensed for run in runs]) for runs in (spice, surrogate))
    y_ideal = outputs(tiles, [_ideal_reads(tile) for tile in tiles])
    answers = [np.argmax(y, axis=1) for y in (y_ideal, y_surrogate, y_spice)]
    right = [float(np.mean(a == layer.labels)) if len(layer.labels) else None for a in answers]
    largest = max(float(np.abs(y_surrogate).max()), 1e-300)
    return {
        "max_relative_current_error": max(map(relative_error, own, same)),
        "end_to_end_current_error": max(map(relative_error, own, theirs)),
        "max_output_error": float(np.abs(y_spice - y_surrogate).max()) / largest,
        "prediction_agreement": float(np.mean(answers[1] == answers[2])),
        "accuracy_ideal": right[0],
        "accuracy_surrogate": right[1],
        "accuracy_spice": right[2],
        "read_speedup": sum(r.read_seconds for r in spice) / sum(r.read_seconds for r in surrogate),
        "spice_currents": assemble(tiles, own),
        "surrogate_currents": assemble(tiles, same),
    }


def _states(
    tiles: Sequence[Tile], spice: Sequence[Run], surrogate: Sequence[Run], plan: Plan
) -> dict[str, Any]:
    """The fields of a Verification that need states, and the energy of the write."""
    own = assemble(tiles, [run.state for run in spice])
    theirs = assemble(tiles, [run.state for run in surrogate])
    initial = assemble(tiles, [run.before for run in surrogate])
    idle = assemble(tiles, [tile.layer.pulses == 0 for tile in tiles]).astype(bool)
    figures = {
        "max_state_error": np.abs(own - theirs).max(),
        "max_disturb_surrogate": np.abs(theirs - initial)[idle].max(initial=0.0),
        "max_disturb_spice": np.abs(own - initial)[idle].max(initial=0.0),
        "write_energy_surrogate": _total(run.energy for run in surrogate),
        "write_energy_spice": _total(run.energy for run in spice),
        "wire_energy": _total(run.wire_energy for run in surrogate),
    }
    return {
        **{
            name: None if value is None or not plan.writes else float(value)
            for name, value in figures.items()
        },
        "initial_state": initial,
        "spice_state": own,
        "surrogate_state": theirs,
    }


def _total(energies: Iterable[float | None]) -> float | None:
    """The sum, if all are known: VACASK's decks do not measure the energy."""
    known = list(energies)
    return None if None in known else sum(energy or 0.0 for energy in known)


def _passed(fields: dict[str, Any], *, labelled: bool) -> bool:
    current, state = fields["max_relative_current_error"], fields["max_state_error"]
    return bool(
        (current is None or current <= CURRENT_LIMIT)
        and (state is None or state <= STATE_LIMIT)
        and (not labelled or fields["prediction_agreement"] in (None, 1.0))
    )


def _drawn(chips: Sequence[Chip], seed: int) -> dict[str, Any]:
    """What the chips of all tiles came out as."""
    counts = [chip.summary() for chip in chips]
    total = {name: sum(count[name] for count in counts) for name in counts[0]}
    return {"seed": seed, "imperfections": chips[0].imperfections.to_dict(), **total}


def _ideal_reads(tile: Tile) -> Floats:
    layer = tile.layer
    intended = np.asarray(after_pulses(layer.initial_state, layer.pulses, layer.device))
    return read_currents(layer.crossbar.ideal(), intended, voltages(layer), layer.device)
