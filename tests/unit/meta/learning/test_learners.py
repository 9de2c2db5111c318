"""Tasks, network, adaptation, deployment: from images to programmed layers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.circuits.adaptation import adapt_episode
from meta.data.tasks import Tasks, sample_task, stack
from meta.evaluation.episodes import episode_accuracies
from meta.evaluation.evaluate import evaluate
from meta.learning.hardware import WriteModel, write_weight
from meta.learning.learners import (
    adapt,
    constraint,
    inner_steps,
    query_loss,
    step_importance,
    task_losses,
)
from meta.learning.reads import Passage
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.shipped import shipped_network
from meta.training.configuration import Training
from meta.training.train import train
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming, after_pulses
from roa_circuit.solver.read import read_currents

DEVICE = load_device("zhang2021")
WRITE = WriteModel(device=DEVICE, how=Programming())


@pytest.fixture
def network():
    return Network(Architecture(filters=8), torch.Generator().manual_seed(0))


def a_task(bars, seed=0, **changes):
    how = {"ways": 5, "shots": 1, "queries": 3, **changes}
    return sample_task(bars.split("train"), np.random.default_rng(seed), **how)


def test_tasks_are_seeded_and_labelled_in_order(bars):
    one, two = a_task(bars), a_task(bars)
    assert torch.equal(one.query, two.query)
    assert one.support_labels.tolist() == [0, 1, 2, 3, 4]
    assert one.query.shape == (15, 1, 28, 28)
    assert not torch.equal(one.support, a_task(bars, seed=1).support)


def test_steps_are_at_the_learned_rates_unless_another_is_given(bars, network):
    task, weights = a_task(bars), network.initial_weights()
    plain = inner_steps(network, weights, task, 0)
    slopes = torch.autograd.grad(  # of first order: the steps are no functions of the weights
        sum(step.sum() for step in plain.values()), list(weights.values()), allow_unused=True
    )
    assert slopes == (None,) * len(weights)
    plain = inner_steps(network, weights, task, 0)
    for name, twice in inner_steps(network, weights, task, 0, relative_rate=2.0).items():
        assert torch.allclose(twice, 2 * plain[name], atol=1e-7)
        assert torch.allclose(plain[name] / network.rate(name, 0), inner_gradient(network, task)[name])


def test_the_losses_of_a_stack_are_the_means_of_each_task():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 2], [3, 4, 0]])
    each = [F.cross_entropy(one, its) for one, its in zip(logits, labels, strict=True)]
    assert torch.allclose(task_losses(logits, labels), torch.stack(each))
    assert torch.allclose(task_losses(logits[0], labels[0]), each[0])


def inner_gradient(network, task):
    """-dL/dw of the support set, by autograd."""
    weights = network.initial_weights()
    loss = F.cross_entropy(network(task.support.float(), weights, 0), task.support_labels)
    slopes = torch.autograd.grad(loss, list(weights.values()))
    return {name: -slope for name, slope in zip(weights, slopes, strict=True)}


@pytest.mark.parametrize("bad", [{"ways": 99}, {"ways": 1}, {"shots": 0}, {"queries": 20}])
def test_impossible_tasks_are_refused(bars, bad):
    with pytest.raises(InputError):
        a_task(bars, **bad)


def test_support_sets_that_are_not_balanced_are_refused(bars, network):
    task = a_task(bars, shots=2)
    labels = task.support_labels.clone()
    labels[0] = 4  # one image of the first class is said to be of the last
    with pytest.raises(InputError, match=r"have \[1, 2, 2, 2, 3\] images"):
        adapt(network, replace(task, support_labels=labels), None)
    stacked = stack([task, replace(task, support_labels=labels)])
    with pytest.raises(InputError, match=r"\[1, 2, 2, 2, 3\]"):
        adapt(network, stacked, None)


def test_a_network_is_evaluated_by_the_method_that_it_was_trained_for(bars):
    robust = shipped_network("roa-robust")
    tasks, how = Tasks(dataset=bars, queries=3), {"count": 2, "sigmas": [0.0]}
    (own,) = evaluate(robust, tasks, **how)
    (same,) = evaluate(robust, tasks, Writing.of(robust, method="roa-robust"), **how)
    assert own == same
    assert (own.method, own.relative_rate) == ("roa-robust", 1.0)


def test_pooling_before_relu_changes_nothing(network):
    y = torch.randn(3, 8, 14, 14)
    after = torch.nn.functional.batch_norm(y, None, None, training=True)
    expected = torch.nn.functional.max_pool2d(torch.relu(after), 2)
    assert torch.allclose(network.normed("conv1", y, 0), expected)


def test_the_inner_step_is_its_definition(bars, network):
    task = a_task(bars)
    weights = network.initial_weights()
    loss = torch.nn.functional.cross_entropy(network(task.support, weights, 0), task.support_labels)
    loss.backward()
    adapted = adapt(network, task)
    for name, weight in weights.items():
        assert torch.allclose(
            adapted.weights[name], (weight - 0.1 * weight.grad).clamp(-1, 1), atol=1e-6
        )


@pytest.mark.long
def test_the_outer_gradient_is_second_order(bars, network):
    """Against finite differences of the whole adaptation, in double precision."""
    network = network.double()
    task = a_task(bars)
    task = type(task)(task.support.double(), task.support_labels, task.query.double(), task.query_labels)

    def outer():
        adapted = adapt(network, task, create_graph=True, passage=Passage(dtype=torch.float64))
        return query_loss(network, task, adapted, Passage(dtype=torch.float64))[0]

    rate = network.log_rates["fc"]
    outer().backward()
    analytic, h = rate.grad.item(), 1e-3
    with torch.no_grad():
        rate += h
    above = outer().item()
    with torch.no_grad():
        rate -= 2 * h
    assert (above - outer().item()) / (2 * h) == pytest.approx(analytic, rel=2e-2)


def test_the_write_is_the_devices_and_its_gradient_goes_straight_through():
    g = torch.linspace(-0.9, 0.9, 21).requires_grad_()
    step = torch.full_like(g, 0.2).requires_grad_()
    written = write_weight(g, step, DEVICE, Programming())
    state = (g.detach().double() + 1) / 2
    expected = 2 * after_pulses(state, written.pulses, DEVICE) - 1
    assert torch.allclose(written.weight.double(), expected, atol=1e-6)
    written.weight.sum().backward()
    inside = g.detach() + 0.2 <= 1
    assert torch.equal(step.grad, inside.float())


def test_the_share_of_each_step_is_that_of_maml_plus_plus():
    """All alike at first, at last the last alone; halfway the others have half of theirs."""
    assert step_importance(1, 0.3) == [1.0]
    assert step_importance(4, 0.0) == pytest.approx([0.25] * 4)
    assert step_importance(4, 0.5) == pytest.approx([0.125] * 3 + [0.625])
    assert step_importance(4, 1.0) == [0.0, 0.0, 0.0, 1.0]


def test_small_steps_write_nothing(bars, network):
    adapted = adapt(network, a_task(bars), WRITE, relative_rate=1e-6)
    assert not any(p.any() for p in adapted.pulses.values())
    for name, weight in network.initial_weights().items():
        assert torch.allclose(adapted.weights[name], weight, atol=1e-6)


def test_the_constraint_is_equation_18():
    weights = {"a": torch.tensor([0.2, 0.7, -0.9])}
    assert constraint(weights, 0.5).item() == pytest.approx(2 * 0.2 + 2 * 0.4, abs=1e-6)
    assert constraint(weights, 1.0).item() == pytest.approx(0.0, abs=1e-6)


def test_deployed_layers_compute_what_the_network_computes(bars, network):
    """The head's crossbar without wires, linear cells, gives the network's logits."""
    writing = Writing(relative_rate=30.0)
    episode = adapt_episode(network, Tasks(dataset=bars, split="train", queries=3, seed=4), writing)
    assert list(episode.layers) == ["conv1", "conv2", "conv3", "conv4", "fc"]
    layer = episode.layers["fc"]
    assert layer.crossbar.shape == (9, 6)
    assert np.abs(layer.pulses).sum() > 0
    assert not layer.pulses[:, layer.mapping.references(layer.crossbar.columns)].any()
    state = after_pulses(layer.initial_state, layer.pulses, layer.device)
    current = read_currents(
        layer.crossbar.ideal(),
        state,
        voltage_from_input(layer.inputs, layer.device),
        layer.device,
        exact=False,
    )
    logits = layer.input_scale * layer.mapping.outputs(current, layer.device)
    rng = np.random.default_rng([4, 3])
    task = sample_task(bars.split("train"), rng, ways=5, shots=1, queries=3)
    write = WriteModel(device=default_device(), how=Programming())
    adapted = adapt(network, task, write, relative_rate=30.0)
    with torch.no_grad():
        expected = network(task.query, adapted.weights, 1)
    assert logits == pytest.approx(expected.numpy(), abs=1e-5)
    assert episode.accuracy == pytest.approx(np.mean(logits.argmax(1) == layer.labels))


@pytest.mark.long
def test_training_learns_and_leaves_a_usable_run(bars, tmp_path):
    how = Training(
        filters=8, epochs=2, iterations=15, batch=3, queries=5, learning_rate=5e-3, pulses_from=1,
        validation_tasks=4,
    )  # fmt: skip
    seen = []
    network = train(bars, how, tmp_path, callbacks=[lambda net, row: seen.append(row)])
    assert [row.epoch for row in seen] == [0, 1]
    assert seen[-1].loss < seen[0].loss
    assert max(row.accuracy_train for row in seen) > 0.35  # chance is 0.2
    assert {p.name for p in tmp_path.iterdir()} == {
        "best.safetensors", "config.toml", "environment.json", "last.safetensors", "metrics.csv",
        "state.safetensors",
    }  # fmt: skip
    for weight in network.initial_weights().values():
        assert weight.abs().max() <= 1


@pytest.mark.long
def test_training_is_deterministic(bars, tmp_path):
    how = Training(filters=4, epochs=1, iterations=2, batch=2, pulses_from=0, validation_tasks=2)
    first, second = (train(bars, how, tmp_path / name) for name in "ab")
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])


@pytest.mark.long
def test_evaluation_gives_a_row_for_each_noise_and_says_how_it_was_mapped(bars, network):
    tasks, writing = Tasks(dataset=bars, queries=3), Writing(device=DEVICE, relative_rate=2.0)
    rows = evaluate(network, tasks, writing, count=4, sigmas=[0.0, 4.0])
    assert [row.sigma_wn for row in rows] == [0.0, 4.0]
    assert rows[0].initial_map == "ideal"
    assert rows[0].steps == 1
    assert 0 <= rows[0].accuracy <= 1
    assert rows[0].ci95 > 0
    (verified,) = evaluate(network, tasks, replace(writing, verify_rounds=3), count=4, sigmas=[0.0])
    assert verified.initial_map == "write_verify(3)"


def test_episodes_repeat_with_their_seed(bars, network):
    tasks, noisy = Tasks(dataset=bars, queries=3, seed=5), Writing(relative_rate=5.0).at(1.0)
    first, second = (episode_accuracies(network, tasks, noisy, count=3) for _ in range(2))
    assert (first.accuracies == second.accuracies).all()
    assert first.pulses_per_weight > 0


def test_network_files_round_trip_and_refuse_others(tmp_path, network):
    network.save(tmp_path / "net.safetensors", seed=1)
    back = Network.load(tmp_path / "net.safetensors")
    assert back.note == {"seed": 1}
    for name, tensor in network.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor)
    (tmp_path / "other.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name in ("other", "empty", "missing"):
        with pytest.raises(InputError, match=name):
            Network.load(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize("bad", [{"ways": 1}, {"filters": 0}, {"size": 8}, {"steps": 0}])
def test_impossible_networks_are_refused(bad):
    with pytest.raises(InputError, match="at least"):
        Architecture(**bad)
