"""Meta-training beside a plain float32 per-task autograd loop: same network, same threads.

python benchmarks/meta.py [--quick] --json FILE

`seconds` and `peer_seconds` are medians of one outer step (8 tasks, 5-way 1-shot, 15 queries, second
order; two threads, or two processes of one), taken in turns; `error` is the difference of the mean
loss. The float32 row runs the toolkit's own path in the peer's precision, the first in the one that
training uses here. Rows of
tasks through wires are processor time beside the same task on perfect wires, with their share of what
drawing the circuit takes. The last row is the same step while a worker verifies a head in ngspice,
beside one on its own: a ratio of 1 says that training does not notice. Where torch sees a GPU, two
rows more compare a stack of the tasks with the plain loop and with vmap, all three there. learn2learn
0.2 is no peer, as it does not build on Python 3.11.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from _table import Row, in_turns, main, row, seconds

sys.path.sort(key=lambda path: Path(path).resolve() == Path(__file__).resolve().parent)
# last, or this file would hide the package of its name

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from meta.circuits.aware.circuit import Circuit
from meta.circuits.behind_circuit import Hardware
from meta.circuits.validate import worker_pool
from meta.data.glyphs import render_glyphs
from meta.data.tasks import Task, sample_task, stack
from meta.learning.hardware import WriteModel
from meta.learning.head import write_losses
from meta.learning.learners import outer_loss
from meta.learning.reads import plain as plain_reads
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.precision import fastest_dtype
from meta.network.shipped import shipped_network
from meta.training.configuration import Training
from meta.training.objective import Objective, Phase
from meta.training.one_by_one import Question, answer
from meta.training.outer_step import OuterStep
from meta.training.recording import Recording
from netlists.layers.shipped import load_layer
from netlists.verification.verify import verify
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

THREADS, BATCH, QUERIES = 2, 8, 15

Losses = Callable[[Network, list[Task]], list[float]]


def plain_logits(network: Network, images: Tensor, weights: dict[str, Tensor], step: int) -> Tensor:
    """The network as a textbook has it."""
    x = images
    for name in network.architecture.convolutions:
        x = F.conv2d(x, weights[name], padding=1)
        scale, shift = network.scales[name][step], network.shifts[name][step]
        x = F.batch_norm(x, None, None, scale, shift, training=True)
        x = F.max_pool2d(F.relu(x), 2)
    return F.linear(x.flatten(1), weights["fc"], weights["fc.bias"])


def plain(network: Network, tasks: list[Task]) -> list[float]:
    """What a script of one's own does: conv, batch norm, ReLU, pool; a list of gradients; float32."""
    losses = []
    for task in tasks:
        weights = network.initial_weights()
        support = F.cross_entropy(plain_logits(network, task.support, weights, 0), task.support_labels)
        gradients = torch.autograd.grad(support, list(weights.values()), create_graph=True)
        adapted = {
            name: torch.clamp(w - network.rate(name, 0) * g, -1, 1)
            for (name, w), g in zip(weights.items(), gradients, strict=True)
        }
        loss = F.cross_entropy(plain_logits(network, task.query, adapted, 1), task.query_labels)
        (loss / len(tasks)).backward()
        losses.append(loss.item())
    return losses


def own(network: Network, dtype: torch.dtype) -> Losses:
    """The toolkit's outer step in one precision, a core a task."""
    write = WriteModel(device=load_device("zhang2021"), how=Programming())
    step = OuterStep(network, Training(batch=BATCH), write, np.random.default_rng(0), dtype)
    phase, tasks = Phase(written=False, progress=1.0), stack(drawn())
    while network.architecture.erased is None and not step.one_by_one.pool.on_cores():
        step.gradients(tasks, phase)  # until the processes of the other cores are there
    return lambda network, tasks: [step.gradients(stack(tasks), phase)[0].item()]


def side_by_side(network: Network, tasks: list[Task]) -> Losses:
    """A stack of these tasks on a GPU, its outer step replayed."""

    def gradients(tasks: Task) -> tuple[Tensor, Tensor]:
        loss, logits = outer_loss(network, tasks, None)
        loss.backward()
        return loss.detach(), (logits.argmax(-1) == tasks.query_labels).float().mean()

    drawn = stack(tasks)
    replay = Recording(network, gradients, drawn)
    return lambda network, tasks: [replay(drawn)[0].item()]


def vmapped(network: Network, tasks: list[Task]) -> list[float]:
    """What torch.func makes of one task's loss: its inner gradient and then all tasks by vmap."""

    def outer(
        weights: dict[str, Tensor], support: Tensor, own: Tensor, query: Tensor, its: Tensor
    ) -> Tensor:
        def inner(weights: dict[str, Tensor]) -> Tensor:
            return F.cross_entropy(plain_logits(network, support, weights, 0), own)

        gradients = torch.func.grad(inner)(weights)
        adapted = {
            name: torch.clamp(w - network.rate(name, 0) * gradients[name], -1, 1)
            for name, w in weights.items()
        }
        return F.cross_entropy(plain_logits(network, query, adapted, 1), its)

    losses = torch.func.vmap(outer, in_dims=(None, 0, 0, 0, 0))
    loss = losses(network.initial_weights(), *stack(tasks).tensors).mean()
    loss.backward()
    return [loss.item()]


def erased(network: Network, tasks: list[Task]) -> list[float]:
    """The closed-form step of an erased head, all tasks in one pass."""
    rng = np.random.default_rng(0)
    writes = [None] * len(tasks)
    loss, _ = write_losses(network, stack(tasks), writes, rng=rng, dtype=fastest_dtype())
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


def compare(case: str, ours: Losses, peer: Losses, network: Network, repeats: int) -> Row:
    """One row: both take turns on the same tasks."""
    tasks = drawn()
    losses = [run(network, tasks) for run in (ours, peer)]
    error = abs(np.mean(losses[0]) - np.mean(losses[1]))
    times = in_turns([lambda: ours(network, tasks), lambda: peer(network, tasks)], repeats)
    return row(case, times[0], "plain float32 loop", times[1], error)


def beside_ngspice(network: Network, repeats: int) -> Row:
    """Steps with and without a verification going on in a worker, in turns."""
    tasks, step, head = drawn(), own(network, fastest_dtype()), load_layer("fc")
    alone, beside = [], []
    with worker_pool(1) as pool:
        pool.submit(verify, head, workers=1).result()
        for _ in range(repeats):
            alone += [seconds(lambda: step(network, tasks)) for _ in range(9)]
            waiting = pool.submit(verify, head, workers=1)
            while not waiting.done():
                beside.append(seconds(lambda: step(network, tasks)))
    means = [statistics.mean(times) for times in (beside, alone)]  # of long and short turns of ngspice
    return row("roa, ngspice in a worker", means[0], "without ngspice", means[1], 0.0)


def on_a_gpu(repeats: int) -> Iterator[Row]:
    """Tasks side by side against the plain loop and against vmap, all on the GPU."""
    gpu = torch.device("cuda")
    network, tasks = shipped_network().to(gpu), [task.to(gpu) for task in drawn()]
    replay = side_by_side(network, tasks)
    for name, peer in (("plain loop", plain), ("torch.func.vmap", vmapped)):
        error = abs(float(np.mean(replay(network, tasks))) - float(np.mean(peer(network, tasks))))
        runs = [functools.partial(run, network, tasks) for run in (replay, peer)]
        times = in_turns(runs, repeats)
        yield row("roa, one step, on a GPU", times[0], f"{name}, on the GPU", times[1], error)


def through_wires(mapping: Mapping, repeats: int) -> Row:
    """Steps of a task through wires of 10 Ohm and on perfect ones, by processor time of one thread.

    What it takes to draw the circuit is shared by the steps and tasks of a run's usual settings.
    """
    torch.set_num_threads(1)
    lines = dataclasses.replace(default_crossbar(1, 2), r_word=10.0, r_bit=10.0)
    circuit = Circuit(hardware=Hardware(crossbar=lines, mapping=mapping))
    network, task = circuit.placed(shipped_network()), drawn()[0]
    how = Training(queries=QUERIES, circuit="10 Ohm")
    write = WriteModel(device=default_device(), how=Programming(), mapping=mapping)
    circuit.reads(network, task.support, 0)  # loads kernels
    begun = time.process_time()
    reads = circuit.reads(network, task.support, 0)
    drawing = (time.process_time() - begun) / (how.circuit_every * how.batch)
    questions = [
        Question(
            network=network,
            objective=Objective(how=how, write=write, dtype=fastest_dtype(), reads=one),
            phase=Phase(written=True, progress=1.0),
            tasks=1,
        )
        for one in (reads, plain_reads)
    ]
    taken: list[list[float]] = [[], []]
    for _ in range(repeats + 1):
        for question, times in zip(questions, taken, strict=True):
            begun = time.process_time()
            answer(question, (task, 0))
            times.append(time.process_time() - begun)
    own, perfect = (statistics.median(times[1:]) for times in taken)
    torch.set_num_threads(THREADS)
    name = f"a task through 10 Ohm, {mapping}"
    return row(name, own + drawing, "on perfect wires", perfect, None, drawing=drawing)


def drawn() -> list[Task]:
    """The tasks of one outer step."""
    images, rng = render_glyphs().split("train"), np.random.default_rng(0)
    return [sample_task(images, rng, ways=5, shots=1, queries=QUERIES) for _ in range(BATCH)]


def measure(quick: bool) -> Iterator[Row]:
    """The rows."""
    torch.set_num_threads(THREADS)
    repeats, network = 2 if quick else 9, shipped_network()
    head = Network(Architecture(erased=0.02), torch.Generator().manual_seed(0)).eval()
    precision = str(fastest_dtype()).removeprefix("torch.")
    yield compare(f"roa, one step, {precision}", own(network, fastest_dtype()), plain, network, repeats)
    yield compare("roa, one step, float32", own(network, torch.float32), plain, network, repeats)
    yield compare(f"roa-robust, {precision}", erased, plain_erased, head, repeats)
    for mapping in (REFERENCE, Mapping.parse("pair:push-pull")):
        yield through_wires(mapping, repeats)
    if torch.cuda.is_available():
        yield from on_a_gpu(repeats)
    if not quick:
        yield beside_ngspice(network, 3)


if __name__ == "__main__":
    main(__doc__ or "", measure)
