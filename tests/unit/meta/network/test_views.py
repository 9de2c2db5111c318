"""Views of an image, and an erased head whose features have several cells."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from meta.circuits.adaptation import adapt_episode
from meta.circuits.behind_circuit import Hardware
from meta.data.tasks import Tasks
from meta.evaluation.baseline import cosine_accuracy
from meta.evaluation.episodes import embedded_once, episode_accuracies
from meta.learning.head import head_step, write_head
from meta.learning.writing import Writing
from meta.network.architecture import HEAD, Architecture
from meta.network.convolutional import Network
from meta.network.views import VIEWS, count_of
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import PAIR


@pytest.fixture
def erased():
    architecture = Architecture(filters=4, erased=0.02)
    return Network(architecture, torch.Generator().manual_seed(0)).eval()


def test_views_are_the_image_moved_mirrored_or_turned():
    image = torch.arange(16.0).reshape(1, 4, 4)
    same, up, down, left, right = VIEWS["shifts"](image)
    assert torch.equal(same, image)
    assert torch.equal(up[:, 1:], image[:, :-1])
    assert torch.equal(down[:, :-1], image[:, 1:])
    assert torch.equal(left[..., 1:], image[..., :-1])
    assert torch.equal(right[..., :-1], image[..., 1:])
    assert not any(side.any() for side in (up[:, 0], down[:, -1], left[..., 0], right[..., -1]))
    assert torch.equal(VIEWS["mirror"](image)[1], image.flip(-1))
    assert all(torch.equal(VIEWS["turned"](image)[k], image.rot90(k, (-2, -1))) for k in range(4))
    both = VIEWS["turned-mirror"](image)
    assert all(torch.equal(both[4 + k], image.flip(-1).rot90(k, (-2, -1))) for k in range(4))
    names = ("one", "shifts", "mirror", "turned", "turned-mirror")
    assert [count_of(name) for name in names] == [1, 5, 2, 4, 8]


@pytest.mark.long
def test_features_of_views_are_averaged_or_stand_side_by_side(erased):
    images = torch.rand(3, 1, 28, 28)
    weights = erased.initial_weights()
    assert erased.with_head() is erased
    length = erased.architecture.features**0.5
    for name in ("shifts", "mirror", "turned", "turned-mirror"):
        seen = []
        for view in VIEWS[name](images):
            x = view
            for block in ("conv1", "conv2", "conv3", "conv4"):
                x = erased.convolved(block, x, weights[block], 0)
            seen.append(x.flatten(1))
        turns = 4 if name.startswith("turned") else 1
        expected = torch.cat([torch.stack(seen[k::turns]).mean(0) for k in range(turns)], 1)
        other = erased.with_head(views=name)
        found = other.features(images, other.initial_weights(), 0)
        cosines = torch.cosine_similarity(found, expected, dim=1)
        assert torch.allclose(cosines, torch.ones(3), atol=1e-5)
        assert found.shape[1] == other.architecture.features
        assert found.detach().norm(dim=1) == pytest.approx(length * turns**0.5, rel=1e-4)


def test_cells_of_a_feature_share_its_input_and_answer_as_one_would(erased):
    wide = erased.with_head(cells_per_feature=3)
    images, weights = torch.rand(2, 1, 28, 28), erased.initial_weights()
    one, three = erased.features(images, weights, 0), wide.features(images, weights, 0)
    assert torch.equal(three, one.repeat_interleave(3, -1))
    head = torch.rand(5, one.shape[1])
    bias = {f"{HEAD}.bias": torch.zeros(5)}
    alone = erased.logits(one, {HEAD: head, **bias})
    together = wide.logits(three, {HEAD: head.repeat_interleave(3, -1), **bias})
    assert torch.allclose(alone, together, rtol=1e-4, atol=1e-5)


def test_a_pair_of_erased_cells_holds_what_a_class_has_less_of_too(erased, bars):
    task = Tasks(dataset=bars, queries=2).draw(np.random.default_rng(0), 5)
    features = erased.features(task.support, erased.initial_weights(), 0)
    write = replace(Writing.of(erased), mapping=PAIR, relative_rate=1.0).model
    step = erased.rate(HEAD, 0) * head_step(features, task.support_labels, 5)
    written = write_head(erased, features, task.support_labels, write)
    assert (written.minus >= 0).all()
    assert written.minus.any()
    assert not written.minus[step > 0].any()
    assert not written.pulses[step < 0].any()
    change = written.weight - erased.initial_weights()[HEAD]
    assert (change[written.minus > 0] < 0).all()
    assert (change[written.pulses > 0] > 0).all()


@pytest.mark.long
def test_noise_costs_less_the_more_cells_a_feature_has(erased, bars):
    tasks = Tasks(dataset=bars, queries=5)
    noisy = replace(Writing.of(erased), relative_rate=3.0).at(4.0)
    means = []
    for cells in (1, 16):
        network = erased.with_head(cells_per_feature=cells)
        drawn, dtype = embedded_once(network, tasks, torch.float32, 10**6)
        means.append(episode_accuracies(network, drawn, noisy, count=40, dtype=dtype).mean)
    best = cosine_accuracy(erased, drawn.of(drawn.images[..., ::16]), count=40, dtype=torch.float32)
    assert means[0] < means[1] <= best + 0.1


@pytest.mark.long
def test_a_circuit_reads_every_view_and_every_cell(erased, bars):
    """Behind wires of next to nothing the answers are those of the surrogate."""
    network = erased.with_head(views="mirror", cells_per_feature=2)
    writing = replace(Writing.of(network), mapping=PAIR, relative_rate=3.0)
    episode = adapt_episode(network, Tasks(dataset=bars, queries=3), writing)
    head = episode.layers[HEAD]
    assert head.crossbar.rows == network.architecture.features + 1
    lines = Crossbar(rows=1, columns=2, r_word=1e-9, r_bit=1e-9)
    assert Hardware(crossbar=lines).accuracy(network, episode, 0) == pytest.approx(episode.accuracy)


def test_what_a_learned_head_cannot_have_is_refused():
    with pytest.raises(InputError, match="of an erased head"):
        Architecture(views="shifts")
    with pytest.raises(InputError, match="did you mean 'shifts'"):
        Architecture(views="shift", erased=0.02)
    with pytest.raises(InputError, match="this network learned its head"):
        Network(Architecture(filters=4)).with_head(cells_per_feature=2)
