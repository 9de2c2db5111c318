"""`roa-meta evaluate`: few-shot accuracy on test classes, as a method writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meta.commands._cycle import (
    ConsumptionFile,
    cycle_of,
    cycle_to_dict,
    head_fit_of,
    head_fit_to_dict,
    say_head_fit,
    show_cycle,
)
from meta.commands._evaluated import Evaluated, say_faint
from meta.commands._inputs import (
    CellsPerFeature,
    Compute,
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
    TrainedWays,
    Views,
    Ways,
    circuitry_of,
    compute_of,
    dataset_of,
    hardware_of,
    network_of,
    numbers_of,
    say_placed,
    writing_of,
)
from meta.commands._unused import idle_of
from meta.network.methods import NOISE_LEVELS
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import provenance, write_json
from roa_circuit.basics.units import engineering, percent
from roa_circuit.circuit import footing
from roa_circuit.presentation import circuit_options, console, options, standing

if TYPE_CHECKING:
    from meta.circuits.behind_circuit import Hardware
    from meta.circuits.evaluation import CircuitRow
    from meta.data.tasks import Tasks
    from meta.evaluation.evaluate import Row
    from meta.learning.writing import Writing
    from meta.network.convolutional import Network

TRAINED_WAYS = 20
"""Of the network of roa that carries the reproduction, for up to so many ways."""

_LEVELS = ",".join(f"{level:g}" for level in NOISE_LEVELS)


def evaluate(
    network: NetworkFile = None,
    backbone: OwnBackbone = None,
    inner_loss: OwnLoss = None,
    rate_rule: OwnRates = None,
    head: OwnHead = None,
    method: Method = None,
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: Ways = None,
    trained_ways: TrainedWays = None,
    shots: Shots = 1,
    queries: Queries = 15,
    tasks: Annotated[int, typer.Option(max=1_000_000, help="Test tasks a noise level.")] = 200,
    sigma_wn: Annotated[
        str, typer.Option(help="Write noise levels of Eq. 7, comma separated.")
    ] = _LEVELS,
    reading: Annotated[
        str, typer.Option(help="How Eq. 7 is read: literal, half, potentiation or unscaled.")
    ] = "literal",
    relative_rate: Annotated[
        float | None,
        typer.Option(help="Factor on the learned rates; the method's rule otherwise."),
    ] = None,
    write_verify: Annotated[
        int,
        typer.Option(
            min=0, max=1000, help="Rounds of write-verify for the initial map; 0 maps ideally."
        ),
    ] = 0,
    circuit: circuit_options.CircuitFile = None,
    imperfections: circuit_options.ImperfectionsFile = None,
    wire_resistance: circuit_options.NetworkWires = None,
    age: circuit_options.Age = None,
    compensation: circuit_options.CompensationName = "nothing",
    in_situ: InSitu = False,
    mapping: circuit_options.MappingName = None,
    cells_per_feature: CellsPerFeature = None,
    views: Views = None,
    device: DeviceOption = None,
    consumption: ConsumptionFile = None,
    compute: Compute = "cpu",
    seed: Seed = 0,
    json: options.Json = None,
) -> None:
    """Few-shot accuracy on test classes, every weight written in device pulses.

    The network of roa is by default the one trained for 20 ways, whose last columns are left out for
    fewer: it stands the noise that the paper's does. --trained-ways 5 is the one trained for 5, which
    does not. With --circuit, --wire-resistance or --imperfections every layer is read behind its
    arrays' wires and readouts, and the network is the one trained for as many ways as are asked for.
    """
    imperfections = circuit_options.aged(imperfections, age)
    from meta.data.tasks import Tasks
    from meta.network.precision import round_products
    from roa_circuit.device.programming import Programming

    where = compute_of(compute)
    if wire_resistance is not None:
        circuit = circuitry_of(circuit, wire_resistance)
    round_products(to_tf32=False)
    behind = not (circuit is None and imperfections is None)
    if network is None and trained_ways is None and not behind and method in (None, "roa"):
        ways, trained_ways = ways or 5, max(ways or 5, TRAINED_WAYS)
    if mapping and not behind and not mapping.paired and not mapping.apart:
        raise InputError(
            f"--mapping {mapping}: changes nothing without a circuit: add --circuit or --imperfections"
            " FILE"
        )
    net, name = network_of(
        network,
        method,
        ways,
        trained_ways,
        backbone=backbone,
        inner_loss=inner_loss,
        rate_rule=rate_rule,
        head=head,
    )
    net = net.with_head(cells_per_feature=cells_per_feature, views=views)
    if tasks < 2:
        raise InputError(f"--tasks {tasks}: at least 2, or there is no interval")
    usual = writing_of(net, name, device, mapping)
    programming = replace(usual.programming, reading=reading)
    writing = replace(
        usual, programming=programming, relative_rate=relative_rate, verify_rounds=write_verify
    )
    writing.check(net)
    sigmas = numbers_of(sigma_wn, "--sigma-wn")
    if reading != "literal" and not any(sigmas):
        raise InputError(f"--reading {reading}: changes nothing of --sigma-wn {sigma_wn}; leave it out")
    for sigma in sigmas:
        Programming(sigma_wn=sigma)  # before the data are asked for, which may be a download
    hardware = hardware_of(
        circuit=circuit, imperfections=imperfections, compensation=compensation, in_situ=in_situ
    )
    if hardware is not None:
        _refuse(reading, write_verify, compute, hardware)
    unused = idle_of(
        imperfections, in_situ=in_situ, mapping=writing.mapping
    ) + circuit_options.idle_in_settled_reads(circuit)
    drawn = Tasks(dataset=dataset_of(dataset, data, net), shots=shots, queries=queries, seed=seed)
    of = Evaluated.of(net, writing, drawn, tasks, (network, data))
    rows: Sequence[Row] | Sequence[CircuitRow]
    if hardware is None:
        rows = plain = _without_circuit(net.to(where), drawn, writing, sigmas, tasks)
        show = partial(_show, plain, of.title, partial(say_faint, net, writing, plain))
    else:
        rows = circuits = _behind(net, drawn, hardware, writing, sigmas, tasks)
        show = partial(_show_behind, circuits, of.title)
    cycle = cycle_of(net, drawn, writing, rows[0].relative_rate, consumption)
    fit = head_fit_of(net, drawn, writing, rows[0].relative_rate)
    lines = None if hardware is None else hardware.crossbar
    more = {
        "of": of.to_dict(),
        "cycle": cycle_to_dict(*cycle),
        "ignored": unused,
        **head_fit_to_dict(fit),
    }
    _conclude(json, rows, seed, footing.to_dict(writing.device, lines) | more)
    show()  # after the file, which a reader of the table that leaves early would else take away
    show_cycle(cycle[0], f"the first of {tasks} tasks")
    say_head_fit(fit)
    amplifier = None if hardware is None else hardware.circuitry.amplifier
    standing.say(writing.device, lines, amplifier=amplifier)


def _without_circuit(
    network: Network, drawn: Tasks, writing: Writing, sigmas: Sequence[float], count: int
) -> list[Row]:
    """Evaluate the network under a progress bar, its rate chosen on validation tasks if need be."""
    from meta.evaluation.evaluate import RELATIVE_RATES, validation_tasks
    from meta.evaluation.evaluate import evaluate as run

    tuning = len(RELATIVE_RATES) * validation_tasks(count) if writing.chooses_its_rate else 0
    with console.progress() as bar:
        line = bar.add_task("episodes", total=len(sigmas) * (count + tuning))
        return run(
            network, drawn, writing, count=count, sigmas=sigmas, on_task=lambda: bar.advance(line)
        )


def _conclude(
    json: Path | None,
    rows: Sequence[Row] | Sequence[CircuitRow],
    seed: int,
    more: dict[str, Any],
) -> None:
    """Write the rows as JSON if wanted, with on which cells and lines they stand, and the full cycle."""
    if json is not None:
        found = {"rows": [asdict(row) for row in rows], **more}
        write_json(json, {**found, "provenance": provenance(seed=seed)})


def _refuse(reading: str, write_verify: int, compute: str, hardware: Hardware) -> None:
    """Raise InputError for options that chips have no use for."""
    if reading != "literal":
        raise InputError(f"--reading {reading}: chips draw Eq. 7 as the paper prints it; leave it out")
    if write_verify:
        raise InputError("--write-verify: chips start from the ideal map; leave it out")
    if compute != "cpu":
        raise InputError(f"--compute {compute}: a circuit is solved on the processor; leave it out")
    if hardware.imperfections.sigma_wn is not None:
        raise InputError("--imperfections: give the write noise with --sigma-wn, not in the file")


def _behind(
    network: Network,
    drawn: Tasks,
    hardware: Hardware,
    writing: Writing,
    sigmas: Sequence[float],
    count: int,
) -> list[CircuitRow]:
    """Evaluate the network behind its circuits, under a progress bar."""
    from meta.circuits.evaluation import evaluate_behind

    with console.progress() as bar:
        line = bar.add_task("episodes", total=count * len(sigmas))
        return evaluate_behind(
            network, drawn, hardware, writing, count=count, sigmas=sigmas,
            on_task=lambda: bar.advance(line),
        )  # fmt: skip


def _show_behind(rows: list[CircuitRow], title: str) -> None:
    console.out.print(_circuit_table(rows, f"{title}, behind the circuit"))
    say_placed(rows[-1].placed or {})
    for text in dict.fromkeys(text for row in rows for text in row.warnings):
        console.say(text)


def _circuit_table(rows: list[CircuitRow], title: str) -> object:
    columns = ["σ_WN", "rate", "accuracy", "95 %", "without circuit", "same answers"]
    cells = [
        [
            f"{r.sigma_wn:g}",
            f"{r.relative_rate:g}",
            percent(r.accuracy, 2),
            f"± {percent(r.ci95, 2)}",
            percent(r.accuracy_without, 2),
            percent(r.agreement, 2),
        ]
        for r in rows
    ]
    return console.table(title, columns, cells)


def _show(rows: list[Row], title: str, say_faint: Callable[[], None]) -> None:
    console.out.print(_table(rows, title))
    say_faint()
    if any(row.erase_energy and row.sigma_wn for row in rows):
        console.say("erase: of cells as a write without noise leaves them")
    if rows[0].cosine is not None:
        best = percent(rows[0].cosine, 2)
        console.say(f"the same features in floating point, the nearest class by cosine: {best}")
    if rows[0].digital is not None:
        console.say(f"the same head in floating point, without cells: {percent(rows[0].digital, 2)}")


def _table(rows: list[Row], title: str) -> object:
    erased = any(r.erase_energy for r in rows)
    columns = ["σ_WN", "rate", "accuracy", "95 %", "paper", "pulses a weight", "energy", "time"]
    columns += ["erase", "erase time"] if erased else []
    cells = [
        [
            f"{r.sigma_wn:g}",
            f"{r.relative_rate:g}",
            percent(r.accuracy, 2),
            f"± {percent(r.ci95, 2)}",
            "-" if r.paper is None else percent(r.paper, 2),
            f"{r.pulses_per_weight:.3f}",
            engineering(r.write_energy, "J"),
            engineering(r.write_seconds, "s"),
            *([engineering(r.erase_energy, "J"), engineering(r.erase_seconds, "s")] if erased else []),
        ]
        for r in rows
    ]
    return console.table(title, columns, cells)
