"""Gated: columns of a device with three terminals: a gate that is pulsed, a channel that is read."""

from __future__ import annotations

import re

from fitting.readers.columns.cells import bare_numbers, unit_factor
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import READINGS, UNITS, Column, factor, plain, unit_of, way, words
from roa_circuit.basics.errors import InputError

_SPELLINGS = {
    "voltage": "vg vgs vgate vgpulse gatevoltage gatepulse gatepulsevoltage gateamplitude gatebias",
    "width": "tg tgate tpulse gatewidth gatepulsewidth gatetime",
    "read_voltage": "vd vds vsd vdrain drainvoltage vchannel sourcedrainvoltage vreadsd",
    "conductance": "gsd gds gch gchannel gd channelconductance drainconductance",
    "read_current": "isd ids id ich ichannel idrain draincurrent channelcurrent sourcedraincurrent",
}
_GATE = "ig igs igate iggate gatecurrent currentgate ileak igleak leakage leakagecurrent gateleakage"
_GATE_CURRENTS = {*_GATE.split(), "gateleakagecurrent"}
_MEANING = {text: name for name, texts in _SPELLINGS.items() for text in texts.split()}
_MOST_AMPLITUDES = 8  # more voltages of a gate are a transfer curve


def is_gate_current(text: str) -> bool:
    """Whether a title is of a gate's current, which is no reading of the channel: 'Ig', 'LTP Ig'."""
    named = "".join(word for word in words(text) if not way(word) and not word.isdigit())
    return named in _GATE_CURRENTS


def is_channel(text: str) -> bool:
    """Whether a title is of a reading of the channel: 'Drain Current', or 'G_sd', no deviation."""
    return _MEANING.get(plain(text)) in ("conductance", "read_current")


def check_transfer(sheet: Sheet, current: str, others: list[int]) -> None:
    """Refuse a sweep of the gate beside the channel's current: the gate's own is not the device's.

    Raises
    ------
    InputError : --ignore of the channel's current reads the gate's.
    """
    beside = [sheet.titles[p] for p in others if is_channel(sheet.titles[p])]
    if beside and is_gate_current(current):
        raise InputError(
            f"{sheet.place}: the gate is swept, so that {beside[0]!r} is a transfer curve, which tells"
            f" no state: --ignore {beside[0]!r} reads {current!r} alone"
        )


def take_gated(sheet: Sheet, known: dict[str, Column], others: list[int], assumed: list[str]) -> bool:
    """Take the gate's voltage for that of the pulses and the channel for what is read, if there.

    Only where no column has the pulses or a reading by name, both are there once, and the gate takes
    few voltages: a sweep of it is a transfer curve.
    """
    if {"voltage", "current", *READINGS} & set(known):
        return False
    found: dict[str, int] = {}
    for place in others:
        name = _MEANING.get(re.sub("pulsed?$", "", plain(sheet.titles[place])))
        name = name or _MEANING.get(plain(sheet.titles[place]))
        unit = unit_of(sheet.titles[place])
        if name is None or name in found or (unit and factor(unit, UNITS[name]) is None):
            continue
        found[name] = place
    read = {"conductance", "read_current"} & set(found)
    if "voltage" not in found or len(read) != 1 or _levels(sheet, found["voltage"]) > _MOST_AMPLITUDES:
        return False
    if "read_voltage" in found and _levels(sheet, found["read_voltage"]) != 1:
        return False
    for name in [n for n in found if n not in known]:
        text = sheet.titles[found[name]]
        known[name] = Column(
            name=name, place=found[name], title=text,
            factor=unit_factor(sheet, name, text, unit_of(text)),
        )  # fmt: skip
        others.remove(found[name])
    gate, channel = sheet.titles[found["voltage"]], sheet.titles[found[read.pop()]]
    assumed.append(f"{gate!r} is the pulses' voltage and {channel!r} what is read after them")
    return True


def _levels(sheet: Sheet, place: int) -> int:
    return len({value for value in bare_numbers(sheet, place).tolist() if value})
