"""Alternate: rows that write and rows that read in one column of voltages, as list sweeps have them."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from fitting.readers.conventions import Conventions
from fitting.readers.forms.table import FloatArray, Table
from roa_circuit.basics.units import counted, engineering

_SAME = 1e-3
_FEWEST = 2


def with_reads_apart(table: Table, how: Conventions) -> Table:
    """The table with readings alone where the voltage is that of a read, with pulses alone elsewhere.

    What flows during a pulse tells no state at the read voltage.
    """
    V, read = table.column("voltage"), how.read_voltage
    if read is None or "read_current" not in table.columns:
        return table
    at = reads(V, read)
    if at.sum() < _FEWEST or not (~at & (np.nan_to_num(V) != 0)).any():
        return table
    columns = dict(table.columns)
    columns["voltage"] = np.where(at, 0.0, V)
    columns["read_current"] = np.where(at, columns["read_current"], np.nan)
    text = table.headers["voltage"]
    said = (f"{counted(int(at.sum()), 'row')} with {text!r} at {engineering(read, 'V')} are reads, the "
            "others pulses, whose own current is no reading")  # fmt: skip
    return dataclasses.replace(table, columns=columns).noted(assumed=[said])


def reads(V: FloatArray, read: float) -> NDArray[np.bool_]:
    """Which rows (rows,) are at the read voltage."""
    result: NDArray[np.bool_] = np.isclose(V, read, rtol=_SAME, atol=0.0)
    return result


def alternating(V: FloatArray) -> float:
    """The voltage that rows after those of any other have, so that it may be a read; 0 if none is."""
    told = V[np.isfinite(V) & (V != 0)]
    for read in np.unique(told)[np.argsort(np.abs(np.unique(told)))][:1].tolist():
        at = reads(told, read)
        if at.any() and not at.all() and at[1:][~at[:-1]].all():
            return float(read)
    return 0.0
