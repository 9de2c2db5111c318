"""`roa-meta evaluate`: few-shot accuracy on test classes, as a method writes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from meta.commands._inputs import (
    Data,
    DataSet,
    DeviceOption,
    Method,
    NetworkFile,
    Queries,
    Seed,
    Shots,
    Ways,
    dataset_of,
    device_of,
    network_of,
    numbers_of,
)
from roa_circuit import console, options
from roa_circuit.errors import InputError
from roa_circuit.results import provenance, write_json

if TYPE_CHECKING:
    from meta.evaluate import Row


def evaluate(
    network: NetworkFile = None,
    method: Method = None,
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: Ways = None,
    shots: Shots = 1,
    queries: Queries = 15,
    tasks: Annotated[int, typer.Option(help="Test tasks a noise level.")] = 200,
    sigma_wn: Annotated[
        str, typer.Option(help="Write noise levels of Eq. 7, comma separated.")
    ] = "0,1,2,4",
    reading: Annotated[
        str, typer.Option(help="How Eq. 7 is read: literal, half, potentiation or unscaled.")
    ] = "literal",
    relative_rate: Annotated[
        float | None,
        typer.Option(help="Factor on the learned rates; the method's rule otherwise."),
    ] = None,
    write_verify: Annotated[
        int, typer.Option(help="Rounds of write-verify for the initial map; 0 maps ideally.")
    ] = 0,
    device: DeviceOption = None,
    seed: Seed = 0,
    json: options.Json = None,
) -> None:
    """Few-shot accuracy on test classes, every weight written in device pulses."""
    from meta.evaluate import RELATIVE_RATES, VALIDATION_TASKS
    from meta.evaluate import evaluate as run
    from meta.hardware import WriteModel
    from meta.methods import find_method
    from roa_circuit.programming import Programming

    net, name = network_of(network, method, ways)
    how = find_method(name)
    if tasks < 2:
        raise InputError(f"--tasks {tasks}: at least 2, or there is no interval")
    programming = Programming(max_pulses=net.max_pulses, reading=reading)
    model = WriteModel(device=device_of(device), how=programming)
    sigmas = numbers_of(sigma_wn, "--sigma-wn")
    for sigma in sigmas:
        Programming(sigma_wn=sigma)
    images = dataset_of(dataset, data)
    chosen = relative_rate is None and how.rate == "chosen"
    tuning = len(RELATIVE_RATES) * VALIDATION_TASKS if chosen else 0
    with console.progress() as bar:
        line = bar.add_task("episodes", total=len(sigmas) * (tasks + tuning))
        rows = run(
            net,
            images,
            model,
            shots=shots,
            queries=queries,
            tasks=tasks,
            sigmas=sigmas,
            method=how,
            relative_rate=relative_rate,
            verify_rounds=write_verify,
            seed=seed,
            on_task=lambda: bar.advance(line),
        )
    title = f"{name} on {dataset}, {rows[0].ways}-way {shots}-shot, {tasks} tasks"
    console.out.print(_table(rows, title))
    if json is not None:
        write_json(json, {"rows": [asdict(row) for row in rows], "provenance": provenance(seed=seed)})


def _table(rows: list[Row], title: str) -> object:
    columns = ["σ_WN", "rate", "accuracy", "95 %", "paper", "pulses/weight", "energy", "time"]
    cells = [
        [
            f"{r.sigma_wn:g}",
            f"{r.relative_rate:g}",
            f"{r.accuracy:.2%}",
            f"± {r.ci95:.2%}",
            "-" if r.paper is None else f"{r.paper:.2%}",
            f"{r.pulses_per_weight:.4f}",
            f"{1e6 * r.write_energy:.2g} µJ",
            f"{1e3 * r.write_seconds:.3g} ms",
        ]
        for r in rows
    ]
    return console.table(title, columns, cells)
