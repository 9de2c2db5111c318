"""What reads do to states: the surrogate freezes cells in a read, and strong reads would move them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.circuit.waveforms import READ_HOLD
from roa_circuit.device.memristor import pulse_strength
from roa_circuit.device.parameters import Device

Floats = NDArray[np.float64]

NOTICED, NOTICED_IN_TRANSIENTS = 1e-4, 1e-6
"""The change of omega by one read from which it is said, and where a simulator's cells do move."""


def moved_by_a_read(state: Floats, voltages: Floats, device: Device, hold: float = READ_HOLD) -> float:
    """The largest change of any omega by one of these reads, if each cell had its row's whole voltage.

    NaN where the device's law says nothing of such voltages, as a table does that has none of them.

    state : (rows, columns); voltages : (reads, rows) [V]; hold : how long a read is held [s]
    """
    if not voltages.size:
        return 0.0
    worst = 0.0
    try:
        for volts in (voltages.min(axis=0), voltages.max(axis=0)):
            dose = pulse_strength(volts[:, None], hold, device.memristor)
            after = device.memristor.after_dose(state, dose, volts[:, None])
            worst = max(worst, float(np.abs(after - state).max(initial=0.0)))
    except InputError:
        return math.nan
    return worst


def warning(moved: float, voltages: Floats, hold: float = READ_HOLD, *, transient: bool = False) -> str:
    """What to say of reads that would move omega by so much, or nothing.

    transient : whether cells move in the simulator that the surrogate is compared with
    """
    if moved < (NOTICED_IN_TRANSIENTS if transient else NOTICED):
        return ""
    largest, long = engineering(float(np.abs(voltages).max()), "V"), engineering(hold, "s")
    if math.isnan(moved):
        return (
            f"the law says nothing of what reads of up to {largest} for {long} move; states are frozen"
        )
    if transient:
        return (
            f"reads of up to {largest} for {long} move omega in the simulator by up to {moved:.2g} each,"
            " and the surrogate leaves that out, so currents may differ by as much or more; lower the"
            " voltages, or freeze the cells of reads by --analysis sweep"
        )
    return (
        f"reads of up to {largest} for {long} would move omega by up to {moved:.2g} each;"
        " states are frozen here, so lower the voltages or simulate a transient"
    )
