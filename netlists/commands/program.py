"""`roa-spice program`: write-verify an array to wanted states, through its wires."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from netlists.commands._array import DrawnArray
from netlists.commands._dialect import (
    CellOption,
    MatrixOption,
    ViaOption,
    dialect_of,
    require_no_simulator,
)
from netlists.commands._expected import expect_rounds
from netlists.commands._layer import note
from netlists.commands._states import Conductances, read_states
from netlists.commands._unused import OF_AGE, draws, ignored, seed_of
from netlists.commands.tables import format_matrix, read_matrix
from netlists.decks.deck import How
from netlists.decks.dialect import CellModel, Matrix
from netlists.decks.spice_array import SpiceArray
from netlists.simulation.ngspice import Via
from netlists.simulation.run import DEFAULT_TIME_LIMIT
from netlists.simulation.simulators import Engine as Simulators
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.basics.units import engineering
from roa_circuit.chips.programmable import WiredArray
from roa_circuit.chips.read_energy import read_energy
from roa_circuit.chips.write_verify import VerifiedWrite, first_round, write_verify
from roa_circuit.circuit.crossbar import SELECT_SCHEMES
from roa_circuit.circuit.design_point import chosen_device, default_crossbar
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.pairs import PairWrite
from roa_circuit.circuit.waveforms import write_programme
from roa_circuit.device.programming import Programming
from roa_circuit.presentation import circuit_options, console, options

Floats = NDArray[np.float64]


class Engine(StrEnum):
    """What writes and reads the array."""

    surrogate = "surrogate"
    ngspice = "ngspice"
    vacask = "vacask"


@options.grouped
def program(
    *,
    wanted: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="CSV of wanted states omega: rows x columns; with --mapping, of weights g.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV of reached states to write.")
    ],
    conductances: Conductances = False,
    mapping: circuit_options.MappingName = None,
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
    lines: circuit_options.Lines,
    scheme: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEME",
            help=f"Select scheme: {', '.join(SELECT_SCHEMES)}. Default: V/2, or the transistors.",
        ),
    ] = None,
    circuit: circuit_options.CircuitFile = None,
    matrix: MatrixOption = None,
    cell: CellOption = None,
    via: ViaOption = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    seed: circuit_options.Seed = None,
    device: circuit_options.DeviceName = None,
    current_scale: circuit_options.CurrentScale = None,
    time_limit: options.TimeLimit = None,
    json_file: options.Json = None,
) -> None:
    """Write, read back, correct, until every cell reads as wanted or cannot be helped."""
    check_writable(output, json_file)
    if scheme and circuit and circuit.transistor:
        raise InputError(
            f"--scheme {scheme}: rows are selected by the circuit's transistors; leave it out, or take"
            " [transistor] out of the circuit's file"
        )
    unused = ignored(imperfections, OF_AGE, "program reads right after it wrote")
    unused += circuit_options.without_subtractors(imperfections, mapping)
    if engine is Engine.surrogate:
        unused += circuit_options.idle_in_settled_reads(circuit)
    else:
        unused += circuit_options.idle_circuit(circuit)
    cells = chosen_device(device, current_scale)
    drawn_by, needless = seed_of(seed, drawn=draws(imperfections))
    if mapping is not None and mapping.write is not PairWrite.raise_:
        raise InputError(
            f"--mapping {mapping}: write-verify brings each cell to a state of its own, however pairs"
            " are written; give --mapping pair"
        )
    if mapping is None:
        states = read_states(wanted, cells if conductances else None)
    elif conductances:
        raise InputError(
            "--conductances: with --mapping the file has weights g in [-1, 1]; leave one out"
        )
    else:
        states = mapping.states_of(read_matrix(wanted, what="weight g", lowest=-1.0, highest=1.0))
    drawn = DrawnArray.of(
        replace(default_crossbar(*states.shape), scheme=scheme or "V/2"),
        cells,
        wiring=lines.wiring,
        circuit=circuit,
        imperfections=imperfections,
        seed=drawn_by,
        mapping=mapping or REFERENCE,
    )
    note(drawn.circuitry, lines.wiring)
    blank = np.full(states.shape, start)
    array: WiredArray | SpiceArray
    if engine is Engine.surrogate:
        require_no_simulator(engine, matrix, cell, via, time_limit)
        array = WiredArray(drawn.chip, blank, drawn.device, drawn.circuitry)
    else:
        array = _in_simulator(drawn, blank, Simulators(str(engine)), (matrix, cell, via), time_limit)
        first = first_round(blank, states, drawn.device, tolerance)
        expect_rounds(array, sum(1 for _ in write_programme(first, drawn.device)), rounds)
    began = time.perf_counter()
    result = write_verify(array, states, drawn.device, Programming(), tolerance=tolerance, rounds=rounds)
    seconds = time.perf_counter() - began
    write_text(output, format_matrix(array.state))
    volts = drawn.device.pulses.read_voltage * np.eye(len(array.state))
    reads = (drawn.chip, drawn.circuitry, array.state, drawn.chip.drive(volts))
    of_reads = read_energy([reads], slices=drawn.chip.slices.count)
    summary = {
        **result.to_dict(), "engine": str(engine), "tolerance": tolerance,
        "read_energy": of_reads.to_dict(), "energy": array.energy or None,
        "seconds": seconds, **drawn.to_dict(), "states": str(output),
        "ignored": [*unused, *needless], "converters": [use.to_dict() for use in array.usage.uses()],
        **_of_weights(mapping, states, array.state),
    }  # fmt: skip
    write_summary(json_file, summary)
    _show(result, array.energy, seconds)
    if mapping:
        worst = summary["worst_weight_error"]
        console.say(f"mapping {mapping}: {mapping.said}; weights g within {worst:.2g} of those wanted")
    console.say(f"verification, a row at a time: {of_reads.said()}")
    drawn.say_what_it_is()
    for text in array.usage.warnings:
        console.say(text)
    if result.failed.any():
        raise typer.Exit(1)


def _in_simulator(
    drawn: DrawnArray,
    start: Floats,
    engine: Simulators,
    asked: tuple[Matrix | None, CellModel | None, Via | None],
    time_limit: float | None,
) -> SpiceArray:
    """The array with cells at `start`, in a simulator."""
    charged = drawn.circuitry.stores_charge
    dialect = dialect_of(engine, *asked, charged=charged, within=time_limit)
    how: How = {"circuitry": drawn.circuitry, "engine": engine, "dialect": dialect}
    limit = time_limit or DEFAULT_TIME_LIMIT
    return SpiceArray(drawn.chip, start, drawn.device, time_limit=limit, **how)


def _of_weights(mapping: Mapping | None, wanted: Floats, reached: Floats) -> dict[str, Any]:
    """What the weights came to, where the target was weights."""
    if mapping is None:
        return {}
    errors = mapping.weights_of(reached) - mapping.weights_of(wanted)
    return {"mapping": str(mapping), "worst_weight_error": float(np.abs(errors).max())}


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
    console.say(f"{ends}; {spent}; computed in {seconds:.3g} s")
