"""`roa-spice map`: IR drop, voltages, currents and power over the array in one read of a layer."""

from __future__ import annotations

from operator import methodcaller
from pathlib import Path
from typing import Annotated

import typer

from netlists.commands._layer import Layer, layer_on, note
from netlists.commands._module import OwnNetwork
from netlists.commands._unused import OF_READOUTS, draws, idle_where_held, ignored, seed_of
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_file, write_json, write_text
from roa_circuit.chips.circuitry import Circuitry, described
from roa_circuit.chips.idle import OF_SUBTRACTORS
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit import footing
from roa_circuit.layers.deployed import deploy, voltages, written
from roa_circuit.layers.maps import ReadMap, read_map
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize
from roa_circuit.presentation import circuit_options, console, drawing, options, standing

FILES = ("report.html", "map.csv", "map.json")


@options.grouped
def map(
    *,
    layer: Layer = "fc",
    network: OwnNetwork,
    read_index: Annotated[
        int, typer.Option(min=0, metavar="N", help="Which of the layer's reads, counted from 0.")
    ] = 0,
    compensation: circuit_options.CompensationName = "nothing",
    tile: circuit_options.TileOption = str(TileSize()),
    device: circuit_options.OtherDevice = None,
    lines: circuit_options.Lines,
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
    seed: circuit_options.Seed = None,
    output_dir: Annotated[Path, options.folder("Of the page, its figures and the numbers.")] = Path(
        "out/map"
    ),
    json_file: options.Json = None,
) -> None:
    """Heat maps of a read: IR drop, cell voltage, current and power, and the array with its currents.

    The layer is written in the surrogate through its wires, as in `verify`, and read with Eq. 2 at every
    cell.
    """
    imperfections = circuit_options.aged(imperfections, age)
    check_writable(*(output_dir / name for name in FILES), json_file)
    unused = ignored(
        imperfections, (*OF_READOUTS, *OF_SUBTRACTORS), "a map shows the array before its readouts"
    )
    drawn_by, needless = seed_of(seed, drawn=draws(imperfections))
    chosen, circuitry = layer_on(layer, device=device, network=network), lines.over(circuit)
    note(circuitry)
    beside = chosen.behind(circuitry)
    unused += idle_where_held(beside.crossbar, beside.device, circuitry)
    if read_index >= len(chosen.inputs):
        raise InputError(
            f"--read-index {read_index}: layer {chosen.name!r} has {len(chosen.inputs)} reads,"
            " counted from 0"
        )
    if imperfections and imperfections.dac_slices > 1:
        raise InputError(
            f"--imperfections: dac_slices = {imperfections.dac_slices} makes several reads of one input,"
            " and a map shows one; leave it out"
        )
    found = _mapped(
        chosen, read_index, (TileSize.parse(tile), Compensation.parse(compensation)), circuitry,
        imperfections or Imperfections(), drawn_by,
    )  # fmt: skip
    facts = found.facts()
    console.out.print(console.table(facts.title, facts.head, facts.rows))
    console.say(found.energy.said())
    placed = chosen.behind(circuitry)
    stands_on = footing.footing(placed.device, placed.crossbar, amplifier=circuitry.amplifier)
    console.say(stands_on)
    standing.say_remarks(placed.device)
    made = console.provenance(inputs=[Path(layer)] if Path(layer).is_file() else [])
    conditions = [
        ("cells and lines", stands_on),
        *(("remark", text) for text in footing.remarks(placed.device)),
        ("tiles", f"up to {tile} weights; {placed.mapping.said}"),
        *([("compensation", compensation)] if compensation != "nothing" else []),
        *([("circuit", described(circuitry.to_dict()))] if circuitry.to_dict() else []),
        *([("seed", f"{drawn_by}")] if imperfections else []),
    ]
    _write(found, output_dir, conditions, made)
    numbers = {
        **found.to_dict(), **footing.to_dict(placed.device, placed.crossbar), "tile": tile,
        "compensation": compensation, "circuit": circuitry.to_dict(), "seed": drawn_by,
        "ignored": [*unused, *needless],
        "imperfections": imperfections.to_dict() if imperfections else None, "provenance": made,
    }  # fmt: skip
    write_json(output_dir / "map.json", numbers)
    if json_file is not None:
        write_json(json_file, numbers)
    console.say(f"page {output_dir / 'report.html'}; map.csv, map.json and figures/ beside it")


def _mapped(
    layer: ProgrammedLayer,
    read: int,
    how: tuple[TileSize, Compensation],
    circuitry: Circuitry,
    imperfections: Imperfections,
    seed: int,
) -> ReadMap:
    """The map of a layer that the surrogate wrote, on the chips that the seed draws."""
    deployed = deploy(layer, layer, *how, circuitry)
    arrays = []
    for array, chip in zip(deployed.arrays, deployed.chips(imperfections, seed), strict=True):
        state = written(array, chip, instead="leave capacitance out of the circuit")
        arrays.append((array.tile, chip, circuitry, state, voltages(array, chip)))
    return read_map(layer.name, read, arrays)


def _write(
    found: ReadMap, folder: Path, conditions: list[tuple[str, str]], made: dict[str, object]
) -> None:
    from netlists.verification.map_page import page
    from roa_circuit.presentation.map_drawings import drawings

    drawn = drawings(found)
    write_text(folder / "report.html", page(found, drawn, conditions, made).to_html())
    write_text(folder / "map.csv", found.to_csv())
    for name, content in drawing.files(drawn).items():
        write_file(folder / "figures" / name, methodcaller("write", content))
