"""Conventions that change nothing: what was said of tables that say it themselves, or need none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from fitting.readers.conventions import Conventions
from fitting.readers.forms.agreed import NOT_NEEDED
from fitting.readers.measurements import Measurements, read_measurements
from fitting.readers.tables import Sheets
from roa_circuit.basics.errors import InputError

_ALONE = {"width": "--width", "read_voltage": "--read", "unit": "--unit", "si": "--si",
          "layout": "--layout", "sheet": "--sheet"}  # fmt: skip
"""Those of one value, with their options; without it they have that of `Conventions()`."""


def idle(
    files: Sequence[Path],
    each: Sequence[Conventions],
    read: Measurements | None = None,
    sheets: Sheets | None = None,
) -> list[tuple[str, str]]:
    """(option, value) of all without which the files are read the same: ('--column', 'current=I').

    read : the files as they are read with all of them, if that is known; `sheets` has their cells
    """
    sheets = {} if sheets is None else sheets
    found = list[tuple[str, str]]()
    for option, without in _doing_without(each):
        read = read_measurements(files, each, sheets=sheets) if read is None else read
        try:
            other = read_measurements(files, without, sheets=sheets)
        except InputError:  # it is needed
            continue
        if _same(read, other):
            found.append(option)
    return found


def _doing_without(
    each: Sequence[Conventions],
) -> Iterator[tuple[tuple[str, str], list[Conventions]]]:
    """((option, value), conventions of the files without it) of every option that is given."""
    usual, first = Conventions(), each[0]
    for name, option in _ALONE.items():
        if getattr(first, name) != getattr(usual, name):
            given = getattr(first, name)
            value = "" if given is True else given if isinstance(given, str) else f"{given:g}"
            yield (option, value), [replace(one, **{name: getattr(usual, name)}) for one in each]
    for name, title in first.columns.items():
        left = {key: value for key, value in first.columns.items() if key != name}
        yield ("--column", f"{name}={title}"), [replace(one, columns=left) for one in each]
    for pair in first.where:
        rest = tuple(one for one in first.where if one != pair)
        yield ("--where", "=".join(pair)), [replace(one, where=rest) for one in each]


def _same(one: Measurements, other: Measurements) -> bool:
    """Whether two readings of the same files have nothing apart, to the last bit and word.

    That an option is not needed is a word on the option, not on the files.
    """
    a, b = _plain(one), _plain(other)
    pairs = ((getattr(a, field.name), getattr(b, field.name)) for field in fields(Measurements))
    return all(_equal(*pair) for pair in pairs)


def _plain(m: Measurements) -> Measurements:
    return replace(m, assumed=tuple(text for text in m.assumed if NOT_NEEDED not in text))


def _equal(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return type(a) is type(b) and a == b
