"""Options that choose the solver and the cell model of ngspice's decks."""

from __future__ import annotations

from typing import Annotated

import typer

from netlists.decks.dialect import PLAIN, PROBE_SECONDS, CellModel, Dialect, Matrix, choose
from netlists.simulation.simulators import Engine

_LEAST_PROBE = 5.0  # [s], which a busy machine may need for an answer

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


def dialect_of(
    engine: Engine,
    matrix: Matrix,
    cell: CellModel,
    *,
    brief: bool = False,
    charged: bool = False,
    within: float | None = None,
) -> Dialect:
    """The dialect of an engine's decks.

    brief : the decks run for so short a time that `auto` would lose more by looking than it gains
    within : seconds that ngspice may take to say what it is, at least five and at most sixty
    charged : nodes store charge, beside which compiled cells would take tiny steps

    Raises
    ------
    SimulatorError : the engine lacks what was asked for.
    """
    if engine is not Engine.ngspice:
        return PLAIN
    if matrix is Matrix.auto and brief:
        matrix = Matrix.sparse
    if cell is CellModel.auto and (brief or charged):
        cell = CellModel.behavioural
    return choose(matrix, cell, within=min(max(within or PROBE_SECONDS, _LEAST_PROBE), PROBE_SECONDS))
