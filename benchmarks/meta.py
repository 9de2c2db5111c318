"""Meta-training beside a plain float32 per-task autograd loop: same network, same threads.

python benchmarks/meta.py [--quick] --json FILE

`seconds` and `peer_seconds` are medians of one outer step (8 tasks, 5-way 1-shot, second order),
taken in turns; `error` is the worst difference of a task's loss. The float32 row runs the
toolkit's own path in the peer's precision, the other in the one that training uses here.
learn2learn 0.2's MAML is one more peer where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

sys.path = [path for path in sys.path if Path(path).resolve() != Path(__file__).resolve().parent]
# or this file, found first, would hide the package of its name

from meta.glyphs import render_glyphs
from meta.head import write_losses
from meta.learners import outer_loss
from meta.network import BLOCKS, Architecture, Network, fastest_dtype
from meta.shipped import shipped_network
from meta.tasks import Task, sample_task

Losses = Callable[[Network, list[Task]], list[float]]


def plain(network: Network, tasks: list[Task]) -> list[float]:
    """What a script of one's own does: conv, batch norm, ReLU, pool; a list of gradients; float32."""

    def logits(images: Tensor, weights: dict[str, Tensor], step: int) -> Tensor:
        x = images
        for name in BLOCKS:
            x = F.conv2d(x, weights[name], padding=1)
            x = F.batch_norm(
                x, None, None, network.scales[name][step], network.shifts[name][step], training=True
            )
            x = F.max_pool2d(F.relu(x), 2)
        return F.linear(x.flatten(1), weights["fc"], weights["fc.bias"])

    losses = []
    for task in tasks:
        weights = network.initial_weights()
        support = F.cross_entropy(logits(task.support, weights, 0), task.support_labels)
        gradients = torch.autograd.grad(support, list(weights.values()), create_graph=True)
        adapted = {
            name: torch.clamp(w - network.rate(name, 0) * g, -1, 1)
            for (name, w), g in zip(weights.items(), gradients, strict=True)
        }
        loss = F.cross_entropy(logits(task.query, adapted, 1), task.query_labels)
        (loss / len(tasks)).backward()
        losses.append(loss.item())
    return losses


def own(dtype: torch.dtype) -> Losses:
    """The toolkit's path in one precision."""

    def run(network: Network, tasks: list[Task]) -> list[float]:
        losses = []
        for task in tasks:
            loss, _ = outer_loss(network, task, None, dtype=dtype)
            (loss / len(tasks)).backward()
            losses.append(loss.item())
        return losses

    return run


def erased(network: Network, tasks: list[Task]) -> list[float]:
    """The closed-form step of an erased head, all tasks in one pass."""
    rng = np.random.default_rng(0)
    loss, _ = write_losses(network, tasks, [None] * len(tasks), rng=rng, dtype=fastest_dtype())
    loss.backward()
    return [loss.item()]


def plain_erased(network: Network, tasks: list[Task]) -> list[float]:
    """The same network's inner step by autograd, task after task, in float32."""
    total = 0.0
    for task in tasks:
        weights = network.initial_weights()
        head = weights["fc"].requires_grad_()
        features = network.features(task.support, weights, 0)
        logits = F.linear(features, head)
        loss = F.cross_entropy(logits, task.support_labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, head, create_graph=True)
        step = torch.clamp(-network.rate("fc", 0) * gradient, min=0)
        adapted = weights | {"fc": torch.clamp(head + step, -1, 1)}
        loss = F.cross_entropy(network(task.query, adapted), task.query_labels)
        (loss / len(tasks)).backward()
        total += loss.item() / len(tasks)
    return [total]


def learn2learn(network: Network, tasks: list[Task]) -> list[float]:
    """learn2learn's MAML on its own four-block network, at one fixed rate."""
    import learn2learn as l2l

    maml = l2l.algorithms.MAML(l2l.vision.models.OmniglotCNN(5), lr=0.1)
    losses = []
    for task in tasks:
        learner = maml.clone()
        learner.adapt(F.cross_entropy(learner(task.support), task.support_labels))
        loss = F.cross_entropy(learner(task.query), task.query_labels)
        (loss / len(tasks)).backward()
        losses.append(loss.item())
    return losses


def compare(
    case: str,
    name: str,
    ours: Losses,
    peer: Losses,
    networks: tuple[Network, Network],
    how: argparse.Namespace,
) -> dict[str, object]:
    """One row: both take turns on the same tasks."""
    images, rng = render_glyphs().split("train"), np.random.default_rng(0)
    times: tuple[list[float], list[float]] = ([], [])
    worst = 0.0
    for turn in range(how.repeats + 1):
        tasks = [
            sample_task(images, rng, ways=5, shots=1, queries=how.queries) for _ in range(how.batch)
        ]
        losses = []
        for run, network, taken in zip((ours, peer), networks, times, strict=True):
            network.zero_grad()
            start = time.perf_counter()
            losses.append(run(network, tasks))
            if turn:  # the first warms up
                taken.append(time.perf_counter() - start)
        if peer is not learn2learn:  # another network
            worst = max(worst, *(abs(a - b) for a, b in zip(*losses, strict=True)))
    seconds, other = map(statistics.median, times)
    return {
        "case": case, "seconds": seconds, "peer": name, "peer_seconds": other,
        "ratio": other / seconds, "error": worst,
    }  # fmt: skip


def main() -> None:
    """Print the rows, and write them where --json says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--queries", type=int, default=15)
    how = parser.parse_args()
    how.repeats = 2 if how.quick else 7
    torch.set_num_threads(how.threads)
    network = shipped_network()
    head = Network(Architecture(erased=0.02), torch.Generator().manual_seed(0)).eval()
    precision = str(fastest_dtype()).removeprefix("torch.")
    loop = "plain float32 loop"
    rows = [
        compare(
            f"roa, one step, {precision}", loop, own(fastest_dtype()), plain, (network, network), how
        ),
        compare("roa, one step, float32", loop, own(torch.float32), plain, (network, network), how),
        compare(f"roa-robust, {precision}", loop, erased, plain_erased, (head, head), how),
    ]
    if importlib.util.find_spec("learn2learn"):
        ours = own(fastest_dtype())
        rows.append(
            compare(f"roa, {precision}", "learn2learn", ours, learn2learn, (network, network), how)
        )
    for row in rows:
        print(
            f"{row['case']:28s} {row['seconds']:8.3f} s   {row['peer']:26s} {row['peer_seconds']:8.3f} s"
            f"   {row['ratio']:5.2f}x   error {row['error']:.1e}"
        )
    if how.json:
        how.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
