"""The shipped network and layer: real Omniglot, real device physics, real ngspice."""

from pathlib import Path

import numpy as np
import pytest

from meta.circuits.adaptation import adapt_episode
from meta.data.datasets import load_dataset
from meta.data.tasks import Tasks
from meta.evaluation.episodes import episode_accuracies
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.network.precision import fastest_dtype
from meta.network.shipped import shipped_network
from netlists.layers.shipped import load_layer, shipped_layers
from netlists.verification.verify import predictions
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.programming import after_pulses
from roa_circuit.solver.read import read_currents

OF_THE_LAYERS = Path(__file__).parents[1] / "data" / "network_of_the_shipped_layers.safetensors"


@pytest.fixture(scope="module")
def omniglot(measured_data):
    """The whole of Omniglot; CI must have it."""
    return load_dataset("omniglot", measured_data("omniglot"))


@pytest.mark.parametrize(
    ("ways", "tasks", "least"),
    [(5, 10, 0.98), pytest.param(10, 12, 0.95, marks=pytest.mark.slow), (20, 2, 0.94)],
)
def test_real_omniglot_one_shot_in_one_write(omniglot, ways, tasks, least):
    """A few test episodes; docs/reproduction.md has 600."""
    outcome = episode_accuracies(
        shipped_network("roa", ways),
        Tasks(dataset=omniglot),
        Writing(relative_rate=1.0),
        count=tasks,
        dtype=fastest_dtype(),
    )
    assert outcome.accuracies.mean() > least
    assert 0 < outcome.pulses_per_weight < 0.5


@pytest.mark.parametrize(
    ("ways", "sigma_wn", "least"), [(5, 0.0, 0.97), (5, 4.0, 0.97), (20, 4.0, 0.93)]
)
def test_the_robust_network_stands_the_noise_of_equation_7(omniglot, ways, sigma_wn, least):
    """12 test episodes, a head written once on erased cells; docs/reproduction.md has 600."""
    network = shipped_network("roa-robust", ways)
    outcome = episode_accuracies(
        network,
        Tasks(dataset=omniglot),
        Writing.of(network).at(sigma_wn),
        count=12,
        dtype=fastest_dtype(),
    )
    assert outcome.accuracies.mean() > least
    assert 0 < outcome.pulses_per_weight < 0.2
    assert outcome.energy > 0


def test_the_shipped_layers_are_an_adapted_episode(omniglot):
    made = load_layer("fc").provenance
    episode = adapt_episode(
        Network.load(OF_THE_LAYERS),
        Tasks(dataset=omniglot, seed=made["seed"]),
        Writing(relative_rate=made["relative_rate"]),
    )
    assert shipped_layers() == sorted(Architecture().layers)
    for name, layer in episode.layers.items():
        kept = load_layer(name)
        assert kept.initial_state == pytest.approx(layer.initial_state, abs=1e-6)
        # another processor may round a gradient at the edge of half a pulse the other way
        assert np.mean(kept.pulses != layer.pulses) < 1e-3
    assert episode.accuracy > 0.9
    assert np.abs(load_layer("fc").pulses).sum() > 0


def test_wires_of_the_design_point_cost_at_most_two_points():
    layer = load_layer("fc")
    voltages = voltage_from_input(layer.inputs, layer.device)
    real = write_in_situ(layer.crossbar, layer.initial_state, layer.pulses, layer.device).state
    wired = read_currents(layer.crossbar, real, voltages, layer.device)
    intended = after_pulses(layer.initial_state, layer.pulses, layer.device)
    ideal = read_currents(layer.crossbar.ideal(), intended, voltages, layer.device)
    scores = [np.mean(predictions(layer, i) == layer.labels) for i in (ideal, wired)]
    assert scores[1] >= scores[0] - 0.02


def test_a_foreign_architecture_still_adapts():
    """Three ways, four filters: nothing is wired to the shipped shape."""
    network = Network(Architecture(ways=3, filters=4))
    tasks = Tasks(dataset=load_dataset("glyphs"), queries=2)
    episode = adapt_episode(network, tasks, Writing(relative_rate=20.0))
    assert episode.layers["fc"].crossbar.shape == (5, 4)
