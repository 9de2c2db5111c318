"""Fields: every number or word of circuit, device, pulses and imperfections that a sweep can vary."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from roa_circuit import imperfections, parameters
from roa_circuit.crossbar import RESISTANCES, Crossbar
from roa_circuit.errors import InputError, nearest
from roa_circuit.imperfections import Imperfections
from roa_circuit.parameters import Device, Memristor, Pulses
from roa_circuit.spread import CONSTANTS, Spread
from roa_circuit.units import parse_quantity

Value = float | int | str
Point = Mapping[str, Value]
"""A configuration: the value of each field that a sweep varies, by the field's name."""

CIRCUIT, MEMRISTOR, PULSES, IMPERFECTIONS, SPREAD, OWN = (
    "circuit", "memristor", "pulses", "imperfections", "spread", "own"
)  # fmt: skip

_RESISTANCES = {
    "wire_resistance": ("r_word", "r_bit"), "word_resistance": ("r_word",), "bit_resistance": ("r_bit",),
    "source_resistance": ("r_source",), "sense_resistance": ("r_sense",),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that can be varied.

    unit : of its SI value, '-' for a plain number, '' for a word
    kind : float, int or str
    part : of the setup that it belongs to; OWN is what only some subjects know
    targets : the attributes of that part that take its value
    """

    name: str
    unit: str
    kind: type
    part: str
    targets: tuple[str, ...]

    def value(self, written: object) -> Value:
        """What was written ('4.7k', 3, 'calibrated') as a value of this field.

        Raises
        ------
        InputError : no number where the field takes one, or no whole one.
        """
        if self.kind is str:
            return str(written)
        if isinstance(written, bool) or not isinstance(written, int | float | str):
            raise InputError(f"{self.name}: {written!r} is not a number")
        unit = "" if self.unit in ("-", "1/s", "1/V", "Hz", "K") else self.unit
        number = (
            parse_quantity(written, what=self.name, unit=unit)
            if isinstance(written, str)
            else float(written)
        )
        if self.kind is int:
            if number != int(number):
                raise InputError(f"{self.name}: {written!r} must be a whole number")
            return int(number)
        return number


@functools.cache
def shared_fields() -> Mapping[str, Field]:
    """The fields of circuit, device, pulses, imperfections and spread, by name."""
    found = [
        Field(name=name, unit="Ohm", kind=float, part=CIRCUIT, targets=targets)
        for name, targets in _RESISTANCES.items()
    ]
    for one in dataclasses.fields(Crossbar):
        if type(one.default) in (int, float, str) and one.name not in RESISTANCES:
            unit = "" if isinstance(one.default, str) else "-"
            found.append(_field(one.name, unit, type(one.default), CIRCUIT))
    for record, part in ((Memristor, MEMRISTOR), (Pulses, PULSES)):
        found += [
            _field(f.name, parameters.UNITS[f.name], float, part)
            for f in dataclasses.fields(record)
            if f.name not in imperfections.UNITS
        ]
    whole = [f.name for f in dataclasses.fields(Imperfections) if type(f.default) is int]
    found += [
        _field(name, unit, int if name in whole else float, IMPERFECTIONS)
        for name, unit in imperfections.UNITS.items()
    ]
    found += [_field(f"spread_{name}", "-", float, SPREAD, name) for name in CONSTANTS]
    return {field.name: field for field in found}


def find_field(name: str, known: Mapping[str, Field]) -> Field:
    """The field of that name; the names of `Crossbar`'s attributes will do, too.

    Raises
    ------
    InputError : no such field; the nearest names are given.
    """
    for field in known.values():
        if name == field.name or (field.part == CIRCUIT and (name,) == field.targets):
            return field
    raise InputError(f"no field {name!r} to vary; {nearest(name, known)}")


def require_disjoint(fields: Iterable[Field]) -> None:
    """Raise InputError where two fields set the same thing."""
    taken: dict[tuple[str, str], str] = {}
    for field in fields:
        for target in field.targets:
            other = taken.setdefault((field.part, target), field.name)
            if other != field.name:
                raise InputError(f"{other} and {field.name} both set {target}: vary one of them")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What stands on the bench before anything is varied: circuit, device and imperfections."""

    crossbar: Crossbar
    device: Device
    imperfections: Imperfections

    def at(self, point: Point, known: Mapping[str, Field]) -> Setup:
        """The setup with the point's values in place.

        Raises
        ------
        InputError : a value out of its range.
        """
        values: dict[str, dict[str, Any]] = {}
        for name, value in point.items():
            field = known[name]
            values.setdefault(field.part, {}).update(dict.fromkeys(field.targets, value))
        device, x = self.device, self.imperfections
        device = dataclasses.replace(
            device,
            memristor=dataclasses.replace(device.memristor, **values.get(MEMRISTOR, {})),
            pulses=dataclasses.replace(device.pulses, **values.get(PULSES, {})),
        )
        changes = values.get(IMPERFECTIONS, {})
        if SPREAD in values:
            changes = {**changes, "spread": _spread(values[SPREAD], x.sigma_wn)}
        return Setup(
            crossbar=dataclasses.replace(self.crossbar, **values.get(CIRCUIT, {})),
            device=device,
            imperfections=dataclasses.replace(x, **changes),
        )

    def value(self, field: Field) -> Value | None:
        """What the field has in this setup; None where that is no single number."""
        part = {
            CIRCUIT: self.crossbar,
            MEMRISTOR: self.device.memristor,
            PULSES: self.device.pulses,
            IMPERFECTIONS: self.imperfections,
        }.get(field.part)
        if part is None:
            return 0.0 if field.part == SPREAD and self.imperfections.spread is None else None
        values = {getattr(part, target) for target in field.targets}
        value = values.pop()
        if values or not isinstance(value, int | float | str):
            return 0.0 if field.name == "sigma_wn" and self.imperfections.spread is None else None
        return value


def _field(name: str, unit: str, kind: type, part: str, target: str = "") -> Field:
    return Field(name=name, unit=unit, kind=kind, part=part, targets=(target or name,))


def _spread(deviations: Mapping[str, float], sigma_wn: float | None) -> Spread:
    """Independent log-normal constants with these standard deviations of their logarithms."""
    names = tuple(deviations)
    matrix = tuple(tuple(deviations[a] ** 2 if a == b else 0.0 for b in names) for a in names)
    return Spread(names=names, log_covariance=matrix, sigma_wn=sigma_wn or 0.0)
