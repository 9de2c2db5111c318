"""Training: the outer loop over batches of tasks; a run is a folder that can always go on."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.data.fewshot import FewShotDataset
from meta.data.tasks import Tasks, TaskSource, channels_first, check_sizes
from meta.evaluation.draws import Draws
from meta.evaluation.episodes import Episodes, embedded, episode_accuracies
from meta.evaluation.many_writes import variant_accuracies
from meta.learning.hardware import WriteModel
from meta.learning.reads import Circuit
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from meta.network.precision import CPU, fastest_dtype
from meta.network.rules import adopted
from meta.processes.pool import pool
from meta.training.checkpoint import (
    load_state,
    recorded,
    require_same,
    require_same_images,
    save_state,
    state_of,
)
from meta.training.configuration import Training
from meta.training.device import device_of_run
from meta.training.objective import Phase
from meta.training.outer_step import OuterStep
from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.basics.locks import held
from roa_circuit.basics.results import provenance, write_json, write_table, write_text
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of metrics.csv: `accuracy_noise` is the mean over the method's own noise levels."""

    epoch: int
    seconds: float
    loss: float
    accuracy_train: float
    accuracy_ideal: float
    accuracy_pulses: float
    accuracy_noise: float
    pulses_per_weight: float


Callback = Callable[[Network, Epoch], None]
"""Called after every epoch with the network as it stands."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What a network learns on.

    compute : a processor takes one task after another, an accelerator a batch side by side
    circuit : answers in the network's place, on a processor; None is perfect wires
    """

    compute: torch.device = CPU
    circuit: Circuit | None = None


ALONE = Platform()
"""A processor, and perfect wires."""


def train(
    dataset: FewShotDataset,
    how: Training,
    folder: Path,
    *,
    start: Network | None = None,
    resume: bool = False,
    platform: Platform = ALONE,
    callbacks: Sequence[Callback] = (),
    on_iteration: Callable[[int, int], None] = lambda epoch, iteration: None,
) -> Network:
    """Meta-train and return the network of the best validation epoch.

    start : a network to go on from, or None to start afresh. Its architecture must be that of `how`,
        with two exceptions: for another number of ways a new head is drawn, unless it is erased, and for
        more inner steps the last one is repeated.
    resume : go on from the folder's last epoch, to the same weights as if it had never stopped; the
        device is that of the run, which networks and checkpoints hold
    platform : where it computes, and which circuit it learns with. A network to start from is placed
        for its wires.

    The folder receives `config.toml`, `environment.json`, `metrics.csv`, `best.safetensors`,
    `last.safetensors` and `state.safetensors`, which `resume` reads, and the files of a circuit; all but
    these and the first are replaced whole after every epoch. The state is also written before the
    first one.

    Raises
    ------
    InputError : the folder holds a run already, or another training writes there; a circuit on an
        accelerator, or another than the run's.
    ConvergenceError : the training diverges; what its last whole epoch left is kept.
    """
    device = device_of_run(how, folder, resume=resume)
    circuit = platform.circuit
    run = _Run(dataset, how, folder, start, platform, device)
    with held(folder, "another training"):
        if resume:
            run.restore()
        else:
            require_no_run(folder)
            run.keep()
        write_text(folder / "config.toml", how.to_toml())
        if circuit is not None:
            circuit.keep(folder)
        for epoch in range(len(run.rows), how.epochs):
            row = run.epoch(epoch, on_iteration)
            run.record(row)
            for callback in callbacks:
                callback(run.network, row)
        return Network.load(folder / "best.safetensors")


def require_no_run(folder: Path) -> None:
    """Raise InputError where a folder holds a run, which another one would take the place of."""
    if (folder / "config.toml").exists():
        raise InputError(f"{folder}: holds a run already; go on with --resume, or choose another folder")


def epochs_done(folder: Path) -> int:
    """How many epochs the metrics in a run's folder cover."""
    path = folder / "metrics.csv"
    return len(path.read_text(encoding="utf-8").splitlines()) - 1 if path.exists() else 0


def learning_rate(iteration: int, how: Training) -> float:
    """Cosine from the first to the final learning rate over the whole run."""
    share = iteration / (how.epochs * how.iterations)
    span = how.learning_rate - how.final_learning_rate
    return how.final_learning_rate + 0.5 * span * (1 + math.cos(math.pi * share))


class _Run:
    """The state of a run: network, optimiser, random streams, metrics so far."""

    def __init__(
        self,
        dataset: FewShotDataset,
        how: Training,
        folder: Path,
        start: Network | None,
        platform: Platform,
        device: Device,
    ) -> None:
        compute, circuit = platform.compute, platform.circuit
        if circuit is not None and compute != CPU:
            raise InputError(f"compute {compute}: a circuit is solved on the processor; leave it out")
        self.device, self.circuit = device, circuit
        self.dataset, self.how, self.folder, self.compute = dataset, how, folder, compute
        self.source = TaskSource(
            images=channels_first(dataset.split("train")).to(compute),
            ways=how.ways,
            shots=how.shots,
            queries=how.queries,
            rotate=dataset.turns if how.turns is None else how.turns,
            sampler=None if how.sampler is None else adopted("sampler", how.sampler),
        )
        self.check_validation()
        self.dtype = fastest_dtype(compute)
        self.streams = {
            n: np.random.default_rng([how.seed, i]) for i, n in enumerate(("tasks", "noise"))
        }
        architecture = how.architecture(dataset.channels, dataset.size)
        generator = torch.Generator().manual_seed(how.seed)
        start = copy.deepcopy(start)  # whose owner keeps it as it is
        if start is not None and start.architecture.ways != how.ways:
            erased = start.architecture.erased is not None  # which fits any number
            start = start.with_ways(how.ways) if erased else start.with_new_head(how.ways, generator)
        if start is not None and start.architecture.steps != architecture.steps:
            start = start.with_steps(architecture.steps)
        if start is not None:
            start.architecture.require_same(architecture)
            start = start if circuit is None else circuit.placed(start)
        self.network = (start or Network(architecture, generator)).to(compute)
        if circuit is not None:
            self.network.clip_weights()  # no cell holds more
        self.network.rules = how.rules
        self.network.scale_rates(how.rate_scale)
        self.network.scale_rates(how.head_rate, HEAD)
        self.network.log_rates.requires_grad_(how.how.learned_rates)
        self.started_from = self.network.note
        self.optimiser = torch.optim.Adam([p for p in self.network.parameters() if p.requires_grad])
        sigma = circuit.sigma_wn if circuit else 0.0
        programming = Programming(max_pulses=how.pulse_cap, sigma_wn=sigma)
        write = WriteModel(device=device, how=programming, mapping=how.columns)
        self.step = OuterStep(self.network, how, write, self.streams["noise"], self.dtype, circuit)
        self.rows: list[Epoch] = []

    def check_validation(self) -> None:
        """Whether an epoch can end with tasks as they are trained on.

        Raises
        ------
        InputError : the validation split has too few classes or drawings.
        """
        sizes = self.dataset.split("validation").shape[:2]
        fewer = "take fewer --ways, or " if sizes[0] > 1 else ""
        way_out = f"; {fewer}make folders train, validation and test with enough classes in each"
        own = way_out if self.dataset.name == "folder" else ""
        check_sizes(sizes, self.how.ways, self.how.shots, 1, "the validation split", own)

    def restore(self) -> None:
        """Go on from state.safetensors.

        Raises
        ------
        InputError : it is missing or damaged, or of another configuration.
        """
        path = state_of(self.folder)
        record = recorded(path)
        if record:  # before tensors, whose shapes depend on all that
            require_same_images(record, self.dataset.fingerprint, self.folder)
            # What a run of an earlier version does not name, it had as is usual.
            usual = {field.name: field.default for field in fields(Training)}
            require_same(usual | record.get("training", {}), asdict(self.how), self.folder)
        load_state(path, self.network, self.optimiser, self.streams)
        if record.get("circuit") != (self.circuit.to_dict() if self.circuit else None):
            raise InputError(
                f"{self.folder}: the circuit is not that of this run, which its circuit.toml and"
                " imperfections.toml describe; resume it with these, or give another --output-dir"
            )
        try:
            self.rows = [Epoch(**row) for row in record["epochs"]]
            self.started_from = dict(record["start"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: damaged: {error}") from None

    def epoch(self, epoch: int, on_iteration: Callable[[int, int], None]) -> Epoch:
        """Train for one epoch and validate."""
        start = time.perf_counter()
        losses, accuracies = [], []
        self.step.draw()
        for iteration in range(self.how.iterations):
            loss, accuracy = self.iterate(epoch, iteration)
            losses.append(loss)
            accuracies.append(accuracy)
            on_iteration(epoch, iteration)
        self.require_finite(epoch, self.how.iterations - 1, torch.stack(losses).mean())
        ideal, *levels = self.validate()
        return Epoch(
            epoch=epoch,
            seconds=round(time.perf_counter() - start, 1),
            loss=float(torch.stack(losses).mean()),
            accuracy_train=float(torch.stack(accuracies).mean()),
            accuracy_ideal=ideal.mean,
            accuracy_pulses=levels[0].mean,
            accuracy_noise=float(np.mean([level.mean for level in levels])),
            pulses_per_weight=levels[0].pulses_per_weight,
        )

    def iterate(self, epoch: int, iteration: int) -> tuple[Tensor, Tensor]:
        """One outer step on a batch of tasks: (mean query loss, mean query accuracy)."""
        how, network = self.how, self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(epoch * how.iterations + iteration, how)
        outcome = self.step.gradients(
            self.source.draw(self.streams["tasks"], how.batch), self.phase(epoch)
        )
        self.optimiser.step()
        network.clip_weights()
        if self.compute.type == "cpu":  # a GPU would wait for the answer
            self.require_finite(epoch, iteration, outcome[0])
        return outcome

    def require_finite(self, epoch: int, iteration: int, loss: Tensor) -> None:
        """Raise ConvergenceError where the training has diverged."""
        if bool(torch.isfinite(loss)) and self.network.is_finite():
            return
        rate = learning_rate(epoch * self.how.iterations + iteration, self.how)
        what = "weights or rates are" if bool(torch.isfinite(loss)) else f"the loss is {loss.item():g},"
        raise ConvergenceError(
            f"the training diverges in epoch {epoch + 1}, step {iteration + 1}: {what} not finite at a"
            f" learning rate of {rate:.3g}; try a lower --learning-rate"
        )

    def phase(self, epoch: int) -> Phase:
        """The phase that an epoch's outer steps share."""
        how = self.how
        return Phase(
            written=epoch >= how.pulses_from and how.how.written == "pulses",
            progress=min(1.0, epoch / how.multi_step_epochs) if how.how.multi_step else 1.0,
        )

    def validation_images(self) -> tuple[NDArray[Any], torch.dtype]:
        """The validation classes, and the precision they go through the network in; before an erased
        head their features, which all noise levels share."""
        images = self.dataset.split("validation")
        if self.network.architecture.erased is None:
            return images, self.dtype
        return embedded(self.network.eval(), images, self.dtype), torch.float32

    def validate(self) -> list[Episodes]:
        """The same validation tasks every epoch: with ideal weights, and written at every noise level
        from none on."""
        how, network = self.how, self.network.eval()
        images, dtype = self.validation_images()
        rate = how.relative_rate if network.architecture.erased is None else 1.0
        tasks = Tasks(
            dataset=self.dataset.only("validation", images), split="validation", shots=how.shots,
            queries=min(15, images.shape[1] - how.shots), seed=how.seed + 1,
        )  # fmt: skip
        usual = Writing(
            device=self.step.write.device,
            programming=self.step.write.how,
            relative_rate=rate,
            mapping=how.columns,
        )
        own = (self.circuit.sigma_wn,) if self.circuit else ()
        levels = [usual.at(sigma) for sigma in dict.fromkeys((0.0, *how.noise, *own))]
        ideal = replace(levels[0], relative_rate=1.0, ideal=True)
        if self.circuit:
            return self.validate_behind(self.circuit, tasks, [ideal, *levels])
        return variant_accuracies(
            network, tasks, [ideal, *levels], count=how.validation_tasks, dtype=dtype
        )

    def validate_behind(
        self, circuit: Circuit, tasks: Tasks, variants: Sequence[Writing]
    ) -> list[Episodes]:
        """Validation on chips and wires that the run's seed draws, the same every epoch."""
        support = next(iter(Draws(tasks, ways=self.how.ways, count=1))).support
        reads = circuit.reads(self.network, support, self.how.seed + 1)
        count, dtype = self.how.validation_tasks, self.dtype
        with pool():
            return [
                episode_accuracies(self.network, tasks, one, count=count, dtype=dtype, reads=reads)
                for one in variants
            ]

    def record(self, row: Epoch) -> None:
        """Append the metrics and replace the checkpoints, the state last, as `resume` starts there."""
        best = max((r.accuracy_noise for r in self.rows), default=-1.0)
        self.rows.append(row)
        made = provenance(torch=torch.__version__, precision=str(self.dtype), compute=str(self.compute))
        note = {
            "training": asdict(self.how), "device": self.device.to_dict(), "epoch": asdict(row),
            "provenance": made,
        }  # fmt: skip
        if self.circuit:
            note["circuit"] = self.circuit.to_dict()
        if self.started_from:
            note["start"] = self.started_from
        write_json(self.folder / "environment.json", made)
        self.network.save(self.folder / "last.safetensors", **note)
        if row.accuracy_noise >= best:
            self.network.save(self.folder / "best.safetensors", **note)
        write_table(self.folder / "metrics.csv", self.rows)
        self.keep()

    def keep(self) -> None:
        """Replace the state that `restore` reads."""
        record: dict[str, Any] = {
            "training": asdict(self.how),
            "device": self.device.to_dict(),
            "images": self.dataset.fingerprint,
            "epochs": [asdict(r) for r in self.rows],
            "start": self.started_from,
            **({"circuit": self.circuit.to_dict()} if self.circuit else {}),
        }
        save_state(self.folder / "state.safetensors", self.network, self.optimiser, self.streams, record)
