"""A backbone of one's own, trained as a classifier; its features serve a head that is written once.

python examples/own_backbone.py

Three convolutions of 5 x 5, 3 x 3 and 3 x 3 learn nine generated shapes apart. Then support images of
five shapes that they never saw are written into an erased head, in one write.
On the command line: roa-meta pretrain --backbone examples.own_backbone:three --dataset glyphs -o run/
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from meta import adopt_backbone
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.evaluation.evaluate import evaluate
from meta.network.backbones import Convolution
from meta.network.convolutional import Network
from meta.training.pretrain import pretrain
from meta.training.pretraining import Pretraining


@dataclass(frozen=True)
class Three:
    """Three convolutions in a row; every feature is a pixel of the last map."""

    channels: int
    filters: int

    @property
    def convolutions(self) -> dict[str, Convolution]:
        """By name, in the order in which images pass them."""
        n = self.filters
        return {
            "wide": Convolution(inputs=self.channels, filters=n, kernel=5, pools=True),
            "middle": Convolution(inputs=n, filters=n, pools=True),
            "last": Convolution(inputs=n, filters=2 * n, pools=True),
        }

    def pooled(self, size: int) -> int:
        """How many features a filter of the last convolution has."""
        return (size // 8) ** 2

    def outputs(self, images: Tensor, layer: Callable[[str, Tensor], Tensor]) -> Tensor:
        """Each convolution, its batch norm, max-pool and ReLU are one `layer`."""
        return functools.reduce(lambda x, name: layer(name, x), self.convolutions, images)


def three(channels: int, filters: int) -> Three:
    """What `adopt_backbone` imports."""
    return Three(channels, filters)


def main() -> None:
    """Train, and score 100 tasks of shapes that were never trained on."""
    shapes = load_dataset("glyphs")
    backbone = adopt_backbone("own_backbone:three")
    how = Pretraining(
        dataset="glyphs", backbone=backbone, filters=8, epochs=6, warm_up=20, learning_rate=0.05,
        validate_every=3, validation_tasks=20,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        trained = pretrain(shapes, how, Path(folder) / "run")
    tasks = Tasks(dataset=shapes, ways=5, queries=15)
    for name, network in (
        ("untrained", Network(trained.architecture).eval()),
        ("trained", trained),
    ):
        (row,) = evaluate(network, tasks, count=100, sigmas=(0.0,))
        print(f"{name:10} {100 * row.accuracy:.1f} ± {100 * row.ci95:.1f} %")


if __name__ == "__main__":
    main()
