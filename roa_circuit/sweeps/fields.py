"""Fields: every number or word of circuit, device, pulses and imperfections that a sweep can vary."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import parse_quantity
from roa_circuit.chips import circuitry, imperfections
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit import components
from roa_circuit.circuit.components import Amplifier, Transistor
from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar
from roa_circuit.circuit.wiring import WIRES
from roa_circuit.device.laws.law import Law
from roa_circuit.device.laws.zhang2021 import Memristor
from roa_circuit.device.parameters import PULSE_UNITS
from roa_circuit.device.spread import CONSTANTS

Value = float | int | str
Point = Mapping[str, Value]
"""A configuration: the value of each field that a sweep varies, by the field's name."""

CIRCUIT, BESIDE, AMPLIFIER, TRANSISTOR = "circuit", "beside", "amplifier", "transistor"
MEMRISTOR, PULSES, IMPERFECTIONS, SPREAD, OWN = (
    "memristor", "pulses", "imperfections", "spread", "own"
)  # fmt: skip

_RESISTANCES = {
    "wire_resistance": WIRES, "word_resistance": ("r_word",), "bit_resistance": ("r_bit",),
    "source_resistance": ("r_source",), "sense_resistance": ("r_sense",),
}  # fmt: skip
COMPONENTS: Mapping[str, type] = {AMPLIFIER: Amplifier, TRANSISTOR: Transistor}
_UNWRITTEN = ("-", "1/s", "1/V", "1/K", "A/V^2", "LSB")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that can be varied.

    unit : of its SI value; '-' for a plain number, '' for a word
    kind : float, int or str
    part : the part of the setup that it belongs to; OWN for fields that only some subjects know
    targets : the attributes of that part that take its value
    factor : whether its value multiplies the attributes instead
    words : what it may be in place of a number
    """

    name: str
    unit: str
    kind: type
    part: str
    targets: tuple[str, ...]
    factor: bool = False
    words: tuple[str, ...] = ()

    def value(self, written: object) -> Value:
        """Read '4.7k', 3 or 'calibrated' as a value of this field.

        Raises
        ------
        InputError : not a number where the field takes one, or not a whole one.
        """
        if self.kind is str or written in self.words:
            return str(written)
        if isinstance(written, bool) or not isinstance(written, numbers.Real | str):
            raise InputError(f"{self.name}: {written!r} is not a number")
        unit = "" if self.unit in _UNWRITTEN else self.unit
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


def given_by(fields: Iterable[Field]) -> set[str]:
    """The attributes of lines and imperfections that these fields give values of, not factors."""
    return {
        target
        for one in fields
        if one.part in (CIRCUIT, IMPERFECTIONS) and not one.factor
        for target in one.targets
    }


def shared_fields(law: Law | None = None) -> Mapping[str, Field]:
    """The fields of circuit, device, pulses, imperfections and spread, by name.

    law : of the device; by default the paper's. A constant whose name is taken is called constant_NAME.
    """
    return _fields(Memristor.UNITS, CONSTANTS) if law is None else _fields(law.units, law.spreading)


def _fields(units: Mapping[str, str], spreading: Sequence[str]) -> Mapping[str, Field]:
    found = [
        Field(name=name, unit="Ohm", kind=float, part=CIRCUIT, targets=targets)
        for name, targets in _RESISTANCES.items()
    ]
    found += [
        Field(name=factor_of(name), unit="-", kind=float, part=CIRCUIT, targets=targets, factor=True)
        for name, targets in _RESISTANCES.items()
    ]
    for one in dataclasses.fields(Crossbar):
        if type(one.default) in (int, float, str) and one.name not in (*RESISTANCES, "temperature"):
            unit = "" if isinstance(one.default, str) else "-"
            found.append(_field(one.name, unit, type(one.default), CIRCUIT))
    found += [
        _field(name, unit, float, BESIDE)
        for name, unit in circuitry.UNITS.items()
        if name != "read_edge"  # between reads, of which settled ones know nothing
    ]
    found += [
        _field(f"{part}_{one.name}", components.UNITS[one.name], float, part, one.name)
        for part, kind in COMPONENTS.items()
        for one in dataclasses.fields(kind)
    ]
    found += [
        _field(name, unit, float, PULSES)
        for name, unit in PULSE_UNITS.items()
        if name not in imperfections.UNITS
    ]
    whole = [f.name for f in dataclasses.fields(Imperfections) if type(f.default) is int]
    found += [
        dataclasses.replace(
            _field(name, unit, int if name in whole else float, IMPERFECTIONS),
            words=imperfections.RANGES if name == "adc_range" else (),
        )
        for name, unit in imperfections.UNITS.items()
        if name != "temperature"  # the circuit's: see `Setup.at`
    ]
    taken = {field.name for field in found}
    found += [
        _field(f"constant_{name}" if name in taken else name, unit, float, MEMRISTOR, name)
        for name, unit in units.items()
    ]
    found += [_field(f"spread_{name}", "-", float, SPREAD, name) for name in spreading]
    return {field.name: field for field in found}


def factor_of(resistance: str) -> str:
    """The name of the field that multiplies the resistance that a field sets."""
    return resistance.replace("resistance", "factor")


def find_field(name: str, known: Mapping[str, Field]) -> Field:
    """The field of that name; names of `Crossbar`'s attributes are understood, too.

    Raises
    ------
    InputError : no such field; the message has the nearest names.
    """
    for field in known.values():
        attribute = field.part == CIRCUIT and not field.factor and (name,) == field.targets
        if name == field.name or attribute:
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


def _field(name: str, unit: str, kind: type, part: str, target: str = "") -> Field:
    return Field(name=name, unit=unit, kind=kind, part=part, targets=(target or name,))
