"""The testbench: what is simulated of every array, by which simulator, and within which limits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from netlists.decks.dialect import PLAIN, Dialect
from netlists.simulation.run import DEFAULT_TIME_LIMIT
from netlists.simulation.simulators import Engine
from netlists.verification.engines import Analysis, Phase, Plan
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.machine import cores
from roa_circuit.chips.circuitry import BARE, Circuitry


@dataclass(frozen=True, kw_only=True)
class Testbench:
    """What is simulated of every array, by which simulator, and within which limits.

    phase : the write, the reads, or both; reads alone start from the states that the surrogate wrote
    analysis : how the simulator reads; by default `default_analysis(phase, circuitry)`
    engine : the circuit simulator
    dialect : the solver and cell model of ngspice's decks; `dialect.choose` finds the best
    time_limit : wall-clock seconds for all of the simulator's work
    workers : tiles simulated at a time; by default one a core

    Raises
    ------
    InputError : no time or no workers, or a dialect for a simulator other than ngspice.
    """

    __test__ = False  # pytest takes classes of such a name for tests

    phase: Phase = Phase.both
    analysis: Analysis | None = None
    engine: Engine = Engine.ngspice
    dialect: Dialect = PLAIN
    time_limit: float = DEFAULT_TIME_LIMIT
    workers: int | None = None

    def __post_init__(self) -> None:
        if not self.time_limit > 0:
            raise InputError(f"time_limit = {self.time_limit} must be positive seconds")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers = {self.workers} must be at least 1")
        if self.engine is not Engine.ngspice and self.dialect != PLAIN:
            raise InputError(f"dialect {self.dialect}: {self.engine} has none; leave it out")

    @property
    def at_a_time(self) -> int:
        """How many tiles are simulated at a time."""
        return self.workers or cores()

    def plan(self, circuitry: Circuitry, *, keep_in: Path | None, recorded: bool) -> Plan:
        """The plan of a run that starts now."""
        return Plan(
            phase=self.phase,
            analysis=self.analysis or default_analysis(self.phase, circuitry),
            deadline=time.monotonic() + self.time_limit,
            keep_in=keep_in,
            engine=self.engine,
            recorded=recorded,
            circuitry=circuitry,
            dialect=self.dialect,
        )


def default_analysis(phase: Phase, circuitry: Circuitry = BARE) -> Analysis:
    """A DC sweep for reads alone; a transient after a write, or where lines store charge."""
    still = phase is Phase.read and not circuitry.stores_charge
    return Analysis.sweep if still else Analysis.transient
