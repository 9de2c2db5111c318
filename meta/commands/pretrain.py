"""`roa-meta pretrain`: a backbone learns to classify; its features serve a head that is written once."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meta.commands._inputs import (
    DATASETS,
    CellsPerFeature,
    Compute,
    Data,
    OwnHead,
    Views,
    adopt,
    compute_of,
    configuration_of,
    dataset_of,
)
from roa_circuit.basics.results import write_json
from roa_circuit.basics.units import counted, percent
from roa_circuit.circuit import footing
from roa_circuit.presentation import console, options, standing

if TYPE_CHECKING:
    from meta.training.pretrain import PretrainingEpoch

Count = int | None
Number = float | None


def _option(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, show_default=False)


def pretrain(
    context: typer.Context,
    output: Annotated[Path, options.folder("Of the run.")],
    config: Annotated[Path | None, _option("A TOML file; options given here win over it.")] = None,
    resume: Annotated[bool, options.flag("--resume", "Go on from the folder's last epoch.")] = False,
    dataset: Annotated[str | None, _option(f"{DATASETS} Default: omniglot.")] = None,
    data: Data = None,
    classes: Annotated[
        str | None, _option("train; or train+validation, unvalidated, when all is chosen.")
    ] = None,
    head_rate: Annotated[
        Number, _option("At which the head is written; the best on validation classes.")
    ] = None,
    head: OwnHead = None,
    backbone: Annotated[
        str | None, _option("residual; blocks, the paper's four; or PACKAGE.MODULE:FUNCTION.")
    ] = None,
    filters: Annotated[Count, _option("Of the first block; 32 otherwise.")] = None,
    epochs: Annotated[Count, _option("Each sees every image in every turn; 60 otherwise.")] = None,
    batch: Annotated[Count, _option("Images a step; 128 otherwise.")] = None,
    learning_rate: Annotated[Number, _option("The highest; 0.1, falls to 0.")] = None,
    weight_decay: Annotated[Number, _option("Of convolutions and class vectors; 5e-4.")] = None,
    momentum: Annotated[Number, _option("Nesterov's; 0.9 otherwise.")] = None,
    label_smoothing: Annotated[Number, _option("Share that all classes have in common; 0.1.")] = None,
    pasted: Annotated[
        Number, _option("Share of steps whose images have a box of another's; 0 otherwise.")
    ] = None,
    warm_up: Annotated[Count, _option("Steps in which the rate rises; 200 otherwise.")] = None,
    turned_classes: Annotated[
        bool | None, _option("Images turned by a quarter are classes of their own; yes.")
    ] = None,
    mirror: Annotated[bool | None, _option("Images are mirrored, too; of colour: yes.")] = None,
    centred: Annotated[
        bool | None, _option("The training's mean is taken off the head's features; yes.")
    ] = None,
    cells_per_feature: CellsPerFeature = None,
    views: Views = None,
    mapping: Annotated[
        str | None, _option("Of the head's cells in validation: pair, or reference.")
    ] = None,
    max_pulses: Annotated[Count, _option("Of one cell of the head; 4 otherwise.")] = None,
    validate_every: Annotated[
        Count, _option("Epochs between scores on validation classes; 5 otherwise.", "--score-every")
    ] = None,
    validation_tasks: Annotated[Count, _option("A level of noise; 300 otherwise.")] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE", help="Parameter set, a name or a TOML file; the network keeps it."
        ),
    ] = None,
    seed: Annotated[Count, _option("Of initialisation, order and changes of images.")] = None,
    compute: Compute = "cpu",
    json: options.Json = None,
) -> None:
    """Train a backbone as a classifier; `evaluate` writes a head on its features of new classes."""
    from meta.network.precision import round_products
    from meta.training.device import device_of_run
    from meta.training.pretrain import pretrain as run
    from meta.training.pretraining import Pretraining

    where = compute_of(compute)
    round_products(to_tf32=True)
    adopt(backbone, head=head)
    how = configuration_of(Pretraining, output, config, resume, context.params)
    cells = device_of_run(how, output, resume=resume)
    images = dataset_of(how.dataset, data)
    announce = cache(lambda: console.remark(f"{how.backbone} backbone, {counted(how.epochs, 'epoch')}"))
    with console.progress() as bar:
        line = bar.add_task("epochs", total=how.epochs)

        def advance(epoch: int, _: int) -> None:
            announce()  # after the first step: what is refused is refused already
            bar.update(line, completed=epoch)

        network = run(
            images,
            how,
            output,
            resume=resume,
            compute=where,
            on_epoch=lambda row: _report(row, how.epochs),
            on_step=advance,
        )
    if json is not None:
        found = {"network": str(output / "best.safetensors"), **network.note}
        write_json(json, found | footing.to_dict(cells, None))
    console.say(f"network: {output / 'best.safetensors'}")
    standing.say(cells, None)


def _report(row: PretrainingEpoch, epochs: int) -> None:
    text = (
        f"epoch {row.epoch + 1:3d}/{epochs}  loss {row.loss:.3f}  train {percent(row.accuracy_train, 1)}"
    )
    found = asdict(row)
    if row.cosine is not None:
        cosine, pulses, noise = (
            percent(found[name], 2) for name in ("cosine", "accuracy_pulses", "accuracy_noise")
        )
        text += f"  validation {cosine} cosine, {pulses} pulses, {noise} noise"
    console.out.print(f"{text}  {row.seconds:.0f} s", soft_wrap=True)
