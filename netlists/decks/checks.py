"""Checks before a deck is made: shapes that fit, numbers within range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.contents import check_states, check_voltages
from roa_circuit.circuit.crossbar import Crossbar

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
