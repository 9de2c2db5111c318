"""Waveforms: the pulse programme of an in-situ write and the staircase of a read.

The surrogate and the decks both go through the waveforms of this module, step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.circuit.contents import as_counts
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import Device, Pulses

READ_HOLD = 1e-6
"""How long one read is held [s]; sampled at its end."""

READ_EDGE = READ_HOLD / 10
"""The ramp [s] from one read to the next; the staircase does not return to zero."""

READ_SLOT = READ_EDGE + READ_HOLD
"""From one sample of a read to the next [s]."""


@dataclass(frozen=True, kw_only=True)
class WritePulse:
    """One pulse on one selected row, for all of its cells that still need pulses."""

    row: int
    voltage: float  # [V] across the selected cells; < 0 potentiates
    width: float  # [s] flat top
    edge: float  # [s] each linear ramp; a gap of the same length follows the pulse
    selected: NDArray[np.bool_]  # (columns,)

    @property
    def duration(self) -> float:
        """Ramp, flat top, ramp and gap [s]."""
        return self.width + 3 * self.edge


def write_programme(pulses: NDArray[np.int64], device: Device) -> Iterator[WritePulse]:
    """The pulses of an in-situ write, row by row: first potentiation, then depression.

    pulses : (rows, columns) signed counts, > 0 to potentiate

    Rows without pulses are skipped. A row takes as many pulses as the cell that needs most; the
    others drop out early.
    """
    pulses = as_counts(pulses)
    for sign, voltage, width in _polarities(device.pulses):
        remaining = np.maximum(sign * pulses, 0)
        for row in range(pulses.shape[0]):
            for n in range(int(remaining[row].max(initial=0))):
                yield WritePulse(
                    row=row,
                    voltage=voltage,
                    width=width,
                    edge=device.pulses.edge_fraction * width,
                    selected=remaining[row] > n,
                )


def _polarities(p: Pulses) -> tuple[tuple[int, float, float], ...]:
    return (
        (1, p.potentiation_voltage, p.potentiation_width),
        (-1, p.depression_voltage, p.depression_width),
    )


def line_voltages(
    pulse: WritePulse, crossbar: Crossbar
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(word-line drives (rows,), bit-line drives (columns,)) [V] at the flat top of a pulse.

    The selected word line carries half the voltage, selected bit lines minus half of it. 'V/2'
    grounds all other lines, so that unselected cells see V/2 or nothing. 'V/3' biases them so that
    every unselected cell sees a third. 'ideal' grounds the word lines of the disconnected rows, and
    lets unselected bit lines follow the selected word line.
    """
    half = 0.5 * pulse.voltage
    idle_word, idle_bit = {"V/2": (0.0, 0.0), "V/3": (-half / 3, half / 3), "ideal": (0.0, half)}[
        crossbar.scheme
    ]
    words = np.full(crossbar.rows, idle_word)
    words[pulse.row] = half
    bits = np.where(pulse.selected, -half, idle_bit)
    return _driven(words, crossbar.word_gain), _driven(bits, crossbar.bit_gain)


def _driven(voltages: NDArray[np.float64], gain: tuple[float, ...]) -> NDArray[np.float64]:
    return voltages * np.array(gain) if gain else voltages
