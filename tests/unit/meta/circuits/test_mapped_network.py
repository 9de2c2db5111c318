"""Adapted networks on the columns of every mapping: deployed, written, read, and what a write costs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from meta.circuits.adaptation import adapt_episode
from meta.circuits.behind_circuit import Hardware, classes
from meta.circuits.behind_wires import ideal_predictions
from meta.data.tasks import Tasks
from meta.evaluation.trial import adaptation_cost
from meta.learning.hardware import WriteModel
from meta.learning.learners import adapt
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.methods import METHODS
from meta.network.shipped import shipped_network
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping
from roa_circuit.device.programming import Programming, after_pulses

DEVICE = default_device()
MAPPINGS = ["reference", "reference:3", "pair", "pair:lower", "pair:room", "pair:push-pull"]
PERFECT = Crossbar(rows=1, columns=2)


@pytest.fixture
def network():
    return Network(Architecture(filters=6), torch.Generator().manual_seed(1)).eval()


def writing(name, **how):
    return Writing(relative_rate=20.0, mapping=Mapping.parse(name), **how)


@pytest.mark.long
@pytest.mark.parametrize("name", MAPPINGS)
def test_every_mapping_holds_the_network_that_was_adapted(name, bars, network):
    """The head's columns behind perfect wires answer as the adapted weights do."""
    tasks = Tasks(dataset=bars, queries=4, seed=1)
    episode = adapt_episode(network, tasks, writing(name), circuit=PERFECT)
    for layer in episode.layers.values():
        assert str(layer.mapping) == name
        assert np.abs(layer.pulses).sum() > 0
    head = episode.layers["fc"]
    assert head.crossbar.shape == (7, Mapping.parse(name).lines(5))
    np.testing.assert_array_equal(ideal_predictions(head), episode.answers)
    hardware = Hardware(crossbar=PERFECT)
    answers = classes(network, episode.task.query, hardware.holding(episode.layers, 0))
    assert np.mean(answers == episode.answers) > 0.9  # the head's I-V is curved


@pytest.mark.parametrize("name", ["pair", "pair:push-pull"])
def test_a_written_pair_is_what_its_pulses_do(name, bars, network):
    mapping = Mapping.parse(name)
    task = Tasks(dataset=bars, queries=4).draw(np.random.default_rng(0), 5)
    write = WriteModel(device=DEVICE, how=Programming(), mapping=mapping)
    adapted = adapt(network, task, write, relative_rate=20.0)
    (step,) = adapted.writes
    for key, weight in adapted.weights.items():
        g = step.before[key].double()
        plus, minus = (
            after_pulses(0.5 + sign * 0.5 * g, count[key].double(), DEVICE)
            for sign, count in ((1, step.pulses), (-1, step.minus))
        )
        assert torch.allclose(weight.double(), plus - minus, atol=1e-6)
    if name == "pair":
        assert all((count >= 0).all() for one in (step.pulses, step.minus) for count in one.values())
    weight = write.write(*(torch.zeros(3, requires_grad=True) for _ in range(2))).weight
    assert weight.requires_grad


def test_a_raised_pair_costs_twice_the_pulses_and_half_the_energy(bars, network):
    """Pulses that lower Table 1's cells are ten times as long, and `raise` needs none of them."""
    task = Tasks(dataset=bars, queries=4).draw(np.random.default_rng(0), 5)
    costs = {}
    for name in ("reference", "pair"):
        write = WriteModel(device=DEVICE, how=Programming(), mapping=Mapping.parse(name))
        adapted = adapt(network, task, write, relative_rate=20.0)
        costs[name] = adaptation_cost(adapted, DEVICE, mapping=write.mapping)
    assert 1.5 < costs["pair"][0] / costs["reference"][0] < 2.5
    assert 0.3 < costs["pair"][1] / costs["reference"][1] < 0.7


@pytest.mark.long
def test_an_erased_head_in_pairs_raises_either_cell_from_the_erased_state(bars):
    """The first as a single cell would be raised; the second where a class has less than the others."""
    robust = shipped_network("roa-robust")
    tasks = Tasks(dataset=bars, queries=6, seed=2)
    found = {}
    for mapping in (REFERENCE, PAIR):
        how = replace(Writing.of(robust), mapping=mapping)
        found[mapping] = adapt_episode(robust, tasks, how, circuit=PERFECT)
    head = found[PAIR].layers["fc"]
    np.testing.assert_allclose(head.initial_state, 0.02, atol=1e-7)
    assert (head.pulses >= 0).all()
    raised, lacking = (head.pulses[:, lines(head.crossbar.columns)] for lines in (PAIR.plus, PAIR.minus))
    single = found[REFERENCE].layers["fc"]
    assert (raised >= single.pulses[:, :-1]).all()  # g = ω⁺ - ω⁻ asks a cell for twice the change
    assert lacking.any()
    assert not (raised.astype(bool) & lacking.astype(bool)).any()
    np.testing.assert_array_equal(ideal_predictions(head), found[PAIR].answers)
    assert np.mean(found[PAIR].answers == found[REFERENCE].answers) > 0.9


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ({"method": METHODS["offline"]}, "method 'offline' writes no change in pulses"),
        ({"verify_rounds": 2}, "verify_rounds = 2 maps one cell a weight"),
    ],
)
def test_writes_that_pairs_do_not_have_are_refused_in_one_line(how, complaint, network):
    with pytest.raises(InputError, match=complaint) as caught:
        writing("pair", **how).check(network)
    assert "\n" not in str(caught.value)


def test_several_steps_are_refused():
    network = Network(Architecture(filters=6, steps=2))
    with pytest.raises(InputError, match="takes 2 steps, and what the first leaves in both"):
        writing("pair").check(network)


def test_an_erased_head_can_only_rise():
    robust = shipped_network("roa-robust")
    with pytest.raises(InputError, match="can only rise; take --mapping pair"):
        replace(Writing.of(robust), mapping=Mapping.parse("pair:push-pull")).check(robust)
