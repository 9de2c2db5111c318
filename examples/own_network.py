"""A torch network of one's own on chips: what wires do to it, a layer of it verified in ngspice.

python examples/own_network.py
"""

import dataclasses

import torch
from torch import nn

from meta import Hardware, convert
from netlists.verification.engines import Phase
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit import default_crossbar
from roa_circuit.basics.units import percent

torch.manual_seed(0)
network = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 4)
)

# Bars, 8 x 8 pixels: two directions, left or right of, above or below the middle.
labels = torch.arange(400) % 4
images, places = 0.3 * torch.rand(400, 1, 8, 8), torch.randint(0, 4, (400,))
for image, label, place in zip(images, labels, places, strict=True):
    line = place + 4 * (label % 2)
    image[0, line if label < 2 else slice(None), slice(None) if label < 2 else line] = 1.0

optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
for _ in range(60):
    optimizer.zero_grad()
    nn.functional.cross_entropy(network(images[:200]), labels[:200]).backward()
    optimizer.step()


@torch.no_grad()
def accuracy(network):
    """Of the 200 images that training has not seen."""
    return percent(float((network(images[200:]).argmax(dim=1) == labels[200:]).float().mean()))


print(f"digital: {accuracy(network)} right")
for ohms in (10.0, 100.0, 1000.0):
    lines = dataclasses.replace(default_crossbar(1, 2), r_word=ohms, r_bit=ohms)
    chips = convert(network, Hardware(crossbar=lines), images[:64])
    print(f"wires of {ohms:g} Ohm: {accuracy(chips)} right")

chips = convert(network, Hardware(), images[:64])
print(chips.summary(energy=True))

layer = chips.layers["0"]
result = verify(layer, bench=Testbench(phase=Phase.read))
print(
    f"convolution, {layer.crossbar.rows} x {layer.crossbar.columns} cells, in ngspice: currents within"
    f" {result.max_relative_current_error:.0e} of the surrogate's"
)
