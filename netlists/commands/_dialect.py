"""Options that choose the solver and the cell model of ngspice's decks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netlists.decks.cell_source import CellSource, read_cell_source
from netlists.decks.checks import require_compiler
from netlists.decks.dialect import PLAIN, PROBE_SECONDS, CellModel, Dialect, Matrix, choose
from netlists.simulation.ngspice import Via
from netlists.simulation.simulators import Engine
from roa_circuit.basics.errors import InputError

_LEAST_PROBE = 5.0  # [s], which a busy machine may need for an answer

MatrixOption = Annotated[
    Matrix | None,
    typer.Option(
        "--matrix",
        rich_help_panel="Simulator",
        help="What solves ngspice's equations; default: auto, of `netlist` sparse.",
    ),
]
CellOption = Annotated[
    CellModel | None,
    typer.Option(
        "--cell",
        rich_help_panel="Simulator",
        help="ngspice's cells; 'osdi' is compiled Verilog-A; default: auto, of `netlist` behavioural.",
    ),
]
ViaOption = Annotated[
    Via | None,
    typer.Option(
        "--via",
        rich_help_panel="Simulator",
        help="ngspice's library through PySpice, or its program; default: auto, the library if both"
        " are here.",
    ),
]


CellModelFile = Annotated[
    Path | None,
    typer.Option(
        "--cell-model",
        metavar="FILE",
        rich_help_panel="Simulator",
        help="Verilog-A of a cell of one's own: module(te, be) with parameter w0 and variable omega.",
    ),
]


def source_of(path: Path | None, engine: Engine, dialect: Dialect) -> CellSource | None:
    """The cell of one's own, for a simulator that takes Verilog-A.

    Raises
    ------
    InputError : the file holds none, or the simulator takes none.
    """
    if path is None:
        return None
    source = read_cell_source(path)
    require_compiler(source, compiled=engine is Engine.vacask or dialect.osdi)
    return source


def require_no_simulator(
    engine: str,
    matrix: Matrix | None,
    cell: CellModel | None,
    via: Via | None,
    time_limit: float | None,
) -> None:
    """Check that nothing is asked of an engine of this toolkit that only simulators have.

    Raises
    ------
    InputError : --matrix, --cell, --via or --time-limit was given.
    """
    require_no_dialect(engine, matrix, cell, via)
    if time_limit is not None:
        raise InputError(f"--time-limit {time_limit:g}: is about simulators, not {engine}; leave it out")


def require_no_dialect(
    engine: str, matrix: Matrix | None, cell: CellModel | None, via: Via | None
) -> None:
    """Check that nothing is asked of an engine that only ngspice has.

    Raises
    ------
    InputError : --matrix, --cell or --via was given.
    """
    for option, value in (("--matrix", matrix), ("--cell", cell), ("--via", via)):
        if value is not None:
            raise InputError(f"{option} {value}: is about ngspice, not {engine}; leave it out")


def dialect_of(
    engine: Engine,
    matrix: Matrix | None,
    cell: CellModel | None,
    via: Via | None = None,
    *,
    brief: bool = False,
    charged: bool = False,
    within: float | None = None,
) -> Dialect:
    """The dialect of an engine's decks.

    matrix, cell, via : None is `auto`
    brief : the decks run for so short a time that `auto` would lose more by looking than it gains
    within : seconds that ngspice may take to say what it is, at least five and at most sixty
    charged : nodes store charge, beside which compiled cells would take tiny steps

    Raises
    ------
    InputError : something was asked for that only ngspice has.
    SimulatorError : the engine lacks what was asked for.
    """
    if engine is not Engine.ngspice:
        require_no_dialect(engine, matrix, cell, via)
        return PLAIN
    matrix, cell = matrix or Matrix.auto, cell or CellModel.auto
    if matrix is Matrix.auto and brief:
        matrix = Matrix.sparse
    if cell is CellModel.auto and (brief or charged):
        cell = CellModel.behavioural
    probe = min(max(within or PROBE_SECONDS, _LEAST_PROBE), PROBE_SECONDS)
    return choose(matrix, cell, via or Via.auto, within=probe)
