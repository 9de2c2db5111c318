"""Training and evaluation of networks that are written on pairs."""

from dataclasses import replace

import pytest
import torch

from meta.data.tasks import Tasks
from meta.evaluation.evaluate import evaluate
from meta.learning.writing import Writing
from meta.network.architecture import Architecture
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.train import train
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping


@pytest.mark.long
def test_a_network_trains_on_pairs_and_is_written_on_them_afterwards(bars, tmp_path):
    how = Training(
        dataset="bars", ways=3, shots=1, queries=2, filters=4, epochs=1, iterations=2, batch=2,
        pulses_from=0, validation_tasks=2, mapping="pair",
    )  # fmt: skip
    network = train(bars, how, tmp_path / "run")
    assert Writing.of(network).mapping == PAIR
    loaded = Network.load(tmp_path / "run" / "best.safetensors")
    assert Writing.of(loaded).mapping == PAIR
    writing = replace(Writing.of(loaded), relative_rate=1.0)
    (row,) = evaluate(loaded, Tasks(dataset=bars, ways=3, queries=2), writing, count=2, sigmas=[1.0])
    assert row.pulses_per_weight > 0


def test_networks_of_before_have_one_cell_a_weight():
    network = Network(Architecture(filters=4), torch.Generator().manual_seed(0))
    assert Writing.of(network).mapping == REFERENCE


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"mapping": "pear"}, "did you mean 'pair'"),
        ({"mapping": "pair", "method": "maml"}, "takes 5 steps"),
        ({"mapping": "pair:push-pull", "method": "roa-robust"}, "can only rise"),
        ({"mapping": "reference:8"}, "changes nothing without a circuit"),
    ],
)
def test_mappings_that_a_training_cannot_have_are_refused(given, complaint):
    with pytest.raises(InputError, match=complaint):
        Training(**given)
    assert Training(mapping="pair:push-pull").columns == Mapping.parse("pair:push-pull")
