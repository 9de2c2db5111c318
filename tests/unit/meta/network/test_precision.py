"""The fast path against the plain one: the same losses, with and without compiled passes."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.data.tasks import sample_task
from meta.learning.learners import outer_loss
from meta.learning.reads import Passage
from meta.network.precision import fastest_dtype
from meta.network.shipped import shipped_network


def plain_loss(network, task):
    """One inner step as a script of one's own does it: ReLU, then pool, autograd, float32."""

    def logits(images, weights, step):
        x = images
        for name in network.architecture.convolutions:
            x = F.conv2d(x, weights[name], padding=1)
            x = F.batch_norm(
                x, None, None, network.scales[name][step], network.shifts[name][step], training=True
            )
            x = F.max_pool2d(F.relu(x), 2)
        return F.linear(x.flatten(1), weights["fc"], weights["fc.bias"])

    weights = network.initial_weights()
    support = F.cross_entropy(logits(task.support, weights, 0), task.support_labels)
    gradients = torch.autograd.grad(support, list(weights.values()), create_graph=True)
    adapted = {
        name: torch.clamp(w - network.rate(name, 0) * g, -1, 1)
        for (name, w), g in zip(weights.items(), gradients, strict=True)
    }
    return F.cross_entropy(logits(task.query, adapted, 1), task.query_labels).item()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_float32_gives_the_plain_loops_losses(bars, seed):
    network = shipped_network()
    rng = np.random.default_rng(seed)
    task = sample_task(bars.split("train"), rng, ways=5, shots=1, queries=5)
    loss, _ = outer_loss(network, task, None)
    assert loss.item() == pytest.approx(plain_loss(network, task), abs=1e-5)
    fast, _ = outer_loss(network, task, None, passage=Passage(dtype=fastest_dtype()))
    assert fast.item() == pytest.approx(loss.item(), rel=0.1, abs=0.05)


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import numpy as np, torch
from meta.data.glyphs import render_glyphs
from meta.data.tasks import sample_task
from meta.learning.learners import outer_loss
from meta.network.shipped import shipped_network
task = sample_task(render_glyphs().split("train"), np.random.default_rng(0), ways=5, shots=1, queries=1)
network = shipped_network()
loss, _ = outer_loss(network, task, None)
loss.backward()
found = [loss.item(), *(p.grad.norm().item() for p in network.parameters())]
print(*found)
"""


@pytest.mark.long
def test_without_numba_losses_and_gradients_are_the_same():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], capture_output=True, text=True, check=True
    )
    without = [float(word) for word in done.stdout.split()]
    here = {}
    exec(WITHOUT_NUMBA.replace('sys.modules["numba"] = None', ""), here)
    assert without == pytest.approx(here["found"], rel=1e-3, abs=1e-6)
    assert without[0] == pytest.approx(here["found"][0], abs=1e-5)
