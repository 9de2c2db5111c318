"""The footing of a result: which cells it stands on, at which scale, on which lines; what is open."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from roa_circuit.basics.units import engineering
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar, said
from roa_circuit.device.laws.table import Table
from roa_circuit.device.laws.windows import Windows
from roa_circuit.device.parameters import Device

NO_WIRES, VARIED = "without wires", "varied"
_OTHER, _FLAT = 0.1, 1e-6  # of ln(Gmax/Gmin), by which a ratio may be off: read voltages differ
_SCALE = "current_scale"
_CURRENTS = "amperes, siemens and joules"
_WRITES = "counts, times and joules of pulses"


def footing(
    device: Device,
    crossbar: Crossbar | None,
    varied: Collection[str] = (),
    amplifier: Amplifier | None = None,
) -> str:
    """A line for people: 'device mine, current scale 1; wires 1 Ohm a segment, source 10, sense 10 Ohm'.

    crossbar : None where cells stand without lines
    varied : the attributes of crossbar and law that a sweep varies, and that have no value of their own
    amplifier : in which reads end, in place of the sense resistance
    """
    said = f"{cells(device, varied)}; {NO_WIRES if crossbar is None else lines(crossbar, varied)}"
    if amplifier is None:
        return said
    ends = engineering(amplifier.input_resistance, "Ohm")
    return f"{said}, in reads amplifiers with inputs of {ends}"


def cells(device: Device, varied: Collection[str] = ()) -> str:
    """A device and its scale, and whether it works the other way round."""
    scale = VARIED if _SCALE in varied else f"{device.memristor.current_scale:g}"
    said = f"device {device.name}, current scale {scale}"
    return f"{said}, {reversal(device)}" if is_reversed(device) else said


def reversal(device: Device) -> str:
    """A few words on a device that is reversed."""
    return f"reversed: potentiation lowers its current at {device.pulses.read_voltage:g} V"


def remarks(device: Device, *, writes: bool = True) -> list[str]:
    """A line each on what is not read of a device's file, and on what its measurement did not tell.

    writes : whether anything is said of writes, besides currents
    """
    found = []
    if device.notes is not None:
        of_writes = device.notes.of_writes(vars(device.pulses)) if writes else []
        for what, lines in ((_CURRENTS, device.notes.currents), (_WRITES, of_writes)):
            if lines:
                found.append(f"{what} are in part assumed: {'; '.join(lines)}")
    if writes and (odd := _other_range(device)):
        found.append(odd)
    return [*unread(device), *(f"device {device.name}: {text}" for text in found)]


def unread(device: Device) -> list[str]:
    """A line on what is not read of a device's file, if there is any."""
    keys = ", ".join(device.unread)
    return [f"device {device.name}: of its file, {keys} means nothing here and is not read"] * bool(keys)


def _other_range(device: Device) -> str | None:
    """A line where pulses move a cell in ln G of another range than the device has; None where not."""
    law, V = device.memristor, device.pulses.read_voltage
    if law.varies or not isinstance(law, Windows | Table) or is_reversed(device):
        return None
    smallest, largest = (float(np.asarray(G)) for G in law.conductance_range(V))
    own, ratio = np.log(largest / smallest), np.log(float(law.ratio))
    if ratio == 0 or abs(ratio - own) <= _OTHER * own + _FLAT:
        return None
    return (
        f"its ratio of {float(law.ratio):.4g} moves cells in ln G as if that were Gmax/Gmin, which is"
        f" {largest / smallest:.4g} at {V:g} V; what pulses do is then of another range"
    )


def is_reversed(device: Device) -> bool:
    """Whether potentiation lowers the current that is read, as where a fit exchanged the terminals."""
    smallest, largest = device.memristor.conductance_range(device.pulses.read_voltage)
    return bool(np.any(np.asarray(largest) < np.asarray(smallest)))


def lines(crossbar: Crossbar, varied: Collection[str] = ()) -> str:
    """The resistances of lines and their ends."""
    word, bit, source, sense = (
        VARIED if name in varied else f"{said(getattr(crossbar, name))} Ohm"
        for name in ("r_word", "r_bit", "r_source", "r_sense")
    )
    wires = word if word == bit else f"{word.removesuffix(' Ohm')} and {bit}"
    each = "" if wires == VARIED else " a segment"
    return f"wires {wires}{each}, source {source}, sense {sense}"


def to_dict(
    device: Device, crossbar: Crossbar | None, varied: Collection[str] = (), *, writes: bool = True
) -> dict[str, Any]:
    """The same for JSON, with the `remarks`; keys carry units."""
    return {
        "device": device.name,
        "current_scale [-]": VARIED if _SCALE in varied else device.memristor.current_scale,
        "reversed": is_reversed(device),
        "lines": NO_WIRES if crossbar is None else ohms(crossbar, varied),
        "remarks": remarks(device, writes=writes),
    }


def ohms(crossbar: Crossbar, varied: Collection[str] = ()) -> dict[str, Any]:
    """The resistances of lines and their ends, as JSON has them."""
    values = {
        f"{name} [Ohm]": VARIED if name in varied else getattr(crossbar, name) for name in RESISTANCES
    }
    return {key: list(ohm) if isinstance(ohm, tuple) else ohm for key, ohm in values.items()}
