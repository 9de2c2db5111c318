"""`roa-meta adapt`: one test episode, adapted in one write and laid out on crossbars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from meta.commands._cycle import (
    ConsumptionFile,
    cycle_to_dict,
    head_fit_to_dict,
    say_head_fit,
    show_cycle,
)
from meta.commands._inputs import (
    CellsPerFeature,
    Data,
    DataSet,
    DeviceOption,
    InSitu,
    Method,
    NetworkFile,
    OwnBackbone,
    OwnHead,
    OwnLoss,
    OwnRates,
    Queries,
    Seed,
    Shots,
    Views,
    Ways,
    circuit_of,
    dataset_of,
    hardware_of,
    network_of,
    say_placed,
    writing_of,
)
from meta.commands._unused import idle_of
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_json
from roa_circuit.basics.units import percent
from roa_circuit.chips.consumption import published
from roa_circuit.circuit import footing
from roa_circuit.presentation import circuit_options, console, options, standing

LAYER_COLUMNS = ["layer", "rows", "columns", "pulses", "cells_written"]


def adapt(
    output: Annotated[Path, options.folder("Of the layer files.")] = Path("out/adapt"),
    network: NetworkFile = None,
    backbone: OwnBackbone = None,
    inner_loss: OwnLoss = None,
    rate_rule: OwnRates = None,
    head: OwnHead = None,
    method: Method = None,
    ways: Ways = None,
    dataset: DataSet = "glyphs",
    data: Data = None,
    shots: Shots = 1,
    queries: Queries = 15,
    relative_rate: Annotated[
        float | None, typer.Option(help="Factor on the learned rates; the network's own otherwise.")
    ] = None,
    sigma_wn: Annotated[float, typer.Option(help="Write noise of Eq. 7.")] = 0.0,
    mapping: circuit_options.MappingName = None,
    cells_per_feature: CellsPerFeature = None,
    views: Views = None,
    device: DeviceOption = None,
    wire_resistance: circuit_options.WireResistance = None,
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
    compensation: circuit_options.CompensationName = "nothing",
    in_situ: InSitu = False,
    consumption: ConsumptionFile = None,
    seed: Seed = 0,
    json: options.Json = None,
) -> None:
    """Adapt to one test episode and write its programmed layers for `roa-spice verify`.

    With a circuit or imperfections the queries are answered behind them, too.
    """
    imperfections = circuit_options.aged(imperfections, age)
    from meta.circuits.adaptation import adapt_episode, require_one_write
    from meta.circuits.aware.through import learned_through
    from meta.circuits.behind_circuit import Hardware, accuracy, placements, warnings
    from meta.data.tasks import Tasks
    from meta.evaluation.cycle import full_cycle
    from meta.evaluation.head_fit import head_fit

    net, name = network_of(
        network, method, ways, backbone=backbone, head=head, inner_loss=inner_loss, rate_rule=rate_rule
    )
    net = net.with_head(cells_per_feature=cells_per_feature, views=views)
    writing = replace(writing_of(net, name, device, mapping).at(sigma_wn), relative_rate=relative_rate)
    require_one_write(net, writing)
    hardware = hardware_of(
        circuit=circuit, imperfections=imperfections, wires=wire_resistance,
        compensation=compensation, in_situ=in_situ,
    )  # fmt: skip
    if hardware is not None and sigma_wn:
        if hardware.imperfections.sigma_wn:
            raise InputError(
                f"--sigma-wn {sigma_wn:g}: --imperfections has a sigma_wn, too; leave one of them out"
            )
        noisy = replace(hardware.imperfections, sigma_wn=sigma_wn)
        hardware = replace(hardware, imperfections=noisy)
    unused = idle_of(
        imperfections, in_situ=in_situ, mapping=writing.mapping
    ) + circuit_options.idle_in_settled_reads(circuit)
    tasks = Tasks(dataset=dataset_of(dataset, data, net), shots=shots, queries=queries, seed=seed)
    lines = circuit_of(wire_resistance) if hardware is None else hardware.crossbar
    through = learned_through(net, hardware or Hardware(crossbar=lines), writing)
    episode = adapt_episode(net, tasks, writing, circuit=lines, through=through)
    held = {} if hardware is None else hardware.holding(episode.sampled, seed)
    behind = accuracy(net, episode, held) if held else None
    said = warnings(held)
    for name, layer in episode.layers.items():
        layer.save(output / f"{name}.npz")
    figures = consumption or published()
    own = net.with_ways(tasks.ways)
    cycle, fit = full_cycle(own, episode.task, writing, figures), head_fit(own, episode.task, writing)
    placed = {name: one.to_dict() for name, one in placements(held).items()}
    if json is not None:
        found = episode.to_dict() | {
            "accuracy_behind_circuit": behind, "placed": placed or None, "warnings": said,
            "ignored": unused,
        }  # fmt: skip
        found |= {"cycle": cycle_to_dict(cycle, figures), **head_fit_to_dict(fit)}
        write_json(json, found | footing.to_dict(writing.device, lines))
    titles = [key.replace("_", " ") for key in LAYER_COLUMNS]
    rows = [[row["layer"], *(f"{row[key]:,}" for key in LAYER_COLUMNS[1:])] for row in episode.summary()]
    console.out.print(console.table(f"Adapted in one write, seed {seed}", titles, rows))
    console.say(
        f"query accuracy {percent(episode.accuracy, 2)} "
        f"(before the write {percent(episode.accuracy_before, 2)})"
        + ("" if behind is None else f", {percent(behind, 2)} behind the circuit")
        + f"; layers in {output}"
    )
    show_cycle(cycle)
    say_head_fit(fit)
    say_placed(placed)
    for text in said:
        console.say(text)
    amplifier = None if hardware is None else hardware.circuitry.amplifier
    standing.say(writing.device, lines, amplifier=amplifier)
