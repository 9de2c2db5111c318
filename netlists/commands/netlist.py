"""`roa-spice netlist`: a layer's crossbar as a deck."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from netlists.commands._dialect import CellModelFile, CellOption, MatrixOption, dialect_of, source_of
from netlists.commands._layer import Layer, Reads, layer_on, note
from netlists.commands._module import OwnNetwork
from netlists.commands._unused import OF_AGE, OF_READOUTS, OF_READS, draws, ignored, seed_of
from netlists.decks.deck import How, read_deck, write_deck
from netlists.decks.dialect import CellModel, Dialect, Matrix
from netlists.decks.languages import Language, exported
from netlists.decks.runnable import Deck
from netlists.simulation.simulators import Engine
from netlists.verification.engines import voltages
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.chips import idle
from roa_circuit.chips.circuitry import BARE
from roa_circuit.chips.draw import draw
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit import footing
from roa_circuit.presentation import circuit_options, console, options, standing


class Transient(StrEnum):
    """Which transient a deck simulates."""

    write = "write"
    read = "read"


@options.grouped
def netlist(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The deck to write.")],
    layer: Layer = "fc",
    network: OwnNetwork,
    phase: Annotated[
        Transient, typer.Option(help="The in-situ write, or the reads of what the surrogate wrote.")
    ] = Transient.read,
    engine: Annotated[
        Engine | None,
        typer.Option(help="The simulator whose language it is; default: ngspice."),
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option(help="Another simulator's language in place of --engine; not run here."),
    ] = None,
    reads: Reads = None,
    device: circuit_options.OtherDevice = None,
    mapping: circuit_options.MappingName = None,
    lines: circuit_options.Lines,
    circuit: circuit_options.CircuitFile = None,
    matrix: MatrixOption = None,
    cell: CellOption = None,
    cell_model: CellModelFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    seed: circuit_options.Seed = None,
    json_file: options.Json = None,
) -> None:
    """Write a layer's crossbar as a deck that plain `ngspice -b`, or `vacask`, runs.

    `--language` writes it for LTspice, Xyce, Spectre or HSPICE instead; none was at hand to run it.
    """
    check_writable(output, json_file)
    _require_alone(language, engine, matrix, cell, cell_model)
    engine = engine or Engine.ngspice
    if phase is Transient.write:
        if reads is not None:
            raise InputError(f"--reads {reads}: the deck of a write has no reads; leave it out")
        names = (*OF_READS, *OF_AGE, "sigma_wn", "read_disturb")
        why = "the deck ends before noise of the write and any read"
        unused = ignored(imperfections, names, why)
        unused += circuit_options.idle_circuit(circuit, idle.OF_READS, why)
    else:
        unused = circuit_options.idle_circuit(circuit)
        unused += ignored(imperfections, OF_READOUTS, "the deck is of the array, without its readout")
    drawn_by, needless = seed_of(seed, drawn=draws(imperfections))
    circuitry = circuit or BARE
    chosen = layer_on(
        layer, reads=reads, device=device, mapping=mapping, wiring=lines.wiring, circuitry=circuitry,
        network=network,
    )  # fmt: skip
    if phase is Transient.read:
        unused += circuit_options.without_subtractors(imperfections, chosen.mapping)
    note(circuitry, lines.wiring)
    rng = np.random.default_rng(drawn_by)
    chip = draw(imperfections, chosen.crossbar, chosen.device, rng, mapping=chosen.mapping)
    crossbar, cells, origin = chip.crossbar, chip.device, f"layer {chosen.name!r}"
    if imperfections:
        origin += f", imperfections of seed {drawn_by}: {chip.described()}"
    state = chip.start(chosen.initial_state)
    dialect = _plain_dialect(engine, matrix, cell, charged=circuitry.stores_charge)
    how: How = {"origin": origin, "engine": engine, "circuitry": circuitry, "dialect": dialect}
    how["cell_source"] = source_of(cell_model, engine, dialect)
    if phase is Transient.write:
        deck = write_deck(crossbar, state, chosen.pulses, cells, **how)
    else:
        transistor = circuitry.transistor
        outcome = write_in_situ(crossbar, state, chosen.pulses, cells, transistor=transistor)
        state = chip.written(state, outcome.state, chosen.pulses)
        volts = chip.drive(voltages(chosen))
        how["mapping"], how["subtractors"] = chosen.mapping, chip.subtractors
        deck = read_deck(crossbar, state, volts, chip.read_device, **how)
    _write(deck, language, output)
    summary = {
        "layer": chosen.name, "phase": str(phase), "rows": crossbar.rows, "columns": crossbar.columns,
        "engine": None if language else str(engine), "language": language and str(language),
        "seconds_simulated": deck.duration, "deck": str(output), "circuit": circuitry.to_dict(),
        "reads": None if phase is Transient.write else len(chosen.inputs),
        "slices": None if phase is Transient.write else chip.slices.count,
        **footing.to_dict(chosen.device, chosen.crossbar),
        "ignored": [*unused, *needless],
        "drawn": {"seed": drawn_by, **chip.summary()} if imperfections else None,
    }  # fmt: skip
    write_summary(json_file, summary)
    if phase is not Transient.write and chip.slices.count > 1:
        console.say(f"each input is read in {chip.slices.count} slices, the least bits first")
    command = f"{(language or engine).command} {shlex.quote(str(output))}"
    console.say(
        f"{output}: {phase} of layer {chosen.name}, {crossbar.rows} x {crossbar.columns} cells,"
        f" {deck.duration * 1e6:.4g} us; run it with: {command}"
        + (f" (not run here: {language} was not at hand)" if language else "")
    )
    standing.say(chosen.device, chosen.crossbar, amplifier=circuitry.amplifier)
    if imperfections:
        console.say(f"seed {drawn_by}: {chip.described()}")


def _plain_dialect(
    engine: Engine, matrix: Matrix | None, cell: CellModel | None, *, charged: bool
) -> Dialect:
    """The dialect that was asked for; by default the one that every ngspice runs."""
    if engine is Engine.ngspice:
        matrix, cell = matrix or Matrix.sparse, cell or CellModel.behavioural
    return dialect_of(engine, matrix, cell, charged=charged)


def _require_alone(
    language: Language | None,
    engine: Engine | None,
    matrix: Matrix | None,
    cell: CellModel | None,
    cell_model: Path | None,
) -> None:
    """Raise InputError where options of ngspice's or VACASK's decks meet another language."""
    if language is None:
        return
    for option, value in (
        ("--engine", engine), ("--matrix", matrix), ("--cell", cell), ("--cell-model", cell_model),
    ):  # fmt: skip
        if value is not None:
            raise InputError(
                f"{option} {value}: changes nothing of a deck with --language {language}; leave one out"
            )


def _write(deck: Deck, language: Language | None, path: Path) -> None:
    """Write the deck, and what it includes beside it."""
    if language is None:
        deck.write(path)
        return
    files = {
        path.parent / name if name else path: text
        for name, text in exported(deck.circuit, language).items()
    }
    for beside, text in files.items():
        if beside != path and beside.exists() and beside.read_text(encoding="utf-8") != text:
            raise InputError(
                f"{beside}: is the model of another device, which decks beside it include; give another"
                " folder, or move it away"
            )
    for file, text in files.items():
        write_text(file, text)
