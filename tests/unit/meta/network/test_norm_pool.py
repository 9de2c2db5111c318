"""Batch norm, max-pool and ReLU in one pass against torch's own, one by one."""

import pytest
import torch
from torch.nn import functional as F

from meta.network._parts import array
from meta.network.norm_pool import norm_pool, statistics_of
from meta.network.statistics import Statistics

SHAPES = {"even": (5, 3, 6, 8), "odd": (4, 6, 7, 7), "single": (3, 2, 3, 2), "parts": (230, 2, 4, 4)}


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def a_block(shape):
    """Outputs about a mean of their own, and scales of both signs."""
    y = drawn(*shape) + drawn(shape[1], 1, 1, seed=4)
    return [tensor.requires_grad_() for tensor in (y, drawn(shape[1], seed=1), drawn(shape[1], seed=2))]


def at_once(y, scale, shift):
    return norm_pool(y, scale, shift, statistics_of(y))


def one_by_one(y, scale, shift, known=(None, None)):
    y = F.batch_norm(y, *known, scale, shift, training=known[0] is None)
    return F.max_pool2d(F.relu(y), 2)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_it_is_the_three_operations(shape):
    block = a_block(shape)
    assert torch.allclose(at_once(*block), one_by_one(*block), rtol=0, atol=1e-12)
    known = drawn(shape[1], seed=4), drawn(shape[1], seed=5).square()
    mine = norm_pool(*block, Statistics(*known))
    assert torch.allclose(mine, one_by_one(*block, known), rtol=0, atol=1e-12)


@pytest.mark.parametrize("known", [False, True], ids=["own statistics", "known statistics"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_it_has_their_gradients_and_the_gradients_of_these(shape, known):
    """As the outer loop takes them: of a step along the inner gradient."""
    statistics = drawn(shape[1], seed=4), drawn(shape[1], seed=5).square()
    blocks = at_once, one_by_one
    if known:
        blocks = (
            lambda *b: norm_pool(*b, Statistics(*statistics)),
            lambda *b: one_by_one(*b, statistics),
        )
    found = []
    for block in blocks:
        tensors = a_block(shape)
        inner = block(*tensors).square().sum()
        gradients = torch.autograd.grad(inner, tensors, create_graph=True)
        moved = [t - 1e-2 * g / g.norm() for t, g in zip(tensors, gradients, strict=True)]
        outer = block(*moved).pow(3).sum()
        found.append([*gradients, *torch.autograd.grad(outer, tensors)])
    for mine, its in zip(*found, strict=True):
        assert torch.allclose(mine, its, rtol=1e-9, atol=1e-10 * its.detach().abs().max().item())


def test_derivatives_hold_against_differences():
    tensors = a_block((2, 2, 4, 4))
    assert torch.autograd.gradcheck(at_once, tensors)
    assert torch.autograd.gradgradcheck(lambda *block: at_once(*block).square(), tensors)


def test_float32_is_more_exact_than_torch_with_the_filters_last():
    y, scale, shift = (tensor.detach() for tensor in a_block((40, 8, 14, 14)))
    y = 0.1 * y + 5.0
    exact = one_by_one(y, scale, shift)
    single = [tensor.float() for tensor in (y, scale, shift)]
    error, its = ((block(*single) - exact).abs().max() for block in (at_once, one_by_one))
    assert error < 1e-4  # of the rounding of y alone
    assert error < 1.5 * its


def test_bfloat16_is_float32_rounded():
    y, scale, shift = (tensor.detach().float() for tensor in a_block((30, 8, 6, 6)))
    y = y.bfloat16()
    mine = at_once(y, scale, shift)
    assert mine.dtype is torch.bfloat16
    assert torch.equal(mine, at_once(y.float(), scale, shift).bfloat16())


@pytest.mark.parametrize("bits", [0x3F80, 0x0001, 0x8000, 0x7F80, 0xFF7F])
def test_kernels_see_bfloat16_as_it_lies_in_memory(bits):
    number = torch.tensor([bits], dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    assert array(number).tolist() == [bits]
