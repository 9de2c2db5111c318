"""Above: what the lines over a table say of its pulses and reads, such as 'Vread = 0.2 V'."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from fitting.readers.conventions import Conventions
from fitting.readers.titles import MEANING, READINGS, UNITS, factor, plain
from roa_circuit.basics.units import engineering

_SAID = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z _]*?)\s*(?:[\[(](?P<before>[^\[\]()]{1,12})[\])])?\s*[:=,;\t]+\s*"
    r"\"?(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
    r"(?P<behind>[fpnuµμmkM]?(?:V|s)(?:ec)?\b)?"
)
_GENERAL = {"v", "voltage", "volts", "bias", "vset", "vreset", "vte", "vbl", "vp", "spannung", "pw"}
"""Names that may be of anything else than a pulse where they head no column."""


def told(lines: Iterable[str]) -> dict[str, float]:
    """The voltage [V] and width [s] of the pulses and the read voltage [V] that lines say.

    What they say of several pulses is no one's.
    """
    found: dict[str, set[float]] = {}
    for line in lines:
        for match in _SAID.finditer(line.replace('"', "")):
            name = plain(match["name"])
            meaning = None if name in _GENERAL else MEANING.get(name)
            unit = match["before"] or match["behind"]
            if meaning not in ("voltage", "width", "read_voltage") or not unit:
                continue
            scale = factor(unit, UNITS[meaning])
            if scale is not None:
                found.setdefault(meaning, set()).add(float(match["number"]) * scale)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def with_told(
    how: Conventions, lines: Iterable[str], known: Iterable[str]
) -> tuple[Conventions, list[str]]:
    """(the conventions with what the lines above a table say, what to say of it).

    Neither options nor columns (`known`, by meaning) are overruled; where an option differs, it is said.
    """
    said = []
    found, here = told(lines), set(known)
    read, pulse = found.get("read_voltage"), (found.get("voltage"), found.get("width"))
    if read and "read_voltage" not in here:
        text = f"the lines above the table say that it was read at {engineering(read, 'V')}"
        if how.read_voltage is None:
            how = dataclasses.replace(how, read_voltage=read)
            said.append(text)
        elif abs(how.read_voltage / read - 1) > 1e-9:
            said.append(f"{text}; --read {how.read_voltage:g} V counts")
    if {"voltage", "width"} & here:
        how, beside = _beside_columns(how, pulse, here)
        return how, said + beside
    if None in pulse or how.sequence or how.pulses:
        return how, said
    V, T = float(pulse[0] or 0), float(pulse[1] or 0)
    text = f"the lines above the table say pulses of {V:g} V, {engineering(T, 's')}"
    if how.pulse is None and V and T > 0:
        how = dataclasses.replace(how, pulse=(V, T))
        said.append(text)
    elif how.pulse is not None and (
        abs(how.pulse[0] - V) > 1e-9 * abs(V) or abs(how.pulse[1] - T) > 1e-9 * T
    ):
        said.append(f"{text}; --pulse counts")
    return how, said


def _beside_columns(
    how: Conventions, pulse: tuple[float | None, float | None], here: set[str]
) -> tuple[Conventions, list[str]]:
    """(the conventions with the voltage of pulses whose widths have a column, or the other way round).

    A width above a sweep is not that of pulses between readings.
    """
    V, T = pulse
    if V and {"voltage", "width"} & here == {"width"} and not how.pulsed:
        text = f"the lines above the table say that every pulse has {V:g} V"
        return dataclasses.replace(how, voltage=V), [text]
    if not T or "width" in here or "current" in here or not {"read_voltage", *READINGS} & here:
        return how, []
    text = f"the lines above the table say that every pulse lasts {engineering(T, 's')}"
    if how.width is None and not how.pulsed:
        return dataclasses.replace(how, width=T), [text]
    differs = how.width is not None and abs(how.width - T) > 1e-9 * T
    return how, [f"{text}; --width counts"] if differs else []
