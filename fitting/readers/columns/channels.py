"""Channels: which columns are the voltage and the current of one sweep, as instruments name them.

Smu1.V[1][1] and Smu1.I[1][1] (Keithley ACS), AV and AI (Keithley 4200), V1 and I1 or Vrow and Irow
(Keysight), V(te) and I(te) (simulators), Drain Voltage and Drain Current.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fitting.readers.titles import is_absolute, parts

_INDEX = re.compile(r"(\[\d+\])+$")
_NODE = re.compile(r"(?P<quantity>[VI])\((?P<key>[\w.#]+)\)", re.IGNORECASE)
_NAMED = r"[Vv]oltage|[Cc]urrent|VOLTAGE|CURRENT"
_BEHIND = re.compile(
    rf"(?P<key>\w[\w. -]*?)(?:[ _.]+(?P<spaced>[VvIi]|{_NAMED})|(?P<quantity>[VI]|{_NAMED}))"
)
_BEFORE = re.compile(rf"(?P<quantity>[VI]|[vi](?=[\d_])|{_NAMED})[ _.]*(?P<key>\w[\w ]*)")
_BY_INSTRUMENT = re.compile(r"smu\w*\.[VI](\[\d+\])*|[A-H][VI]\d*|[VI]\([\w.#]+\)", re.IGNORECASE)
_ELECTRODES = (
    "te be top bottom d s g ds gs sd drain source gate row col bl wl sl anode cathode dut force forced "
    "applied meas measured sense mem memristor device prog programmed r"
)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A column that is some channel's `quantity`, 'voltage' or 'current'; `key` names the channel.

    `si` says that instruments which name columns so write volts and amperes.
    """

    place: int
    quantity: str
    key: str
    absolute: bool
    si: bool


def by_instrument(text: str) -> bool:
    """Whether instruments or simulators, which write SI units, title a column so."""
    return _BY_INSTRUMENT.fullmatch(parts(text)[0].strip()) is not None


def channels(titles: Sequence[str], places: Iterable[int]) -> list[Channel]:
    """The columns whose titles name a channel's voltage or current."""
    found = []
    for place in places:
        name = _INDEX.sub("", parts(titles[place])[0].strip())
        match = _NODE.fullmatch(name) or _BEHIND.fullmatch(name) or _BEFORE.fullmatch(name)
        if match is None:
            continue
        said = match["quantity"] or match.groupdict().get("spaced") or ""
        found.append(Channel(
            place=place, quantity="voltage" if said[0] in "Vv" else "current",
            key=re.sub(r"[^a-z0-9]+", "", match["key"].lower()), absolute=is_absolute(titles[place]),
            si=_BY_INSTRUMENT.fullmatch(name) is not None,
        ))  # fmt: skip
    return found


def paired(found: Sequence[Channel]) -> list[tuple[Channel, Channel]]:
    """(voltage, current) of every channel that has both; signed currents before their sizes.

    Where no channel has both, a voltage and a current that electrodes name (V_TE, I_BE) are a pair if
    there is one of each.
    """
    pairs = []
    for voltage in found:
        same = [c for c in found if c.quantity == "current" and c.key == voltage.key]
        if voltage.quantity == "voltage" and same:
            pairs.append((voltage, min(same, key=lambda c: c.absolute)))
    if pairs:
        return pairs
    named = [c for c in found if c.key in _ELECTRODES.split()]
    voltages = [c for c in named if c.quantity == "voltage"]
    currents = [c for c in named if c.quantity == "current"]
    return [(voltages[0], currents[0])] if len(voltages) == len(currents) == 1 else []
