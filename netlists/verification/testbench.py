"""The testbench: what is simulated of every array, by which simulator, and within which limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netlists.decks.cell_source import CellSource
from netlists.decks.dialect import PLAIN, Dialect
from netlists.simulation.ngspice import Via
from netlists.simulation.run import DEFAULT_TIME_LIMIT
from netlists.simulation.simulators import Engine
from netlists.verification.engines import Analysis, Phase, Plan
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.machine import cores
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.layers.tiling import Tile

LARGE = 1024
"""Cells of an array beyond which a write is verified by collocation, unless another way is asked for."""


@dataclass(frozen=True, kw_only=True)
class Testbench:
    """What is simulated of every array, by which simulator, and within which limits.

    phase : the write, the reads, or both; reads alone start from the states that the surrogate wrote
    analysis : how the simulator works; by default `default_analysis` of the arrays, and collocation
        where `pulses` are given
    pulses : simulate only so many pulses of a layer's write by collocation, drawn with the seed of
        `Arrays`
    engine : the circuit simulator
    dialect : the solver and cell model of ngspice's decks, and how ngspice is driven;
        `dialect.choose` finds the best
    cell_source : a Verilog-A module in place of the device's own cell; its decks are transients
    time_limit : wall-clock seconds for all of the simulator's work
    workers : tiles simulated at a time; by default one a core

    Raises
    ------
    InputError : no time, no workers or no pulses, a dialect for a simulator other than ngspice, or an
        analysis that does not fit what is verified.
    """

    __test__ = False  # pytest takes classes of such a name for tests

    phase: Phase = Phase.both
    analysis: Analysis | None = None
    pulses: int | None = None
    engine: Engine = Engine.ngspice
    dialect: Dialect = PLAIN
    cell_source: CellSource | None = None
    time_limit: float = DEFAULT_TIME_LIMIT
    workers: int | None = None

    def __post_init__(self) -> None:
        if not self.time_limit > 0:
            raise InputError(f"time_limit = {self.time_limit} must be positive seconds")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers = {self.workers} must be at least 1")
        if self.engine is not Engine.ngspice and self.dialect != PLAIN:
            via = f", driven via {self.dialect.via}" if self.dialect.via is not Via.auto else ""
            raise InputError(f"dialect {self.dialect}{via}: {self.engine} has none; leave it out")
        if self.cell_source and not (
            self.analysis in (None, Analysis.transient) and self.pulses is None
        ):
            raise InputError(
                f"--cell-model {self.cell_source.name}: only transients move cells of one's own: leave"
                " --analysis and --pulses out"
            )
        self._require_writes()

    @property
    def at_a_time(self) -> int:
        """How many tiles are simulated at a time."""
        return self.workers or cores()

    def analysis_of(self, tiles: Sequence[Tile], circuitry: Circuitry) -> Analysis:
        """How the simulator works on these tiles.

        Raises
        ------
        InputError : by collocation, of a circuit that stores charge.
        """
        if self.cell_source and self.analysis is None and self.pulses is None:
            return Analysis.transient
        if self.analysis is None and self.pulses is None:
            return default_analysis(self.phase, circuitry, tiles)
        analysis = self.analysis or Analysis.collocation
        if analysis is Analysis.collocation and circuitry.stores_charge:
            raise InputError(
                "--analysis collocation takes lines for settled, but this circuit stores charge:"
                " --analysis transient"
            )
        return analysis

    def plan(
        self, tiles: Sequence[Tile], circuitry: Circuitry, *, keep_in: Path | None, recorded: bool
    ) -> Plan:
        """The plan of a run that starts now. Raises as `analysis_of`."""
        return Plan(
            phase=self.phase,
            analysis=self.analysis_of(tiles, circuitry),
            deadline=time.monotonic() + self.time_limit,
            keep_in=keep_in,
            engine=self.engine,
            recorded=recorded,
            circuitry=circuitry,
            dialect=self.dialect,
            cell_source=self.cell_source,
        )

    def _require_writes(self) -> None:
        """Raise InputError where collocation, or a choice of pulses, meets nothing that it is for."""
        reads, pulses = self.phase is Phase.read, self.pulses
        if self.analysis is Analysis.collocation and reads:
            raise InputError("--analysis collocation is for writes: reads alone take --analysis sweep")
        if self.analysis is Analysis.sweep and self.phase is Phase.write:
            raise InputError(
                "--analysis sweep is for reads: a write alone takes --analysis transient or collocation"
            )
        if pulses is None:
            return
        if pulses < 1:
            raise InputError(f"pulses = {pulses} must be at least 1; leave it out for all of them")
        if reads:
            raise InputError(f"--pulses {pulses}: --phase read writes nothing; leave it out")
        if self.analysis not in (None, Analysis.collocation):
            raise InputError(
                f"--pulses {pulses}: a write by {self.analysis} has all of its pulses; add --analysis"
                " collocation, or verify some of the tiles with --tiles"
            )


def default_analysis(phase: Phase, circuitry: Circuitry = BARE, tiles: Sequence[Tile] = ()) -> Analysis:
    """What is simulated unless something else is asked for.

    A DC sweep for reads alone, transients for writes, and collocation for writes of arrays whose
    transients take long; transients wherever nodes store charge.
    """
    if circuitry.stores_charge:
        return Analysis.transient
    if phase is Phase.read:
        return Analysis.sweep
    if not any(tile.layer.initial_state.size > LARGE for tile in tiles):
        return Analysis.transient
    return Analysis.collocation if any(tile.layer.pulses.any() for tile in tiles) else Analysis.sweep
