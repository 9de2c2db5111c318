"""Notes: what the measurement behind a device did not tell, and which of its numbers rest on that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import engineering

CURRENTS, WRITES, MEASURED = "currents", "writes", "measured"
"""The keys of the section [notes]: of amperes, siemens and joules; of what pulses do; a section."""

KINDS = ("potentiation", "depression")

ALIKE = 0.01
"""Of an amplitude or a width: what instruments round."""

_KEYS = (CURRENTS, WRITES, MEASURED)
_UNITS = {f"{kind}_{what}": unit for kind in KINDS for what, unit in (("voltage", "V"), ("width", "s"))}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The pulses that were measured: (smallest, largest) of each kind, None of a kind that was not.

    Raises
    ------
    InputError : no two numbers in order, of the wrong sign, or a voltage without a width.
    """

    potentiation_voltage: tuple[float, float] | None = None  # [V], < 0
    potentiation_width: tuple[float, float] | None = None  # [s]
    depression_voltage: tuple[float, float] | None = None  # [V], > 0
    depression_width: tuple[float, float] | None = None  # [s]

    def __post_init__(self) -> None:
        for name, unit in _UNITS.items():
            ends = getattr(self, name)
            if ends is not None:
                sign = -1.0 if name == "potentiation_voltage" else 1.0
                _require_span(name, ends, unit, sign)
        for kind in KINDS:
            if (getattr(self, f"{kind}_voltage") is None) != (getattr(self, f"{kind}_width") is None):
                raise InputError(
                    f"[notes.{MEASURED}] must have both voltage and width of {kind}, or neither"
                )

    def missing(self, pulses: Mapping[str, Any]) -> list[str]:
        """A few words on each kind of pulse that was not measured, nor lies between such.

        pulses : the voltage [V] and the width [s] of each kind, by the names of the fields here
        """
        found = []
        for kind in KINDS:
            spans = getattr(self, f"{kind}_voltage"), getattr(self, f"{kind}_width")
            own = pulses[f"{kind}_voltage"], pulses[f"{kind}_width"]
            if spans[0] is None:
                found.append(f"no {kind} was measured, all of it is assumed")
            elif not all(_lies_in(one, span) for one, span in zip(own, spans, strict=True)):
                text = f"{own[0]:g} V, {engineering(own[1], 's')}"
                found.append(
                    f"{kind} pulses of {text} were not measured"
                    f" ({_span(spans[0], 'V')}, {_span(spans[1], 's')} were)"
                )
        return found


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What the measurement did not tell, in lines that name no device and end without a full stop.

    currents : of amperes, siemens and joules, those of reads and of writes
    writes : of what pulses do: how many are needed, how long they take, what energy they need
    measured : the pulses that were measured, where known; what is said of others follows from it

    Raises
    ------
    InputError : lines that are no text.
    """

    currents: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    measured: Measured | None = None

    def __post_init__(self) -> None:
        for name in (CURRENTS, WRITES):
            lines = getattr(self, name)
            if not all(isinstance(line, str) and line.strip() for line in lines):
                raise InputError(f"[notes] {name} = {list(lines)!r} must be a list of lines of text")

    def of_writes(self, pulses: Mapping[str, Any]) -> list[str]:
        """What there is to say of writes with these pulses, which are as in `Measured.missing`."""
        return [*self.writes, *(self.measured.missing(pulses) if self.measured else ())]

    def to_dict(self) -> dict[str, Any]:
        """The section [notes] of a parameter set."""
        lines = {name: list(getattr(self, name)) for name in (CURRENTS, WRITES) if getattr(self, name)}
        if self.measured is None:
            return lines
        spans = {
            records.with_unit(name, _UNITS): list(ends)
            for name, ends in vars(self.measured).items() if ends is not None
        }  # fmt: skip
        return {**lines, MEASURED: spans}

    @classmethod
    def from_dict(cls, section: Mapping[str, Any]) -> Notes:
        """Read the section [notes]. Any key may be left out.

        Raises
        ------
        InputError : an unknown key, or what `Notes` and `Measured` refuse.
        """
        for key in section:
            if key not in _KEYS:
                raise InputError(f"[notes] has an unknown key {key!r}; {nearest(key, _KEYS)}")
        lines = {name: section[name] for name in (CURRENTS, WRITES) if name in section}
        for name, value in lines.items():
            if not isinstance(value, list):
                raise InputError(f"[notes] {name} = {value!r} must be a list of lines of text")
        table = section.get(MEASURED)
        if table is not None and not isinstance(table, dict):
            raise InputError(f"[notes] {MEASURED} = {table!r} must be a section [notes.{MEASURED}]")
        spans = {} if table is None else records.values(
            Measured, table, _UNITS, section=f"notes.{MEASURED}"
        )  # fmt: skip
        measured = None if table is None else Measured(
            **{name: tuple(ends) if isinstance(ends, list) else ends for name, ends in spans.items()}
        )  # fmt: skip
        return cls(**{name: tuple(value) for name, value in lines.items()}, measured=measured)


def _require_span(name: str, ends: object, unit: str, sign: float) -> None:
    if not isinstance(ends, tuple) or len(ends) != 2:
        raise InputError(f"{name} = {ends!r} must be two numbers [{unit}], the smallest and the largest")
    low, high = (records.require_finite(name, one, unit) for one in ends)
    if low > high or min(sign * low, sign * high) <= 0:
        said = "less" if sign < 0 else "greater"
        raise InputError(f"{name} = [{low:g}, {high:g}] {unit} must be in order, and {said} than 0")


def _lies_in(value: float, span: tuple[float, float]) -> bool:
    low, high = sorted(map(abs, span))
    return (1.0 - ALIKE) * low <= abs(value) <= (1.0 + ALIKE) * high


def _span(ends: tuple[float, float], unit: str) -> str:
    texts = (f"{one:g} V" if unit == "V" else engineering(one, unit) for one in ends)
    return " to ".join(dict.fromkeys(texts))
