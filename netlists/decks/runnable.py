"""Decks that can be run: the text, and how to read the results of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists.decks.circuit import Circuit
from netlists.decks.dialect import cell_files
from netlists.decks.probes import ENERGY, MILLIJOULE
from netlists.decks.readout import difference_currents
from netlists.simulation.ngspice import Via, driven
from netlists.simulation.recordings import Quantity, Recording
from netlists.simulation.run import Simulation
from netlists.simulation.simulators import Engine
from roa_circuit.basics.results import write_file, write_text
from roa_circuit.circuit.components import Amplifier

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Deck:
    """A deck, and the vectors that a run of it leaves.

    circuit : what it simulates, in no simulator's language
    engine : the simulator whose language it is in
    vectors : the saved vectors by the engine's names; column currents (columns) of a read, in
        order, and what is subtracted of them, or final states (rows * columns), row by row
    duration : simulated time [s], 0 for a sweep
    shape : rows and columns of the array; rows : of the vectors
    amplifier : of the columns, if the vectors are its outputs instead of currents
    made : whether what subtracts columns is a chip's, and not exact
    named : gives the engine's name for the vector of an expression (`netlists.decks.probes`)
    sources : probes (voltage, current) of all sources, whose energy is summed up after the run;
        ngspice does that itself
    compiled : the Verilog-A of the cells that it loads compiled; '' of none
    via : how ngspice is driven, where it is the engine
    samples : when `measured` takes each row of a transient [s]; a sweep has one row for each read
    recorded : the quantities that are kept at all points, if it is recorded
    """

    text: str
    circuit: Circuit
    engine: Engine
    vectors: tuple[str, ...]
    duration: float
    shape: tuple[int, int]
    rows: int
    samples: tuple[float, ...]
    amplifier: Amplifier | None = None
    made: bool = False
    named: Callable[[str], str]
    sources: tuple[tuple[str, str], ...] = ()
    compiled: str = ""
    via: Via = Via.auto
    recorded: tuple[Quantity, ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        """The files that the deck loads, by name.

        Raises
        ------
        SimulatorError : no compiler of Verilog-A.
        """
        return cell_files(self.compiled) if self.compiled else {}

    def run(self, **options: Any) -> Simulation:
        """Run the deck; options are those of `Simulator.simulate`."""
        simulator = driven(self.via) if self.engine is Engine.ngspice else self.engine.simulator
        run = simulator.simulate(self.text, files=self.files, **options)
        return replace(run, vectors={**run.vectors, ENERGY: self._summed(run)}) if self.sources else run

    def _summed(self, run: Simulation) -> Floats:
        """The energy that all sources have delivered up to every point [mJ]."""
        time = run.vectors["time"]
        volts, amperes = (
            np.stack([run.vectors[self.named(e)] for e in column])
            for column in zip(*self.sources, strict=True)
        )
        power = -(volts * amperes).sum(axis=0)
        steps = 0.5 * np.diff(time) * (power[1:] + power[:-1])
        return np.append(0.0, np.cumsum(steps)) / MILLIJOULE

    def recording(self, name: str, run: Simulation, pulses: NDArray[np.int64] | None) -> Recording:
        """The recording of a run."""
        return Recording.of(name, self.shape, self.recorded, run, self.named, pulses)

    def write(self, path: Path) -> None:
        """Write the deck, and the files that it loads into the same folder."""
        write_text(path, self.text)
        for name, content in self.files.items():
            write_file(path.parent / name, methodcaller("write", content))

    def measured(self, run: Simulation) -> Floats:
        """The vectors of a run of this deck as columns (reads, columns), or (1, cells) of a write.

        Raises
        ------
        SimulatorError : the run left another number of values, or ended too early.
        """
        table = self._table(run)[:, : len(self.vectors) - len(self.circuit.differences)]
        return self.amplifier.current(table) if self.amplifier else table

    def subtracted(self, run: Simulation) -> Floats:
        """What the subtractors put out (reads, outputs) [A]; nothing of a deck without any."""
        table = self._table(run)[:, len(self.vectors) - len(self.circuit.differences) :]
        return difference_currents(table, self.amplifier, made=self.made)

    def _table(self, run: Simulation) -> Floats:
        return (
            run.at(self.samples, self.vectors) if self.samples else run.matrix(self.vectors, self.rows)
        )
