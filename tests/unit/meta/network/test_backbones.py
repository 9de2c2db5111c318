"""Backbones beside torch's own layers, centred features, and filters that fill their cells."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.data.fewshot import FewShotDataset
from meta.data.tasks import Tasks
from meta.evaluation.baseline import cosine_accuracy
from meta.evaluation.draws import Draws
from meta.learning.head import head_step
from meta.network.architecture import HEAD, Architecture
from meta.network.convolution import windows
from meta.network.convolutional import Network, key_of
from meta.network.filling import filled
from roa_circuit.basics.errors import InputError

RESIDUAL = Architecture(backbone="residual", filters=3, channels=3, size=16, erased=0.02)


@pytest.fixture
def network():
    """A residual network whose norms have seen images."""
    made = Network(RESIDUAL, torch.Generator().manual_seed(0)).train()
    weights = made.initial_weights()
    with torch.no_grad():
        for seed in range(3):
            made.features(
                torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(seed)), weights, 0
            )
    return made.eval().requires_grad_(False)


@pytest.fixture
def images():
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(9))


def textbook(network, x):
    """A residual network as a script of one's own has it."""

    def layer(name, x):
        key = key_of(name)
        weight = network.weights[key]
        y = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        kept = network.get_buffer(f"mean_{key}"), network.get_buffer(f"variance_{key}")
        return F.batch_norm(y, *kept, network.scales[key][0], network.shifts[key][0])

    for k in range(1, 5):
        inner = layer(f"res{k}.conv2", F.relu(layer(f"res{k}.conv1", x)))
        x = F.relu(inner + layer(f"res{k}.shortcut", x))
        x = F.avg_pool2d(x, x.shape[-1]) if k == 4 else F.max_pool2d(x, 2)
    return x.flatten(1)


def test_a_residual_network_is_that_of_textbooks(network, images):
    own = network.features(images, network.initial_weights(), 0)
    expected = textbook(network, images)
    length = expected.shape[1] ** 0.5
    assert torch.allclose(own, length * F.normalize(expected, dim=-1), rtol=1e-5, atol=1e-6)
    assert own.shape == (4, RESIDUAL.features) == (4, 24)


def test_a_stack_of_tasks_is_one_task_after_another(network):
    stack = torch.rand(2, 3, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    weights = network.initial_weights()
    many = {name: weight.expand(2, *weight.shape) for name, weight in weights.items()}
    found = network.features(stack, many, 0)
    for own, task in zip(found, stack, strict=True):
        assert torch.allclose(own, network.features(task, weights, 0), atol=1e-6)


def test_windows_times_the_matrix_are_the_convolution():
    x, weight = torch.rand(2, 3, 5, 5), torch.randn(4, 3, 3, 3)
    product = (windows(x, 3) @ weight.flatten(1).T).view(2, 5, 5, 4).movedim(-1, 1)
    assert torch.allclose(product, F.conv2d(x, weight, padding=1), atol=1e-5)
    point = torch.randn(4, 3, 1, 1)
    product = (windows(x, 1) @ point.flatten(1).T).view(2, 5, 5, 4).movedim(-1, 1)
    assert torch.allclose(product, F.conv2d(x, point), atol=1e-5)


def test_filled_filters_compute_the_same(network, images):
    other = filled(network, 0.5)
    for name in RESIDUAL.convolutions:
        largest = other.weights[key_of(name)].abs().amax((1, 2, 3))
        assert torch.allclose(largest, torch.full_like(largest, 0.5))
    own, its = (n.features(images, n.initial_weights(), 0) for n in (network, other))
    assert torch.allclose(own, its, rtol=1e-4, atol=1e-5)
    assert not torch.equal(network.weights["res1_conv1"], other.weights["res1_conv1"])
    with pytest.raises(InputError, match="blocks are written"):
        filled(Network(Architecture(filters=2)))


def centred(network):
    other = Network(replace(RESIDUAL, centred=True))
    other.load_state_dict({**network.state_dict(), "mean_features": torch.rand(4, 24) / 5})
    return other.eval().requires_grad_(False)


def test_centred_inputs_are_positive_and_their_products_signed(network, images):
    other = centred(network)
    inputs = other.features(images, other.initial_weights(), 0)
    assert inputs.shape == (4, 48)
    assert bool((inputs >= 0).all())
    plain = F.normalize(textbook(network, images), dim=-1) - other.get_buffer("mean_features")[0]
    signed = 24**0.5 * F.normalize(plain, dim=-1)
    assert torch.allclose(inputs @ other.signed(inputs).T, signed @ signed.T, rtol=1e-4, atol=1e-4)


def test_a_centred_head_rises_where_a_class_is_above_the_mean_and_below(network, images):
    other = centred(network)
    inputs = other.features(images, other.initial_weights(), 0)
    step = head_step(other.signed(inputs), torch.tensor([0, 0, 1, 1]), 2)
    above, below = step.chunk(2, -1)
    assert torch.equal(above, -below)
    assert step.shape == (2, 48) == other.with_ways(2).initial_weights()[HEAD].shape


def test_the_cosine_of_centred_features_is_that_of_signed_ones(network):
    other = centred(network)
    pictures = np.random.default_rng(0).integers(256, size=(6, 5, 16, 16, 3), dtype=np.uint8)
    data = FewShotDataset(name="noise", images=pictures, classes={"test": np.arange(6)})
    tasks = Tasks(dataset=data, ways=3, queries=2)
    right = []
    for task in Draws(tasks, ways=3, count=8):
        support, query = (
            F.normalize(
                F.normalize(textbook(network, x), dim=-1) - other.get_buffer("mean_features")[0], dim=-1
            )
            for x in (task.support, task.query)
        )
        right.append(((query @ support.T).argmax(1) == task.query_labels).double().mean().item())
    found = cosine_accuracy(other, tasks, count=8, dtype=torch.float32)
    assert found == pytest.approx(np.mean(right))
    assert len(set(right)) > 1


def test_turned_views_have_means_of_their_own(network, images):
    other = centred(network).with_head(views="turned")
    inputs = other.features(images, other.initial_weights(), 0)
    parts = []
    for k in range(4):
        x = F.normalize(textbook(network, images.rot90(k, (-2, -1))), dim=-1)
        parts.append(x - other.get_buffer("mean_features")[k])
    x = 96**0.5 * F.normalize(torch.cat(parts, -1), dim=-1)
    assert torch.allclose(inputs, torch.cat([F.relu(x), F.relu(-x)], -1), rtol=1e-4, atol=1e-5)


def test_what_is_of_an_erased_head_is_refused_to_others():
    for given in ({"backbone": "residual"}, {"centred": True}):
        with pytest.raises(InputError, match="of an erased head"):
            Architecture(**given)
    with pytest.raises(InputError, match="'residal' is unknown; did you mean 'residual'"):
        Architecture(backbone="residal", erased=0.02)
    with pytest.raises(InputError, match="not of a residual backbone"):
        Architecture(backbone="residual", erased=0.02, last_filters=3)
