"""Options of commands that run or write decks for ngspice: what they use of it."""

from __future__ import annotations

from typing import Annotated

import typer

from netlists.dialect import PLAIN, CellModel, Dialect, Matrix, choose
from netlists.simulators import Engine

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
    engine: Engine, matrix: Matrix, cell: CellModel, *, brief: bool = False, charged: bool = False
) -> Dialect:
    """What decks use of an engine.

    brief : they run for so short that `auto` would lose more time by looking than there is to gain
    charged : nodes store charge; compiled cells would take tiny steps beside them

    Raises
    ------
    SimulatorError : asked for what is not there.
    """
    if engine is not Engine.ngspice:
        return PLAIN
    if matrix is Matrix.auto and brief:
        matrix = Matrix.sparse
    if cell is CellModel.auto and (brief or charged):
        cell = CellModel.behavioural
    return choose(matrix, cell)
