"""The memristor as a compact model: Eq. 1 and 2 as text, and the ngspice subcircuit made of it.

The text is that of `roa_circuit.device.memristor` in the operators that simulators share;
`roa_circuit.device.verilog_a` makes a module of the same text.

            te o----+                     omega o----+-------+
                    |  Bcell: Eq. 2                  |       |  Bstate: d omega/dt of Eq. 1
            be o----+                         1 F ===     (|)
                                                     |       |
                                                     0       0

The state is the voltage of the internal node `omega`, so `.save v(xname.omega)` records it. The
voltage from te to be stands on a node of its own, `across`: ngspice derives an expression by every
node in it, and with one in place of two loads the cell in a third to two thirds of the time.
"""

from __future__ import annotations

import dataclasses
import re
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.memristor import LARGEST_EXPONENT
from roa_circuit.device.parameters import UNITS, Device, Memristor

DYNAMIC_SUBCIRCUIT = "memristor"
STATIC_SUBCIRCUIT = "memristor_static"
SWITCHING = ("k", "mu1", "mu2")
"""The constants of Eq. 1, which a frozen cell does without."""
PARAMETERS = tuple(field.name for field in dataclasses.fields(Memristor))
"""All constants of Eq. 1 and 2, and `current_scale`."""

TUNNEL = "gamma * sinh(delta*v)"
BARRIER = "alpha * (1 - exp(-beta*v))"
CURRENT = "current_scale * (omega * tunnel + (1 - omega) * barrier)"
"""Eq. 2 [A] of the state omega and its two branches at the voltage v."""

RATE = "k * (exp(-mu1*v) - exp(mu2*v))"
"""Of Eq. 1 [1/s]; only as `limited`: its exponentials overflow in a step that goes too far."""

_EQUATION_2 = CURRENT.replace("tunnel", TUNNEL).replace("barrier", BARRIER)

ROOM = "(v < 0 ? max(1 - omega, 0) : max(omega, 0))"
"""The square root of what Eq. 1 multiplies the rate by; zero beyond the ends of [0, 1]."""

WINDOW = re.sub(r"max\([^()]*\)", r"\g<0>*\g<0>", ROOM)
"""Its square, as a product: ^ is a power in ngspice alone, in LTspice and Xyce it is an exclusive or."""


def limited(expression: str) -> str:
    """The expression with its exponents clamped from above at `largest`; far below 0 they underflow."""
    return re.sub(r"\bexp\(([^()]*)\)", r"exp(min(\1, largest))", expression)


def ngspice_library(device: Device) -> str:
    """The device as text of an ngspice library (`.include` it, or paste it into a deck).

    Two subcircuits with the pins te (top, on the word line) and be (bottom, on the bit line)
    and the parameter w0, omega at time zero in [0, 1]:

    memristor : the state moves as Eq. 1 says; for `.tran`, with or without `uic`. It cannot
        leave [0, 1] by more than Newton's tolerance: what overshoots meets a rate of zero.
    memristor_static : the state stays w0; for `.op`, `.dc`, `.ac` and reads.

    Constants carry every digit of the parameter set; exponents are clamped at 80, where the
    clamp of `roa_circuit.device.memristor` lies. A constant that is an array becomes a parameter of the
    subcircuit like w0 (`instance_constants`). Tried with ngspice 39.
    """
    return "\n".join([*_header(device), "", *_dynamic(device), "", *_static(device), ""])


def instance_constants(device: Device) -> dict[str, NDArray[np.float64]]:
    """The constants that differ from cell to cell, by name: arrays (rows, columns)."""
    constants = dataclasses.asdict(device.memristor)
    return {name: np.asarray(value) for name, value in constants.items() if np.ndim(value)}


def comment(text: str, mark: str = "*") -> str:
    """`text` as one comment line, whatever it contains."""
    words = "".join(c if c.isprintable() else " " for c in text).split()
    # A backslash at the end of a line can carry a comment on to the next.
    return " ".join([mark, *words]).rstrip("\\")


def _header(device: Device) -> list[str]:
    lines = [f"Memristor {device.name!r} for ngspice, by roa-circuit {metadata.version('roa-circuit')}"]
    if device.citation:
        lines.append(f"Parameters: {device.citation}")
    lines += [
        "X... te be memristor w0=0.5         state moves (Eq. 1); it is the node omega",
        "X... te be memristor_static w0=0.5  state stays w0",
        "V(te,be) < 0 potentiates. Units are SI.",
    ]
    return [comment(line) for line in lines]


def _dynamic(device: Device) -> list[str]:
    return [
        f".subckt {DYNAMIC_SUBCIRCUIT} te be PARAMS: w0=0.5{_own(device, skip=())}",
        *_constants(device, skip=()),
        "Cstate omega 0 1 IC={w0}",
        ".ic v(omega)={w0}",
        "Eacross across 0 te be 1",
        f"Bstate 0 omega I={_moving(limited(RATE))}*{_moving(WINDOW)}",
        f"Bcell te be I={_moving(_EQUATION_2)}",
        f".ends {DYNAMIC_SUBCIRCUIT}",
    ]


def _static(device: Device) -> list[str]:
    return [
        f".subckt {STATIC_SUBCIRCUIT} te be PARAMS: w0=0.5{_own(device, skip=SWITCHING)}",
        *_constants(device, skip=(*SWITCHING, "largest")),
        f"Bcell te be I={_in_ngspice(_EQUATION_2, v='V(te,be)', omega='{w0}')}",
        f".ends {STATIC_SUBCIRCUIT}",
    ]


def _moving(expression: str) -> str:
    return _in_ngspice(expression, v="V(across)", omega="V(omega)")


def _in_ngspice(expression: str, **words: str) -> str:
    """A B source's expression. ngspice 39 keeps ten digits of literals, all of braced parameters."""
    words |= {name: f"{{{name}}}" for name in (*PARAMETERS, "largest")}
    dense = re.sub(r" ([-+*<]) |(,) ", r"\1\2", expression)
    return re.sub(r"[A-Za-z]\w*", lambda found: words.get(found[0], found[0]), dense)


def _constants(device: Device, *, skip: tuple[str, ...]) -> list[str]:
    values = {**dataclasses.asdict(device.memristor), "largest": LARGEST_EXPONENT}
    return [
        f".param {name}={value!r}" + (f" ; [{UNITS[name]}]" if name in UNITS else "")
        for name, value in values.items()
        if name not in skip and not np.ndim(value)
    ]


def _own(device: Device, *, skip: tuple[str, ...]) -> str:
    """Parameters for the constants that every instance sets itself; ngspice insists on a default."""
    names = (name for name in instance_constants(device) if name not in skip)
    return "".join(f" {name}=1" for name in names)
