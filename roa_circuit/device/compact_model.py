"""The memristor as a compact model: the ngspice subcircuit made of a law's text.

The text is that of the device's law (`roa_circuit.device.laws`) in the operators that simulators share;
`roa_circuit.device.verilog_a` makes a module of the same text.

            te o----+                     omega o----+-------+
                    |  Bcell: the current            |       |  Bstate: d omega/dt
            be o----+                         1 F ===     (|)
                                                     |       |
                                                     0       0

The state is the voltage of the internal node `omega`, so `.save v(xname.omega)` records it. A law
that simulators integrate in another variable has a node for that, and `omega` follows it. The
voltage from te to be stands on a node of its own, `across`: ngspice derives an expression by every
node in it, and with one in place of two loads the cell in a third to two thirds of the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from roa_circuit.device.arrays import LARGEST_EXPONENT
from roa_circuit.device.laws.text import Text
from roa_circuit.device.parameters import Device

DYNAMIC_SUBCIRCUIT = "memristor"
STATIC_SUBCIRCUIT = "memristor_static"
GIVEN_SUBCIRCUIT = "memristor_given"


def limited(expression: str) -> str:
    """The expression with its exponents clamped from above at `largest`; far below 0 they underflow."""
    return re.sub(r"\bexp\(([^()]*)\)", r"exp(min(\1, largest))", expression)


def ngspice_library(device: Device, *, moving: bool = True) -> str:
    """The device as text of an ngspice library (`.include` it, or paste it into a deck).

    Two subcircuits with the pins te (top, on the word line) and be (bottom, on the bit line)
    and the parameter w0, omega at time zero in [0, 1]:

    memristor : the state moves as the law says; for `.tran`, with or without `uic`. It cannot
        leave [0, 1] by more than Newton's tolerance: what overshoots meets a rate of zero.
    memristor_static : the state stays w0; for `.op`, `.dc`, `.ac` and reads.

    Constants carry every digit of the parameter set; exponents are clamped at 80, where the
    clamp of `roa_circuit.device.arrays` lies. A constant that is an array becomes a parameter of the
    subcircuit like w0 (`instance_constants`). Tried with ngspice 39.

    moving : whether there is the cell whose state moves

    Raises
    ------
    InputError : the law has no such cell.
    """
    cells = [*(_dynamic(device) if moving else []), *([""] if moving else []), *_static(device), ""]
    return "\n".join([*_header(device), "", *cells])


def given_subcircuit(device: Device) -> str:
    """The frozen cell as a subcircuit `memristor_given` whose third pin, `omega`, has its state [V]."""
    head = "te be omega" + (" PARAMS:" if instance_constants(device) else "")
    return "\n".join([*_frozen(device, GIVEN_SUBCIRCUIT, head, "V(omega)"), ""])


def instance_constants(device: Device) -> dict[str, NDArray[np.float64]]:
    """The constants that differ from cell to cell, by name: arrays (rows, columns)."""
    constants = device.memristor.constants
    return {name: np.asarray(value) for name, value in constants.items() if np.ndim(value)}


def comment(text: str, mark: str = "*") -> str:
    """`text` as one comment line, whatever it contains."""
    words = "".join(c if c.isprintable() else " " for c in text).split()
    # A backslash at the end of a line can carry a comment on to the next.
    return " ".join([mark, *words]).rstrip("\\")


def _header(device: Device) -> list[str]:
    made = f"law {device.memristor.name}, by roa-circuit {metadata.version('roa-circuit')}"
    lines = [f"Memristor {device.name!r} for ngspice, {made}"]
    if device.citation:
        lines.append(f"Parameters: {device.citation}")
    lines += [
        "X... te be memristor w0=0.5         state moves; it is the node omega",
        "X... te be memristor_static w0=0.5  state stays w0",
        "V(te,be) < 0 potentiates. Units are SI.",
    ]
    return [comment(line) for line in lines]


def _dynamic(device: Device) -> list[str]:
    device.memristor.require_simulators()
    text = device.memristor.text()
    return [
        f".subckt {DYNAMIC_SUBCIRCUIT} te be PARAMS: w0=0.5{_own(device, skip=())}",
        *_constants(device, skip=()),
        *_state(text),
        "Eacross across 0 te be 1",
        f"Bstate 0 {text.state} I={_moving(device, _motion(text))}",
        *_follower(device, text),
        f"Bcell te be I={_moving(device, inlined(text.current, text.branches))}",
        f".ends {DYNAMIC_SUBCIRCUIT}",
    ]


def _state(text: Text) -> list[str]:
    """The node that integrates the state; its value at time zero is a parameter of its own if not w0."""
    start, lines = "w0", []
    if text.start != start:
        start = f"{text.state}0"
        lines.append(f".param {start}={{{re.sub(r' ', '', text.start)}}}")
    return [
        *lines,
        f"Cstate {text.state} 0 1 IC={{{start}}}",
        f".ic v({text.state})={{{start}}}",
    ]


def _follower(device: Device, text: Text) -> list[str]:
    if text.state == "omega":
        return []
    return [f"Bomega omega 0 V={_moving(device, text.omega)}"]


def _static(device: Device) -> list[str]:
    return _frozen(device, STATIC_SUBCIRCUIT, "te be PARAMS: w0=0.5", "{w0}")


def _frozen(device: Device, name: str, head: str, omega: str) -> list[str]:
    """A cell whose state is a parameter or the voltage of a pin."""
    text, law = device.memristor.text(), device.memristor
    current = inlined(text.current, text.branches)
    unused = (*law.moving, *(() if re.search(r"\blargest\b", current) else ("largest",)))
    return [
        f".subckt {name} {head}{_own(device, skip=law.moving)}",
        *_constants(device, skip=unused),
        f"Bcell te be I={_in_ngspice(device, current, v='V(te,be)', omega=omega)}",
        f".ends {name}",
    ]


def inlined(expression: str, terms: Mapping[str, str]) -> str:
    """The expression with its terms written out, the last of which may name those before."""
    for name in reversed(list(terms)):
        expression = re.sub(rf"\b{name}\b", terms[name], expression)
    return expression


def _motion(text: Text) -> str:
    terms = {name: limited(term) for name, term in text.terms.items()}
    squares = {f"{name}_squared": _squared(term) for name, term in terms.items()}
    return inlined(re.sub(r"\bsquare\((\w+)\)", r"\1_squared", text.motion), terms | squares)


def _squared(room: str) -> str:
    """A room's square as a product: ^ is a power in ngspice, in LTspice and Xyce an exclusive or."""
    return re.sub(r"max\([^()]*\)", r"\g<0>*\g<0>", room)


def _moving(device: Device, expression: str) -> str:
    state = device.memristor.text().state
    words = {"v": "V(across)", "omega": "V(omega)", state: f"V({state})"}
    return _in_ngspice(device, expression, **words)


def _in_ngspice(device: Device, expression: str, **words: str) -> str:
    """A B source's expression. ngspice 39 keeps ten digits of literals, all of braced parameters."""
    law = device.memristor
    words |= {name: f"{{{name}}}" for name in (*law.constants, *law.text().parameters, "largest")}
    dense = re.sub(r" ([-+*/<>]) |(,) ", r"\1\2", expression)
    dense = re.sub(r"(?<![\w.])\d+\.\d{9,}(e[-+]?\d+)?", r"{\g<0>}", dense)
    return re.sub(r"(?<![\w.])[A-Za-z]\w*", lambda found: words.get(found[0], found[0]), dense)


def _constants(device: Device, *, skip: tuple[str, ...]) -> list[str]:
    law = device.memristor
    values = {**law.constants, **law.text().parameters, "largest": LARGEST_EXPONENT}
    return [
        f".param {name}={value!r}" + (f" ; [{law.units[name]}]" if name in law.units else "")
        for name, value in values.items()
        if name not in skip and not np.ndim(value)
    ]


def _own(device: Device, *, skip: tuple[str, ...]) -> str:
    """Parameters for the constants that every instance sets itself; ngspice insists on a default."""
    names = (name for name in instance_constants(device) if name not in skip)
    return "".join(f" {name}=1" for name in names)
