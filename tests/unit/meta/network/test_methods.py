"""The methods as data, and as the learner carries them out."""

import json

import numpy as np
import pytest
import torch

from meta.commands import cli
from meta.data.tasks import sample_task
from meta.learning.hardware import WriteModel
from meta.learning.learners import (
    adapt,
    adapt_by,
    outer_loss,
    query_loss,
    step_importance,
    write_at_once,
)
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS, find_method
from meta.network.shipped import SHIPPED, named_network, shipped_network
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

WRITE = WriteModel(device=load_device("zhang2021"), how=Programming())


def a_task(bars):
    return sample_task(bars.split("train"), np.random.default_rng(0), ways=5, shots=1, queries=3)


def a_network(steps=1):
    return Network(Architecture(filters=6, steps=steps), torch.Generator().manual_seed(0))


def test_every_method_uses_a_network_that_is_trained_with_its_steps():
    for name, method in METHODS.items():
        assert method.name == name
        owner = METHODS[method.network]
        assert owner.trained
        assert (owner.steps, owner.erased) == (method.steps, method.erased)
    assert find_method("roa").rho == 0.5
    with pytest.raises(InputError, match="did you mean 'roa-robust'"):
        find_method("roa-robost")


def test_ideal_writes_nothing_and_offline_writes_everything(bars):
    network, task, rng = a_network(), a_task(bars), np.random.default_rng(0)
    wanted = adapt(network, task)
    ideal = adapt_by(METHODS["ideal"], network, task, WRITE, rng=rng)
    offline = adapt_by(METHODS["offline"], network, task, WRITE, rng=rng)
    assert not ideal.pulses
    assert all(torch.equal(ideal.weights[name], w) for name, w in wanted.weights.items())
    assert np.mean([(p != 0).float().mean() for p in offline.pulses.values()]) > 0.5
    for name, weight in offline.weights.items():
        # the coarsest half pulse: +0.105 and -0.057 at g = 0, more towards the ends
        assert (weight - wanted.weights[name]).abs().max() < 0.25


def test_writing_at_once_is_unbiased_but_coarse(bars):
    adapted = adapt(a_network(), a_task(bars))
    written = write_at_once(adapted, WRITE, np.random.default_rng(0))
    error = (written.weights["conv3"] - adapted.weights["conv3"]).detach()
    assert 0.02 < error.std() < 0.12
    assert abs(error.mean()) < 0.03


def test_the_last_step_alone_counts_at_full_progress(bars):
    network, task = a_network(steps=3), a_task(bars)
    loss, logits = outer_loss(network, task, None)
    expected, same = query_loss(network, task, adapt(network, task))
    assert loss.item() == pytest.approx(expected.item())
    assert torch.allclose(logits, same)


@pytest.mark.long
def test_the_multi_step_loss_is_the_mean_of_all_steps_at_first(bars):
    network, task = a_network(steps=2), a_task(bars)
    one = Network(Architecture(filters=6, steps=1))
    ours = one.state_dict()
    one.load_state_dict({name: t[: len(ours[name])] for name, t in network.state_dict().items()})
    first = query_loss(one, task, adapt(one, task))[0].item()
    last = query_loss(network, task, adapt(network, task))[0].item()
    loss, _ = outer_loss(network, task, None, progress=0.0)
    assert loss.item() == pytest.approx((first + last) / 2, rel=1e-5)
    for progress in (0.0, 0.3, 1.0):
        assert sum(step_importance(5, progress)) == pytest.approx(1)


@pytest.mark.long
def test_first_order_drops_the_inner_curvature_alone(bars):
    """Its gradient is the query gradient at the adapted weights (Finn et al. 2017, section 5.2)."""
    network, task = a_network(), a_task(bars)
    loss, _ = outer_loss(network, task, None, second_order=False)
    gradient = torch.autograd.grad(loss, list(network.initial_weights().values()))
    adapted = adapt(network, task)
    leaves = {name: w.detach().requires_grad_() for name, w in adapted.weights.items()}
    there, _ = query_loss(network, task, type(adapted)(weights=leaves))
    expected = torch.autograd.grad(there, list(leaves.values()))
    for found, wanted in zip(gradient, expected, strict=True):
        assert torch.allclose(found, wanted, atol=1e-6)


def test_shipped_networks_load_and_the_missing_ones_say_what_there_is():
    for method, ways in SHIPPED:
        network = shipped_network(method, ways)
        assert network.architecture.ways == ways
        assert network.architecture.steps == METHODS[method].steps
    assert shipped_network("roa-robust", 7).architecture.ways == 7
    with pytest.raises(InputError, match=r"roa 5-way.*train --method maml --ways 5"):
        shipped_network("maml")


def test_a_network_of_pictures_in_colour_is_shipped_by_name():
    network = named_network("cifar-fs")
    assert (network.architecture.backbone, network.architecture.channels) == ("residual", 3)
    assert network.note["training"]["classes"] == "train+validation"
    assert next(network.parameters()).dtype == torch.float32
    with pytest.raises(InputError, match=r"is shipped: .cifar."):
        named_network("cifar")


def test_the_list_of_methods_says_what_is_shipped(command, tmp_path):
    code, out, error = command(cli.main, "methods", "--json", str(tmp_path / "m.json"))
    assert (code, error) == (0, "")
    found = json.loads((tmp_path / "m.json").read_text())["methods"]
    assert set(found) == set(METHODS)
    assert {found[name]["shipped"] for name in ("roa", "five-step")} == {"5, 10, 20"}
    assert found["roa-robust"]["shipped"] == "any"
    assert found["maml"]["shipped"] == "-"
    assert "five-step" in out
