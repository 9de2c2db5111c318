"""Gated: columns of a device with three terminals: a gate that is pulsed, a channel that is read."""

from __future__ import annotations

import re

from fitting.readers.columns.cells import bare_numbers, unit_factor
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import READINGS, UNITS, Column, factor, plain, unit_of

_SPELLINGS = {
    "voltage": "vg vgs vgate vgpulse gatevoltage gatepulse gatepulsevoltage gateamplitude gatebias",
    "width": "tg tgate tpulse gatewidth gatepulsewidth gatetime",
    "read_voltage": "vd vds vsd vdrain drainvoltage vchannel sourcedrainvoltage vreadsd",
    "conductance": "gsd gds gch gchannel gd channelconductance drainconductance",
    "read_current": "isd ids id ich ichannel idrain draincurrent channelcurrent sourcedraincurrent",
}
_MEANING = {text: name for name, texts in _SPELLINGS.items() for text in texts.split()}
_MOST_AMPLITUDES = 8  # more voltages of a gate are a transfer curve


def take_gated(sheet: Sheet, known: dict[str, Column], others: list[int], assumed: list[str]) -> None:
    """Take the gate's voltage for that of the pulses and the channel for what is read.

    Only where no column has the pulses or a reading by name, both are there once, and the gate takes
    few voltages: a sweep of it is a transfer curve.
    """
    if {"voltage", "current", *READINGS} & set(known):
        return
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
        return
    if "read_voltage" in found and _levels(sheet, found["read_voltage"]) != 1:
        return
    for name in [n for n in found if n not in known]:
        text = sheet.titles[found[name]]
        known[name] = Column(
            name=name, place=found[name], title=text,
            factor=unit_factor(sheet, name, text, unit_of(text)),
        )  # fmt: skip
        others.remove(found[name])
    gate, channel = sheet.titles[found["voltage"]], sheet.titles[found[read.pop()]]
    assumed.append(f"{gate!r} is the pulses' voltage and {channel!r} what is read after them")


def _levels(sheet: Sheet, place: int) -> int:
    return len({value for value in bare_numbers(sheet, place).tolist() if value})
