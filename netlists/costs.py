"""What a deck costs in ngspice before it runs: fitted to timings of Sparse 1.3, within a factor of two.

An iteration loads every cell and factors the matrix. Eliminated row by row, an array of m x n
cells (n the shorter side) fills its matrix with m n^2 numbers and takes m n^3 products, which
is what Sparse's ordering comes close to; the cells' behavioural sources cost as many loads.
"""

from __future__ import annotations

from collections.abc import Sequence

from roa_circuit.crossbar import Crossbar

# Seconds on one core of a 2020s server, ngspice 39; the ratio between them is what matters.
_LOAD = 4.6e-6  # per cell and iteration of a frozen cell; the dynamic one has a state to load
_DYNAMIC_LOAD = 1.1e-5
_FACTOR = 1.1e-8  # per m n^3
_PARSE = 1.6e-4  # per cell, once a deck
_ORDER = 3.0e-7  # per m n^3, once a deck
_SWEEP_ITERATIONS = 5.0  # per read
_READ_ITERATIONS = 19.0
_PULSE_ITERATIONS = 85.0
_START = 0.5  # of the worker process


def sweep_seconds(crossbar: Crossbar, reads: int) -> float:
    """Of `sweep_deck`."""
    return _once(crossbar) + reads * _SWEEP_ITERATIONS * _iteration(crossbar, _LOAD)


def read_seconds(crossbar: Crossbar, reads: int) -> float:
    """Of `read_deck`."""
    return _once(crossbar) + reads * _READ_ITERATIONS * _iteration(crossbar, _DYNAMIC_LOAD)


def write_seconds(crossbar: Crossbar, pulses: int) -> float:
    """Of `write_deck`; `pulses` as the programme counts them, a row in parallel."""
    return _once(crossbar) + pulses * _PULSE_ITERATIONS * _iteration(crossbar, _DYNAMIC_LOAD)


def wall_seconds(seconds: Sequence[float], workers: int) -> float:
    """Of independent jobs on `workers` cores, the longest first, each to the first that is free."""
    loads = [0.0] * max(workers, 1)
    for job in sorted(seconds, reverse=True):
        loads[loads.index(min(loads))] += job
    return max(loads)


def said(seconds: float) -> str:
    """'40 s', '12 min', '3.5 h': as exact as an estimate is."""
    if seconds < 90:
        return f"{max(seconds, 1.0):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _iteration(crossbar: Crossbar, load: float) -> float:
    return load * crossbar.rows * crossbar.columns + _FACTOR * _products(crossbar)


def _once(crossbar: Crossbar) -> float:
    return _START + _PARSE * crossbar.rows * crossbar.columns + _ORDER * _products(crossbar)


def _products(crossbar: Crossbar) -> float:
    """m n^3, from zero for perfect wires: then a line is one node and little is to be factored."""
    longer, shorter = max(crossbar.shape), min(crossbar.shape)
    return float(longer * shorter**3) if crossbar.r_word or crossbar.r_bit else 0.0
