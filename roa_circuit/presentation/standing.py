"""Standing: what a command's results stand on, in its last lines."""

from __future__ import annotations

from collections.abc import Collection

from roa_circuit.circuit import footing
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.device.parameters import Device
from roa_circuit.presentation import console


def say(
    device: Device,
    crossbar: Crossbar | None,
    varied: Collection[str] = (),
    amplifier: Amplifier | None = None,
    *,
    writes: bool = True,
) -> None:
    """Print the footing of a result, and what a device's measurement leaves open of it.

    writes : whether the result is of pulses, too, besides currents
    """
    console.say(footing.footing(device, crossbar, varied, amplifier))
    say_remarks(device, writes=writes)


def say_remarks(device: Device, *, writes: bool = True) -> None:
    """Print what a device's measurement leaves open, and what is not read of its file."""
    for text in footing.remarks(device, writes=writes):
        console.say(text)
