"""Many writes of the same episodes: what is shared changes nothing."""

import itertools

import numpy as np
import pytest
import torch

from meta.evaluation.episodes import episode_accuracies
from meta.evaluation.many_writes import variant_accuracies
from meta.evaluation.writes import Variant
from meta.learning.hardware import WriteModel
from meta.network.architecture import BLOCKS, HEAD, Architecture
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
VARIANTS = [
    Variant(how=how, relative_rate=rate) for how, rate in itertools.product(HOWS[:3], (0.25, 4.0, 64.0))
]


def compare(network, images, variants, method="roa"):
    device, how = load_device("zhang2021"), {"shots": 1, "queries": 4, "tasks": 3, "seed": 5}
    together = variant_accuracies(network, images, device, variants, method=METHODS[method], **how)
    for variant, ours in zip(variants, together, strict=True):
        alone = episode_accuracies(
            network, images, WriteModel(device=device, how=variant.how), method=METHODS[method],
            relative_rate=variant.relative_rate, **how,
        )  # fmt: skip
        np.testing.assert_array_equal(ours.accuracies, alone.accuracies)
        numbers = [(e.pulses_per_weight, e.energy, e.seconds) for e in (ours, alone)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
    return together


@pytest.mark.long
@pytest.mark.parametrize("layer", ["conv1", "conv4", HEAD, None])
def test_every_variant_is_what_it_is_alone(bars, layer):
    """With the first pulses in each of the layers, and with none anywhere."""
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    quiet = [*BLOCKS, HEAD][: [*BLOCKS, HEAD, None].index(layer)]
    for name in quiet:
        network.scale_rates(1e-9, name)
    outcomes = compare(network, bars.split("test"), VARIANTS)
    assert any(outcome.pulses_per_weight for outcome in outcomes) == (layer is not None)
    assert len({outcome.mean for outcome in outcomes}) > 1 or layer is None


def test_so_it_is_where_random_states_are_written_at_once(bars):
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    variants = [Variant(how=how, relative_rate=rate) for how in HOWS[:3] for rate in (1.0, 16.0)]
    compare(network, bars.split("test"), variants, "offline")


def test_variants_that_share_nothing_are_run_one_by_one(bars):
    network = Network(Architecture(ways=3, filters=4, steps=2), torch.Generator().manual_seed(2))
    compare(network, bars.split("test"), VARIANTS[3:5], "five-step")
    network = Network(Architecture(ways=3, filters=4), torch.Generator().manual_seed(2))
    compare(network, bars.split("test"), VARIANTS[3:5], "ideal")
    compare(network, bars.split("test"), [Variant(how=how, relative_rate=4.0) for how in HOWS])
