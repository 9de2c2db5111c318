"""`roa-spice compensate`: how much of what wires take from a layer each compensation gives back."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from netlists.commands._layer import Layer, Reads, layer_on, note, note_reads
from netlists.commands._module import OwnNetwork
from netlists.commands._unused import OF_WRITES, draws, ignored, seed_of
from netlists.commands.tables import format_matrix
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_summary, write_text
from roa_circuit.basics.units import percent
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit import footing
from roa_circuit.circuit.crossbar import said
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation, Recovery, mapped, recover
from roa_circuit.layers.tiling import TileSize, split
from roa_circuit.presentation import circuit_options, console, options, standing

_LEGEND = (
    "weights: rms error of g in [-1, 1]; outputs: rms error over their rms; same: reads whose largest"
    " output is that behind perfect wires; right: accuracy; clipped: cells at an end of their range"
)


@options.grouped
def compensate(
    *,
    layer: Layer = "fc",
    network: OwnNetwork,
    tile: circuit_options.TileOption = str(TileSize()),
    reads: Reads = None,
    device: circuit_options.OtherDevice = None,
    mapping: circuit_options.MappingName = None,
    lines: circuit_options.Lines,
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
    seed: circuit_options.Seed = None,
    predistorted: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CSV to write the pre-distorted states to; of a layer on one tile."
        ),
    ] = None,
    json_file: options.Json = None,
) -> None:
    """Calibrate, permute and pre-distort a layer in the surrogate: what each gives back."""
    imperfections = circuit_options.aged(imperfections, age)
    check_writable(predistorted, json_file)
    unused = ignored(imperfections, OF_WRITES, "compensate reads mapped states and writes nothing")
    unused += circuit_options.idle_in_settled_reads(circuit)
    drawn_by, needless = seed_of(seed, drawn=draws(imperfections))
    chosen = layer_on(layer, reads=reads, device=device, mapping=mapping, network=network)
    unused += circuit_options.without_subtractors(imperfections, chosen.mapping)
    size, circuitry = TileSize.parse(tile), lines.over(circuit)
    note(circuitry)
    of_reads = note_reads(chosen, size, circuitry, imperfections, drawn_by)
    to_map = _predistorted(chosen, size, circuitry) if predistorted else None
    with console.percent(f"layer {chosen.name}") as advance:
        found = recover(
            chosen, tile=size, circuitry=circuitry, imperfections=imperfections, seed=drawn_by,
            progress=advance,
        )  # fmt: skip
    placed = chosen.behind(circuitry)
    c = placed.crossbar
    words, bits = (said(ohms, "{:.3g}".format) for ohms in (c.r_word, c.r_bit))
    ohms = words if words == bits else f"{words} and {bits}"
    title = f"Layer {chosen.name}: {c.rows} x {c.columns} cells, {ohms} Ohm a segment"
    head = ["", "weights", "outputs", "same", "right", "clipped"]
    console.out.print(console.table(title, head, map(_row, found)))
    console.say(_LEGEND)
    if any(math.isnan(one.mac_error) for one in found):
        console.say("its outputs are all 0 behind perfect wires, and no error is a share of them")
    standing.say(placed.device, c, amplifier=circuitry.amplifier, writes=False)
    summary: dict[str, Any] = {
        "layer": chosen.name, **c.to_dict(), **footing.to_dict(placed.device, c, writes=False),
        "circuit": circuitry.to_dict(), "tile": str(size), "reads": len(chosen.inputs), "seed": drawn_by,
        **of_reads,
        "imperfections": imperfections.to_dict() if imperfections else None,
        "ignored": [*unused, *needless],
        "recovered": [
            {**dataclasses.asdict(one), "compensation": str(one.compensation)} for one in found
        ],
    }  # fmt: skip
    if predistorted and to_map:
        write_text(predistorted, to_map[0])
        summary |= {"states": str(predistorted), "gain": to_map[1]}
    write_summary(json_file, summary)


def _predistorted(
    layer: ProgrammedLayer, size: TileSize, circuitry: Circuitry
) -> tuple[str, list[float]]:
    """(the states to map, as CSV; the gain of each column that goes with them)."""
    tiles = split(layer.behind(circuitry), size)
    if len(tiles) > 1:
        raise InputError(
            f"--predistorted: layer {layer.name!r} needs {len(tiles)} tiles of {size}, not one"
        )
    _, mapping, gain, _ = mapped(tiles[0], Compensation(predistorted=True), layer, circuitry)
    return format_matrix(mapping), gain.tolist()


def _row(one: Recovery) -> tuple[str, ...]:
    return (
        str(one.compensation),
        f"{one.weight_error:.1e}",
        "-" if math.isnan(one.mac_error) else percent(one.mac_error, 3, significant=True),
        "-" if math.isnan(one.agreement) else percent(one.agreement),
        "" if one.accuracy is None else percent(one.accuracy),
        percent(one.clipped) if one.compensation.predistorted else "",
    )
