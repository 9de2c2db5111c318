"""`roa-spice sweep`: which imperfection of the circuit hurts a layer, and what each may be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netlists.commands._layer import Reads, asked_lines, layer_on
from roa_circuit import options
from roa_circuit.imperfections import Imperfections
from roa_circuit.tiling import TileSize


def sweep(
    file: options.SweepFile = None,
    layer: Annotated[str, typer.Option(help="A shipped layer ('fc') or a layer file (.npz).")] = "fc",
    vary: options.Vary = None,
    design: options.Design = None,
    points: options.Points = None,
    repeats: options.Repeats = None,
    seed: options.SweepSeed = None,
    target: options.Target = None,
    metric: options.Metric = None,
    sensitivity: options.Sensitivity = "tornado",
    samples: options.Samples = 64,
    check: Annotated[
        str, typer.Option(metavar="SHARE", help="Simulate this share of the points in ngspice, too: 5%.")
    ] = "0",
    compensation: options.CompensationName = "nothing",
    tile: Annotated[
        str, typer.Option(help="Weights on one array, word lines x bit lines; larger layers are split.")
    ] = str(TileSize()),
    reads: Reads = None,
    wire_resistance: options.WireResistance = None,
    source_resistance: options.SourceResistance = None,
    sense_resistance: options.SenseResistance = None,
    drive: options.Drive = None,
    sense: options.Sense = None,
    imperfections: options.ImperfectionsFile = None,
    workers: options.Workers = None,
    scheduler: options.Scheduler = None,
    output_dir: options.SweepFolder = Path("out/sweep"),
    figures: options.Figures = False,
    json_file: options.Json = None,
) -> None:
    """Vary anything of a layer's circuit, device, pulses and imperfections: one page of what hurts."""
    from netlists.simulators import Engine
    from netlists.spot_checks import SpotCheck
    from roa_circuit.recovery import Compensation
    from roa_circuit.sweeps.budgets import share
    from roa_circuit.sweeps.command import Asked, Check, carry_out
    from roa_circuit.sweeps.layer import LayerSubject

    wiring = asked_lines(wire_resistance, source_resistance, sense_resistance, drive, sense)
    subject = LayerSubject(
        layer=layer_on(layer, reads=reads, wiring=wiring),
        tile=TileSize.parse(tile),
        imperfections=imperfections or Imperfections(),
        compensation=Compensation.parse(compensation),
    )
    part = share(check, what="--check")
    if part:
        Engine.ngspice.simulator.find()
    asked = Asked(
        file=file, vary=vary or [], design=design, points=points, repeats=repeats, seed=seed,
        target=target, metric=metric, sensitivity=sensitivity, samples=samples, workers=workers,
        scheduler=scheduler, output_dir=output_dir, figures=figures, json_file=json_file,
    )  # fmt: skip
    carry_out(
        asked, subject, options.typed(dropping=options.OF_A_SWEEP),
        Check(subject=SpotCheck(layer=subject), share=part) if part else None,
    )  # fmt: skip
