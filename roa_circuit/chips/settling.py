"""How long reads and writes take to settle: bounds on the slowest time constant of an array.

Every capacitor discharges through the wires, and cells only help. So the slowest time constant
lies below the sum over one line of each capacitor times its path to the driver or the readout: for
n nodes, c (n r_end + r n (n + 1) / 2). A cell's capacitor counts for both of its nodes, twice at most.
"""

from __future__ import annotations

import numpy as np

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import engineering
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar
from roa_circuit.circuit.waveforms import READ_HOLD
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device

TIME_CONSTANTS = 20.0
"""How many of them a read is held: e^-20 is 2e-9."""

MISSED = 2.5e-3
"""Of omega: what lag may take of a write where the surrogate stands for the circuit."""


def time_constant(crossbar: Crossbar, device: Device, circuitry: Circuitry) -> float:
    """An upper bound of the slowest time constant of the array and its readout [s]."""
    source, r_word, r_bit, sense = (float(np.max(getattr(crossbar, name))) for name in RESISTANCES)
    ends = circuitry.amplifier.input_resistance if circuitry.amplifier else sense
    c_word, c_bit = (c + 2.0 * circuitry.c_cell for c in (circuitry.c_word, circuitry.c_bit))
    word = _line(crossbar.columns, source, r_word, c_word)
    bit = _line(crossbar.rows, ends, r_bit, c_bit)
    found = max(word, bit)
    least = conductance(0.0, device.pulses.read_voltage, device.memristor)
    most = conductance(1.0, device.pulses.read_voltage, device.memristor)
    if crossbar.breaks:  # what is cut off relaxes through its cells
        found += max(crossbar.columns * c_word, crossbar.rows * c_bit) / float(least.min())
    if circuitry.amplifier:
        found += _loop(circuitry.amplifier, crossbar.rows * float(most.max()), crossbar.rows * c_bit)
    return found


def write_rest(crossbar: Crossbar, device: Device, circuitry: Circuitry) -> float:
    """How long lines take to come to rest after the last pulse of a write [s]."""
    return TIME_CONSTANTS * _driven(crossbar, device, circuitry)


def read_hold(crossbar: Crossbar, device: Device, circuitry: Circuitry) -> float:
    """How long each read is held [s]: as asked for, or else as long as it needs and at least 1 us."""
    if circuitry.read_hold is not None:
        return circuitry.read_hold
    return max(READ_HOLD, TIME_CONSTANTS * time_constant(crossbar, device, circuitry))


def require_settled_reads(crossbar: Crossbar, device: Device, circuitry: Circuitry) -> None:
    """Raise InputError if reads are sampled before they have settled."""
    if circuitry.read_hold is None:
        return  # as long as they need
    slowest = time_constant(crossbar, device, circuitry)
    needed, hold = TIME_CONSTANTS * slowest, read_hold(crossbar, device, circuitry)
    if hold < needed:
        raise InputError(
            f"read_hold = {engineering(hold, 's')} ends before reads have settled: time constants reach"
            f" {engineering(slowest, 's')}; hold {engineering(needed, 's')}, or leave read_hold out"
        )


def require_prompt_writes(
    crossbar: Crossbar, device: Device, circuitry: Circuitry, *, instead: str
) -> None:
    """Raise InputError if lines may lag so far behind a write's pulses that omega is off by `MISSED`.

    instead : the advice to give to someone who wants such lines
    """
    if not circuitry.loads_lines:
        return
    slowest = _driven(crossbar, device, circuitry)
    law, p = device.memristor, device.pulses
    lag = max(law.lag(p.potentiation_voltage), law.lag(p.depression_voltage))
    width = min(p.potentiation_width, p.depression_width)
    if lag * slowest > MISSED * width:
        raise InputError(
            f"lines with time constants up to {engineering(slowest, 's')} lag behind pulses of"
            f" {engineering(width, 's')}, and the surrogate's write knows no lag: it bears at most"
            f" {engineering(MISSED * width / lag, 's')}; lower c_word, c_bit or c_cell, or {instead}"
        )


def _driven(crossbar: Crossbar, device: Device, circuitry: Circuitry) -> float:
    """Time constant of lines in a write, which drives both word and bit lines [s]."""
    lines = Circuitry(c_word=circuitry.c_word, c_bit=circuitry.c_bit, c_cell=circuitry.c_cell)
    return time_constant(crossbar, device, lines)


def _line(nodes: int, end: float, segment: float, c: float) -> float:
    return c * (nodes * end + 0.5 * segment * nodes * (nodes + 1))


def _loop(amplifier: Amplifier, G: float, c: float) -> float:
    """Slowest time constant [s] of an amplifier on a bit line of conductance G and capacitance c.

    Its two modes solve r c T s^2 + (T (1 + r G) + r c) s + 1 + A + r G = 0 with the pole T.
    """
    r, pole, gain = amplifier.r_feedback, amplifier.pole, amplifier.gain
    if gain is None:
        return 0.0
    second, first = r * c * pole, pole * (1.0 + r * G) + r * c
    ringing = 2.0 * second / first if first else 0.0
    return max(first / (1.0 + gain + r * G), ringing)
