"""The first block's closed form against torch's convolution, batch norm, ReLU and pool, one by one."""

import pytest
import torch
from torch.nn import functional as F

from meta.network import _parts
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.first_block import first_block, statistics_of
from meta.network.statistics import Statistics
from roa_circuit.basics import compilation

SHAPES = {
    "square": (7, 1, 12, 12),
    "odd": (3, 2, 9, 7),
    "colours": (5, 3, 8, 8),
    "parts": (230, 1, 4, 6),
}


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def a_block(shape, filters=6):
    """Images of which some windows are empty, and filters with scales of both signs."""
    images = drawn(*shape).clamp(min=0)
    images[0] = 0
    parameters = drawn(filters, shape[1], 3, 3, seed=1), drawn(filters, seed=2), drawn(filters, seed=3)
    return images, *(parameter.requires_grad_() for parameter in parameters)


def at_once(images, weight, scale, shift):
    return first_block(images, weight, scale, shift, statistics_of(images, weight))


def one_by_one(images, weight, scale, shift, known=(None, None)):
    y = F.conv2d(images, weight, padding=1)
    y = F.batch_norm(y, *known, scale, shift, training=known[0] is None)
    return F.max_pool2d(F.relu(y), 2)


@pytest.fixture(params=["compiled", "torch"])
def engine(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(compilation, "available", lambda: False)
    return request.param


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_it_is_the_four_operations(engine, shape):
    block = a_block(shape)
    assert torch.allclose(at_once(*block), one_by_one(*block), rtol=0, atol=1e-12)
    known = drawn(6, seed=4), drawn(6, seed=5).square()
    mine = first_block(*block, Statistics(*known))
    assert torch.allclose(mine, one_by_one(*block, known), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_it_has_their_gradients_and_the_gradients_of_these(engine, shape):
    """As the outer loop takes them: of a step along the inner gradient."""
    images, *parameters = a_block(shape)
    found = []
    for block in (at_once, one_by_one):
        inner = block(images, *parameters).square().sum()
        gradients = torch.autograd.grad(inner, parameters, create_graph=True)
        moved = [p - 1e-2 * g / g.norm() for p, g in zip(parameters, gradients, strict=True)]
        outer = block(images, *moved).pow(3).sum()
        found.append([*gradients, *torch.autograd.grad(outer, parameters)])
    for mine, its in zip(*found, strict=True):
        assert torch.allclose(mine, its, rtol=1e-10, atol=1e-10 * its.detach().abs().max().item())


def test_float32_is_as_exact_as_torch(engine):
    images, *parameters = a_block((40, 1, 28, 28), filters=16)
    exact = one_by_one(images, *parameters)
    single = [tensor.float() for tensor in (images + 5.0, *parameters)]  # a bright background
    exact = one_by_one(images + 5.0, *parameters)
    error, its = ((block(*single) - exact).abs().max() for block in (at_once, one_by_one))
    assert error < 1e-5
    assert error < 3 * its


def test_sums_do_not_depend_on_the_number_of_cores(monkeypatch):
    images, *parameters = a_block(SHAPES["parts"])
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(_parts.torch, "get_num_threads", lambda cores=cores: cores)
        found.append(torch.autograd.grad(at_once(images, *parameters).square().sum(), parameters))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_kept_statistics_follow_the_images_as_torchs_do():
    network = Network(Architecture(filters=4, erased=0.02), torch.Generator().manual_seed(0)).double()
    images, weights = drawn(6, 1, 28, 28), network.initial_weights()
    mean, variance = (network.get_buffer(f"{name}_conv1").clone() for name in ("mean", "variance"))
    y = F.conv2d(images, weights["conv1"], padding=1)
    F.batch_norm(y, mean, variance, training=True, momentum=0.05)
    network.train().features(images, weights, 0)
    assert torch.allclose(network.get_buffer("mean_conv1"), mean, rtol=0, atol=1e-12)
    assert torch.allclose(network.get_buffer("variance_conv1"), variance, rtol=0, atol=1e-12)
