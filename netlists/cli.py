"""roa-spice: crossbars as ngspice decks, solved, and verified against the surrogate."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import typer
from numpy.typing import NDArray

from netlists.costs import said
from netlists.deck import LARGEST_VOLTAGE, read_deck, sweep_deck, write_deck
from netlists.engines import Analysis, Phase
from netlists.ngspice import DEFAULT_TIME_LIMIT, simulate
from netlists.parallel import cores
from netlists.shipped import load_layer, shipped_layers
from netlists.tables import format_matrix, read_matrix
from netlists.verify import Verification, default_analysis, estimated_seconds
from netlists.verify import verify as run_verification
from roa_circuit import console
from roa_circuit.crossbar import Crossbar
from roa_circuit.dense import read_currents_dense
from roa_circuit.errors import InputError
from roa_circuit.in_situ import write_in_situ
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.mapping import voltage_from_input
from roa_circuit.parameters import Device, load_device
from roa_circuit.results import provenance, write_file, write_json, write_text
from roa_circuit.solver import read_currents
from roa_circuit.tiling import TileSize, split
from roa_circuit.units import parse_quantity

Floats = NDArray[np.float64]

app = typer.Typer(
    name="roa-spice",
    help="Crossbars in ngspice: decks, currents, and the proof that the surrogate is right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Transient(StrEnum):
    """Which transient a deck simulates."""

    write = "write"
    read = "read"


class Engine(StrEnum):
    """What computes the currents."""

    surrogate = "surrogate"
    dense = "dense"
    ngspice = "ngspice"


Layer = Annotated[str, typer.Option(help="A shipped layer ('fc') or a layer file (.npz).")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON.")]
Resistance = Annotated[str | None, typer.Option(help="[Ohm], with an SI prefix if you like: 4.7k.")]
Wires = Annotated[str | None, typer.Option(help="Both lines, [Ohm] a segment; 0 is a perfect wire.")]
Reads = Annotated[int | None, typer.Option(min=1, help="Only the first N reads of the layer.")]
TimeLimit = Annotated[
    float, typer.Option(min=0.1, max=1e6, help="Wall-clock seconds that ngspice may take.")
]


@app.callback()
def _root() -> None:
    """Crossbars in ngspice: decks, currents, and the proof that the surrogate is right."""


@app.command()
def netlist(
    output: Output,
    layer: Layer = "fc",
    phase: Annotated[
        Transient, typer.Option(help="The in-situ write, or the reads of what the surrogate wrote.")
    ] = Transient.read,
    reads: Reads = None,
    wire_resistance: Wires = None,
    source_resistance: Resistance = None,
    sense_resistance: Resistance = None,
    json_file: Json = None,
) -> None:
    """Write a layer's crossbar as a deck that plain `ngspice -b` runs."""
    _check_writable(output, json_file)
    chosen = _first_reads(load_layer(layer), reads)
    chosen = _rewired(chosen, wire_resistance, source_resistance, sense_resistance)
    crossbar, device, origin = chosen.crossbar, chosen.device, f"layer {chosen.name!r}"
    state = chosen.initial_state
    if phase is Transient.write:
        deck = write_deck(crossbar, state, chosen.pulses, device, origin=origin)
    else:
        state = write_in_situ(crossbar, state, chosen.pulses, device).state
        deck = read_deck(crossbar, state, _voltages(chosen), device, origin=origin)
    write_text(output, deck.text)
    summary = {
        "layer": chosen.name, "phase": str(phase), "rows": crossbar.rows, "columns": crossbar.columns,
        "seconds_simulated": deck.duration, "deck": str(output),
    }  # fmt: skip
    _report_json(json_file, summary)
    console.out.print(
        f"{output}: {phase} of layer {chosen.name}, {crossbar.rows} x {crossbar.columns} cells,"
        f" {deck.duration * 1e6:.4g} us; run it with: ngspice -b {output}",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def solve(
    states: Annotated[Path, typer.Option(help="CSV of omega in [0, 1]: rows x columns.")],
    inputs: Annotated[Path, typer.Option(help="CSV of word-line voltages [V]: reads x rows.")],
    output: Output,
    engine: Engine = Engine.surrogate,
    source_resistance: Resistance = None,
    word_resistance: Resistance = None,
    bit_resistance: Resistance = None,
    sense_resistance: Resistance = None,
    wire_resistance: Wires = None,
    device: Annotated[str, typer.Option(help="Parameter set: a name or a TOML file.")] = "zhang2021",
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    json_file: Json = None,
) -> None:
    """Sensed currents [A] (reads x columns) of any array: a matrix-vector product with wires."""
    _check_writable(output, json_file)
    cell = load_device(device)
    omega = read_matrix(states, what="state omega", lowest=0.0, highest=1.0)
    volts = read_matrix(inputs, what="input [V]", lowest=-LARGEST_VOLTAGE, highest=LARGEST_VOLTAGE)
    if volts.shape[1] != len(omega):
        raise InputError(
            f"{inputs}: {volts.shape[1]} numbers a line, but {states} has {len(omega)} lines:"
            " one input voltage per row of the array"
        )
    wires = _ohms("--wire-resistance", wire_resistance, default=0.0)
    crossbar = Crossbar(
        rows=omega.shape[0],
        columns=omega.shape[1],
        r_source=_ohms("--source-resistance", source_resistance, default=0.0),
        r_word=_ohms("--word-resistance", word_resistance, default=wires),
        r_bit=_ohms("--bit-resistance", bit_resistance, default=wires),
        r_sense=_ohms("--sense-resistance", sense_resistance, default=0.0),
    )
    started = time.perf_counter()
    currents, version = _solve(engine, crossbar, omega, volts, cell, time_limit)
    seconds = time.perf_counter() - started
    write_text(output, format_matrix(currents))
    summary: dict[str, Any] = {
        "engine": str(engine), "reads": len(volts), **crossbar.to_dict(), "device": cell.name,
        "seconds": seconds, "ngspice_version": version, "currents": str(output),
    }  # fmt: skip
    _report_json(json_file, summary)
    console.out.print(
        f"{output}: {len(volts)} x {crossbar.columns} currents [A] by {engine} in {seconds:.3g} s",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def verify(
    layer: Annotated[
        str, typer.Option(help="A shipped layer (conv1 ... conv4, fc), 'all' of them, or a layer file.")
    ] = "fc",
    phase: Annotated[Phase, typer.Option(help="What to verify.")] = Phase.both,
    tile: Annotated[
        str, typer.Option(help="Weights on one array, word lines x bit lines; larger layers are split.")
    ] = str(TileSize()),
    analysis: Annotated[
        Analysis | None,
        typer.Option(help="How ngspice reads: frozen cells suffice for reads alone (default there)."),
    ] = None,
    reads: Reads = None,
    wire_resistance: Wires = None,
    source_resistance: Resistance = None,
    sense_resistance: Resistance = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Tiles at a time; default: one a core.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.1, max=1e6, help="Wall-clock seconds; default: 600, or 5 times the estimate."
        ),
    ] = None,
    output_dir: Annotated[Path, typer.Option(help="Folder for report, plots and decks.")] = Path(
        "out/verify"
    ),
    json_file: Json = None,
) -> None:
    """Write and read layers in ngspice, tile by tile, and compare with the surrogate."""
    report, numbers = output_dir / "report.html", output_dir / "report.json"
    _check_writable(report, numbers, json_file)
    names = shipped_layers() if layer == "all" else [layer]
    chosen = [
        _rewired(
            _first_reads(load_layer(name), reads), wire_resistance, source_resistance, sense_resistance
        )
        for name in names
    ]
    size, analysis = TileSize.parse(tile), analysis or default_analysis(phase)
    seconds = sum(estimated_seconds(split(one, size), phase, analysis, workers) for one in chosen)
    _announce(chosen, size, phase, seconds, workers)
    deadline = time.monotonic() + (time_limit or max(DEFAULT_TIME_LIMIT, 5 * seconds))
    results = []
    for one in chosen:
        folder = output_dir / one.name if layer == "all" else output_dir
        how = {"tile": size, "phase": phase, "analysis": analysis, "workers": workers}
        results.append(_verify_one(one, how, folder, deadline))
    crossbars = [one.crossbar for one in chosen]
    options = {"phase": phase, "analysis": analysis, "tile": size, "reads": reads}
    if not _conclude(results, crossbars, options, output_dir, json_file):
        raise typer.Exit(1)


@app.command()
def doctor(json_file: Json = None) -> None:
    """Say which ngspice is here and what it can do, and test it on one cell."""
    from netlists.doctor import diagnose, rows

    _check_writable(json_file)
    found = diagnose()
    _report_json(json_file, found.to_dict())
    console.out.print(console.table("ngspice", ["", "found"], rows(found)))
    if not found.healthy:
        raise typer.Exit(1)


def main() -> NoReturn:
    """Entry point of `roa-spice`."""
    console.run(app)


def _solve(
    engine: Engine, crossbar: Crossbar, state: Floats, volts: Floats, device: Device, limit: float
) -> tuple[Floats, str | None]:
    """(currents (reads, columns) [A], ngspice's version if it was asked)."""
    if engine is Engine.surrogate:
        return read_currents(crossbar, state, volts, device), None
    if engine is Engine.dense:
        return read_currents_dense(crossbar, state, volts, device), None
    deck = sweep_deck(crossbar, state, volts, device)
    run = simulate(deck.text, name="solve", time_limit=limit)
    return run.matrix(deck.vectors, len(volts)), run.version


def _ohms(option: str, text: str | None, *, default: float) -> float:
    if text is None:
        return default
    value = parse_quantity(text, what=option, unit="Ohm")
    if value < 0:
        raise InputError(f"{option}: {text!r} must be 0 Ohm or more")
    return value


def _rewired(
    layer: ProgrammedLayer, wires: str | None, source: str | None, sense: str | None
) -> ProgrammedLayer:
    """The layer on another array: what the options leave out stays as it is."""
    old = layer.crossbar
    crossbar = dataclasses.replace(
        old,
        r_word=_ohms("--wire-resistance", wires, default=old.r_word),
        r_bit=_ohms("--wire-resistance", wires, default=old.r_bit),
        r_source=_ohms("--source-resistance", source, default=old.r_source),
        r_sense=_ohms("--sense-resistance", sense, default=old.r_sense),
    )
    return dataclasses.replace(layer, crossbar=crossbar)


def _first_reads(layer: ProgrammedLayer, reads: int | None) -> ProgrammedLayer:
    if reads is None:
        return layer
    if reads > len(layer.inputs):
        raise InputError(f"--reads: layer {layer.name!r} has {len(layer.inputs)} reads, not {reads}")
    return dataclasses.replace(layer, inputs=layer.inputs[:reads], labels=layer.labels[:reads])


def _verify_one(
    layer: ProgrammedLayer, how: dict[str, Any], folder: Path, deadline: float
) -> Verification:
    """Verify one layer with a progress bar, leave its decks and plot, show its table."""
    from netlists.report import headline, save_plot, summary_rows

    left = max(deadline - time.monotonic(), 0.1)
    with _progress(f"ngspice, layer {layer.name}") as advance:
        result = run_verification(layer, **how, time_limit=left, progress=advance, keep_in=folder)
    write_file(folder / "verify.png", partial(save_plot, result))
    console.out.print(console.table(headline(result), ["", "value", "limit"], summary_rows(result)))
    return result


def _conclude(
    results: list[Verification],
    crossbars: list[Crossbar],
    options: dict[str, Any],
    folder: Path,
    json_file: Path | None,
) -> bool:
    """Write the report and its numbers, say where; whether every layer passed."""
    from netlists.report import totals
    from netlists.report_page import page

    summary = {**totals(results, crossbars), "options": {k: _plain(v) for k, v in options.items()}}
    write_text(folder / "report.html", page(results, crossbars, options))
    _report_json(folder / "report.json", summary)
    _report_json(json_file, summary)
    passed = bool(summary["passed"])
    console.out.print(f"{'[bold green]passed[/]' if passed else '[bold red]FAILED[/]'}  ", end="")
    took, expected = said(summary["wall_seconds"]), said(summary["estimated_seconds"])
    console.out.print(
        f"report {folder / 'report.html'}, decks beside it; ngspice took {took}, expected {expected}",
        markup=False,
        soft_wrap=True,
    )
    return passed


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)


def _announce(
    layers: list[ProgrammedLayer], size: TileSize, phase: Phase, seconds: float, workers: int | None
) -> None:
    """What is about to run, and how long it will take."""
    tiles = sum(len(split(layer, size)) for layer in layers)
    names = ", ".join(layer.name for layer in layers)
    console.err.print(
        f"{names}: {'write and read' if phase is Phase.both else phase} of {tiles} tile(s) of up to"
        f" {size} weights; about {said(seconds)} on {workers or cores()} core(s)",
        markup=False,
        soft_wrap=True,
    )


def _voltages(layer: ProgrammedLayer) -> Floats:
    return np.asarray(voltage_from_input(layer.inputs))


def _check_writable(*paths: Path | None) -> None:
    """Find out before the work, not after it, that its result has no place; touch nothing."""
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name a file")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            raise InputError(f"{path}: cannot be written: {folder} is not a folder")
        if not os.access(folder, os.W_OK):
            raise InputError(f"{path}: cannot be written: no permission in {folder}")


def _report_json(path: Path | None, summary: dict[str, Any]) -> None:
    if path is not None:
        write_json(path, {**summary, "provenance": provenance()})


@contextmanager
def _progress(description: str) -> Iterator[Callable[[float], None]]:
    with console.progress() as bar:
        line = bar.add_task(description, total=100)
        yield lambda fraction: bar.update(line, completed=round(100 * fraction))
