"""Deployment: an adapted episode as programmed layers, ready for the circuit.

A convolution's crossbar has one row per input of its 3 x 3 x channels window and one column
per filter; the head has one row per feature, an always-on row for the bias, and one column per
class. Which columns these take is up to the mapping (see `roa_circuit.circuit.mapping`).

A convolution is read some hundred times for an image, so its cells are taken as conductances at the
read voltage (decision 8 of docs/physics.md); the head has Eq. 2 at every cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.data.tasks import Task
from meta.learning.cells import cells_of
from meta.learning.hardware import WriteModel
from meta.learning.learners import Adapted
from meta.network.architecture import HEAD
from meta.network.convolution import windows
from meta.network.convolutional import Network
from meta.network.matrices import as_numpy
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.solver.read_model import ReadModel

SAMPLES = 256
"""Windows of the support images that tell a convolution what its converters will see."""


@torch.no_grad()
def programmed_layers(
    network: Network,
    task: Task,
    adapted: Adapted,
    write: WriteModel,
    circuit: Crossbar,
    *,
    reads: int = 16,
    rng: np.random.Generator,
    provenance: dict[str, Any],
) -> dict[str, ProgrammedLayer]:
    """The programmed layers of an adapted episode, in the order of the network.

    Inputs to a layer are those of the adapted network without wires.

    write : gives the device, and the columns on which weights lie
    circuit : gives the resistances and the select scheme; each layer has its own size
    reads : how many windows of the query images are sampled for each convolution; the head is read
        with every query image

    Raises
    ------
    InputError : the adaptation was not written in pulses, or in several writes.
    """
    if len(adapted.writes) != 1:
        raise InputError(
            f"a layer holds one write in pulses, and this adaptation made {len(adapted.writes)}; adapt "
            "with a network of one step, such as roa's"
        )
    layers, erased = {}, network.architecture.erased is not None
    for name, inputs, labels, largest in _layer_inputs(network, task, adapted, reads, rng):
        head_erased = erased and name == HEAD
        states, pulses = cells_of(adapted.writes[0], name, write.mapping, erased=head_erased)
        scale = max(1.0, largest)
        layers[name] = ProgrammedLayer(
            name=name,
            device=write.device,
            crossbar=replace(circuit, rows=states.shape[0], columns=states.shape[1]),
            initial_state=states,
            pulses=pulses,
            inputs=inputs / scale,
            labels=labels,
            input_scale=scale,
            mapping=write.mapping,
            read_model=ReadModel.cells if name == HEAD else ReadModel.weights,
            provenance=provenance,
        )
    return layers


@torch.no_grad()
def sampled_layers(
    layers: Mapping[str, ProgrammedLayer],
    network: Network,
    task: Task,
    adapted: Adapted,
    rng: np.random.Generator,
) -> dict[str, ProgrammedLayer]:
    """The layers with inputs of the support images in place of the queries', for converters' ranges.

    A chip has these before any query comes. The largest of all of them is the layer's scale: it drives
    the full voltage.
    """
    support = replace(task, query=task.support, query_labels=task.support_labels)
    found = {}
    for name, inputs, _, largest in _layer_inputs(network, support, adapted, SAMPLES, rng):
        scale = max(1.0, largest)
        found[name] = replace(
            layers[name], inputs=inputs / scale, labels=np.empty(0, dtype=np.int64), input_scale=scale
        )
    return found


def _layer_inputs(
    network: Network, task: Task, adapted: Adapted, reads: int, rng: np.random.Generator
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.int64], float]]:
    """(name, inputs (reads, rows), labels, largest input of all) of every layer, by the query images."""
    before: dict[str, list[torch.Tensor]] = {name: [] for name in network.architecture.convolutions}

    def layer(name: str, x: torch.Tensor) -> torch.Tensor:
        before[name].append(x)
        return network.convolved(name, x, adapted.weights[name], network.architecture.steps)

    features = network.embedded(task.query, layer)
    for name, views in before.items():
        x = torch.cat(views)
        seen = windows(x, network.architecture.convolutions[name].kernel)
        busy = np.flatnonzero((seen > 0).any(1).numpy())
        chosen = rng.choice(busy, size=min(reads, len(busy)), replace=False)
        yield name, as_numpy(seen[np.sort(chosen)]), np.empty(0, dtype=np.int64), float(x.max())
    features = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    yield HEAD, as_numpy(features), task.query_labels.numpy(), float(features.max())
