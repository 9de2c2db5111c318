"""Train a torch network through the wires of its own chips: the gradient knows what they drop.

python examples/train_through_wires.py
"""

import copy
import dataclasses

import torch
from torch import nn

from meta import Hardware, convert
from roa_circuit import default_crossbar
from roa_circuit.basics.units import percent

torch.manual_seed(0)
teacher = nn.Linear(32, 4)
x = torch.rand(600, 32)
with torch.no_grad():
    y = teacher(x)
    labels = (y - y.mean(dim=0)).argmax(dim=1)
network = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4))


def train(network, steps):
    """Adam, on the first 400 inputs."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[:400]), labels[:400]).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(network):
    """On the other 200."""
    return percent(float((network(x[400:]).argmax(dim=1) == labels[400:]).float().mean()))


train(network, 150)
print(f"digital: {accuracy(network)} right")

lines = dataclasses.replace(default_crossbar(1, 2), r_word=200.0, r_bit=200.0)
chips = convert(network, Hardware(crossbar=lines), x[:400])
print(f"on chips, wires of 200 Ohm: {accuracy(chips)} right")

train(chips, 60)
print(f"after 60 steps through these wires: {accuracy(chips)} right")

# The weights are those of an ordinary network; without the wires they are the wrong ones.
digital = copy.deepcopy(network)
digital.load_state_dict(chips.state_dict())
print(f"the same weights without wires: {accuracy(digital)} right")
