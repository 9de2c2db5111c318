"""The two engines of a verification on one tile: a circuit simulator, and the surrogate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.decks import costs
from netlists.decks.cell_source import CellSource
from netlists.decks.costs import Prices
from netlists.decks.deck import How, read_deck, sweep_deck, write_deck
from netlists.decks.dialect import PLAIN, Dialect
from netlists.decks.probes import ENERGY, MILLIJOULE
from netlists.decks.runnable import Deck
from netlists.simulation.parallel import Together
from netlists.simulation.recordings import Recording
from netlists.simulation.run import Progress, Simulation
from netlists.simulation.simulators import Engine
from netlists.verification.collocation import Chosen, Collocation, Scope, surrogate_trajectory
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import Tile

Floats = NDArray[np.float64]


class Phase(StrEnum):
    """What is verified: the in-situ write, the reads, or one after the other.

    Reads alone start from the states that the surrogate wrote, else from those that the simulator
    wrote itself.
    """

    write = "write"
    read = "read"
    both = "both"


class Analysis(StrEnum):
    """How the simulator works: transients of dynamic cells, reads as a DC sweep, or operating points.

    A read hardly moves the states of Table 1's cells (0.1 V for 1 us adds less than 1e-9), so a sweep
    of frozen cells gives the same currents in a fifth of the time; of other laws it is said where reads
    move more. Collocation sweeps reads, and checks a write at operating points
    (`netlists.verification.collocation`).
    """

    transient = "transient"
    sweep = "sweep"
    collocation = "collocation"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated on every tile, and under which limits.

    deadline : when the simulator must be done, as `time.monotonic()` counts
    keep_in : the folder for decks; None keeps only those that fail
    recorded : whether the waveforms are kept
    circuitry : amplifiers, transistors, capacitance and temperature
    dialect : the solver and cell model of ngspice's decks
    cell_source : a Verilog-A module in place of the device's own cell
    """

    phase: Phase
    analysis: Analysis
    deadline: float
    keep_in: Path | None
    engine: Engine = Engine.ngspice
    recorded: bool = False
    circuitry: Circuitry = BARE
    dialect: Dialect = PLAIN
    cell_source: CellSource | None = None

    @property
    def writes(self) -> bool:
        """Whether the write is simulated."""
        return self.phase is not Phase.read

    @property
    def reads(self) -> bool:
        """Whether reads are simulated."""
        return self.phase is not Phase.write

    @property
    def prices(self) -> Prices:
        """What its decks cost to simulate."""
        return costs.prices(self.engine, self.dialect, self.circuitry)

    def how(self, layer: str) -> How:
        """What the builders of the layer's decks are told."""
        return {
            "origin": f"layer {layer!r}",
            "engine": self.engine,
            "recorded": self.recorded,
            "circuitry": self.circuitry,
            "dialect": self.dialect,
            "cell_source": self.cell_source,
        }


@dataclass(frozen=True, kw_only=True)
class Run:
    """States (rows, columns), currents (reads, columns) [A] and wall clock [s] of one engine.

    currents : of the array; `sensed` (reads, channels) is what its readout makes of them
    before : the states before the write
    energy : of the write [J]; `wire_energy` is the part that wires took; None where unknown
    bound : worst error of the surrogate's states, of a write by collocation
    transient_error : of the pulses that were full transients beside it
    recordings : waveforms of its decks, if the plan wants them
    subtracted : (reads, outputs) [A] what the simulator's subtractors put out, where there are any
    """

    state: Floats
    currents: Floats
    sensed: Floats
    write_seconds: float
    read_seconds: float
    before: Floats
    energy: float | None = None
    wire_energy: float | None = None
    bound: float | None = None
    transient_error: float | None = None
    transient_share: float | None = None
    version: str = ""
    recordings: tuple[Recording, ...] = ()
    subtracted: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def seconds(self) -> float:
        """Write and reads together."""
        return self.write_seconds + self.read_seconds


def voltages(layer: ProgrammedLayer) -> Floats:
    """Word-line voltages (reads, rows) [V] of the layer's inputs."""
    return np.asarray(voltage_from_input(layer.inputs, layer.device))


def estimate(
    tile: Tile,
    phase: Phase,
    analysis: Analysis,
    prices: Prices,
    chosen: Chosen | None = None,
    *,
    slices: int = 1,
) -> tuple[float, float]:
    """Seconds that the simulator will take for the tile's (write, reads); `chosen` pulses or all.

    slices : reads that an input takes
    """
    layer, write, read = tile.layer, 0.0, 0.0
    if phase is not Phase.read and layer.pulses.any():
        pulses = sum(1 for _ in write_programme(layer.pulses, layer.device))
        if analysis is not Analysis.collocation:
            write = prices.write_seconds(layer.crossbar, pulses)
        elif chosen is None or chosen.points:
            points, transients = (len(chosen.points), len(chosen.transients)) if chosen else (pulses, 0)
            write = sum(collocation_jobs(tile, prices, points, transients))
    if phase is not Phase.write:
        of = prices.read_seconds if analysis is Analysis.transient else prices.sweep_seconds
        read = of(layer.crossbar, slices * len(layer.inputs))
    return write, read


def collocation_jobs(
    tile: Tile, prices: Prices, pulses: int, transients: int, parts: int = 1
) -> list[float]:
    """Seconds of the simulator's jobs for the operating points of a write, and its transients."""
    crossbar, parts = tile.layer.crossbar, max(min(parts, pulses), 1)
    points = prices.points_seconds(crossbar, math.ceil(2 * pulses / parts))
    return [points] * parts + [prices.lone_pulse_seconds(crossbar)] * transients


def run_surrogate(tile: Tile, chip: Chip, plan: Plan) -> Run:
    """Write and read the tile in the surrogate; it writes even where the plan only reads."""
    layer, chip = tile.layer, chip.afresh()
    started = time.perf_counter()
    start = chip.start(layer.initial_state)
    transistor = plan.circuitry.transistor
    outcome = write_in_situ(chip.crossbar, start, layer.pulses, chip.device, transistor=transistor)
    state = chip.written(start, outcome.state, layer.pulses)
    written = time.perf_counter()
    currents = sensed = np.zeros((0, layer.crossbar.columns))
    if plan.reads:
        currents, sensed = surrogate_reads(tile, chip, state, plan.circuitry)
    read = time.perf_counter()
    seconds = written - started if plan.writes else 0.0
    return Run(
        state=state,
        currents=currents,
        sensed=sensed,
        write_seconds=seconds,
        read_seconds=read - written,
        before=start,
        energy=outcome.energy,
        wire_energy=outcome.wire_energy,
    )


def surrogate_reads(
    tile: Tile, chip: Chip, state: Floats, circuitry: Circuitry
) -> tuple[Floats, Floats]:
    """(array currents (reads, columns), what the readout makes of them (reads, channels)) [A]."""
    volts = chip.drive(voltages(tile.layer))
    currents = circuitry.settled(chip.crossbar, state, chip.read_device).currents(volts)
    return currents, chip.sense(currents, state, volts)


def run_spice(
    tile: Tile,
    chip: Chip,
    written: Floats,
    plan: Plan,
    together: Together,
    parts: tuple[int, int],
    scope: Scope | None = None,
) -> Run:
    """Write and read the tile in the plan's simulator.

    written : (rows, columns) omega that the surrogate wrote, and reads start from where the plan does
        not write
    parts : the indices of this tile's write and reads in the progress of all tiles
    scope : of a write by collocation
    """
    none, chip = np.zeros((0, tile.layer.crossbar.columns)), chip.afresh()
    run = Run(
        state=written,
        currents=none,
        sensed=none,
        write_seconds=0.0,
        read_seconds=0.0,
        before=chip.start(tile.layer.initial_state),
        energy=0.0,
    )
    write, read = map(together.part, parts)
    if plan.writes and scope and tile.layer.pulses.any():
        run = _collocated(replace(run, state=written), tile, chip, plan, together, write, scope)
    elif plan.writes:
        run = _written(run, tile, chip, plan, together, write)
    write(1.0)
    if plan.reads:
        run = _read(run, tile, chip, plan, together, read)
    read(1.0)
    return run


def _written(
    run: Run, tile: Tile, chip: Chip, plan: Plan, together: Together, progress: Progress
) -> Run:
    """The run after its write; pulses that are all zero need no simulator."""
    layer, name = tile.layer, _name("write", tile)
    if not layer.pulses.any():
        return replace(run, state=chip.written(run.before, run.before, layer.pulses))
    deck = write_deck(chip.crossbar, run.before, layer.pulses, chip.device, **plan.how(layer.name))
    done = _run_deck(deck, name, plan, together, progress)
    after = np.reshape(deck.measured(done), layer.crossbar.shape)
    known = ENERGY in done.vectors
    return replace(
        run,
        state=chip.written(run.before, after, layer.pulses),
        energy=MILLIJOULE * float(done.vectors[ENERGY][-1]) if known else None,
        write_seconds=done.seconds,
        version=done.version,
        recordings=(deck.recording(name, done, layer.pulses),) if deck.recorded else (),
    )


def _collocated(
    run: Run, tile: Tile, chip: Chip, plan: Plan, together: Together, progress: Progress, scope: Scope
) -> Run:
    """The run after a write by collocation; before, its state is what the surrogate wrote."""
    counts, transistor = tile.layer.pulses, plan.circuitry.transistor
    trajectory = surrogate_trajectory(scope.believed, run.before, counts, transistor)

    def run_deck(deck: Deck, name: str, progress: Progress) -> Simulation:
        return _run_deck(deck, name, plan, together, progress)

    how = plan.how(tile.layer.name)
    how["recorded"], how["dialect"] = False, replace(plan.dialect, osdi=False)
    found = Collocation(
        chip=chip,
        trajectory=trajectory,
        scope=scope,
        how=how,
        name=_name("", tile),
        run=run_deck,
        together=together,
    ).done(progress)
    # The surrogate's own write of all pulses at once, beside its pulses one by one.
    alike = chip.afresh().written(run.before, trajectory.states[-1], counts)  # with the same noise
    apart = np.abs(alike - run.state)
    share = len(scope.chosen.points) / len(trajectory.pulses)
    return replace(
        run,
        state=chip.written(run.before, found.state, counts),
        energy=found.energy if share == 1.0 else None,
        bound=float((found.bound + apart).max()),
        transient_error=found.transient_error,
        transient_share=found.transient_share,
        write_seconds=found.seconds,
        version=found.version,
    )


def _read(run: Run, tile: Tile, chip: Chip, plan: Plan, together: Together, progress: Progress) -> Run:
    """The run after its reads."""
    layer, name = tile.layer, _name("read", tile)
    build = read_deck if plan.analysis is Analysis.transient else sweep_deck
    state, volts = np.clip(run.state, 0.0, 1.0), chip.drive(voltages(layer))
    how = plan.how(layer.name)
    how["mapping"], how["subtractors"] = layer.mapping, chip.subtractors
    deck = build(chip.crossbar, state, volts, chip.read_device, **how)
    done = _run_deck(deck, name, plan, together, progress)
    currents = deck.measured(done)
    kept = (deck.recording(name, done, None),) if deck.recorded else ()
    return replace(
        run,
        currents=currents,
        sensed=chip.sense(currents, run.state, volts),
        subtracted=deck.subtracted(done),
        read_seconds=done.seconds,
        version=done.version,
        recordings=run.recordings + kept,
    )


def _name(what: str, tile: Tile) -> str:
    """'write' of a layer on one tile, 'write-64-0' of the tile that begins at row 64, column 0."""
    return what if tile.whole else f"{what}-{tile.first_row}-{tile.first_column}"


def _run_deck(deck: Deck, name: str, plan: Plan, together: Together, progress: Progress) -> Simulation:
    left = max(plan.deadline - time.monotonic(), 0.0)
    run = deck.run(
        name=name,
        time_limit=left,
        progress=progress,
        keep_in=plan.keep_in,
        together=together,
    )
    if plan.keep_in is not None:
        deck.write(plan.keep_in / f"{name}{deck.engine.simulator.suffix}")
    return run
