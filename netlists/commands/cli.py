"""roa-spice: crossbars as ngspice decks, solved, and verified against the surrogate."""

from __future__ import annotations

from typing import NoReturn

from netlists.commands.compare import compare
from netlists.commands.compensate import compensate
from netlists.commands.doctor import doctor
from netlists.commands.layer import layer
from netlists.commands.map import map as map_
from netlists.commands.netlist import netlist
from netlists.commands.program import program
from netlists.commands.response import response
from netlists.commands.solve import solve
from netlists.commands.sweep import sweep
from netlists.commands.verify import verify
from roa_circuit.presentation import console, programs

app = programs.assemble(
    "roa-spice",
    "Crossbars in ngspice: decks, currents, and the proof that the surrogate is right.",
    (layer, netlist, solve, program, verify, sweep, compensate, compare, map_, response, doctor),
)


def main() -> NoReturn:
    """Entry point of `roa-spice`."""
    console.run(app)
