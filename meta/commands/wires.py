"""`roa-meta wires`: adapted heads behind wires and readout, in the surrogate and in ngspice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from meta.commands._inputs import (
    Data,
    DataSet,
    DeviceOption,
    Method,
    NetworkFile,
    OwnBackbone,
    OwnHead,
    OwnLoss,
    OwnRates,
    Ways,
    dataset_of,
    network_of,
    numbers_of,
    writing_of,
)
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import provenance, write_json
from roa_circuit.basics.units import percent
from roa_circuit.chips.circuitry import BARE
from roa_circuit.circuit import footing
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.layers.recovery import Compensation
from roa_circuit.presentation import circuit_options, console, options, standing

if TYPE_CHECKING:
    from meta.circuits.behind_wires import WiredEpisode
    from meta.network.convolutional import Network
    from roa_circuit.layers.programmed import ProgrammedLayer


def wires(
    network: NetworkFile = None,
    backbone: OwnBackbone = None,
    inner_loss: OwnLoss = None,
    rate_rule: OwnRates = None,
    head: OwnHead = None,
    method: Method = None,
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: Ways = None,
    episodes: Annotated[int, typer.Option(min=1, max=100_000, help="Test episodes.")] = 20,
    wire_resistance: Annotated[
        str, typer.Option(metavar="OHM", help="Of both lines, a segment; comma separated.")
    ] = "0,0.1,1",
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    age: circuit_options.Age = None,
    compensation: Annotated[
        str, typer.Option(metavar="NAME", help="nothing, or placed, where heads are placed for wires.")
    ] = "nothing",
    spice: Annotated[bool, options.flag("--spice", "ngspice reads what the surrogate wrote.")] = False,
    spice_write: Annotated[
        bool, options.flag("--spice-write", "ngspice writes it too, which takes longer.")
    ] = False,
    mapping: circuit_options.MappingName = None,
    device: DeviceOption = None,
    json: options.Json = None,
) -> None:
    """Accuracy of adapted heads, written and read through their circuit."""
    imperfections = circuit_options.aged(imperfections, age)
    from meta.circuits.behind_wires import behind_wires

    ohms = numbers_of(wire_resistance, "--wire-resistance", "Ohm")
    if min(ohms) < 0:
        raise InputError(f"--wire-resistance {wire_resistance}: must be 0 Ohm or more")
    chosen = Compensation.parse(compensation)
    if dataclasses.replace(chosen, placed=False, believed=1.0) != Compensation():
        raise InputError(f"--compensation {compensation}: heads alone take placed, or nothing")
    unused = circuit_options.idle(imperfections)
    if spice or spice_write:
        unused += circuit_options.idle_circuit(circuit)
    else:
        unused += circuit_options.idle_in_settled_reads(circuit)
    named = network_of(
        network, method, ways, backbone=backbone, head=head, inner_loss=inner_loss, rate_rule=rate_rule
    )
    heads = _adapted_heads(named, ways, dataset, data, device, mapping, episodes)
    unused += circuit_options.without_subtractors(imperfections, heads[0].mapping)
    referee = None
    if spice or spice_write:
        from meta.circuits.validate import referee as ngspice

        referee = ngspice(
            writes=spice_write, imperfections=imperfections, circuitry=circuit or BARE,
            compensation=chosen,
        )  # fmt: skip
    with console.progress() as bar:
        line = bar.add_task("episodes", total=len(heads) * len(ohms))
        rows = behind_wires(
            heads,
            ohms,
            imperfections=imperfections,
            circuitry=circuit or BARE,
            compensation=chosen,
            referee=referee,
            on_row=lambda _: bar.advance(line),
        )
    cells, circuitry = heads[0].device, circuit or BARE
    each = [heads[0].behind(circuitry, Wiring.of_wires(one)).crossbar for one in ohms]
    if json is not None:
        stands_on = footing.to_dict(cells, None) | {"lines": [footing.ohms(one) for one in each]}
        found = {
            "rows": [asdict(row) for row in rows], "compensation": chosen.name, **stands_on,
            "ignored": unused, "provenance": provenance(),
        }  # fmt: skip
        write_json(json, found)
    console.out.print(_table(rows, ohms, f"{len(heads)} adapted heads, {heads[0].crossbar.rows} rows"))
    for row in {row.wire_resistance: row for row in rows if row.warnings}.values():
        for text in row.warnings:
            console.say(f"at {row.wire_resistance:g} Ohm, episode {row.episode}: {text}")
    console.say("; ".join([footing.cells(cells), *map(footing.lines, each)]))
    standing.say_remarks(cells)


def _adapted_heads(
    named: tuple[Network, str],
    ways: int | None,
    dataset: str,
    data: Path | None,
    device: str | None,
    mapping: Mapping | None,
    episodes: int,
) -> list[ProgrammedLayer]:
    """The heads of test episodes 0, 1, ..., each adapted in one write."""
    from meta.circuits.adaptation import adapt_episode, require_one_write
    from meta.data.tasks import Tasks
    from meta.network.architecture import HEAD

    net, name = named
    writing = writing_of(net, name, device, mapping)
    require_one_write(net, writing)
    tasks = Tasks(dataset=dataset_of(dataset, data, net))
    drawn = (tasks.reseeded(seed) for seed in range(episodes))
    return [adapt_episode(net, one, writing, reads=1).layers[HEAD] for one in drawn]


def _table(rows: Sequence[WiredEpisode], ohms: Sequence[float], title: str) -> object:
    columns = ["wires [Ω]", "ideal", "surrogate", "ngspice", "same predictions", "current error"]
    cells = []
    for wire in ohms:
        ours = [row for row in rows if row.wire_resistance == wire]

        def mean(name: str, ours: list[WiredEpisode] = ours) -> str:
            values = [getattr(row, name) for row in ours]
            return "-" if None in values else percent(np.mean(values), 2)

        errors = [row.current_error for row in ours if row.current_error is not None]
        worst = f"{max(errors):.1e}" if errors else "-"
        names = ("accuracy_ideal", "accuracy_surrogate", "accuracy_spice", "agreement")
        cells.append([f"{wire:g}", *map(mean, names), worst])
    return console.table(title, columns, cells)
