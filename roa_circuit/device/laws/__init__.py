"""Laws of devices: how a state moves under a voltage, and what current flows.

Every consumer asks the protocol, `Law` (`roa_circuit.device.laws.law`), and knows no law by name. A law
is a frozen dataclass of its constants, and `device.memristor` is one. What it offers:

====================================  ==================================================================
`name`, `constants`, `units`,         constants by name, with their units, a few words on each, checked
`meanings`, `ANY_SIGN`                at construction; any may be an array with a number a cell
`moving`, `conducting`, `PACE`        which constants move the state, which make the current, and the one
                                      that all doses are proportional to
`changed`, `paced`, `part`            the law with other constants, another pace, or of some cells
`rate`, `mean_rate`, `dose`           the dose a second [1/s] at a voltage; its mean over a linear ramp;
                                      the signed dose of one pulse
`coordinate`, `after_dose`            where doses of one polarity (or amplitude) add up, and the state
                                      after one; Eq. 6 is a difference of coordinates over a dose
`state_derivative`                    d omega / dt, for integrators and for tests
`excursion`, `course`                 what a time step of an in-situ write asks of a law
`current`, `differential_conductance` the current, affine in omega, and its slope
`branches`, `conductance_range`       its two curves; Gmin and Gmax at the read voltage
`text`                                the same in the operators of ngspice and Verilog-A
`from_document`, `to_document`        the law in a parameter set
====================================  ==================================================================

A parameter set names its law: `law = "windows"` in its section [memristor]; without that key it is
`zhang2021`. Another law is a class here, added to `_HOMES`, or a file of formulas.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from roa_circuit.basics import records
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.device.laws.law import SECTION, Law

__all__ = ["Law", "law_class", "laws", "read_law"]

_HOMES = {
    "zhang2021": "zhang2021.Memristor",
    "windows": "windows.Windows",
    "table": "table.Table",
}
"""The module and class of each law, by the name that parameter sets call it."""


def laws() -> tuple[str, ...]:
    """The names of the laws that are classes."""
    return tuple(_HOMES)


def law_class(name: str) -> type[Law]:
    """The class of the law of that name.

    Raises
    ------
    InputError : no such law.
    """
    if name not in _HOMES:
        raise InputError(f"law {name!r} is unknown; {nearest(name, _HOMES)}")
    module, found = _HOMES[name].split(".")
    kind: type[Law] = getattr(importlib.import_module(f"{__name__}.{module}"), found)
    return kind


def read_law(document: Mapping[str, Any]) -> Law:
    """The law of a parameter set, from its parsed document.

    Raises
    ------
    InputError : no such law, an unknown or missing key, another unit, a value out of range.
    """
    name = records.section(document, SECTION).get("law", "zhang2021")
    if not isinstance(name, str):
        raise InputError(f"[{SECTION}] law = {name!r} must be the name of a law, such as 'zhang2021'")
    return law_class(name).from_document(document)
