"""A stack of tasks against the same tasks one by one, and against torch's own convolution."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.data.tasks import TaskSource, channels_first, sample_task, stack
from meta.evaluation.trial import adaptation_cost, one_by_one
from meta.learning.hardware import WriteModel
from meta.learning.learners import adapt, outer_loss, query_loss
from meta.learning.reads import Passage
from meta.network import stacked
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

DOUBLE = Passage(dtype=torch.float64)

WRITE = WriteModel(device=load_device("zhang2021"), how=Programming())
KINDS = {
    "one step": Architecture(filters=4),
    "five steps": Architecture(filters=3, steps=5),
    "erased head": Architecture(filters=4, erased=0.02),
}


def a_network(kind):
    network = Network(KINDS[kind], torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for parameter in (*network.scales.values(), *network.shifts.values()):
            parameter.add_(0.3 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(1)))
    network.scale_rates(3.0, "conv3")
    network.scale_rates(3.0, "fc")
    return network.eval()


def some_tasks(bars, count=2):
    rng = np.random.default_rng(0)
    images = bars.split("train")
    return [sample_task(images, rng, ways=5, shots=2, queries=3) for _ in range(count)]


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_stack_convolves_as_torch_does():
    x, weight = drawn(2, 3, 5, 4, 2), drawn(2, 4, 2, 3, 3)
    y = stacked.convolve(x, weight)
    for task in range(2):
        expected = F.conv2d(x[task].movedim(-1, 1), weight[task], padding=1)
        assert torch.allclose(y[task].movedim(-1, 1), expected, rtol=0, atol=1e-12)


@pytest.mark.long
def test_its_derivatives_are_right_to_the_second_order():
    x, weight = drawn(2, 1, 3, 4, 2).requires_grad_(), drawn(2, 2, 2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(stacked.convolve, (x, weight))
    assert torch.autograd.gradgradcheck(stacked.convolve, (x, weight))


@pytest.mark.long
@pytest.mark.parametrize("write", [None, WRITE], ids=["ideal", "pulses"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_adapts_as_its_tasks_do(bars, kind, write):
    network, tasks = a_network(kind), some_tasks(bars)
    together = stack(tasks)
    adapted = adapt(network, together, write, passage=DOUBLE)
    losses, logits = query_loss(network, together, adapted, DOUBLE)
    for index, task in enumerate(tasks):
        alone = adapt(network, task, write, passage=DOUBLE)
        loss, expected = query_loss(network, task, alone, DOUBLE)
        assert losses[index].item() == pytest.approx(loss.item(), abs=1e-9)
        assert torch.allclose(logits[index], expected, rtol=0, atol=1e-8)
        for name, pulses in alone.pulses.items():
            assert torch.equal(adapted.pulses[name][index], pulses)
        apart = list(one_by_one(adapted, together))[index]
        assert adaptation_cost(apart, WRITE.device) == adaptation_cost(alone, WRITE.device)
    assert any(pulses.any() for pulses in adapted.pulses.values()) == (write is not None)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["one step", "five steps"])
def test_a_stack_has_the_mean_of_its_tasks_outer_gradients(bars, kind):
    network, tasks = a_network(kind), some_tasks(bars)
    how = {"progress": 0.3, "relative_rate": 2.0, "passage": DOUBLE}
    outer_loss(network, stack(tasks), WRITE, **how)[0].backward()
    together = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    for task in tasks:
        (outer_loss(network, task, WRITE, **how)[0] / len(tasks)).backward()
    for name, parameter in network.named_parameters():
        assert torch.allclose(together[name], parameter.grad, rtol=1e-7, atol=1e-9), name


def a_source(images, **changes):
    how = {"ways": 5, "shots": 1, "queries": 3, "rotate": True, **changes}
    return TaskSource(images=channels_first(images), **how)


def test_a_stack_of_draws_is_seeded_and_labelled(bars):
    source = a_source(bars.split("train"))
    tasks, again = (source.draw(np.random.default_rng(7), 4) for _ in range(2))
    assert tasks.is_stack
    assert len(tasks) == 4
    assert tasks.support.shape == (4, 5, 1, 28, 28)
    assert tasks.query.shape == (4, 15, 1, 28, 28)
    assert torch.equal(tasks.query, again.query)
    assert tasks.query_labels[2].tolist() == [label for label in range(5) for _ in range(3)]
    with pytest.raises(InputError, match="ways = 13"):
        a_source(bars.split("train"), ways=13)


@pytest.mark.parametrize("rotate", [False, True])
def test_a_draw_takes_each_drawing_once_and_turns_whole_classes(rotate):
    """Every image says which it is: class and drawing in its corners, which turn with it."""
    images = np.zeros((9, 7, 4, 4), dtype=np.uint8)
    images[..., 0, 0] = 255
    images[..., 1, 1] = 10 * np.arange(9)[:, None]
    images[..., 1, 2] = 10 * np.arange(7)
    tasks = a_source(images, shots=2, rotate=rotate).draw(np.random.default_rng(0), 200)
    shown = torch.cat([tasks.support.unflatten(1, (5, 2)), tasks.query.unflatten(1, (5, 3))], dim=2)
    shown = (255 * shown).round().int()[:, :, :, 0]
    corners = shown[..., [0, 3, 3, 0], [0, 0, 3, 3]]
    quarters = corners.argmax(-1)
    assert (quarters == quarters[:, :, :1]).all()
    assert sorted(quarters.unique().tolist()) == ([0, 1, 2, 3] if rotate else [0])
    upright = np.empty(shown.shape, dtype=int)
    for index in np.ndindex(shown.shape[:3]):
        upright[index] = np.rot90(shown[index].numpy(), k=-int(quarters[index]))
    classes, drawings = upright[..., 1, 1] // 10, upright[..., 1, 2] // 10
    assert (classes == classes[:, :, :1]).all()
    assert all(len(set(row)) == 5 for row in classes[:, :, 0].tolist())
    assert all(len(set(one)) == 5 for task in drawings.tolist() for one in task)
    counts = np.bincount(classes[:, :, 0].ravel(), minlength=9)
    assert counts.min() > 80  # of 111 each
    assert np.bincount(drawings[:, :, 0].ravel(), minlength=7).min() > 100  # of 143 each
