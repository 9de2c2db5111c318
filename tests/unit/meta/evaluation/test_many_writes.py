"""Many writes of the same episodes: what is shared changes nothing."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from meta.data.tasks import Tasks
from meta.evaluation import writes
from meta.evaluation.episodes import episode_accuracies
from meta.evaluation.many_writes import variant_accuracies
from meta.learning.writing import Writing
from meta.network.architecture import HEAD, Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from roa_circuit.device.parameters import load_device
from roa_circuit.device.programming import Programming

HOWS = (
    Programming(),
    Programming(sigma_wn=0.5),
    Programming(sigma_wn=2.0, reading="unscaled"),
    Programming(sigma_wn=1.0, reading="potentiation", clip=False),
)
DEVICE = load_device("zhang2021")
VARIANTS = [
    Writing(device=DEVICE, programming=how, relative_rate=rate)
    for how, rate in itertools.product(HOWS[:3], (0.25, 4.0, 64.0))
]


def compare(network, dataset, variants, method="roa"):
    tasks = Tasks(dataset=dataset, queries=4, seed=5)
    variants = [replace(variant, method=METHODS[method]) for variant in variants]
    together = variant_accuracies(network, tasks, variants, count=3)
    for variant, ours in zip(variants, together, strict=True):
        alone = episode_accuracies(network, tasks, variant, count=3)
        np.testing.assert_array_equal(ours.accuracies, alone.accuracies)
        numbers = [(e.pulses_per_weight, e.energy, e.seconds) for e in (ours, alone)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
    return together


@pytest.mark.long
@pytest.mark.parametrize("layer", ["conv1", "conv4", HEAD, None])
def test_every_variant_is_what_it_is_alone(bars, layer):
    """With the first pulses in each of the layers, and with none anywhere."""
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    layers = Architecture().layers
    quiet = layers[: [*layers, None].index(layer)]
    for name in quiet:
        network.scale_rates(1e-9, name)
    outcomes = compare(network, bars, VARIANTS)
    assert any(outcome.pulses_per_weight for outcome in outcomes) == (layer is not None)
    assert len({outcome.mean for outcome in outcomes}) > 1 or layer is None


@pytest.mark.long
def test_so_it_is_where_random_states_are_written_at_once(bars):
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    variants = [
        replace(VARIANTS[0], programming=how, relative_rate=rate) for how in HOWS[:3] for rate in (1, 16)
    ]
    compare(network, bars, variants, "offline")


@pytest.mark.long
def test_variants_that_share_nothing_are_run_one_by_one(bars):
    network = Network(Architecture(ways=3, filters=4, steps=2), torch.Generator().manual_seed(2))
    compare(network, bars, VARIANTS[3:5], "five-step")
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    compare(network, bars, VARIANTS[3:5], "ideal")
    compare(network, bars, [replace(VARIANTS[1], programming=how) for how in HOWS])


@pytest.mark.long
def test_one_gradient_serves_all_rates_of_a_map_by_write_verify(bars, monkeypatch):
    """It took one for each rate: the same map, from the same draws, each time."""
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    mapped = [replace(one, verify_rounds=2) for one in (*VARIANTS[:2], *VARIANTS[3:6])]
    compare(network, bars, mapped)
    taken = []
    inner = writes.inner_steps
    monkeypatch.setattr(writes, "inner_steps", lambda *a, **k: taken.append(1) or inner(*a, **k))
    variant_accuracies(network, Tasks(dataset=bars, queries=4, seed=5), mapped, count=3)
    assert len(taken) == 3 * 2
