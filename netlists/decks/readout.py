"""The amplifiers of bit lines, as sources, resistors and capacitors.

bit{j} --+-- Ramp{j}: r_feedback --+-- out{j}        amp{j}: 1 Ohm and a capacitor, the pole
         |                         |
         +-- Gamp{j} -- amp{j} -- Eamp{j}            ideal: Hamp{j} follows the current of Vsense{j}

Where the mapping subtracts currents before the converter, subtractors follow, ideal ones:

    out{plus}, out{minus} -- Ediff{k} -- diff{k}        without amplifiers: Hdiff{k}_plus, Hdiff{k}_minus
                                                         on the currents of Vsense{plus}, Vsense{minus}

Where a chip's subtractors are not exact, each is an operational amplifier among four resistors, whose
ratio has the mismatch e. Without amplifiers, Hplus{k} and Hminus{k} make volts of ammeters' currents:

    out{plus} -- Rplus{k}: R (1 - e) --+-- Rref{k}: R (1 + e) -- ref{k}, an offset, or ground
                                  noninv{k} (+)
    out{minus} -- Rminus{k}: R --- inv{k}   (-) Ediff{k} --+-- diff{k}
                                    +-- Rloop{k}: R -------+

An offset is the voltage of the node offset{j}, against which an amplifier of finite gain compares its
bit line. An ideal one stands on it, and Vsense{j} has that voltage, too: what subtractors draw from an
output must not pass the ammeter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from netlists.decks.circuit import Capacitor, Controlled, Element, Kind, Resistor, Source
from roa_circuit.circuit.components import Amplifier
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.circuit.subtractors import Subtractors


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


_RESISTOR = 1e4
"""R of a subtractor [Ohm]; ratios alone matter, as amplifiers drive it."""

_OPEN_LOOP = 1e6
"""The gain of a subtractor's amplifier where those of bit lines are ideal, or have more: a simulator's
rounding errors grow with it."""


def made_subtractors(
    mapping: Mapping, columns: int, made: Subtractors, amplifier: Amplifier | None
) -> Iterator[Element]:
    """The subtractors of a chip: operational amplifiers of the bit lines' gain, among resistors."""
    pairs = zip(mapping.plus(columns), mapping.minus(columns), strict=True)
    for k, (plus, minus) in enumerate(pairs):
        mismatch = float(made.mismatch[k]) if len(made.mismatch) else 0.0
        sides = f"out{plus}", f"out{minus}"
        if amplifier is None:
            sides = f"plus{k}", f"minus{k}"
            for node, column in zip(sides, (plus, minus), strict=True):
                yield _source(Kind.ccvs, node, (node, "0"), (f"sense{column}",), TRANSRESISTANCE)
        out, reference = f"diff{k}", f"ref{k}" if len(made.offset) else "0"
        for name, ends, ratio in (
            (f"plus{k}", (sides[0], f"noninv{k}"), 1.0 - mismatch),
            (f"ref{k}", (f"noninv{k}", reference), 1.0 + mismatch),
            (f"minus{k}", (sides[1], f"inv{k}"), 1.0),
            (f"loop{k}", (f"inv{k}", out), 1.0),
        ):
            yield Resistor(name=name, ends=ends, ohms=_RESISTOR * ratio)
        yield _source(Kind.vcvs, out, (out, "0"), (f"noninv{k}", f"inv{k}"), _open_loop(amplifier))


def reference_sources(made: Subtractors, amplifier: Amplifier | None) -> tuple[Source, ...]:
    """What the subtractors' offsets are made of: the voltages of their references."""
    if not len(made.offset):
        return ()
    volts_per_ampere = -amplifier.share * amplifier.r_feedback if amplifier else TRANSRESISTANCE
    e = made.mismatch if len(made.mismatch) else 0.0
    return tuple(
        Source(name=f"ref{k}", node=f"ref{k}", points=[(0.0, volts)])
        for k, volts in enumerate((volts_per_ampere * made.offset / (1.0 - e)).tolist())
    )


def difference_currents(
    volts: NDArray[np.float64], amplifier: Amplifier | None, *, made: bool
) -> NDArray[np.float64]:
    """Currents [A] that the outputs of subtractors [V] are read as.

    made : whether they are those of a chip, whose finite gain is known and taken off
    """
    if made:
        volts = volts * (1.0 + 2.0 / _open_loop(amplifier))
    return amplifier.current(volts) if amplifier else volts / TRANSRESISTANCE


def _open_loop(amplifier: Amplifier | None) -> float:
    own = amplifier.gain if amplifier else None
    return min(own or _OPEN_LOOP, _OPEN_LOOP)


def offset_sources(offsets: Sequence[float]) -> tuple[Source, ...]:
    """Of amplifiers, their offsets [V] against ground."""
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
            stands = (out, f"offset{j}" if offset else "0")
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
