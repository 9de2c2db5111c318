"""The amplifiers of bit lines, as sources, resistors and capacitors.

bit{j} --+-- Ramp{j}: r_feedback --+-- out{j}        amp{j}: 1 Ohm and a capacitor, the pole
         |                         |
         +-- Gamp{j} -- amp{j} -- Eamp{j}            ideal: Hamp{j} follows the current of Vsense{j}

An offset is the voltage of Vsense{j}, on which Hamp{j} then stands; where the gain is finite, of the
node offset{j}, against which the amplifier compares its bit line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlists.decks.circuit import Capacitor, Controlled, Element, Kind, Resistor, Source
from roa_circuit.circuit.components import Amplifier


def output_nodes(columns: int) -> tuple[str, ...]:
    """The output nodes of all columns' amplifiers."""
    return tuple(f"out{j}" for j in range(columns))


def offset_sources(offsets: Sequence[float]) -> tuple[Source, ...]:
    """Of amplifiers of finite gain, their offsets [V] against ground."""
    return tuple(
        Source(name=f"offset{j}", node=f"offset{j}", points=[(0.0, volts)])
        for j, volts in enumerate(offsets)
    )


def amplifiers(columns: int, amplifier: Amplifier, *, offset: bool = False) -> Iterator[Element]:
    """The amplifiers, one for each column; an ideal one needs the ammeter at its bit line.

    offset : whether bit lines are compared with their amplifiers' offsets, or with ground
    """
    for j, out in enumerate(output_nodes(columns)):
        name, bit = f"amp{j}", f"bit{j}"
        if amplifier.gain is None:
            stands = (out, bit if offset else "0")
            yield _source(Kind.ccvs, name, stands, (f"sense{j}",), -amplifier.r_feedback)
            continue
        compared = (f"offset{j}" if offset else "0", bit)
        yield Resistor(name=name, ends=(bit, out), ohms=amplifier.r_feedback)
        if not amplifier.pole:
            yield _source(Kind.vcvs, name, (out, "0"), compared, amplifier.gain)
            continue
        yield _source(Kind.vccs, name, ("0", name), compared, amplifier.gain)
        yield Resistor(name=f"{name}_pole", ends=(name, "0"), ohms=1.0)
        yield Capacitor(name=f"{name}_pole", ends=(name, "0"), farads=amplifier.pole)
        yield _source(Kind.vcvs, name, (out, "0"), (name, "0"), 1.0)


def _source(
    kind: Kind, name: str, ends: tuple[str, str], control: tuple[str, ...], gain: float
) -> Controlled:
    return Controlled(name=name, kind=kind, ends=ends, control=control, gain=gain)
