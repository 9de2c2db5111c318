"""Filling: weights that use their cells' range, in a network that computes the same as before."""

from __future__ import annotations

import torch

from meta.network.convolutional import Network, key_of
from meta.network.statistics import EPSILON
from roa_circuit.basics.errors import InputError

LARGEST = 0.6
"""Of a filter's weights, where there is no reason for another. What lies above is room that `placed`
needs to make up for wires: of the shipped roa-robust, beside a plain reference and read in 8 bits, 0.6
is best at 1 and 10 Ohm together (docs/readout.md)."""


@torch.no_grad()
def filled(network: Network, largest: float = LARGEST) -> Network:
    """A copy in which every filter is scaled so that its largest weight is +-`largest`.

    The kept batch norm takes the factor out again. On cells, a read's signal grows by it: weights of 0.1
    beside a reference are a few per cent of what flows.

    Raises
    ------
    InputError : the network learned its head; then blocks are written, in steps of a scale of their own.
    """
    if network.architecture.erased is None:
        raise InputError("filled: this network's blocks are written, at the scale that training chose")
    copy = Network(network.architecture).to(network.compute)
    copy.load_state_dict(network.state_dict())
    copy.note, copy.rules = network.note, network.rules
    for name in network.architecture.convolutions:
        key = key_of(name)
        weight, variance = copy.weights[key], copy.get_buffer(f"variance_{key}")
        factor = largest / weight.abs().amax((1, 2, 3)).clamp(min=1e-12)
        weight.mul_(factor[:, None, None, None])
        copy.get_buffer(f"mean_{key}").mul_(factor)
        # Epsilon is not scaled: the variance takes up what that changes.
        variance.copy_(((variance + EPSILON) * factor.square() - EPSILON).clamp(min=0))
    return copy.train(network.training)
