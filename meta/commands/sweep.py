"""`roa-meta sweep`: few-shot accuracy of a whole network behind its circuits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meta.commands._inputs import (
    Data,
    DataSet,
    DeviceOption,
    Method,
    NetworkFile,
    Shots,
    circuit_of,
    dataset_of,
    device_of,
    network_of,
)
from roa_circuit import options
from roa_circuit.imperfections import Imperfections

_EPISODES = 10


def sweep(
    file: options.SweepFile = None,
    network: NetworkFile = None,
    method: Method = None,
    dataset: DataSet = "omniglot",
    data: Data = None,
    ways: Annotated[int | None, typer.Option(help="As in `evaluate`.")] = None,
    shots: Shots = 1,
    queries: Annotated[int, typer.Option(min=1, help="Query images a class.")] = 15,
    vary: options.Vary = None,
    design: options.Design = None,
    points: options.Points = None,
    repeats: options.Repeats = None,
    seed: options.SweepSeed = None,
    target: options.Target = None,
    metric: options.Metric = None,
    sensitivity: options.Sensitivity = "tornado",
    samples: options.Samples = 64,
    compensation: options.CompensationName = "nothing",
    in_situ: Annotated[
        bool, typer.Option("--in-situ", help="Write through the wires, too, which takes minutes.")
    ] = False,
    wire_resistance: options.WireResistance = None,
    imperfections: options.ImperfectionsFile = None,
    device: DeviceOption = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    output_dir: options.SweepFolder = Path("out/sweep"),
    figures: options.Figures = False,
    json_file: options.Json = None,
) -> None:
    """Vary anything of circuit, device, pulses and imperfections under every layer of a network."""
    from meta.sweeps import NetworkSubject
    from roa_circuit.recovery import Compensation
    from roa_circuit.sweeps.command import Asked, carry_out

    chosen = Compensation.parse(compensation)
    net, _ = network_of(network, method, ways)
    subject = NetworkSubject(
        network=net, dataset=dataset_of(dataset, data), circuit=circuit_of(wire_resistance),
        device=device_of(device), imperfections=imperfections or Imperfections(), compensation=chosen,
        shots=shots, queries=queries, in_situ=in_situ,
    )  # fmt: skip
    asked = Asked(
        file=file, vary=vary or [], design=design, points=points, repeats=repeats, seed=seed,
        target=target, metric=metric, sensitivity=sensitivity, samples=samples, workers=workers,
        scheduler=scheduler, output_dir=output_dir, figures=figures, json_file=json_file,
        usual_repeats=_EPISODES,
    )  # fmt: skip
    carry_out(asked, subject, options.typed(dropping=options.OF_A_SWEEP))
