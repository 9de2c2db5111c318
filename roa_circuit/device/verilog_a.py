"""The memristor as a Verilog-A module: Eq. 1 and 2, from the text of `compact_model`."""

from __future__ import annotations

import re
from importlib import metadata

from roa_circuit.device.compact_model import (
    BARRIER,
    CURRENT,
    PARAMETERS,
    RATE,
    ROOM,
    TUNNEL,
    comment,
    instance_constants,
    limited,
)
from roa_circuit.device.memristor import LARGEST_EXPONENT
from roa_circuit.device.parameters import UNITS, Device

MODULE = "memristor"
STATE = "omega"
"""The output variable of an instance that holds its state."""

_MEANING = {
    "k": "rate of switching", "mu1": "exponent of potentiation, V < 0",
    "mu2": "exponent of depression, V > 0", "gamma": "current of tunnelling, omega = 1",
    "delta": "exponent of tunnelling", "alpha": "current of the barrier, omega = 0",
    "beta": "exponent of the barrier", "current_scale": "multiplies the current alone",
}  # fmt: skip

_ABOUT = """
//   te o---[ I(te,be) of Eq. 2 ]---o be        V(te,be) < 0 potentiates: omega rises
//
// The state is omega = w0 + V(moved) in [0, 1], an output variable of every instance. A transient
// moves it as Eq. 1 says; what overshoots an end of [0, 1] meets a rate of zero. In static analyses
// (op, dc) it rests at w0. `moved` starts from zero: a transient starts at w0 without an
// operating point too. Units are SI; exponents are limited, so that no step of Newton's overflows.
"""


def verilog_a(device: Device, *, module: str = MODULE) -> str:
    """The device as text of a Verilog-A file with one module, by default `memristor(te, be)`.

    Every constant is an instance parameter whose default has all digits of the parameter set. A
    constant that is an array has the default 1, and every instance sets its own. `w0` is omega at
    time zero. Tried with openvaf-r and VACASK.
    """
    own = instance_constants(device)
    values = {name: 1.0 if name in own else getattr(device.memristor, name) for name in PARAMETERS}
    lines = [
        *_header(device),
        *_ABOUT.splitlines(),
        "",
        '`include "disciplines.vams"',
        "",
        f"module {module}(te, be);",
        "    inout te, be;",
        "    electrical te, be;",
        "    electrical moved;  // omega - w0, a volt for one",
        "",
        _parameter("w0", 0.5, "omega at time zero", "1", within="[0:1]"),
        *(_parameter(name, value, _MEANING[name], UNITS[name]) for name, value in values.items()),
        "",
        f"    localparam real largest = {LARGEST_EXPONENT!r};",
        "    real v, rate, room, tunnel, barrier;",
        f'    (* desc="state", units="1" *) real {STATE};',
        "",
        "    analog begin",
        "        v = V(te,be);",
        f"        {STATE} = w0 + V(moved);",
        "",
        "        // Eq. 1",
        f"        rate = {_in_verilog(limited(RATE))};",
        f"        room = {_in_verilog(ROOM)};",
        '        if (analysis("static"))',
        "            I(moved) <+ V(moved);",
        "        else",
        "            I(moved) <+ ddt(V(moved)) - rate * room * room;",
        "",
        "        // Eq. 2",
        f"        tunnel = {_in_verilog(TUNNEL)};",
        f"        barrier = {_in_verilog(limited(BARRIER))};",
        f"        I(te,be) <+ {_in_verilog(CURRENT)};",
        "    end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _header(device: Device) -> list[str]:
    made = f"Memristor {device.name!r} in Verilog-A, by roa-circuit {metadata.version('roa-circuit')}"
    lines = [made, f"Parameters: {device.citation}"] if device.citation else [made]
    return [comment(line, "//") for line in lines]


def _parameter(name: str, value: float, meaning: str, unit: str, *, within: str = "") -> str:
    within = within or ("[0:inf)" if name == "k" else "(0:inf)")
    units = "1" if unit == "-" else unit
    attributes = f'(* desc="{meaning}", units="{units}", type="instance" *)'
    return f"    {attributes}\n    parameter real {name} = {value!r} from {within};"


def _in_verilog(expression: str) -> str:
    """The expression with real numbers for whole ones, and sinh limited on both sides."""
    odd = re.sub(r"\bsinh\(([^()]*)\)", r"sinh(max(min(\1, largest), -largest))", expression)
    return re.sub(r"(?<![\w.])(\d+)(?![\w.])", r"\1.0", odd)
