"""Wiring: what a circuit's file or a command says of lines: resistances, drivers, readout."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.circuit.crossbar import RESISTANCES, Crossbar, Ohms

WIRES = ("r_word", "r_bit")
"""The resistances of `Crossbar` that one of the wires stands for, as in `Wiring.of_wires`."""

_NAMES = {f"{name} [Ohm]": name for name in RESISTANCES} | {"drive": "drive", "sense": "sense"}


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """Some fields of `Crossbar`; None leaves that of an array as it is."""

    r_source: Ohms | None = None
    r_word: Ohms | None = None
    r_bit: Ohms | None = None
    r_sense: Ohms | None = None
    drive: str | None = None
    sense: str | None = None

    @classmethod
    def of_wires(cls, ohms: Ohms | None) -> Wiring:
        """Word and bit lines of one resistance [Ohm a segment]; None says nothing of them."""
        return cls(r_word=ohms, r_bit=ohms)

    def on(self, crossbar: Crossbar) -> Crossbar:
        """The array with this wiring.

        Raises
        ------
        InputError : a value out of its range, or another number of values than lines.
        """
        return dataclasses.replace(crossbar, **self._given())

    def over(self, other: Wiring) -> Wiring:
        """This wiring, with the other's values where it has none."""
        return dataclasses.replace(other, **self._given())

    def to_dict(self) -> dict[str, Any]:
        """The values that are given, as in the TOML file; keys carry units."""
        given = {key: self._given().get(name) for key, name in _NAMES.items()}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
        return {key: value for key, value in plain.items() if value is not None}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Wiring:
        """Undo `to_dict`.

        Raises
        ------
        InputError : an unknown key, or another unit.
        """
        for key in document:
            if key not in _NAMES:
                raise InputError(f"[lines] has an unknown key {key!r}; {nearest(key, _NAMES)}")
        values: dict[str, Any] = {_NAMES[key]: value for key, value in document.items()}
        for name, value in values.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


AS_IT_IS = Wiring()
"""Nothing said of it."""
