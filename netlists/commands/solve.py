"""`roa-spice solve`: the currents of any array, by any engine."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
from netlists.commands._expected import expect
from netlists.commands._layer import note, say_of_reads
from netlists.commands._states import Conductances, read_states
from netlists.commands._unused import OF_AGE, OF_WRITES, draws, idle_where_held, ignored, seed_of
from netlists.commands.tables import format_matrix, read_matrix
from netlists.decks import costs
from netlists.decks.checks import LARGEST_VOLTAGE
from netlists.decks.deck import How, sweep_deck
from netlists.decks.dialect import CellModel, Matrix
from netlists.simulation import simulators
from netlists.simulation.ngspice import Via
from netlists.simulation.run import DEFAULT_MEMORY_LIMIT, DEFAULT_TIME_LIMIT
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.chips.converter_use import uses
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.read_disturb import moved_by_a_read
from roa_circuit.chips.read_energy import read_energy
from roa_circuit.chips.settling import require_settled_reads
from roa_circuit.circuit.design_point import chosen_device, default_crossbar
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.parameters import Device
from roa_circuit.presentation import circuit_options, console, options

Floats = NDArray[np.float64]

_LARGE = 1024  # cells from which sweeps take longer than finding out what ngspice can do


class Engine(StrEnum):
    """What computes the currents."""

    surrogate = "surrogate"
    dense = "dense"
    ngspice = "ngspice"
    vacask = "vacask"


@options.grouped
def solve(
    *,
    states: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV of omega in [0, 1]: rows x columns.")
    ],
    conductances: Conductances = False,
    inputs: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV of word-line voltages [V]: reads x rows.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV of currents to write.")
    ],
    engine: Annotated[Engine, typer.Option(help="What solves the circuit.")] = Engine.surrogate,
    lines: circuit_options.Lines,
    word_resistance: circuit_options.WordResistance = None,
    bit_resistance: circuit_options.BitResistance = None,
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
    """Sensed currents [A] (reads x columns) of any array: a matrix-vector product with wires."""
    check_writable(output, json_file)
    unused = ignored(imperfections, (*OF_WRITES, *OF_AGE), "solve only reads, states as they are")
    why = "solve gives the current of every bit line, and subtracts none"
    unused += circuit_options.without_subtractors(imperfections, None, why=why)
    if imperfections:
        imperfections = dataclasses.replace(imperfections, age=0.0)
    drawn_by, needless = seed_of(seed, drawn=draws(imperfections))
    cells = chosen_device(device, current_scale)
    if None not in (lines.wire_resistance, word_resistance, bit_resistance):
        raise InputError(
            "--wire-resistance: --word-resistance and --bit-resistance give both lines theirs; leave it"
            " out"
        )
    omega, volts = _contents(states, inputs, cells if conductances else None)
    wiring = Wiring(r_word=word_resistance, r_bit=bit_resistance).over(lines.wiring)
    array = DrawnArray.of(
        default_crossbar(*omega.shape),
        cells,
        wiring=wiring,
        circuit=circuit,
        imperfections=imperfections,
        seed=drawn_by,
    )
    chip = array.chip
    require_settled_reads(chip.crossbar, chip.device, array.circuitry)
    needless += idle_where_held(chip.crossbar, chip.device, array.circuitry)
    _require_unipolar(volts, imperfections)
    omega, asked = chip.start(omega), volts
    volts = chip.drive(asked)
    note(array.circuitry, wiring)
    solved = _solver(engine, (matrix, cell, via), array, time_limit)
    started = time.perf_counter()
    currents, version = solved(omega, volts)
    used = uses([(chip, asked, currents)])
    currents = chip.sense(currents, omega, volts)
    seconds = time.perf_counter() - started
    write_text(output, format_matrix(currents))
    moved = moved_by_a_read(omega, volts, chip.device)
    energy = read_energy([(chip, array.circuitry, omega, volts)], slices=chip.slices.count)
    summary = {
        "engine": str(engine), "reads": len(asked), **array.to_dict(writes=False), "seconds": seconds,
        "engine_version": version, "ngspice_version": version if engine is Engine.ngspice else None,
        "ignored": [*unused, *needless], "currents": str(output),
        "read_disturb": moved, "converters": [use.to_dict() for use in used],
        "read_energy": energy.to_dict(),
    }  # fmt: skip
    write_summary(json_file, summary)
    size = f"{len(asked)} x {array.crossbar.columns}"
    console.say(f"{output}: {size} currents [A] by {engine} in {seconds:.3g} s")
    console.say(energy.said())
    array.say_what_it_is(writes=False)
    say_of_reads(used, moved, volts)


def _require_unipolar(volts: Floats, x: Imperfections | None) -> None:
    """Raise InputError where voltages (reads, rows) [V] below 0 meet converters that begin at 0."""
    below = np.argwhere(volts < 0)
    for name in ("dac_bits", "adc_bits"):
        if len(below) and getattr(x, name, 0):
            read, row = below[0]
            raise InputError(
                f"--imperfections: {name}: codes begin at 0, and row {row} of read {read} is"
                f" {volts[read, row]:.4g} V; solve max(V, 0) and max(-V, 0) apart and subtract,"
                f" or leave {name} out"
            )


def _contents(states: Path, inputs: Path, siemens: Device | None) -> tuple[Floats, Floats]:
    """(omega (rows, columns), voltages (reads, rows) [V]) of two files that must fit each other.

    siemens : the device whose conductances [S] the first file holds; None where it holds omega
    """
    omega = read_states(states, siemens)
    volts = read_matrix(inputs, what="input [V]", lowest=-LARGEST_VOLTAGE, highest=LARGEST_VOLTAGE)
    if volts.shape[1] != len(omega):
        raise InputError(
            f"{inputs}: {volts.shape[1]} numbers a line, but {states} has {len(omega)} lines:"
            " one input voltage per row of the array"
        )
    return omega, volts


Solver = Callable[[Floats, Floats], tuple[Floats, str | None]]
"""From states and voltages to (currents (reads, columns) [A], the version of a simulator)."""


def _solver(
    engine: Engine,
    asked: tuple[Matrix | None, CellModel | None, Via | None],
    array: DrawnArray,
    time_limit: float | None,
) -> Solver:
    """What solves the chip of an array: the surrogate, its dense twin, or a simulator."""
    chip, circuitry = array.chip, array.circuitry

    def by_surrogate(state: Floats, volts: Floats) -> tuple[Floats, None]:
        seen = circuitry.settled(chip.crossbar, state, chip.device)
        is_dense = engine is Engine.dense
        return seen.densely(volts) if is_dense else seen.currents(volts), None

    if engine in (Engine.surrogate, Engine.dense):
        require_no_simulator(engine, *asked, time_limit)
        return by_surrogate
    limit = time_limit or DEFAULT_TIME_LIMIT
    simulator = simulators.Engine(engine)
    brief = math.prod(array.crossbar.shape) < _LARGE
    dialect = dialect_of(simulator, *asked, brief=brief, within=time_limit)
    how: How = {"circuitry": circuitry, "engine": simulator, "dialect": dialect}

    def by_simulator(state: Floats, volts: Floats) -> tuple[Floats, str]:
        what = f"{len(volts)} reads of {len(state)} x {state.shape[1]} cells in {engine}"
        prices = costs.prices(simulator, dialect, circuitry)
        costs.require_memory(prices.bytes(chip.crossbar), DEFAULT_MEMORY_LIMIT, what)
        seconds = prices.sweep_seconds(chip.crossbar, len(volts))
        costs.require_time(seconds, limit, what)
        expect(what, seconds)
        deck = sweep_deck(chip.crossbar, state, volts, chip.device, **how)
        run = deck.run(name="solve", time_limit=limit)
        return deck.measured(run), run.version

    return by_simulator
