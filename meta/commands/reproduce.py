"""`roa-meta reproduce`: the paper's table and figures, computed again."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meta.commands._inputs import (
    Compute,
    Data,
    DataSet,
    DeviceOption,
    Seed,
    TrainedWays,
    compute_of,
    dataset_of,
    numbers_of,
)
from meta.network.methods import find_method
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_bytes, write_json, write_table, write_text
from roa_circuit.basics.units import percent
from roa_circuit.circuit.design_point import chosen_device
from roa_circuit.device.programming import Programming
from roa_circuit.presentation import console, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meta.reproduction.plans import Entry, Plan
    from meta.reproduction.studies import Study
    from meta.training.train import Epoch


def reproduce(
    context: typer.Context,
    study: Annotated[
        str, typer.Argument(help="table2, figure3 to figure6, or ablation (of roa-robust).")
    ],
    output: Annotated[Path, options.folder("Of results.")] = Path("out/reproduce"),
    dataset: DataSet = "omniglot",
    data: Data = None,
    networks: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of trained runs, before the shipped networks; may be repeated."),
    ] = None,
    methods: Annotated[str | None, typer.Option(help="Others than the paper's, by name.")] = None,
    ways: Annotated[str | None, typer.Option(help="Of the study's, comma separated.")] = None,
    trained_ways: TrainedWays = None,
    sigma_wn: Annotated[str | None, typer.Option(help="Others than the study's.")] = None,
    reading: Annotated[
        str,
        typer.Option(
            help="How Eq. 7 is read, each for the whole grid: literal, half, potentiation or unscaled."
        ),
    ] = "literal",
    budget: Annotated[
        float, typer.Option(help="Share of 600 test tasks, and of the paper's training.")
    ] = 0.2,
    train: Annotated[
        bool, options.flag("--train", "Train the networks that are missing first.")
    ] = False,
    trainings: Annotated[
        int, typer.Option(min=1, max=1000, help="Networks of separate seeds that --train sees to.")
    ] = 1,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            max=1024,
            help="Cells computed side by side, on a core each; a single one takes all cores.",
        ),
    ] = 1,
    scheduler: options.Scheduler = None,
    compute: Compute = "cpu",
    device: DeviceOption = None,
    seed: Seed = 0,
    json: options.Json = None,
) -> None:
    """Run or resume one of the paper's results; a table and a plot beside the paper's numbers."""
    from meta.network.precision import round_products
    from meta.reproduction.budgets import Budget
    from meta.reproduction.plans import Plan
    from meta.reproduction.runs import reproduce as run
    from meta.reproduction.studies import find_study
    from meta.reproduction.trainings import train_missing
    from roa_circuit.sweeps.clusters import quiet_scheduler_at

    how: dict[str, Any] = {
        "dataset": dataset,
        "data": data,
        "device": chosen_device(device),
        "budget": Budget(share=budget),
        "seed": seed,
        "jobs": jobs,
        "scheduler": context.with_resource(quiet_scheduler_at(scheduler, jobs)),
        "compute": compute_of(compute),
    }
    if study == "ablation":
        own = {
            "--networks": networks, "--methods": methods, "--ways": ways, "--sigma-wn": sigma_wn,
            "--trained-ways": trained_ways, "--train": train, "--trainings": trainings != 1,
            "--reading": reading != "literal",
        }  # fmt: skip
        for option, given in own.items():
            if given:
                raise InputError(f"{option}: the ablation has its own; leave it out")
        _ablation(output, json, **how)
        return
    if trainings != 1 and not train:
        raise InputError(f"--trainings {trainings}: says what --train is to train; add --train")
    plan = Plan(
        study=_narrowed(find_study(study), dataset, methods, ways, sigma_wn),
        readings=_readings(reading),
        networks=(*_existing(networks or []), output / "networks"),
        trained_ways=trained_ways,
        repeats=trainings,
        folder=output,
        **how,
    )
    if data is None:
        dataset_of(dataset, data)  # downloaded before processes ask for it together
    unused: list[str] = []
    if train:
        round_products(to_tf32=True)
        if not train_missing(plan, on_epoch=_report_epoch):
            unused += console.ignored("--train", "", "no network is missing")
    with console.progress() as bar:
        line = bar.add_task("cells")
        entries = run(plan, on_cells=lambda done, all_: bar.update(line, completed=done, total=all_))
    _write(plan, entries, json, unused)


def _narrowed(
    study: Study, dataset: str, methods: str | None, ways: str | None, sigma_wn: str | None
) -> Study:
    """The study with what the options say in place of the paper's grid."""
    from meta.evaluation.paper import TABLE_2

    known = TABLE_2.get(dataset, {})
    names = study.methods if methods is None else tuple(methods.split(","))
    counts = tuple(way for way in study.ways if way in known or not known)
    if ways is not None:
        counts = tuple(_whole(way) for way in numbers_of(ways, "--ways"))
    sigmas = study.sigmas if sigma_wn is None else tuple(numbers_of(sigma_wn, "--sigma-wn"))
    for name in names:
        find_method(name)
    for sigma in sigmas:
        Programming(sigma_wn=sigma)
    return replace(study, methods=names, ways=counts, sigmas=sigmas)


def _whole(ways: float) -> int:
    if not (ways.is_integer() and 2 <= ways <= 1000):
        raise InputError(f"--ways {ways:g}: must be a whole number from 2 to 1000")
    return int(ways)


def _readings(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        Programming(reading=name)
    return names


def _existing(folders: list[Path]) -> list[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"--networks {folder}: no such folder")
    return folders


def _report_epoch(name: str, row: Epoch) -> None:
    console.say(f"{name}: epoch {row.epoch + 1}, validation {percent(row.accuracy_pulses, 2)} in pulses")


def _ablation(output: Path, json: Path | None, **how: Any) -> None:
    """Train and score what each ingredient of roa-robust is worth."""
    from meta.reproduction.ablation import Ablation, markdown

    ablation = Ablation(folder=output / "ablation", **how)
    rows = ablation.run(on_trained=lambda one: console.say(f"trained: {one.words}"))
    text = markdown(rows, console.provenance()["command"])
    write_table(output / "ablation.csv", rows)
    if json is not None:
        found = {"rows": [asdict(row) for row in rows], "provenance": console.provenance()}
        write_json(json, found)
    write_text(output / "ablation.md", text)
    console.say(text)


def _write(plan: Plan, entries: Sequence[Entry], json: Path | None, unused: list[str]) -> None:
    """Write tables and plots into the plan's folder, and print the tables."""
    from meta.reproduction import tables
    from meta.reproduction.figures import figure

    made, name = console.provenance(), plan.study.name
    rows = tables.lines(plan, entries)
    files = [plan.folder / f"{name}.md", plan.folder / f"{name}.csv"]
    write_text(files[0], tables.markdown(plan, entries, made["command"]))
    write_table(files[1], rows)
    for reading in plan.readings:
        drawing = figure(plan, entries, reading)
        if drawing is not None:
            files.append(plan.folder / f"{drawing.name}.png")
            write_bytes(files[-1], drawing.png())
    if json is not None:
        write_json(json, {"rows": [asdict(row) for row in rows], "ignored": unused, "provenance": made})
    for grid in (one for one in tables.grids(plan, entries) if not one.empty):
        console.out.print(console.table(grid.title.replace("`", ""), grid.header, grid.rows))
    for text in (*tables.orderings(entries), *tables.missing(entries)):
        console.say(text.replace("`", ""))
    console.say(f"written: {', '.join(map(str, files))}")
