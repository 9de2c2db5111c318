"""Pretraining: a backbone learns to classify; a run is a folder that can always go on.

The features of a classifier of many classes tell new classes apart as well as those of networks that
were trained on tasks (Chen et al. 2019, "A closer look at few-shot classification"; Tian et al. 2020,
"Rethinking few-shot image classification: a good embedding is all you need?"). No write takes part; an
erased head is written on the features of new classes afterwards.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta.data.fewshot import FewShotDataset
from meta.data.tasks import Tasks, channels_first, check_sizes
from meta.data.turns import turned
from meta.evaluation.baseline import cosine_accuracy
from meta.evaluation.episodes import embedded
from meta.evaluation.many_writes import variant_accuracies
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from meta.network.filling import filled
from meta.network.precision import CPU, fastest_dtype, prepare
from meta.network.views import TURNED, views_of
from meta.training.augmentation import Augmentation, pasted
from meta.training.checkpoint import (
    load_state,
    recorded,
    require_same,
    require_same_images,
    save_state,
    state_of,
)
from meta.training.device import device_of_run
from meta.training.pretraining import Pretraining
from meta.training.train import require_no_run
from roa_circuit.basics.errors import ConvergenceError, InputError
from roa_circuit.basics.locks import held
from roa_circuit.basics.results import provenance, write_json, write_table, write_text
from roa_circuit.circuit.mapping import Mapping
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming

RATES = (0.3, 0.6, 1.2, 2.4)
"""Candidates of the rate at which the head is written, chosen on validation classes."""

VALIDATION_WAYS = 5

NOT_ENOUGH = (
    "; for pictures of your own make folders train, validation and test, the second with 5 classes or"
    " more; or leave validation out: --classes train+validation --head-rate 0.6"
)
"""Ways out where the validation split has fewer classes than validation tells apart."""


@dataclass(frozen=True, kw_only=True)
class PretrainingEpoch:
    """One row of metrics.csv.

    accuracy_train : of the classifier, on changed images of the training classes
    cosine, accuracy_pulses, accuracy_noise : on tasks of validation classes: the nearest class in
        floating point, the head as written, and the mean over all noise levels; None between validations
    rate : at which the head was written there; None of one's own, which has no rate
    """

    epoch: int
    seconds: float
    loss: float
    accuracy_train: float
    cosine: float | None = None
    accuracy_pulses: float | None = None
    accuracy_noise: float | None = None
    rate: float | None = None


class Classifier(torch.nn.Module):
    """A network's features and one vector a class; logits are scaled cosines between them.

    The scale is learned. Before training, it is 10.
    """

    def __init__(self, network: Network, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.network = network
        width = network.architecture.embedding
        self.vectors = torch.nn.Parameter(torch.randn(classes, width, generator=generator))
        self.scale = torch.nn.Parameter(torch.tensor(10.0))

    def forward(self, images: Tensor) -> Tensor:
        """(images, classes) logits."""
        network = self.network
        weights = network.initial_weights()
        maps = network.architecture.body.outputs(
            images, lambda name, x: network.convolved(name, x, weights[name], 0)
        )
        features = F.normalize(maps.flatten(1).float(), dim=-1)
        return self.scale * F.linear(features, F.normalize(self.vectors, dim=-1))

    def decayed(self) -> list[torch.nn.Parameter]:
        """The parameters that weight decay pulls to 0: convolutions and class vectors."""
        return [*self.network.weights.values(), self.vectors]

    def others(self) -> list[torch.nn.Parameter]:
        """The other learned parameters: batch norm's, and the scale."""
        return [*self.network.scales.values(), *self.network.shifts.values(), self.scale]


def pretrain(
    dataset: FewShotDataset,
    how: Pretraining,
    folder: Path,
    *,
    resume: bool = False,
    compute: torch.device = CPU,
    on_epoch: Callable[[PretrainingEpoch], None] = lambda row: None,
    on_step: Callable[[int, int], None] = lambda epoch, step: None,
) -> Network:
    """Train on all classes of the training split; the network of the best validation is returned.

    Of a run on training and validation classes, it is the last network.

    resume : go on from the folder's last epoch, to the same weights as if it had never stopped

    The folder receives what that of `meta.training.train.train` does.

    Raises
    ------
    InputError : the folder holds a run already, or another training writes there; a validation split
        with too few classes.
    ConvergenceError : the training diverges; what its last whole epoch left is kept.
    """
    run = _Run(dataset, how, folder, compute, device_of_run(how, folder, resume=resume))
    with held(folder, "another training"):
        if resume:
            run.restore()
        else:
            require_no_run(folder)
            run.keep()
        write_text(folder / "config.toml", how.to_toml())
        for epoch in range(len(run.rows), how.epochs):
            row = run.epoch(epoch, on_step)
            run.record(row)
            on_epoch(row)
        return Network.load(folder / "best.safetensors")


def learning_rate(step: int, steps: int, how: Pretraining) -> float:
    """Rises in proportion during the warm-up, and falls along a cosine over all steps."""
    rising = min(1.0, (step + 1) / how.warm_up) if how.warm_up else 1.0
    return how.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * step / steps))


@dataclass(frozen=True)
class Labels:
    """Classes of the images of a batch: their own, of what is pasted into them, and their own share."""

    own: Tensor
    pasted: Tensor
    kept: float


class _Run:
    """The state of a run: classifier, optimiser, random stream, metrics so far."""

    def __init__(
        self,
        dataset: FewShotDataset,
        how: Pretraining,
        folder: Path,
        compute: torch.device,
        device: Device,
    ) -> None:
        self.dataset, self.how, self.folder = dataset, how, folder
        self.compute, self.device = compute, device
        if how.validated:
            sizes = dataset.split("validation").shape[:2]
            check_sizes(sizes, VALIDATION_WAYS, 1, 1, "the validation split", NOT_ENOUGH)
        learned = np.concatenate([dataset.split(name) for name in how.splits])
        self.images = channels_first(learned)
        self.dtype = fastest_dtype(compute)
        colour = dataset.channels == 3
        self.augmentation = Augmentation(mirror=colour if how.mirror is None else how.mirror)
        generator = torch.Generator().manual_seed(how.seed)
        network = Network(how.architecture(dataset.channels, dataset.size), generator)
        network.rules = how.rules
        self.turns = 4 if how.turned_classes else 1
        classes = self.turns * len(self.images)
        self.classifier = Classifier(network, classes, generator).to(compute)
        self.network = network
        groups = [
            {"params": self.classifier.decayed(), "weight_decay": how.weight_decay},
            {"params": self.classifier.others(), "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.SGD(
            groups, lr=how.learning_rate, momentum=how.momentum, nesterov=how.momentum > 0
        )
        self.streams = {"images": np.random.default_rng(how.seed)}
        self.rows: list[PretrainingEpoch] = []

    @property
    def steps(self) -> int:
        """Steps of an epoch, which sees every image once in every turn."""
        return max(1, self.turns * math.prod(self.images.shape[:2]) // self.how.batch)

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
            require_same(record.get("training", {}), self.how.note(), self.folder)
        load_state(path, self.classifier, self.optimiser, self.streams)
        try:
            self.rows = [PretrainingEpoch(**row) for row in record["epochs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: damaged: {error}") from None

    def batches(self) -> Iterator[tuple[Tensor, Labels]]:
        """(changed images, labels) of an epoch."""
        classes, drawings = self.images.shape[:2]
        rng, flat = self.streams["images"], self.images.flatten(0, 1)
        order = rng.permutation(self.turns * classes * drawings)
        for step in range(self.steps):
            chosen = order[step * self.how.batch : (step + 1) * self.how.batch]
            index, quarters = torch.from_numpy(chosen // self.turns), chosen % self.turns
            images = turned(flat[index].float() / 255, torch.from_numpy(quarters))
            label = (chosen // self.turns) // drawings * self.turns + quarters
            images, own = self.augmentation(images, rng), torch.from_numpy(label)
            if self.how.pasted and rng.random() < self.how.pasted:
                mixed, others, kept = pasted(images, rng)
                yield mixed, Labels(own=own, pasted=own[others], kept=kept)
            else:
                yield images, Labels(own=own, pasted=own, kept=1.0)

    def epoch(self, epoch: int, on_step: Callable[[int, int], None]) -> PretrainingEpoch:
        """Train for one epoch, and validate where it is time to."""
        start, losses, right, seen = time.perf_counter(), 0.0, 0, 0
        self.classifier.train()
        for step, (images, labels) in enumerate(self.batches()):
            rate = learning_rate(epoch * self.steps + step, self.how.epochs * self.steps, self.how)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss, found = self.step(images, labels)
            if not math.isfinite(loss):
                raise ConvergenceError(
                    f"the training diverges in epoch {epoch + 1}, step {step + 1}, at a learning rate of"
                    f" {rate:.3g}; try a lower --learning-rate"
                )
            losses, right, seen = losses + loss, right + found, seen + len(labels.own)
            on_step(epoch, step)
        validated = self.validate() if self.how.validated and self.is_due(epoch) else {}
        return PretrainingEpoch(
            epoch=epoch,
            seconds=round(time.perf_counter() - start, 1),
            loss=losses / self.steps,
            accuracy_train=right / seen,
            **validated,
        )

    def is_due(self, epoch: int) -> bool:
        """Whether a network is kept after an epoch, validated where classes are left for it."""
        return epoch + 1 == self.how.epochs or (epoch + 1) % self.how.validate_every == 0

    def step(self, images: Tensor, labels: Labels) -> tuple[float, int]:
        """One step of the optimiser: (loss, right answers)."""
        logits = self.classifier(prepare(images.to(self.compute), self.dtype))
        own, smooth = labels.own.to(self.compute), self.how.label_smoothing
        loss = F.cross_entropy(logits, own, label_smoothing=smooth)
        if labels.kept < 1.0:
            other = F.cross_entropy(logits, labels.pasted.to(self.compute), label_smoothing=smooth)
            loss = labels.kept * loss + (1.0 - labels.kept) * other
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return loss.item(), int((logits.argmax(1) == own).sum())

    @torch.no_grad()
    def validate(self) -> dict[str, float | None]:
        """Choose the usual head's rate on validation classes, and say how well the head does there."""
        how, network = self.how, self.network.eval()
        if how.centred:
            self.measure_means()
        images = self.dataset.split("validation")
        features = embedded(network, images, self.dtype)
        tasks = Tasks(
            dataset=self.dataset.only("validation", features), split="validation", ways=VALIDATION_WAYS,
            queries=min(15, images.shape[1] - 1), seed=how.seed + 1,
        )  # fmt: skip
        writing = Writing(
            device=self.device,
            method=how.how,
            programming=Programming(max_pulses=how.max_pulses),
            mapping=Mapping.parse(how.mapping),
        )
        levels = [replace(writing, relative_rate=1.0).at(sigma) for sigma in how.how.noise]
        found = {}
        for rate in self.rates:
            self.set_rate(rate)
            found[rate] = [
                one.mean
                for one in variant_accuracies(network, tasks, levels, count=how.validation_tasks)
            ]
        best = max(found, key=lambda rate: np.mean(found[rate]))
        self.set_rate(best)
        cosine = cosine_accuracy(network, tasks, count=how.validation_tasks, dtype=torch.float32)
        return {
            "cosine": cosine, "accuracy_pulses": found[best][0],
            "accuracy_noise": float(np.mean(found[best])), "rate": best,
        }  # fmt: skip

    @property
    def rates(self) -> Sequence[float | None]:
        """The rates at which validation writes the head; one of one's own has none."""
        if self.how.head is not None:
            return (None,)
        return RATES if self.how.head_rate is None else (self.how.head_rate,)

    def set_rate(self, rate: float | None) -> None:
        """Let the usual head be written at this rate; None leaves it as it is."""
        if rate is not None:
            self.network.log_rates[HEAD].fill_(math.log(rate))

    @torch.no_grad()
    def finished(self) -> Network:
        """The network with what is not trained by gradients: means of features, the head's rate."""
        if not self.how.validated:
            self.network.eval()
            if self.how.centred:
                self.measure_means()
            self.set_rate(self.how.head_rate)
        return self.network

    @torch.no_grad()
    def measure_means(self) -> None:
        """Keep the mean of the training images' features, in each of four turns, in float32."""
        network = self.network
        weights, means = network.initial_weights(), network.get_buffer("mean_features").zero_()
        for drawings in self.images:
            for quarters, view in enumerate(views_of(drawings.float() / 255, TURNED)):
                maps = network.architecture.body.outputs(
                    prepare(view.to(self.compute), torch.float32),
                    lambda name, x: network.convolved(name, x, weights[name], 0),
                )
                features = F.normalize(maps.flatten(1), dim=-1)
                means[quarters] += features.mean(0) / len(self.images)

    def record(self, row: PretrainingEpoch) -> None:
        """Append the metrics and replace the checkpoints, the state last, as `resume` starts there."""
        scores = [one.accuracy_noise for one in self.rows if one.accuracy_noise is not None]
        self.rows.append(row)
        made = provenance(torch=torch.__version__, precision=str(self.dtype), compute=str(self.compute))
        write_json(self.folder / "environment.json", made)
        if self.is_due(row.epoch):
            note: dict[str, Any] = {
                "training": self.how.note(), "device": self.device.to_dict(),
                "epoch": asdict(row), "provenance": made,
            }  # fmt: skip
            network = filled(self.finished())
            network.save(self.folder / "last.safetensors", **note)
            if row.accuracy_noise is None or row.accuracy_noise >= max(scores, default=-1.0):
                network.save(self.folder / "best.safetensors", **note)
        write_table(self.folder / "metrics.csv", self.rows)
        self.keep()

    def keep(self) -> None:
        """Replace the state that `restore` reads."""
        record = {
            "training": self.how.note(),
            "device": self.device.to_dict(),
            "images": self.dataset.fingerprint,
            "epochs": [asdict(row) for row in self.rows],
        }
        path = self.folder / "state.safetensors"
        save_state(path, self.classifier, self.optimiser, self.streams, record)
