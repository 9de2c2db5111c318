"""A head of one's own: ridge regression on the support features, written once, beside the usual head.

python examples/own_head.py

The head says how far the conductance of every cell should change. Pulses, rounding, noise and costs are
then those of any other head. Both heads stand on the features of the shipped network of roa-robust.
On the command line: roa-meta evaluate --method roa-robust --head examples.own_head:ridge \
    --dataset glyphs --mapping pair
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from meta import adopt_rule
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.evaluation.evaluate import evaluate
from meta.learning.head import with_own_head
from meta.learning.writing import Writing
from meta.network.shipped import shipped_network
from roa_circuit.circuit.mapping import Mapping

PENALTY = 0.3  # of large weights, in mean squared lengths of an image's features
SIZE = 0.3  # rms of all changes of g; a pulse on an erased cell of a pair is a change of 0.31


def ridge(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """Least squares: 1 for images of a class and 0 for others, less what all classes have in common."""
    wanted = F.one_hot(labels, ways).to(features.dtype) - 1 / ways
    alike = features @ features.T  # as small as the support set, whatever the number of features
    penalty = PENALTY * alike.diagonal().mean() * torch.eye(len(alike)).to(alike)
    weights = torch.linalg.solve(alike + penalty, wanted).T @ features
    return SIZE * weights / weights.square().mean().sqrt()


def main() -> None:
    """Score 50 tasks of five generated shapes, five images of each, on pairs of cells."""
    shapes, usual = load_dataset("glyphs"), shipped_network("roa-robust", 5)
    own = with_own_head(usual, adopt_rule("head", "own_head:ridge"))
    writing = replace(Writing.of(usual), mapping=Mapping.parse("pair"))
    tasks = Tasks(dataset=shapes, ways=5, shots=5, queries=10)
    for name, network in (("usual", usual), ("ridge", own)):
        for row in evaluate(network, tasks, writing, count=50, sigmas=(0.0, 4.0)):
            print(
                f"{name} head, noise {row.sigma_wn:g}: {100 * row.accuracy:.1f} ±"
                f" {100 * row.ci95:.1f} %, {row.pulses_per_weight:.3f} pulses a weight"
            )


if __name__ == "__main__":
    main()
