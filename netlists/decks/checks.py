"""Checks before a deck is made: shapes that fit, numbers within range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netlists.decks.cell_source import CellSource
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.contents import check_states, check_voltages
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.compact_model import instance_constants
from roa_circuit.device.parameters import Device

LARGEST_VOLTAGE = 10.0
"""Of a read [V]: Eq. 2 was measured to 3.8 V, and its exponentials leave any wire model far behind."""


def check_array(crossbar: Crossbar, state: NDArray[np.float64]) -> None:
    """Raise InputError unless the states fit the array; a deck can be written of any size."""
    check_states(crossbar, state)


def check_reads(crossbar: Crossbar, voltages: NDArray[np.float64]) -> None:
    """Raise InputError unless these are word-line voltages of reads, within the limit."""
    check_voltages(crossbar, voltages)
    if not len(voltages):
        raise InputError("no voltages: a deck needs one read or more")
    if not bool(np.all(np.abs(voltages) <= LARGEST_VOLTAGE)):
        raise InputError(f"read voltages must lie within +-{LARGEST_VOLTAGE:g} V")


def check_cell_source(source: CellSource, device: Device, *, moving: bool, compiled: bool) -> None:
    """Check that a module of one's own can stand in a deck.

    Raises
    ------
    InputError : cells are to rest, the simulator takes no Verilog-A, or cells differ from each other.
    """
    if not moving:
        raise InputError(
            f"--cell-model {source.name}: its state may move in static analyses, where the toolkit's own"
            " rests: --analysis transient"
        )
    require_compiler(source, compiled=compiled)
    if instance_constants(device):
        raise InputError(
            f"--cell-model {source.name}: cells have one set of constants: leave spread, stuck and open"
            " cells out"
        )


def require_compiler(source: CellSource, *, compiled: bool) -> None:
    """Raise InputError where the simulator takes no cells in Verilog-A."""
    if not compiled:
        raise InputError(
            f"--cell-model {source.name}: Verilog-A is for VACASK, or an ngspice with OSDI: add"
            " --engine vacask, or --cell osdi"
        )
