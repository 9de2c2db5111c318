"""Training: the outer loop over batches of tasks, with a checkpoint and a metrics row an epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meta.evaluate import episode_accuracies
from meta.fewshot import FewShotDataset
from meta.learners import WriteModel, adapt, constraint, query_loss
from meta.network import HEAD, Architecture, Network, fastest_dtype
from meta.tasks import sample_task
from roa_circuit.errors import InputError
from roa_circuit.parameters import load_device
from roa_circuit.programming import Programming
from roa_circuit.results import provenance, write_json, write_table


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training run of ROA (Eq. 17-18 on the MAML++ recipe).

    The inner step is taken in floating point until `pulses_from` epochs have passed, then
    rounded to device pulses, gradients passing straight through. Rounding from the first
    epoch stalls: a rate of 0.1 moves most cells by less than half a pulse. For the same reason
    `relative_rate` multiplies the learned rates wherever pulses are written. `head_rate`
    multiplies the head's own learned rates once, before the first iteration.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 5
    filters: int = 64
    epochs: int = 16
    iterations: int = 500
    batch: int = 8
    pulses_from: int = 8
    relative_rate: float = 3.0
    learning_rate: float = 1e-3
    head_rate: float = 1.0
    final_learning_rate: float = 1e-5
    rho: float = 0.5  # Eq. 18; 1 is the run without constraint
    constraint_rate: float = 1e-4  # gamma of Eq. 17
    validation_tasks: int = 100
    device: str = "zhang2021"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "iterations", "batch", "validation_tasks"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} must be at least 1")
        if not 0 < self.rho <= 1:
            raise InputError(f"rho = {self.rho} must lie in (0, 1]")


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of metrics.csv."""

    epoch: int
    seconds: float
    loss: float
    accuracy_train: float
    accuracy_ideal: float
    accuracy_pulses: float
    pulses_per_weight: float


Callback = Callable[[Network, Epoch], None]
"""Called after every epoch with the network as it stands."""


def train(
    dataset: FewShotDataset,
    how: Training,
    folder: Path,
    *,
    start: Network | None = None,
    callbacks: Sequence[Callback] = (),
    on_iteration: Callable[[int, int], None] = lambda epoch, iteration: None,
) -> Network:
    """Meta-train and return the network of the best validation epoch.

    start : a network to go on from; its architecture must be that of `how`. None starts afresh.

    The folder receives `training.json`, `metrics.csv`, `last.safetensors` and
    `best.safetensors`; each is replaced whole after every epoch.
    """
    run = _Run(dataset, how, folder, start)
    for epoch in range(how.epochs):
        row = run.epoch(epoch, on_iteration)
        run.record(row)
        for callback in callbacks:
            callback(run.network, row)
    return Network.load(folder / "best.safetensors")


class _Run:
    """The state of a run: network, optimiser, random streams, metrics so far."""

    def __init__(
        self, dataset: FewShotDataset, how: Training, folder: Path, start: Network | None
    ) -> None:
        self.dataset, self.how, self.folder = dataset, how, folder
        self.images = dataset.split("train")
        self.dtype = fastest_dtype()
        self.rng = np.random.default_rng([how.seed, 0])
        architecture = Architecture(ways=how.ways, filters=how.filters)
        self.network = start or Network(architecture, torch.Generator().manual_seed(how.seed))
        if self.network.architecture != architecture:
            raise InputError(
                f"the network to start from is {self.network.architecture}, not {architecture}"
            )
        self.network.scale_rates(HEAD, how.head_rate)
        self.started_from = self.network.note
        self.optimiser = torch.optim.Adam(self.network.parameters(), how.learning_rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimiser, how.epochs * how.iterations, how.final_learning_rate
        )
        self.write = WriteModel(device=load_device(how.device), how=Programming())
        self.rows: list[Epoch] = []
        write_json(
            folder / "training.json", {"training": asdict(how), "dataset": dataset.name, **self._made()}
        )

    def epoch(self, epoch: int, on_iteration: Callable[[int, int], None]) -> Epoch:
        """Train for one epoch and validate."""
        start = time.perf_counter()
        write = self.write if epoch >= self.how.pulses_from else None
        losses, accuracies = [], []
        for iteration in range(self.how.iterations):
            loss, accuracy = self.iterate(write)
            losses.append(loss)
            accuracies.append(accuracy)
            on_iteration(epoch, iteration)
        ideal, _ = self.validate(None)
        pulses, per_weight = self.validate(self.write)
        return Epoch(
            epoch=epoch,
            seconds=round(time.perf_counter() - start, 1),
            loss=float(np.mean(losses)),
            accuracy_train=float(np.mean(accuracies)),
            accuracy_ideal=ideal,
            accuracy_pulses=pulses,
            pulses_per_weight=per_weight,
        )

    def iterate(self, write: WriteModel | None) -> tuple[float, float]:
        """One outer step on a batch of tasks: (mean query loss, mean query accuracy)."""
        how, network = self.how, self.network
        self.optimiser.zero_grad()
        total, correct = 0.0, 0.0
        for _ in range(how.batch):
            task = sample_task(
                self.images, self.rng, ways=how.ways, shots=how.shots, queries=how.queries, rotate=True
            )
            adapted = adapt(
                network,
                task,
                write,
                relative_rate=self._rate(write),
                rng=self.rng,
                create_graph=True,
                dtype=self.dtype,
            )
            loss, logits = query_loss(network, task, adapted, self.dtype)
            (loss / how.batch).backward()  # type: ignore[no-untyped-call]
            total += loss.item() / how.batch
            correct += (logits.argmax(1) == task.query_labels).float().mean().item() / how.batch
        (how.constraint_rate * constraint(network.initial_weights(), how.rho)).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        network.clip_weights()
        return total, correct

    def validate(self, write: WriteModel | None) -> tuple[float, float]:
        """(accuracy, pulses per weight) on the same validation tasks every epoch."""
        how = self.how
        outcome = episode_accuracies(
            self.network,
            self.dataset.split("validation"),
            write,
            shots=how.shots,
            queries=min(15, self.images.shape[1] - how.shots),
            tasks=how.validation_tasks,
            seed=how.seed + 1,
            relative_rate=self._rate(write),
            dtype=self.dtype,
        )
        return float(outcome.accuracies.mean()), outcome.pulses_per_weight

    def record(self, row: Epoch) -> None:
        """Append the metrics and replace the checkpoints."""
        best = max((r.accuracy_pulses for r in self.rows), default=-1.0)
        self.rows.append(row)
        note = {"training": asdict(self.how), "epoch": asdict(row), **self._made()}
        if self.started_from:
            note["start"] = self.started_from
        self.network.save(self.folder / "last.safetensors", **note)
        if row.accuracy_pulses >= best:
            self.network.save(self.folder / "best.safetensors", **note)
        write_table(self.folder / "metrics.csv", self.rows)

    def _rate(self, write: WriteModel | None) -> float:
        return 1.0 if write is None else self.how.relative_rate

    def _made(self) -> dict[str, Any]:
        return {"provenance": provenance(torch=torch.__version__, precision=str(self.dtype))}
