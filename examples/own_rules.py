"""Rules of one's own: the loss of an inner step, its rates, and which tasks a training sees.

python examples/own_rules.py

The loss asks for no certain answers. The rates leave all but the head and the last block as they are,
which saves pulses. The sampler prefers classes that look alike. The shipped network of roa goes on
training under these rules, on generated shapes.
On the command line: roa-meta train --inner-loss examples.own_rules:softened \
    --rate-rule examples.own_rules:late --sampler examples.own_rules:alike --dataset glyphs -o run/
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from meta import adopt_rule
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.evaluation.evaluate import evaluate
from meta.learning.writing import Writing
from meta.network.shipped import shipped_network
from meta.training.configuration import Training
from meta.training.train import train


def softened(logits: Tensor, labels: Tensor) -> Tensor:
    """An inner loss: cross entropy, a tenth of each label shared by all classes."""
    return F.cross_entropy(logits, labels, label_smoothing=0.1)


def late(name: str, step: int, learned: Tensor, weight: Tensor, gradient: Tensor) -> Tensor:
    """A rate rule: the learned rate of the last block and of the head; other layers stay."""
    return learned if name.startswith(("conv4", "fc")) else torch.zeros_like(learned)


def alike(
    images: Tensor, rng: np.random.Generator, *, ways: int, drawings: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A sampler: a random class, and those whose mean images are nearest to its own."""
    means = images.float().mean(1).flatten(1)
    first = int(rng.integers(len(means)))
    classes = (means - means[first]).norm(dim=1).argsort()[:ways].numpy()
    chosen = [rng.permutation(images.shape[1])[:drawings] for _ in range(ways)]
    return rng.permutation(classes), np.stack(chosen)


def main() -> None:
    """Score 15 tasks of shapes that were never trained on, before and after a few steps of training."""
    shapes, tasks = load_dataset("glyphs"), 15
    inner_loss = adopt_rule("inner_loss", "own_rules:softened")
    rate_rule = adopt_rule("rate_rule", "own_rules:late")
    sampler = adopt_rule("sampler", "own_rules:alike")
    how = Training(
        dataset="glyphs", epochs=1, iterations=6, batch=2, pulses_from=0, learning_rate=2e-4,
        validation_tasks=4, inner_loss=inner_loss, rate_rule=rate_rule, sampler=sampler,
    )  # fmt: skip
    shipped = shipped_network("roa", 5)
    with tempfile.TemporaryDirectory() as folder:
        trained = train(shapes, how, Path(folder) / "run", start=shipped)
    for kind, rule in trained.rules.given.items():
        print(f"{kind:15} {rule}")
    writing = Writing(relative_rate=how.relative_rate)
    for name, network in (("as shipped", shipped), ("under own rules", trained)):
        (row,) = evaluate(network, Tasks(dataset=shapes, ways=5), writing, count=tasks, sigmas=(0.0,))
        print(
            f"{name:15} {100 * row.accuracy:.1f} ± {100 * row.ci95:.1f} %,"
            f" {row.pulses_per_weight:.3f} pulses a weight"
        )


if __name__ == "__main__":
    main()
