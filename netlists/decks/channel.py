"""A transistor's channel in Verilog-A, for operating points in VACASK.

VACASK's own level 1 limits its voltages from one iteration to the next. At operating points of writes
it may go on to do so at a solution already found, by a rounding error, and so never ends. This one
limits nothing: it is level 1 without junctions, whose bulk every gate keeps below the lines.
"""

from __future__ import annotations

from netlists.decks._text import number
from roa_circuit.circuit.components import Transistor

CHANNEL = "channel"
"""The name of the module."""

_LEAK = 1e-18  # siemens: what holds a node between an open channel and a cell that is open, too

VERILOG_A = f"""\
`include "disciplines.vams"

// An n-MOS of level 1: half the strength times the squares of both ends' overdrives.
module {CHANNEL}(d, g, s);
    inout d, g, s;
    electrical d, g, s;
    parameter real strength = 1e-3;   // kp W/L [A/V^2]
    parameter real threshold = 0.5;   // [V]
    real of_d, of_s;
    analog begin
        of_d = max(V(g, d) - threshold, 0.0);
        of_s = max(V(g, s) - threshold, 0.0);
        I(d, s) <+ 0.5 * strength * (of_s * of_s - of_d * of_d) + {_LEAK:g} * V(d, s);
    end
endmodule
"""


def channel_model(transistor: Transistor, temperature: float) -> str:
    """The constants of its model at a temperature [K]."""
    strength = number(transistor.strength(temperature))
    return f"strength={strength} threshold={number(transistor.threshold_at(temperature))}"
