"""`roa-spice layer`: weights of one's own as a layer file, for every command that takes a layer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from netlists.commands._layer import note_reads
from netlists.commands._module import OwnNetwork
from netlists.commands._states import Conductances, read_weights_of
from netlists.commands.tables import read_matrix
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import check_writable, write_summary
from roa_circuit.basics.units import counted, percent
from roa_circuit.chips.circuitry import BARE
from roa_circuit.circuit import footing
from roa_circuit.circuit.contents import require_inputs, require_weights
from roa_circuit.circuit.design_point import chosen_device
from roa_circuit.circuit.mapping import REFERENCE
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import after_pulses, pulse_doses
from roa_circuit.layers.planned import BEYOND, CAPPED
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.tiling import TileSize
from roa_circuit.presentation import circuit_options, console, options, standing

LARGEST_INPUT = 1e6
_DRAWN_READS = 16


@options.grouped
def layer(
    *,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV, .npy or .npz of g in [-1, 1]: inputs x outputs. Of --module, .safetensors.",
        ),
    ] = None,
    module: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE.MODULE:FUNCTION",
            help="Imported and run: returns a torch network and sample inputs.",
        ),
    ] = None,
    named: Annotated[
        str | None,
        typer.Option("--layer", metavar="NAME", help="Which layer of --module, as in blocks.1.conv."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The .npz to write.")],
    conductances: Conductances = False,
    activations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The same of inputs x >= 0: reads x inputs; left out, 16 are drawn."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The same: the right output of each read, from 0."),
    ] = None,
    start: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, metavar="OMEGA", help="omega of every cell before the write; default: 0.5."
        ),
    ] = None,
    ideal: Annotated[
        bool, options.flag("--ideal", "Cells are at their weights already: nothing is written.")
    ] = False,
    mapping: circuit_options.MappingName = None,
    device: circuit_options.DeviceName = None,
    current_scale: circuit_options.CurrentScale = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Draws the inputs; default: 0.")
    ] = None,
    json_file: options.Json = None,
) -> None:
    """Weights as a layer: their cells, the pulses that write them, a reference or pairs, and reads."""
    check_writable(output, json_file)
    if module is not None:
        others = (conductances, activations, labels, start, ideal, mapping, device, current_scale, seed)
        _of_network(OwnNetwork(module=module, weights=weights), named, output, json_file, others)
        return
    if named is not None:
        raise InputError(f"--layer {named}: is one of a network; add --module")
    if weights is None:
        raise InputError("--weights: is missing; give a table of weights, or --module and --layer")
    if ideal and start is not None:
        raise InputError("--start: with --ideal cells are at their weights already; leave one out")
    cells = chosen_device(device, current_scale)
    g = read_weights_of(weights, cells) if conductances else _weights(weights)
    unused = console.ignored("--seed", seed, "--activations has the inputs") if activations else []
    x = _inputs(activations, g.shape, seed or 0)
    made = ProgrammedLayer.of_weights(
        g,
        x,
        name=output.stem,
        device=cells,
        labels=_labels(labels, len(x), g.shape[1]),
        start=None if ideal else 0.5 if start is None else start,
        mapping=mapping or REFERENCE,
        provenance=console.provenance([p for p in (weights, activations, labels) if p]),
    )
    made.save(output)
    error, with_edges = (_rms_error(made, g, edges=edges) for edges in (False, True))
    rows, columns = made.crossbar.shape
    pulses = int(np.abs(made.pulses).sum())
    written = (
        "nothing to write" if ideal else f"{counted(pulses, 'pulse')} bring g within {error:.2g} rms"
    )
    console.say(
        f"{output}: {rows} x {columns} cells, {made.mapping.said}; {written};"
        f" {counted(len(x), 'read')}; next: roa-spice verify --layer {shlex.quote(str(output))}"
    )
    of_reads = note_reads(made, TileSize(), BARE, None, 0) if len(x) else {}
    standing.say(made.device, made.crossbar, writes=not ideal)
    if f"{error:.2g}" != f"{with_edges:.2g}":
        console.say(_of_edges(made.device, with_edges))
    capped = made.provenance.get(CAPPED)
    for text in made.not_reached:
        console.say(f"{text}; scale them down, or leave the write out with --ideal{_way_out(made)}")
    summary = {
        "layer": str(output), "rows": rows, "columns": columns, "pulses": pulses, "rms_error": error,
        "rms_error_with_edges": with_edges,
        "reads": len(x), "seed": None if activations else seed or 0, "mapping": str(made.mapping),
        "capped": capped, "ignored": unused,
        "beyond": made.provenance.get(BEYOND),
        **footing.to_dict(made.device, made.crossbar, writes=not ideal), **of_reads,
    }  # fmt: skip
    write_summary(json_file, summary)


def _of_network(
    network: OwnNetwork,
    named: str | None,
    output: Path,
    json_file: Path | None,
    others: Sequence[object],
) -> None:
    """Save a layer of a network: pairs of cells at their weights, with reads of its sample."""
    if named is None:
        raise InputError("--layer: is missing; it names the layer of --module, as in blocks.1.conv")
    if any(one not in (None, False) for one in others):
        raise InputError(
            "--module: its layer has reads and pairs of its own; leave out what is of a table of weights"
        )
    made = network.layer(named)
    assert made is not None
    made.save(output)
    rows, columns = made.crossbar.shape
    command = f"roa-spice verify --layer {shlex.quote(str(output))} --phase read"
    console.say(
        f"{output}: layer {named}, {rows} x {columns} cells, {made.mapping.said};"
        f" {counted(len(made.inputs), 'read')}; next: {command}"
    )
    standing.say(made.device, made.crossbar, writes=False)
    summary = {
        "layer": str(output), "rows": rows, "columns": columns, "pulses": 0, "reads": len(made.inputs),
        "mapping": str(made.mapping), **footing.to_dict(made.device, made.crossbar, writes=False),
    }  # fmt: skip
    write_summary(json_file, summary)


def _rms_error(made: ProgrammedLayer, g: NDArray[np.float64], *, edges: bool) -> float:
    """How far from g its pulses leave the weights, with the edges of the pulses or without."""
    reached = after_pulses(made.initial_state, made.pulses, made.device, edges=edges)
    return float(np.sqrt(np.mean((made.mapping.weights_of(np.asarray(reached)) - g) ** 2)))


def _of_edges(device: Device, error: float) -> str:
    """What the edges of pulses do to a plan that does not count them."""
    doses = zip(pulse_doses(device, edges=True), pulse_doses(device), strict=True)
    up, down = (
        percent(float(whole / flat) - 1.0 if flat else 0.0, 2, significant=True) for whole, flat in doses
    )
    share = percent(device.pulses.edge_fraction, 3, significant=True)
    return (
        f"pulses are counted by their flat tops; edges of {share} of that add {up} to the dose of a"
        f" potentiation pulse and {down} to that of a depression pulse, which brings g within"
        f" {error:.2g} rms"
    )


def _way_out(made: ProgrammedLayer) -> str:
    """What else helps where pairs do not reach their weights."""
    return "; a lower --start, or --mapping pair:push-pull, reaches more" * (BEYOND in made.provenance)


def _weights(path: Path) -> NDArray[np.float64]:
    """The weights g (inputs, outputs) of a file, no matter how large, in [-1, 1]."""
    g = read_matrix(path, what="weight g", lowest=-LARGEST_INPUT, highest=LARGEST_INPUT)
    try:
        require_weights(g)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if 0.0 < g.min() and g.max() < 0.01:
        raise InputError(
            f"{path}: all weights lie between {g.min():.3g} and {g.max():.3g}, as conductances do; add"
            " --conductances for siemens, or give weights g in [-1, 1]"
        )
    return g


def _inputs(path: Path | None, shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    """The inputs (reads, rows) of a file, or drawn ones, for weights of this shape."""
    rows, outputs = shape
    if path is None:
        return np.random.default_rng(seed).random((_DRAWN_READS, rows))
    x = read_matrix(path, what="input x", lowest=-LARGEST_INPUT, highest=LARGEST_INPUT)
    if x.shape[1] != rows:
        torch = " (torch keeps weights as outputs x inputs: transpose them)" * (x.shape[1] == outputs)
        raise InputError(f"{path}: {x.shape[1]} inputs a read, but the weights have {rows} rows{torch}")
    try:
        require_inputs(x)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return x


def _labels(path: Path | None, reads: int, outputs: int) -> NDArray[np.int64]:
    if path is None:
        return np.empty(0, dtype=np.int64)
    given = read_matrix(path, what="label", lowest=0.0, highest=outputs - 1.0).ravel()
    if len(given) != reads or (given != np.rint(given)).any():
        raise InputError(f"{path}: labels must be {reads} whole numbers, one a read")
    return given.astype(np.int64)
