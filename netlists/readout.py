"""The amplifiers of bit lines, as sources, resistors and capacitors.

bit{j} --+-- Ramp{j}: r_feedback --+-- out{j}        amp{j}: 1 Ohm and a capacitor, the pole
         |                         |
         +-- Gamp{j} -- amp{j} -- Eamp{j}            ideal: Hamp{j} follows the current of Vsense{j}
"""

from __future__ import annotations

from collections.abc import Iterator

from netlists.circuit import Capacitor, Controlled, Element, Kind, Resistor
from roa_circuit.components import Amplifier


def output_nodes(columns: int) -> tuple[str, ...]:
    """Of every column's amplifier."""
    return tuple(f"out{j}" for j in range(columns))


def amplifiers(columns: int, amplifier: Amplifier) -> Iterator[Element]:
    """One a column; an ideal one needs the ammeter at its bit line."""
    for j, out in enumerate(output_nodes(columns)):
        name, bit = f"amp{j}", f"bit{j}"
        if amplifier.gain is None:
            yield _source(Kind.ccvs, name, out, (f"sense{j}",), -amplifier.r_feedback)
            continue
        yield Resistor(name=name, ends=(bit, out), ohms=amplifier.r_feedback)
        if not amplifier.pole:
            yield _source(Kind.vcvs, name, out, ("0", bit), amplifier.gain)
            continue
        yield Controlled(
            name=name, kind=Kind.vccs, ends=("0", name), control=("0", bit), gain=amplifier.gain
        )
        yield Resistor(name=f"{name}_pole", ends=(name, "0"), ohms=1.0)
        yield Capacitor(name=f"{name}_pole", ends=(name, "0"), farads=amplifier.pole)
        yield _source(Kind.vcvs, name, out, (name, "0"), 1.0)


def _source(kind: Kind, name: str, node: str, control: tuple[str, ...], gain: float) -> Controlled:
    return Controlled(name=name, kind=kind, ends=(node, "0"), control=control, gain=gain)
