"""Records of quantities: dataclasses of numbers whose keys in a file carry their units.

A module with such records also has a table of units by field name. A field that is not in the table
is not a number; its module reads and writes it by itself.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import parse_quantity


def require_finite(name: str, value: object, unit: str) -> float:
    """Return the value if it is a finite number.

    Raises
    ------
    InputError : it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} = {value!r} must be a finite number [{unit}]")
    return value


def out_of_range(name: str, value: float, unit: str, limit: str) -> InputError:
    """The error to raise: 'r_word = -1 Ohm must not be negative'."""
    quantity = f"{value:g}" if unit == "-" else f"{value:g} {unit}"
    return InputError(f"{name} = {quantity} must {limit}")


def check(
    record: Any,
    units: Mapping[str, str],
    *,
    positive: Sequence[str] = (),
    signed: Sequence[str] = (),
    listed: Sequence[str] = (),
) -> None:
    """Check that every number is finite and, unless its field is among `signed`, not negative.

    A field whose default is None may be None, one that is `listed` a tuple of numbers.

    Raises
    ------
    InputError : a number is not so, or one of the fields `positive` is 0.
    """
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.name not in units or (value is None and field.default is None):
            continue
        for one in value if field.name in listed and isinstance(value, tuple) else (value,):
            number = require_finite(field.name, one, units[field.name])
            if number < 0 and field.name not in signed:
                raise out_of_range(field.name, number, units[field.name], "not be negative")
            if number == 0 and field.name in positive:
                raise out_of_range(field.name, number, units[field.name], "be greater than 0")


def with_unit(name: str, units: Mapping[str, str]) -> str:
    """The key of a field: 'r_word [Ohm]'."""
    return f"{name} [{units[name]}]"


def section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The section of a file's document.

    Raises
    ------
    InputError : it is missing.
    """
    table = document.get(name)
    if not isinstance(table, dict):
        raise InputError(f"section [{name}] is missing")
    return table


def values(
    kind: type, table: Mapping[str, Any], units: Mapping[str, str], *, section: str = ""
) -> dict[str, Any]:
    """The values by field name from a file's table, or a section of it, with its keys checked.

    A number may stand as text, with an SI prefix or as a percentage: "4.7k", "30 us", "5%".

    Raises
    ------
    InputError : an unknown key, another unit, or a field without a default that is missing.
    """
    every = dataclasses.fields(kind)
    fields = {with_unit(field.name, units): field for field in every if field.name in units}
    known = [*fields, *(field.name for field in every if field.name not in units)]
    for key in table:
        if key not in fields:
            where = f"[{section}] has an " if section else ""
            raise InputError(f"{where}unknown key {key!r}; {nearest(key, known)}")
    for key, field in fields.items():
        if field.default is dataclasses.MISSING and key not in table:
            raise InputError(f"[{section}] lacks {key!r}")
    return {
        field.name: number(table[key], key, units[field.name])
        for key, field in fields.items()
        if key in table
    }


def number(value: Any, key: str, unit: str) -> Any:
    """What a file gives for a key: text as the number that it says, a word or anything else as it is."""
    if isinstance(value, list):
        return [number(one, key, unit) for one in value]
    is_word = not isinstance(value, str) or not re.match(r"\s*[-+.]?\d", value)
    return value if is_word else parse_quantity(value, what=key, unit=unit)


def document(record: Any, units: Mapping[str, str], *, whole: bool = False) -> dict[str, Any]:
    """The numbers by key: those that differ from their defaults, or the `whole` of them.

    None is left out, and so is a default of 0.
    """
    found = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        is_default = value == field.default and not (whole and field.default)
        if field.name in units and value is not None and not is_default:
            found[with_unit(field.name, units)] = list(value) if isinstance(value, tuple) else value
    return found
