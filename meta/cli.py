"""roa-meta: train, adapt and evaluate networks that learn in one write."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from roa_circuit import console, options
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.errors import InputError
from roa_circuit.parameters import Device, load_device
from roa_circuit.results import provenance, write_json
from roa_circuit.units import parse_quantity

if TYPE_CHECKING:
    from meta.fewshot import FewShotDataset
    from meta.network import Network
    from meta.train import Callback, Epoch, Training
    from meta.validate import SpiceValidation

app = typer.Typer(
    name="roa-meta",
    help="Few-shot networks on memristor crossbars: learn to learn in one write.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataSet = Annotated[str, typer.Option(help="omniglot, or glyphs (built in, needs no download).")]
Data = Annotated[Path | None, typer.Option(help="A local copy of the data set; downloaded otherwise.")]
NetworkFile = Annotated[Path | None, typer.Option(help="A .safetensors file of `train`.")]
DeviceOption = Annotated[
    str | None, typer.Option(help="Parameter set, a name or a TOML file; the design point otherwise.")
]


LAYER_COLUMNS = ["layer", "rows", "columns", "pulses", "cells_written"]


@app.callback()
def _root() -> None:
    """Few-shot networks on memristor crossbars: learn to learn in one write."""


@app.command()
def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")],
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: int = 5,
    shots: int = 1,
    queries: int = 5,
    filters: int = 64,
    epochs: int = 16,
    iterations: Annotated[int, typer.Option(help="Outer steps an epoch.")] = 500,
    batch: Annotated[int, typer.Option(help="Tasks an outer step.")] = 8,
    pulses_from: Annotated[int, typer.Option(help="First epoch that rounds to pulses.")] = 8,
    relative_rate: Annotated[
        float, typer.Option(help="Factor on the learned rates when rounding.")
    ] = 3.0,
    validate_every: Annotated[
        int, typer.Option(help="Epochs between validations in ngspice; 0 leaves them out.")
    ] = 0,
    validate_episodes: Annotated[int, typer.Option(help="Adapted episodes each time.")] = 2,
    rho: Annotated[float, typer.Option(help="Constraint of Eq. 18; 1 leaves it out.")] = 0.5,
    learning_rate: Annotated[float, typer.Option(help="Of the outer loop; falls to 1e-5.")] = 1e-3,
    head_rate: Annotated[float, typer.Option(help="Factor on the head's first inner rate.")] = 1.0,
    start: NetworkFile = None,
    device: Annotated[
        str, typer.Option(help="Parameter set: a shipped name or a TOML file.")
    ] = "zhang2021",
    seed: int = 0,
    json: options.Json = None,
) -> None:
    """Meta-train a network; the folder gets checkpoints and metrics after every epoch."""
    from meta.datasets import load_dataset
    from meta.train import Training
    from meta.train import train as run

    how = Training(
        ways=ways,
        shots=shots,
        queries=queries,
        filters=filters,
        epochs=epochs,
        iterations=iterations,
        batch=batch,
        pulses_from=pulses_from,
        relative_rate=relative_rate,
        rho=rho,
        learning_rate=learning_rate,
        head_rate=head_rate,
        device=device,
        seed=seed,
    )
    first = None if start is None else _network(start)
    images = load_dataset(dataset, data, progress=console.DownloadBar(dataset))
    with console.progress() as bar, ExitStack() as stack:
        line = bar.add_task("training", total=epochs * iterations)
        callbacks: list[Callback] = [lambda _, row: _report_epoch(row, epochs)]
        if validate_every:
            spice = _spice_validation(images, how, output, validate_every, validate_episodes)
            callbacks.append(stack.enter_context(spice))
        network = run(
            images,
            how,
            output,
            start=first,
            callbacks=callbacks,
            on_iteration=lambda *_: bar.advance(line),
        )
    console.out.print(f"network: {output / 'best.safetensors'}")
    if json is not None:
        write_json(json, {"network": str(output / "best.safetensors"), **network.note})


def _report_epoch(row: Epoch, epochs: int) -> None:
    console.out.print(
        f"epoch {row.epoch + 1:3d}/{epochs}  loss {row.loss:.4f}  validation: ideal "
        f"{row.accuracy_ideal:.2%}, pulses {row.accuracy_pulses:.2%}, {row.seconds:.0f} s"
    )


def _spice_validation(
    images: FewShotDataset, how: Training, output: Path, every: int, episodes: int
) -> SpiceValidation:
    from meta.validate import SpiceRow, SpiceValidation

    def report(row: SpiceRow) -> None:
        console.out.print(
            f"  ngspice, epoch {row.epoch + 1}, episode {row.episode}: surrogate "
            f"{row.accuracy_surrogate:.2%}, SPICE {row.accuracy_spice:.2%}, "
            f"{'agree' if row.passed else 'DIVERGE'}"
        )

    return SpiceValidation(
        images,
        default_device(),
        output,
        every=every,
        episodes=episodes,
        shots=how.shots,
        relative_rate=how.relative_rate,
        on_row=report,
    )


@app.command()
def adapt(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the layer files.")] = Path(
        "out/adapt"
    ),
    network: NetworkFile = None,
    dataset: DataSet = "glyphs",
    data: Data = None,
    shots: int = 1,
    queries: Annotated[int, typer.Option(help="Query images a class.")] = 15,
    relative_rate: Annotated[
        float | None, typer.Option(help="Factor on the learned rates; the network's own otherwise.")
    ] = None,
    sigma_wn: Annotated[float, typer.Option(help="Write noise of Eq. 7.")] = 0.0,
    device: DeviceOption = None,
    wire_resistance: options.WireResistance = None,
    seed: int = 0,
    json: options.Json = None,
) -> None:
    """Adapt to one test episode and write its programmed layers for `roa-spice verify`."""
    from meta.adaptation import adapt_episode
    from meta.datasets import load_dataset

    net, circuit = _network(network), default_crossbar(1, 2)
    if wire_resistance is not None:
        circuit = replace(circuit, r_word=wire_resistance, r_bit=wire_resistance)
    parameters = _device(device)
    episode = adapt_episode(
        net,
        load_dataset(dataset, data, progress=console.DownloadBar(dataset)),
        device=parameters,
        circuit=circuit,
        shots=shots,
        queries=queries,
        relative_rate=net.trained_rate if relative_rate is None else relative_rate,
        sigma_wn=sigma_wn,
        seed=seed,
    )
    for name, layer in episode.layers.items():
        layer.save(output / f"{name}.npz")
    rows = [[row["layer"], *(f"{row[key]:,}" for key in LAYER_COLUMNS[1:])] for row in episode.summary()]
    console.out.print(console.table(f"adapted in one write, seed {seed}", LAYER_COLUMNS, rows))
    console.out.print(
        f"query accuracy {episode.accuracy:.2%} (before the write {episode.accuracy_before:.2%}); "
        f"layers in {output}"
    )
    if json is not None:
        write_json(json, episode.to_dict())


@app.command()
def evaluate(
    network: NetworkFile = None,
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: Annotated[int | None, typer.Option(help="Must be the network's own.")] = None,
    shots: int = 1,
    queries: Annotated[int, typer.Option(help="Query images a class.")] = 15,
    tasks: int = 200,
    sigma_wn: Annotated[
        str, typer.Option(help="Write noise levels of Eq. 7, comma separated.")
    ] = "0,1,2,4",
    relative_rate: Annotated[
        float | None,
        typer.Option(help="Factor on the learned rates; chosen on validation classes otherwise."),
    ] = None,
    write_verify: Annotated[
        int, typer.Option(help="Rounds of write-verify for the initial map; 0 maps ideally.")
    ] = 0,
    device: DeviceOption = None,
    seed: int = 0,
    json: options.Json = None,
) -> None:
    """Few-shot accuracy on test classes, every weight written in device pulses."""
    from meta.datasets import load_dataset
    from meta.evaluate import RELATIVE_RATES, VALIDATION_TASKS
    from meta.evaluate import evaluate as run
    from meta.learners import WriteModel
    from roa_circuit.programming import Programming

    net = _network(network)
    if ways not in (None, net.architecture.ways):
        raise InputError(
            f"--ways {ways}: this network has {net.architecture.ways} classes; "
            f"train another with `roa-meta train --ways {ways}`"
        )
    if tasks < 2:
        raise InputError(f"--tasks {tasks}: at least 2, or there is no interval")
    model = WriteModel(device=_device(device), how=Programming())
    sigmas = [parse_quantity(part, what="--sigma-wn") for part in sigma_wn.split(",")]
    for sigma in sigmas:
        Programming(sigma_wn=sigma)
    images = load_dataset(dataset, data, progress=console.DownloadBar(dataset))
    tuning = len(RELATIVE_RATES) * VALIDATION_TASKS if relative_rate is None else 0
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
            relative_rate=relative_rate,
            verify_rounds=write_verify,
            seed=seed,
            on_task=lambda: bar.advance(line),
        )
    title = f"{dataset}, {net.architecture.ways}-way {shots}-shot, {tasks} tasks"
    columns = [
        "write noise",
        "relative rate",
        "accuracy",
        "95 % interval",
        "pulses a weight",
        "initial map",
    ]
    cells = [
        [
            f"{r.sigma_wn:g}",
            f"{r.relative_rate:g}",
            f"{r.accuracy:.2%}",
            f"± {r.ci95:.2%}",
            f"{r.pulses_per_weight:.4f}",
            r.initial_map,
        ]
        for r in rows
    ]
    console.out.print(console.table(title, columns, cells))
    if json is not None:
        write_json(json, {"rows": [asdict(row) for row in rows], "provenance": provenance(seed=seed)})


def _network(path: Path | None) -> Network:
    from meta.network import Network, shipped_network

    return shipped_network() if path is None else Network.load(path)


def _device(name: str | None) -> Device:
    return default_device() if name is None else load_device(name)


def main() -> NoReturn:
    """Entry point of `roa-meta`."""
    console.run(app)
