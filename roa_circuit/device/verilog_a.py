"""The memristor as a Verilog-A module, from the text of the device's law."""

from __future__ import annotations

import re
from importlib import metadata

from roa_circuit.device.arrays import LARGEST_EXPONENT
from roa_circuit.device.compact_model import comment, instance_constants, limited
from roa_circuit.device.laws.law import Law
from roa_circuit.device.parameters import Device

MODULE = "memristor"
STATE = "omega"
"""The output variable of an instance that holds its state."""

_ABOUT = """
//   te o---[ I(te,be) of the law ]---o be        V(te,be) < 0 potentiates: omega rises
//
// The state is omega in [0, 1], an output variable of every instance; at time zero it is w0. V(moved) is
// how far the variable that is integrated has come since. In a transient it moves as the law says, and
// what overshoots an end meets a rate of zero; in static analyses (op, dc) it rests. `moved` starts
// from zero: a transient starts at w0 without an operating point too. Units are SI; exponents are
// limited, so that no step of Newton's overflows.
"""


def verilog_a(device: Device, *, module: str = MODULE) -> str:
    """The device as text of a Verilog-A file with one module, by default `memristor(te, be)`.

    Every constant is an instance parameter whose default has all digits of the parameter set. A
    constant that is an array has the default 1, and every instance sets its own. `w0` is omega at
    time zero. Tried with openvaf-r and VACASK.
    """
    device.memristor.require_simulators()
    own, law, text = instance_constants(device), device.memristor, device.memristor.text()
    values = {name: 1.0 if name in own else value for name, value in law.constants.items()}
    fixed = {**text.parameters, "largest": LARGEST_EXPONENT}
    follows = text.state != STATE
    variables = ["v", *([text.state] if follows else []), *text.terms, *text.branches]
    lines = [
        *_header(device),
        *_ABOUT.splitlines(),
        "",
        '`include "disciplines.vams"',
        "",
        f"module {module}(te, be);",
        "    inout te, be;",
        "    electrical te, be;",
        f"    electrical moved;  // {text.state} since time zero, a volt for one",
        "",
        _parameter("w0", 0.5, "omega at time zero", "1", "[0:1]"),
        *(
            _parameter(name, value, law.meanings[name], law.units[name], _range(name, law))
            for name, value in values.items()
        ),
        "",
        *(f"    localparam real {name} = {value!r};" for name, value in fixed.items()),
        f"    real {', '.join(variables)};",
        f'    (* desc="state", units="1" *) real {STATE};',
        "",
        "    analog begin",
        "        v = V(te,be);",
        f"        {text.state} = {_in_verilog(text.start)} + V(moved);",
        *([f"        {STATE} = {_in_verilog(text.omega)};"] if follows else []),
        "",
        "        // motion",
        *(f"        {name} = {_in_verilog(limited(term))};" for name, term in text.terms.items()),
        '        if (analysis("static"))',
        "            I(moved) <+ V(moved);",
        "        else",
        f"            I(moved) <+ ddt(V(moved)) - {_in_verilog(text.motion)};",
        "",
        "        // current",
        *(f"        {name} = {_in_verilog(limited(term))};" for name, term in text.branches.items()),
        f"        I(te,be) <+ {_in_verilog(text.current)};",
        "    end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _header(device: Device) -> list[str]:
    by = f"law {device.memristor.name}, by roa-circuit {metadata.version('roa-circuit')}"
    made = f"Memristor {device.name!r} in Verilog-A, {by}"
    lines = [made, f"Parameters: {device.citation}"] if device.citation else [made]
    return [comment(line, "//") for line in lines]


def _parameter(name: str, value: float, meaning: str, unit: str, within: str) -> str:
    units = "1" if unit == "-" else unit
    attributes = f'(* desc="{meaning}", units="{units}", type="instance" *)'
    return f"    {attributes}\n    parameter real {name} = {value!r} from {within};"


def _range(name: str, law: Law) -> str:
    if name in law.ANY_SIGN:
        return "(-inf:inf)"
    return "[0:inf)" if name == law.PACE or name in law.NOT_NEGATIVE else "(0:inf)"


def _in_verilog(expression: str) -> str:
    """The expression with real numbers for whole ones, and sinh limited on both sides."""
    once = re.sub(r"\bsquare\((\w+)\)", r"\1 * \1", expression)
    odd = re.sub(r"\b(sinh|cosh)\(([^()]*)\)", r"\1(max(min(\2, largest), -largest))", once)
    return re.sub(r"(?<![\w.])(?<![eE][-+])(\d+)(?![\w.])", r"\1.0", odd)
