"""Options that choose the solver and the cell model of ngspice's decks."""

from __future__ import annotations

from typing import Annotated

import typer

from netlists.decks.dialect import PLAIN, CellModel, Dialect, Matrix, choose
from netlists.simulation.ngspice import Via
from netlists.simulation.simulators import Engine
from roa_circuit.basics.errors import InputError

MatrixOption = Annotated[
    Matrix,
    typer.Option("--matrix", rich_help_panel="Circuit", help="What solves ngspice's equations."),
]
CellOption = Annotated[
    CellModel,
    typer.Option(
        "--cell", rich_help_panel="Circuit", help="ngspice's cells; 'osdi' is compiled Verilog-A."
    ),
]
ViaOption = Annotated[
    Via,
    typer.Option(
        "--via",
        rich_help_panel="Circuit",
        help="ngspice's library through PySpice, or its program; 'auto' takes the library if both are"
        " here.",
    ),
]


def require_ngspice(via: Via, engine: str) -> None:
    """Raise InputError where a way of driving ngspice is asked for, and another engine."""
    if via is not Via.auto and engine != Engine.ngspice:
        raise InputError(f"--via {via} is of ngspice, but --engine is {engine}: leave --via out")


def dialect_of(
    engine: Engine,
    matrix: Matrix,
    cell: CellModel,
    *,
    via: Via = Via.auto,
    brief: bool = False,
    charged: bool = False,
) -> Dialect:
    """The dialect of an engine's decks.

    via : how ngspice is driven
    brief : the decks run for so short a time that `auto` would lose more by looking than it gains
    charged : nodes store charge, beside which compiled cells would take tiny steps

    Raises
    ------
    InputError : ngspice is to be driven in some way, but is not the engine.
    SimulatorError : the engine lacks what was asked for.
    """
    if engine is not Engine.ngspice:
        require_ngspice(via, engine)
        return PLAIN
    if matrix is Matrix.auto and brief:
        matrix = Matrix.sparse
    if cell is CellModel.auto and (brief or charged):
        cell = CellModel.behavioural
    return choose(matrix, cell, via)
