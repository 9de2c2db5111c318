"""The amplifiers of bit lines, as sources, resistors and capacitors.

bit{j} --+-- Ramp{j}: r_feedback --+-- out{j}        amp{j}: 1 Ohm and a capacitor, the pole
         |                         |
         +-- Gamp{j} -- amp{j} -- Eamp{j}            ideal: Hamp{j} follows the current of Vsense{j}

Where the mapping subtracts currents before the converter, subtractors follow, ideal ones:

    out{plus}, out{minus} -- Ediff{k} -- diff{k}        without amplifiers: Hdiff{k}_plus, Hdiff{k}_minus
                                                         on the currents of Vsense{plus}, Vsense{minus}

An offset is the voltage of Vsense{j}, on which Hamp{j} then stands; where the gain is finite, of the
node offset{j}, against which the amplifier compares its bit line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlists.decks.circuit import Capacitor, Controlled, Element, Kind, Resistor, Source
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.mapping import Mapping


def output_nodes(columns: int) -> tuple[str, ...]:
    """The output nodes of all columns' amplifiers."""
    return tuple(f"out{j}" for j in range(columns))


TRANSRESISTANCE = 1e6
"""Of a subtractor without amplifiers [Ohm]: its output, over the difference of two currents."""


def difference_nodes(count: int) -> tuple[str, ...]:
    """The output nodes of all subtractors."""
    return tuple(f"diff{k}" for k in range(count))


def subtractors(mapping: Mapping, columns: int, *, amplified: bool) -> Iterator[Element]:
    """The subtractors, one for each output: of the outputs of two amplifiers, or of two ammeters."""
    pairs = zip(mapping.plus(columns), mapping.minus(columns), strict=True)
    for k, (plus, minus) in enumerate(pairs):
        name = f"diff{k}"
        if amplified:
            yield _source(Kind.vcvs, name, (name, "0"), (f"out{plus}", f"out{minus}"), 1.0)
            continue
        middle = f"{name}_minus"
        yield _source(Kind.ccvs, f"{name}_plus", (name, middle), (f"sense{plus}",), TRANSRESISTANCE)
        yield _source(Kind.ccvs, middle, (middle, "0"), (f"sense{minus}",), -TRANSRESISTANCE)


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
