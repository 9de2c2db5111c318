"""The response of one cell to pulses: what a measurement of it would say, in a simulator.

    slot 0:                     /read\\      slots 1 ... :   \\_ /pulse\\ _ /read\\
                                     ^ sampled                              ^

A cell between a driver and an ammeter, without wires. Slots are of one length; each ends in a reading.
"""

from __future__ import annotations

from typing import Unpack

import numpy as np

from netlists.decks.deck import How, Waveform, waveform_deck
from netlists.decks.runnable import Deck
from netlists.decks.stimuli import Points
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.waveforms import READ_EDGE, READ_HOLD
from roa_circuit.device.parameters import Device

_STEPS = 20  # of a pulse's flat top, at least


def response_deck(signs: list[int], start: float, device: Device, **how: Unpack[How]) -> Deck:
    """The transient of a cell that is pulsed and read; its vectors are the currents of all readings.

    signs : of each pulse, > 0 potentiates; one more reading comes before the first
    start : omega at time zero
    device : its pulses and its read voltage

    Raises as `netlists.decks.deck.write_deck`.
    """
    pulses = device.pulses
    shapes = {
        True: (pulses.potentiation_voltage, pulses.potentiation_width),
        False: (pulses.depression_voltage, pulses.depression_width),
    }
    tops = [width * (1.0 + 2.0 * pulses.edge_fraction) for _, width in shapes.values()]
    slot = 3.0 * READ_EDGE + max(tops) + READ_HOLD
    points: Points = [(0.0, 0.0)]
    for number in range(len(signs) + 1):
        begin, end = number * slot, (number + 1) * slot
        if number:
            volts, width = shapes[signs[number - 1] > 0]
            edge = pulses.edge_fraction * width
            rise = begin + READ_EDGE
            points += [(rise, 0.0), (rise + edge, volts), (rise + edge + width, volts)]
            points.append((rise + 2.0 * edge + width, 0.0))
        points += [(end - READ_HOLD - READ_EDGE, 0.0), (end - READ_HOLD, pulses.read_voltage)]
        points.append((end, pulses.read_voltage))
    return waveform_deck(
        Crossbar(rows=1, columns=1),
        np.array([[start]]),
        device,
        Waveform(
            what=f"the response of a cell to {len(signs)} pulses",
            words=[points],
            samples=tuple((number + 1) * slot for number in range(len(signs) + 1)),
            longest_step=min(width for _, width in shapes.values()) / _STEPS,
        ),
        **how,
    )
