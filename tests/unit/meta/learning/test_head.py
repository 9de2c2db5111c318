"""The erased head: its step in closed form, its write, and a network that fits any ways."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from meta.data.tasks import Tasks, sample_task, stack
from meta.evaluation.episodes import embedded, episode_accuracies
from meta.learning.hardware import WriteModel
from meta.learning.head import head_step, write_head, write_losses
from meta.learning.learners import adapt, query_loss
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from roa_circuit.basics.errors import InputError
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

DEVICE = load_device("zhang2021")


@pytest.fixture
def network():
    how = Architecture(filters=6, last_filters=8, erased=0.02)
    return Network(how, torch.Generator().manual_seed(0)).eval()


def a_task(bars, seed=0, **changes):
    how = {"ways": 5, "shots": 2, "queries": 3, **changes}
    return sample_task(bars.split("train"), np.random.default_rng(seed), **how)


def model(**changes):
    return WriteModel(device=DEVICE, how=Programming(max_pulses=4, **changes))


def test_the_closed_form_is_the_gradient_of_the_loss():
    """Cross entropy meaned over shots and summed over classes, at equal columns."""
    features = torch.rand(10, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.arange(5).repeat_interleave(2)
    head = torch.full((5, 7), -0.96, dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(features @ head.T, labels, reduction="sum") / 2
    (gradient,) = torch.autograd.grad(loss, head)
    assert torch.allclose(head_step(features, labels, 5), -gradient, atol=1e-12)


def test_the_write_only_raises_and_leaves_the_rest_without_noise(bars, network):
    network.scale_rates(5.0, "fc")
    adapted = adapt(network, a_task(bars), model(sigma_wn=4.0), rng=np.random.default_rng(0))
    pulses, head = adapted.pulses["fc"], adapted.weights["fc"]
    assert pulses.max() > 0
    assert pulses.min() == 0
    assert pulses.max() <= 4
    assert head.detach()[pulses == 0].numpy() == pytest.approx(-0.96)
    assert 0.02 < (pulses > 0).float().mean() < 0.98
    assert not any(p.any() for name, p in adapted.pulses.items() if name != "fc")
    assert all(adapted.pulses[name].shape == weight.shape for name, weight in adapted.weights.items())


def test_a_batch_of_tasks_is_the_tasks_one_by_one(bars, network):
    """Whatever batch norm has learned: once, validation saw untrained scales after the write."""
    with torch.no_grad():
        for parameter in (*network.scales.values(), *network.shifts.values()):
            parameter.add_(0.3 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(1)))
    tasks = [a_task(bars), a_task(bars, seed=5)]
    together, accuracy = write_losses(
        network, stack(tasks), [model(), None], rng=np.random.default_rng(0), dtype=torch.float32
    )
    alone = []
    for task, write in zip(tasks, [model(), None], strict=True):
        alone.append(query_loss(network, task, adapt(network, task, write))[0])
    assert together.item() == pytest.approx(sum(alone).item() / 2, rel=1e-5)
    assert 0 <= accuracy <= 1


def test_gradients_reach_backbone_rate_and_gain(bars, network):
    loss, _ = write_losses(
        network.train(),
        stack([a_task(bars)]),
        [model(sigma_wn=1.0)],
        rng=np.random.default_rng(0),
        dtype=torch.float32,
    )
    loss.backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert {"weights.conv1", "weights.conv4", "log_rates.fc", "log_gain"} <= set(gradients)
    assert all(g.abs().max() > 0 for n, g in gradients.items() if n.startswith("weights"))


def test_features_of_an_image_do_not_depend_on_its_company(bars, network):
    images = a_task(bars).query
    weights = network.initial_weights()
    together = network.features(images, weights, 0)
    assert torch.allclose(network.features(images[:1], weights, 0), together[:1], atol=1e-5)
    length = together.square().sum(1).sqrt()
    assert torch.allclose(length, torch.full_like(length, together.shape[1] ** 0.5), rtol=1e-4)


def test_episodes_of_embedded_images_score_as_those_of_images(bars, network):
    """Enough tasks, and every image is embedded once; the same tasks, pulses and answers."""
    images = bars.split("test")
    writing = Writing(device=DEVICE, method=METHODS["roa-robust"], programming=model(sigma_wn=2.0).how)
    features = embedded(network, images, torch.float32)
    assert features.shape == (*images.shape[:2], network.architecture.features)
    tasks = Tasks(dataset=bars, queries=5, seed=3)
    alone = episode_accuracies(network, tasks, writing, count=3)  # 90 images, fewer than all 120
    once = episode_accuracies(network, tasks.of(features), writing, count=3)
    assert alone.accuracies == pytest.approx(once.accuracies)
    assert alone.energy == pytest.approx(once.energy)
    more = episode_accuracies(network, tasks, writing, count=6)
    assert more.accuracies[:3] == pytest.approx(alone.accuracies)


def test_training_mode_moves_the_statistics_and_files_keep_them(bars, network, tmp_path):
    before = network.get_buffer("mean_conv1").clone()
    network.train().features(a_task(bars).query, network.initial_weights(), 0)
    assert not torch.equal(before, network.get_buffer("mean_conv1"))
    network.save(tmp_path / "n.safetensors")
    back = Network.load(tmp_path / "n.safetensors")
    assert torch.equal(back.get_buffer("mean_conv1"), network.get_buffer("mean_conv1"))
    assert not back.training


def test_an_erased_head_fits_any_number_of_ways(bars, network):
    three = network.with_ways(3)
    task = a_task(bars, ways=3)
    adapted = adapt(three, task)
    assert adapted.weights["fc"].shape == (3, network.architecture.features)
    assert network.architecture.ways == 5


def test_a_learned_head_leaves_columns_out_and_has_no_more():
    five = Network(Architecture(filters=4), torch.Generator().manual_seed(0))
    three, images = five.with_ways(3), torch.rand(6, 1, 28, 28)
    of_five, of_three = (net(images, net.initial_weights()) for net in (five, three))
    assert torch.allclose(of_five[:, :3], of_three, atol=1e-6)
    assert (five.architecture.ways, three.architecture.ways) == (5, 3)
    with pytest.raises(InputError, match="learned for 5"):
        five.with_ways(6)


def test_ideal_weights_take_no_pulses(network):
    features = torch.rand(5, network.architecture.features)
    write = write_head(network, features, torch.arange(5), None)
    assert not write.pulses.any()
    with pytest.raises(InputError, match="erased = 2"):
        Architecture(erased=2)
