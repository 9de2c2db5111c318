"""`roa-meta train`: meta-train a network; the run is a folder that can go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meta.commands._inputs import (
    DATASETS,
    CellsPerFeature,
    Compute,
    Data,
    Method,
    OwnHead,
    Views,
    adopt,
    compute_of,
    configuration_of,
    dataset_of,
    network_in,
)
from meta.commands._unused import idle_of
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.results import write_json
from roa_circuit.basics.units import counted, percent
from roa_circuit.circuit import footing
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.parameters import Device
from roa_circuit.presentation import circuit_options, console, options, standing

if TYPE_CHECKING:
    from meta.circuits.aware.circuit import Circuit
    from meta.circuits.validate import SpiceValidation
    from meta.data.fewshot import FewShotDataset
    from meta.training.configuration import Training
    from meta.training.events import Events
    from meta.training.spice_log import SpiceRow, Tolerances
    from meta.training.train import Callback, Epoch

Count = int | None
Number = float | None


def _option(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, show_default=False)


@dataclass(frozen=True, kw_only=True)
class SpiceChecks:
    """The options of SPICE in the loop; see `roa_circuit.presentation.options.grouped`."""

    validate_every: Annotated[
        int, typer.Option(min=0, help="Epochs between validations in ngspice; 0 leaves them out.")
    ] = 0
    validate_episodes: Annotated[
        int, typer.Option(min=1, max=1000, help="Adapted episodes each time.")
    ] = 2
    on_divergence: Annotated[
        str, typer.Option(help="warn or stop, where ngspice and surrogate are too far apart.")
    ] = "warn"
    current_tolerance: Annotated[float, typer.Option(help="Worst relative error of a read.")] = 1e-5
    state_tolerance: Annotated[float, typer.Option(help="Worst error of a cell's ω.")] = 5e-3
    hardware_wires: Annotated[
        float | None, _option("Ohm a segment in ngspice, where not the surrogate's 1.")
    ] = None

    def require_use(self) -> None:
        """Raise InputError where something is said of validations that do not take place."""
        given = {field.name: getattr(self, field.name) != field.default for field in fields(self)}
        for name in (name for name in given if given[name] and not self.validate_every):
            raise InputError(
                f"--{name.replace('_', '-')}: is about validations in ngspice; add --validate-every N"
            )

    def tolerances(self) -> Tolerances:
        """How far ngspice and the surrogate may be apart, and what happens beyond."""
        from meta.training.spice_log import Tolerances

        return Tolerances(
            current=self.current_tolerance, state=self.state_tolerance, action=self.on_divergence
        )

    def validation(
        self,
        images: FewShotDataset,
        how: Training,
        device: Device,
        output: Path,
        tolerances: Tolerances,
        reports: Sequence[Callable[[SpiceRow], None]],
        lines: Crossbar | None = None,
    ) -> SpiceValidation:
        """The callback that sends adapted episodes to ngspice; `reports` are told of every row.

        lines : of the circuit that the network learns with; None are those of the design point
        """
        from meta.circuits.validate import (
            Schedule,
            SpiceValidation,
            trained_writing,
            validation_tasks,
        )

        def tell(row: SpiceRow) -> None:
            for report in reports:
                report(row)

        return SpiceValidation(
            validation_tasks(images, how),
            trained_writing(how, device),
            output,
            Schedule(every=self.validate_every, episodes=self.validate_episodes),
            circuit=Wiring.of_wires(self.hardware_wires).on(lines or default_crossbar(1, 2)),
            surrogate=lines,
            tolerances=tolerances,
            on_row=tell,
        )


@options.grouped
def train(
    *,
    context: typer.Context,
    output: Annotated[Path, options.folder("Of the run.")],
    method: Method = None,
    config: Annotated[Path | None, _option("A TOML file; options given here win over it.")] = None,
    resume: Annotated[bool, options.flag("--resume", "Go on from the folder's last epoch.")] = False,
    dataset: Annotated[str | None, _option(f"{DATASETS} Default: omniglot.")] = None,
    data: Data = None,
    ways: Annotated[Count, _option("Classes a task; 5 otherwise.")] = None,
    shots: Annotated[Count, _option("Support images a class; 1 otherwise.")] = None,
    queries: Annotated[Count, _option("Query images a class; 5 otherwise.")] = None,
    filters: Annotated[Count, _option("Of every block; 64 otherwise.")] = None,
    last_filters: Annotated[Count, _option("Of the last block, where it differs.")] = None,
    epochs: Annotated[Count, _option("16 otherwise.")] = None,
    iterations: Annotated[Count, _option("Outer steps an epoch; 500 otherwise.")] = None,
    batch: Annotated[Count, _option("Tasks an outer step; 8 otherwise.")] = None,
    pulses_from: Annotated[Count, _option("First epoch that rounds to pulses; 8 otherwise.")] = None,
    relative_rate: Annotated[Number, _option("On the learned rates when rounding; 3.")] = None,
    rho: Annotated[Number, _option("Constraint of Eq. 18; the method's own otherwise.")] = None,
    max_pulses: Annotated[Count, _option("Of one cell; the method's own otherwise.")] = None,
    turns: Annotated[bool | None, _option("A class turned by 90° is another; of grey: yes.")] = None,
    erased: Annotated[Number, _option("ω that the cells of roa-robust's head start at; 0.02.")] = None,
    same_length: Annotated[bool | None, _option("roa-robust: features scaled to one length.")] = None,
    noise_scale: Annotated[Number, _option("roa-robust: on the noise levels of training.")] = None,
    cells_per_feature: CellsPerFeature = None,
    views: Views = None,
    backbone: Annotated[
        str | None, _option("blocks; before an erased head residual, or PACKAGE.MODULE:FUNCTION.")
    ] = None,
    centred: Annotated[
        bool | None, _option("Of an erased head: the training's mean is taken off its features.")
    ] = None,
    inner_loss: Annotated[
        str | None, _option("PACKAGE.MODULE:FUNCTION of the inner step's loss; its code is run.")
    ] = None,
    rate_rule: Annotated[
        str | None, _option("PACKAGE.MODULE:FUNCTION of the inner step's rates; its code is run.")
    ] = None,
    sampler: Annotated[
        str | None, _option("PACKAGE.MODULE:FUNCTION that chooses a task's images; its code is run.")
    ] = None,
    head: OwnHead = None,
    learning_rate: Annotated[Number, _option("Of the outer loop; 1e-3, falls to 1e-5.")] = None,
    rate_scale: Annotated[Number, _option("Factor on the learned inner rates at the start.")] = None,
    head_rate: Annotated[
        Number, _option("Factor on the head's own rates at the start.", "--head-rate-scale")
    ] = None,
    second_order: Annotated[bool | None, _option("The outer gradient goes through the inner.")] = None,
    validation_tasks: Annotated[Count, _option("A level and epoch; 100 otherwise.")] = None,
    mapping: Annotated[
        str | None, _option("pair writes two cells a weight, pair:WRITE in another way than raise.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE", help="Parameter set, a name or a TOML file; the network keeps it."
        ),
    ] = None,
    circuit: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="TOML of a circuit: the network learns through its wires.",
            rich_help_panel="Circuit",
        ),
    ] = None,
    imperfections: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="TOML of imperfections to learn with: write noise, faults, converters.",
            rich_help_panel="Circuit",
        ),
    ] = None,
    wire_spread: Annotated[
        Number,
        typer.Option(
            help="How far wires may be off, as a share such as 0.1.", rich_help_panel="Circuit"
        ),
    ] = None,
    circuit_every: Annotated[
        Count,
        typer.Option(
            help="Outer steps until the circuit is drawn anew; 16 otherwise.", rich_help_panel="Circuit"
        ),
    ] = None,
    seed: Annotated[Count, _option("Of initialisation, tasks and noise.")] = None,
    start_network: Annotated[
        Path | None, typer.Option(help="A .safetensors file of `train` to begin with.")
    ] = None,
    compute: Compute = "cpu",
    checks: SpiceChecks,
    tensorboard: Annotated[
        bool, options.flag("--tensorboard", "Event files, too, in the run's folder.")
    ] = False,
    json: options.Json = None,
) -> None:
    """Meta-train a network; the folder gets checkpoints and metrics after every epoch."""
    from meta.circuits.aware.circuit import Circuit
    from meta.network.precision import round_products
    from meta.training.configuration import Training
    from meta.training.device import device_of_run
    from meta.training.train import Platform
    from meta.training.train import train as run

    checks.require_use()
    if resume and start_network is not None:
        raise InputError(
            f"--start-network {start_network}: a run that goes on has its network; leave one out"
        )
    where = compute_of(compute)
    round_products(to_tf32=True)
    adopt(backbone, head=head, inner_loss=inner_loss, rate_rule=rate_rule, sampler=sampler)
    how = configuration_of(Training, output, config, resume, context.params)
    for name, why in how.idle.items():
        console.remark(f"{name} = {getattr(how, name)} ignored: {why}")
    tolerances = checks.tolerances()
    cells = device_of_run(how, output, resume=resume)
    wires = Circuit.of_run(how, output, resume=resume)
    unused = [] if wires is None or resume else _idle(wires)
    first = None if start_network is None else network_in(start_network)
    images = dataset_of(how.dataset, data)
    reports: list[Callable[[SpiceRow], None]] = [_report_spice]
    with console.progress() as bar, ExitStack() as stack:
        line = bar.add_task("training", total=how.epochs * how.iterations)
        announce = cache(lambda: console.remark(_announced(how)))

        def advance(epoch: int, iteration: int) -> None:
            announce()
            bar.update(line, completed=epoch * how.iterations + iteration + 1)

        callbacks: list[Callback] = [lambda _, row: _report_epoch(row, how.epochs)]
        if tensorboard:
            events = _events(output)
            callbacks.append(events)
            reports.append(events.spice)
        if checks.validate_every:
            own = wires.hardware.crossbar if wires else None
            spice = checks.validation(images, how, cells, output, tolerances, reports, own)
            callbacks.append(stack.enter_context(spice))
        network = run(
            images,
            how,
            output,
            start=first,
            resume=resume,
            platform=Platform(compute=where, circuit=wires),
            callbacks=callbacks,
            on_iteration=advance,
        )
    lines = None if wires is None else wires.hardware.crossbar
    if json is not None:
        found = {"network": str(output / "best.safetensors"), **network.note}
        write_json(json, found | footing.to_dict(cells, lines) | {"ignored": [*how.idle, *unused]})
    console.say(f"network: {output / 'best.safetensors'}")
    standing.say(cells, lines)


def _idle(wires: Circuit) -> list[str]:
    """What of the circuit to learn with changes nothing, with a line on stderr about it."""
    own, why = wires.hardware, "training gives every cell its pulses in full"
    unused = idle_of(own.imperfections, in_situ=False, mapping=own.mapping, why=why)
    return unused + circuit_options.idle_in_settled_reads(own.circuitry)


def _events(output: Path) -> Events:
    """TensorBoard's view of the run, from the epoch that it goes on with."""
    from meta.training.events import Events
    from meta.training.train import epochs_done

    return Events(output, first=epochs_done(output))


def _announced(how: Training) -> str:
    """How long a training is, which a file that lacks its end leaves at what is usual.

    It is said after the first step: what is refused is then refused already.
    """
    steps, tasks = counted(how.iterations, "step"), counted(how.batch, "task")
    return (
        f"{how.method}, {how.ways}-way {how.shots}-shot: {counted(how.epochs, 'epoch')} of {steps},"
        f" {tasks} each"
    )


def _report_epoch(row: Epoch, epochs: int) -> None:
    console.out.print(
        f"epoch {row.epoch + 1:3d}/{epochs}  loss {row.loss:.3f}  "
        f"validation {percent(row.accuracy_ideal, 2)} ideal, {percent(row.accuracy_pulses, 2)} pulses, "
        f"{percent(row.accuracy_noise, 2)} noise  {row.seconds:.0f} s",
        soft_wrap=True,
    )


def _report_spice(row: SpiceRow) -> None:
    console.out.print(
        f"  ngspice, epoch {row.epoch + 1}, episode {row.episode}: surrogate "
        f"{percent(row.accuracy_surrogate, 2)}, SPICE {percent(row.accuracy_spice, 2)}, currents within "
        f"{row.current_error:.0e}, states within {row.state_error:.0e}"
        f"{': [bold red]DIVERGED[/]' if row.diverged else ''}",
        soft_wrap=True,
    )
