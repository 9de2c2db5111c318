"""The cost of a deck before it runs: counted iterations times timed ones, within a factor of two.

A pulse takes ngspice 75 to 110 iterations where it moves one cell of a row, up to 175 where it
moves all. An iteration loads every cell and factors the matrix. Eliminated row by row, an array of
m x n cells (n the shorter side) fills its matrix with m n^2 numbers and takes m n^3 products.
Eliminated along its cuts, as KLU finds them and Sparse 1.3 is told of them, it takes some 16 m n^2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netlists.decks.dialect import PLAIN, Dialect
from netlists.simulation.simulators import Engine
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.circuit.crossbar import Crossbar


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a simulator's work costs, in seconds on one core of a 2020s server; the ratios matter.

    load, dynamic_load : for each cell and iteration, with a frozen or a moving state
    factor : for each product of an iteration
    parse, order : for each cell, and for each product, once a deck
    spill : power of the cells, beyond 64 x 64, that a product's time grows by: memory beyond the caches
    cached : of the m n^2 numbers of a factored matrix, so many leave the caches; with fewer, a product
        costs less in proportion, and so does a cell of a small array
    sweep, point, read, pulse, alone : iterations that a read of a sweep, an operating point of a write,
        a read, a pulse among others, or a pulse alone takes
    start : of the worker process
    memory, memory_factor : bytes for each cell, and for each of the m n^2 numbers of a factored matrix
    """

    load: float
    dynamic_load: float
    factor: float
    parse: float
    order: float
    sweep: float
    point: float
    read: float
    pulse: float
    alone: float
    start: float = 0.35
    spill: float = 0.0
    cached: float = 0.0
    memory: float
    memory_factor: float

    def sweep_seconds(self, crossbar: Crossbar, reads: int) -> float:
        """Seconds of a `sweep_deck`."""
        return self._once(crossbar) + reads * self.sweep * self._iteration(crossbar, self.load)

    def points_seconds(self, crossbar: Crossbar, points: int) -> float:
        """Seconds of a `points_deck`."""
        return self._once(crossbar) + points * self.point * self._iteration(crossbar, self.load)

    def read_seconds(self, crossbar: Crossbar, reads: int) -> float:
        """Seconds of a `read_deck`."""
        return self._once(crossbar) + reads * self.read * self._iteration(crossbar, self.dynamic_load)

    def write_seconds(self, crossbar: Crossbar, pulses: int) -> float:
        """Seconds of a `write_deck`; `pulses` counts those of the programme, each for a whole row."""
        return self._once(crossbar) + pulses * self.pulse * self._iteration(crossbar, self.dynamic_load)

    def lone_pulse_seconds(self, crossbar: Crossbar) -> float:
        """Seconds of a `write_deck` of one pulse, which has the steps of the start to itself."""
        return self._once(crossbar) + self.alone * self._iteration(crossbar, self.dynamic_load)

    def bytes(self, crossbar: Crossbar) -> float:
        """Memory of a simulator that has a deck of the array loaded and its matrix factored."""
        cells, fill = crossbar.rows * crossbar.columns, _filled(crossbar)
        return _WORKER + self.memory * cells + self.memory_factor * fill

    def _iteration(self, crossbar: Crossbar, load: float) -> float:
        cells = crossbar.rows * crossbar.columns
        if not self.cached:
            return load * cells + self.factor * self._products(crossbar)
        near = min(1.0, _filled(crossbar) / self.cached)
        load *= min(_FAR, max(1.0, (cells / _NEAR) ** 2))
        return load * cells + near * self.factor * self._products(crossbar)

    def _once(self, crossbar: Crossbar) -> float:
        cells = crossbar.rows * crossbar.columns
        return self.start + self.parse * cells + self.order * self._products(crossbar)

    def _products(self, crossbar: Crossbar) -> float:
        """Of one factoring: row by row of narrow arrays, along the cuts of others."""
        beyond = max(1.0, crossbar.rows * crossbar.columns / _CACHED)
        return float(_filled(crossbar) * min(*crossbar.shape, _BY_CUTS) * beyond**self.spill)


_LAW = 1.9e-2, 2.6e-6  # seconds for each pulse, and for each of its cells
_NEAR, _FAR = 400.0, 2.5  # cells that caches hold, and times as dear as they are those of large arrays
_BY_CUTS = 16.0  # products for each of m n^2, as counted for 64 x 20 to 64 x 65 cells
_CACHED = 64 * 64  # cells
_WORKER = 8e7  # bytes of Python, PySpice and the simulator itself
_DOUBT = 3.0  # what an estimate may be wrong by on an idle machine

_PRICES = {
    # ngspice 39, whose cells are behavioural sources, with Sparse 1.3.
    Engine.ngspice: Prices(
        load=1.2e-6, dynamic_load=1.8e-6, factor=1.3e-8, parse=1.5e-4, order=4.2e-7,
        sweep=4.0, point=3.4, read=33.0, pulse=115.0, alone=155.0, spill=0.65, cached=3e4,
        memory=1.5e4, memory_factor=35.0,
    ),
    # VACASK 0.3, whose cells are compiled Verilog-A, with KLU.
    Engine.vacask: Prices(
        load=1e-6, dynamic_load=1e-6, factor=3.5e-9, parse=5e-5, order=1e-8,
        sweep=3.0, point=3.0, read=20.0, pulse=130.0, alone=310.0, memory=4.5e3, memory_factor=4.0,
    ),
}  # fmt: skip


# ngspice 46: KLU in place of Sparse 1.3, and compiled Verilog-A in place of behavioural sources.
_WITH_KLU = {"factor": 4e-9, "order": 2e-8, "spill": 0.0, "cached": 0.0, "memory_factor": 20.0}
_WITH_OSDI = {"load": 1e-6, "dynamic_load": 1.1e-6, "parse": 4e-5}


# Charge asks for more time points, a transistor is loaded beside each cell: factors of each engine.
_CHARGED = {Engine.ngspice: 3.0, Engine.vacask: 1.3}
_GATED = {Engine.ngspice: 1.7, Engine.vacask: 2.0}


def prices(engine: Engine, dialect: Dialect = PLAIN, circuitry: Circuitry = BARE) -> Prices:
    """The prices of a simulator for such circuits, and for ngspice in such a dialect."""
    changed = (_WITH_KLU if dialect.klu else {}) | (_WITH_OSDI if dialect.osdi else {})
    p = dataclasses.replace(_PRICES[engine], **changed)
    reads = _CHARGED[engine] if circuitry.stores_charge else 1.0
    writes = _CHARGED[engine] if circuitry.loads_lines else 1.0
    gates = _GATED[engine] if circuitry.transistor else 1.0
    return dataclasses.replace(
        p,
        load=gates * p.load,
        dynamic_load=gates * p.dynamic_load,
        read=reads * p.read,
        pulse=writes * p.pulse,
        alone=writes * p.alone,
    )


def law_seconds(crossbar: Crossbar, pulses: int) -> float:
    """Seconds in which the law is integrated over pulses at operating points, one after the other."""
    return pulses * (_LAW[0] + _LAW[1] * crossbar.rows * crossbar.columns)


def wall_seconds(seconds: Sequence[float], workers: int) -> float:
    """Seconds of independent jobs on so many cores, the longest first, each on the first free one."""
    loads = [0.0] * max(workers, 1)
    for job in sorted(seconds, reverse=True):
        loads[loads.index(min(loads))] += job
    return max(loads)


def require_memory(needed: float, limit: float, what: str) -> None:
    """Raise InputError where a simulator would run out of memory for certain.

    needed, limit : [bytes]; what : is to be simulated, and in what, for the message
    """
    if needed > limit:
        raise InputError(
            f"{what} takes about {needed / 2**30:.1f} GiB, more than the {limit / 2**30:.1f} GiB of its"
            " worker: take smaller tiles or the surrogate; `roa-spice netlist` writes decks of any size"
        )


def require_time(seconds: float, limit: float, what: str) -> None:
    """Raise InputError where a simulator would not end within a time limit [s] for certain."""
    if seconds > _DOUBT * limit:
        raise InputError(
            f"{what} takes about {said(seconds)}, far beyond the time limit of {said(limit)}: give"
            " --time-limit more seconds, or take another engine (VACASK, ngspice with KLU)"
        )


def said(seconds: float) -> str:
    """A time as text, as exact as an estimate is: '40 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{max(seconds, 1.0):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _filled(crossbar: Crossbar) -> float:
    """m n^2; 0 for perfect wires, where a line is one node and little is left to be factored."""
    longer, shorter = max(crossbar.shape), min(crossbar.shape)
    return float(longer * shorter**2) if np.any(crossbar.r_word) or np.any(crossbar.r_bit) else 0.0
