"""`roa-spice verify`: layers in full transients of the whole array, against the surrogate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Annotated, Any

import typer

from netlists.commands._dialect import (
    CellModelFile,
    CellOption,
    MatrixOption,
    ViaOption,
    dialect_of,
    source_of,
)
from netlists.commands._earlier import clear
from netlists.commands._layer import Reads, layer_on, note
from netlists.commands._module import OwnNetwork
from netlists.commands._unused import OF_AGE, OF_READS, draws, ignored, seed_of
from netlists.decks import costs
from netlists.decks.costs import Prices, said
from netlists.decks.dialect import PLAIN
from netlists.layers.shipped import shipped_layers
from netlists.simulation.ngspice import Via, driven
from netlists.simulation.run import DEFAULT_TIME_LIMIT
from netlists.simulation.simulators import Engine
from netlists.verification.choice import chosen_engine
from netlists.verification.collocation import Chosen
from netlists.verification.engines import Analysis, Phase
from netlists.verification.result import Verification
from netlists.verification.samples import Arrays
from netlists.verification.testbench import Testbench
from netlists.verification.verify import chosen_pulses, estimated_seconds
from netlists.verification.verify import verify as run_verification
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.locks import held
from roa_circuit.basics.machine import cores
from roa_circuit.basics.results import check_writable, write_file, write_json, write_text
from roa_circuit.basics.units import counted
from roa_circuit.chips import idle
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import NOTHING, Compensation
from roa_circuit.layers.tiling import Tile, TileSize, sample, split
from roa_circuit.presentation import circuit_options, console, drawing, options, standing

_LIGHT = 1024  # cells of an array whose waveforms are kept unasked: some 10 MB


@options.grouped
def verify(
    *,
    context: typer.Context,
    layer: Annotated[
        str,
        typer.Option(
            metavar="LAYER",
            help="A shipped layer (conv1 ... conv4, fc), 'all' of them, a layer file, or of --module.",
        ),
    ] = "fc",
    network: OwnNetwork,
    phase: Annotated[Phase, typer.Option(help="What to verify.")] = Phase.both,
    tile: circuit_options.TileOption = str(TileSize()),
    tiles: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Only N of a layer's tiles, drawn by --seed."),
    ] = None,
    analysis: Annotated[
        Analysis | None,
        typer.Option(
            help="Transients, reads as a sweep of frozen cells (default of reads alone), or collocation"
            " (default of writes of large arrays)."
        ),
    ] = None,
    pulses: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="By collocation: only N of a layer's pulses, drawn by --seed."
        ),
    ] = None,
    engine: Annotated[
        Engine | None,
        typer.Option(
            help="The circuit simulator; default: ngspice, or VACASK where it is installed and ngspice"
            " would take twice as long and over two minutes."
        ),
    ] = None,
    reads: Reads = None,
    compensation: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="nothing, or placed: initial states mapped for the wires; placed@1.1 misjudges them.",
        ),
    ] = NOTHING,
    device: circuit_options.OtherDevice = None,
    mapping: circuit_options.MappingName = None,
    lines: circuit_options.Lines,
    circuit: circuit_options.CircuitFile = None,
    matrix: MatrixOption = None,
    cell: CellOption = None,
    via: ViaOption = None,
    cell_model: CellModelFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
    seed: circuit_options.Seed = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, metavar="N", help="Tiles at a time; default: one a core."),
    ] = None,
    time_limit: options.TimeLimit = None,
    output_dir: Annotated[Path, options.folder("Of report, plots and decks.")] = Path("out/verify"),
    figures: options.Figures = False,
    waveforms: Annotated[
        bool, options.flag("--waveforms", "Also write what was computed over time: .raw and NetCDF.")
    ] = False,
    json_file: options.Json = None,
) -> None:
    """Write and read layers in a circuit simulator, tile by tile, and compare with the surrogate.

    A write by collocation is not stepped through: the simulator finds the voltages of all cells before
    and after each pulse, the law is integrated with them, and a few pulses are transients as well.
    """
    imperfections = circuit_options.aged(imperfections, age)
    check_writable(output_dir / "report.html", output_dir / "report.json", json_file)
    if phase is Phase.write:
        if reads is not None:
            raise InputError(f"--reads {reads}: --phase write reads nothing; leave it out")
        unused = ignored(imperfections, (*OF_READS, *OF_AGE), "--phase write reads nothing")
        unused += circuit_options.idle_circuit(circuit, idle.OF_READS, "--phase write reads nothing")
    else:
        unused = circuit_options.idle(imperfections) + circuit_options.idle_circuit(circuit)
    context.with_resource(held(output_dir, "another verification"))
    drawn_by, names = seed or 0, shipped_layers() if layer == "all" else [layer]
    circuitry, own = circuit or BARE, engine or Engine.ngspice
    chosen = [
        layer_on(
            name,
            reads=reads,
            device=device,
            mapping=mapping,
            wiring=lines.wiring,
            circuitry=circuitry,
            network=network,
        )
        for name in names
    ]
    if phase is not Phase.write:
        unused += circuit_options.without_subtractors(imperfections, *(one.mapping for one in chosen))
    size = TileSize.parse(tile)
    (driven(via or Via.auto) if own is Engine.ngspice else own.simulator).find()
    dialect = dialect_of(own, matrix, cell, via, charged=circuitry.stores_charge, within=time_limit)
    arrays = Arrays(
        tile=size, tiles=tiles, circuitry=circuitry, imperfections=imperfections, seed=drawn_by,
        compensation=Compensation.parse(compensation),
    )  # fmt: skip
    bench = Testbench(
        phase=phase,
        analysis=analysis,
        pulses=pulses,
        engine=own,
        dialect=dialect,
        workers=workers,
        cell_source=source_of(cell_model, own, dialect),
    )
    drawn, whole = _drawn(chosen, size, tiles, drawn_by)
    analyses = [bench.analysis_of(some, circuitry) for some in drawn]
    unused += console.ignored("--tiles", tiles, "no layer has more") if whole else []
    by_chance = draws(imperfections) or not whole or Analysis.collocation in analyses
    unused += seed_of(seed, drawn=by_chance)[1]
    collocated = [
        _pulses_of(some, how, pulses, drawn_by) for some, how in zip(drawn, analyses, strict=True)
    ]
    unused += _pulses_beyond(pulses, collocated)
    seconds_at = partial(_seconds_at, drawn, bench, analyses, collocated, imperfections)
    if (engine, matrix, cell, via) == (None,) * 4:
        bench = _quicker(bench, seconds_at, chosen, circuitry)
    seconds = seconds_at(costs.prices(bench.engine, bench.dialect, circuitry))
    _announce(chosen, sum(map(len, drawn)), size, phase, seconds, bench.engine, workers)
    note(circuitry, lines.wiring)
    clear(output_dir)
    deadline = time.monotonic() + (time_limit or max(DEFAULT_TIME_LIMIT, 5 * seconds))
    results = []
    for one, some in zip(chosen, drawn, strict=True):
        folder = output_dir / one.name if layer == "all" else output_dir
        left = replace(bench, time_limit=max(deadline - time.monotonic(), 0.1))
        recorded = waveforms or _is_light(some)
        results.append(_verify_one(one, arrays, left, keep_in=folder, recorded=recorded))
    if waveforms and not any(result.recordings for result in results):
        why = "collocation steps through no time, and records none; --analysis transient does"
        unused += console.ignored("--waveforms", "", why)
    report = _Report(
        results=results,
        layers=chosen,
        asked={
            "phase": phase, "analysis": " and ".join(dict.fromkeys(analyses)), "tile": size,
            "tiles": tiles, "pulses": pulses, "reads": reads, "engine": bench.engine, "seed": drawn_by,
            "compensation": compensation, "ignored": unused, "cell_model": cell_model,
            "mapping": chosen[0].mapping,
        },
        made=console.provenance(inputs=[Path(layer)] if Path(layer).is_file() else []),
        folder=output_dir,
    )  # fmt: skip
    report.write_page(with_figures=figures)
    if waveforms:
        report.write_waveforms()
    if not report.conclude(json_file):
        raise typer.Exit(1)


@dataclass(frozen=True, kw_only=True)
class _Report:
    """The results of all layers, and the files that tell of them.

    asked : the options as given; made : the command, its files, versions and time
    """

    results: list[Verification]
    layers: list[ProgrammedLayer]
    asked: dict[str, Any]
    made: dict[str, Any]
    folder: Path

    def write_page(self, *, with_figures: bool) -> None:
        """Write the page, and its figures as files of their own if wanted."""
        from netlists.verification.figures import drawings
        from netlists.verification.page import page

        drawn = [drawings(result) for result in self.results]
        html = page(self.results, self.layers, self.asked, drawn, self.made).to_html()
        write_text(self.folder / "report.html", html)
        if with_figures:
            for name, content in drawing.files([one for layer in drawn for one in layer]).items():
                write_file(self.folder / "figures" / name, methodcaller("write", content))

    def write_waveforms(self) -> None:
        """Write what every deck recorded, beside the deck."""
        for result in self.results:
            place = self.folder / result.layer if len(self.results) > 1 else self.folder
            for one in result.recordings:
                write_file(place / f"{one.name}.raw", partial(one.write_raw, provenance=self.made))
                write_file(place / f"{one.name}.nc", partial(one.write_netcdf, provenance=self.made))

    def conclude(self, json_file: Path | None) -> bool:
        """Write the numbers and say the outcome; True if every layer passed."""
        from netlists.verification.report import totals

        summary = {
            **totals(self.results, self.layers),
            "options": {name: _plain(value) for name, value in self.asked.items()},
            "provenance": self.made,
        }
        write_json(self.folder / "report.json", summary)
        if json_file is not None:
            write_json(json_file, summary)
        passed = bool(summary["passed"])
        console.out.print(f"{'[bold green]passed[/]' if passed else '[bold red]FAILED[/]'}  ", end="")
        took, expected = said(summary["wall_seconds"]), said(summary["estimated_seconds"])
        engine = self.results[0].engine
        console.say(
            f"report {self.folder / 'report.html'}, decks beside it; {engine} took {took},"
            f" expected {expected}"
        )
        return passed


def _quicker(
    bench: Testbench,
    seconds_at: Callable[[Prices], float],
    layers: Sequence[ProgrammedLayer],
    circuitry: Circuitry,
) -> Testbench:
    """The testbench, in VACASK and with a line about it where ngspice would take long."""
    relays = not circuitry.transistor and any(one.crossbar.scheme == "ideal" for one in layers)
    engine, why = chosen_engine(seconds_at, bench.dialect, circuitry, relays=relays)
    if why:
        console.remark(why)
    return replace(bench, engine=engine, dialect=PLAIN if why else bench.dialect)


def _drawn(
    layers: Sequence[ProgrammedLayer], size: TileSize, tiles: int | None, seed: int
) -> tuple[list[tuple[Tile, ...]], bool]:
    """(the tiles of every layer that are simulated, whether these are all)."""
    parts = [split(one, size) for one in layers]
    drawn = [sample(every, tiles, seed) for every in parts]
    return drawn, list(map(len, drawn)) == list(map(len, parts))


def _seconds_at(
    drawn: Sequence[Sequence[Tile]],
    bench: Testbench,
    analyses: Sequence[Analysis],
    collocated: Sequence[list[Chosen] | None],
    imperfections: Imperfections | None,
    prices: Prices,
) -> float:
    """What the simulator takes for all layers [s]."""
    slices = max(imperfections.dac_slices, 1) if imperfections else 1
    return sum(
        estimated_seconds(some, bench.phase, how, prices, bench.workers, pulses, slices=slices)
        for some, how, pulses in zip(drawn, analyses, collocated, strict=True)
    )


def _pulses_of(
    tiles: Sequence[Tile], analysis: Analysis, pulses: int | None, seed: int
) -> list[Chosen] | None:
    """The pulses that collocation simulates."""
    return chosen_pulses(tiles, pulses, seed) if analysis is Analysis.collocation else None


def _pulses_beyond(pulses: int | None, collocated: Sequence[list[Chosen] | None]) -> list[str]:
    """['pulses'], with a line on stderr, if no layer's tiles have more than are asked for."""
    counts = [sum(one.of for one in layer) for layer in collocated if layer is not None]
    if pulses is None or max(counts, default=0) > pulses:
        return []
    return console.ignored("--pulses", pulses, "no layer has more in these tiles")


def _is_light(tiles: Sequence[Tile]) -> bool:
    """Whether the waveforms of these arrays are small enough to keep for the report."""
    return max(tile.layer.initial_state.size for tile in tiles) <= _LIGHT


def _announce(
    layers: list[ProgrammedLayer],
    tiles: int,
    size: TileSize,
    phase: Phase,
    seconds: float,
    engine: Engine,
    workers: int | None,
) -> None:
    """What is about to run, and how long it will take."""
    names = ", ".join(layer.name for layer in layers)
    console.remark(
        f"{names}: {'write and read' if phase is Phase.both else phase} of {counted(tiles, 'tile')}"
        f" of up to {size} weights; {engine} takes about {said(seconds)} on"
        f" {counted(workers or cores(), 'core')}"
    )


def _verify_one(
    layer: ProgrammedLayer, arrays: Arrays, bench: Testbench, *, keep_in: Path, recorded: bool
) -> Verification:
    """Verify one layer under a progress bar, keep its decks, and print its table."""
    from netlists.verification.report import HEAD, headline, summary_rows

    with console.percent(f"{bench.engine}, layer {layer.name}") as advance:
        result = run_verification(
            layer, arrays, bench, progress=advance, keep_in=keep_in, recorded=recorded
        )
    console.out.print(console.table(headline(result), HEAD, summary_rows(result)))
    for text in result.warnings:
        console.say(text)
    standing.say(layer.device, layer.crossbar, amplifier=arrays.circuitry.amplifier)
    return result


def _plain(value: Any) -> Any:
    """An option's value as JSON takes it."""
    return value if value is None or isinstance(value, int | list) else str(value)
