"""`roa-spice program`: write-verify an array to wanted states, through its wires."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from netlists.commands._array import DrawnArray
from netlists.commands._dialect import CellOption, MatrixOption, ViaOption, dialect_of, require_ngspice
from netlists.commands._layer import note
from netlists.commands.tables import format_matrix, read_matrix
from netlists.decks.deck import How
from netlists.decks.dialect import CellModel, Matrix
from netlists.decks.spice_array import SpiceArray
from netlists.simulation.ngspice import Via
from netlists.simulation.run import DEFAULT_TIME_LIMIT
from netlists.simulation.simulators import Engine as Simulators
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.basics.units import engineering
from roa_circuit.chips.programmable import WiredArray
from roa_circuit.chips.write_verify import VerifiedWrite, write_verify
from roa_circuit.circuit.crossbar import SELECT_SCHEMES, Crossbar
from roa_circuit.circuit.design_point import CURRENT_SCALE
from roa_circuit.device.programming import Programming
from roa_circuit.presentation import console, options


class Engine(StrEnum):
    """What writes and reads the array."""

    surrogate = "surrogate"
    ngspice = "ngspice"
    vacask = "vacask"


@options.grouped
def program(
    *,
    target: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV of wanted states omega: rows x columns.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV of reached states to write.")
    ],
    start: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, metavar="OMEGA", help="omega of every cell before the first write."
        ),
    ] = 0.5,
    engine: Annotated[Engine, typer.Option(help="What writes and reads.")] = Engine.surrogate,
    tolerance: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, metavar="OMEGA", help="How far off a reading may be, in omega."),
    ] = 0.05,
    rounds: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Of write and verify, at most.")
    ] = 20,
    lines: options.Lines,
    scheme: Annotated[
        str, typer.Option(metavar="SCHEME", help=f"Select scheme: {', '.join(SELECT_SCHEMES)}.")
    ] = "V/2",
    circuit: options.CircuitFile = None,
    matrix: MatrixOption = Matrix.auto,
    cell: CellOption = CellModel.auto,
    via: ViaOption = Via.auto,
    imperfections: options.ImperfectionsFile = None,
    seed: options.Seed = 0,
    device: options.DeviceName = "zhang2021",
    current_scale: options.CurrentScale = CURRENT_SCALE,
    time_limit: options.TimeLimit = DEFAULT_TIME_LIMIT,
    json_file: options.Json = None,
) -> None:
    """Write, read back, correct, until every cell reads as wanted or cannot be helped."""
    check_writable(output, json_file)
    wanted = read_matrix(target, what="state omega", lowest=0.0, highest=1.0)
    drawn = DrawnArray.of(
        Crossbar(rows=wanted.shape[0], columns=wanted.shape[1], scheme=scheme),
        device=device,
        current_scale=current_scale,
        wiring=lines.wiring,
        circuit=circuit,
        imperfections=imperfections,
        seed=seed,
    )
    note(drawn.circuitry, lines.wiring)
    blank = np.full(wanted.shape, start)
    array: WiredArray | SpiceArray
    require_ngspice(via, engine)
    if engine is Engine.surrogate:
        array = WiredArray(drawn.chip, blank, drawn.device, drawn.circuitry)
    else:
        simulator = Simulators(str(engine))
        dialect = dialect_of(simulator, matrix, cell, via=via, charged=drawn.circuitry.stores_charge)
        how: How = {"circuitry": drawn.circuitry, "engine": simulator, "dialect": dialect}
        array = SpiceArray(drawn.chip, blank, drawn.device, time_limit=time_limit, **how)
    began = time.perf_counter()
    result = write_verify(array, wanted, drawn.device, Programming(), tolerance=tolerance, rounds=rounds)
    seconds = time.perf_counter() - began
    write_text(output, format_matrix(array.state))
    summary = {
        **result.to_dict(), "engine": str(engine), "tolerance": tolerance,
        "energy": array.energy or None, "seconds": seconds, **drawn.to_dict(), "states": str(output),
    }  # fmt: skip
    write_summary(json_file, summary)
    _show(result, array.energy, seconds)
    drawn.say_what_was_drawn()
    if result.failed.any():
        raise typer.Exit(1)


def _show(result: VerifiedWrite, energy: float, seconds: float) -> None:
    """A row for every round, and how the cells ended."""
    rows = [
        (str(n), f"{one.rms_error:.3f}", f"{one.worst_error:.3f}", str(one.outside), str(one.pulses))
        for n, one in enumerate(result.rounds, start=1)
    ]
    head = ["round", "rms error", "worst", "cells outside", "pulses"]
    console.out.print(console.table("Write-verify, errors in omega as read", head, rows))
    ends = ", ".join(f"{count} {name}" for name, count in result.counts().items() if count)
    spent = f"{result.pulses.sum()} pulses" + (f", {engineering(energy, 'J')}" if energy else "")
    console.say(f"{ends}; {spent}, in {seconds:.3g} s")
