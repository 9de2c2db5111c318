# %% [markdown]
# # Any torch network, trained through its wires
#
# `convert` puts the layers of a torch network on simulated chips and gives back a torch module. Its
# gradients pass through the exact wires, so that a network can learn to live with them. You need
# the extra `learn`, which brings torch.

# %%
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)  # products of this size gain nothing from more
digits = load_digits()
images = torch.tensor(digits.data / 16.0).float()
labels = torch.tensor(digits.target)
train, test = slice(0, 1000), slice(1000, 1400)
network = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def learn(module, steps, rate, batch=64):
    """Adam on random batches; returns the loss of every step."""
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        drawn = torch.randint(train.stop, (batch,))
        loss = nn.functional.cross_entropy(module(images[drawn]), labels[drawn])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def accuracy(module):
    """Right answers of images that training does not see [%]."""
    return 100 * float((module(images[test]).argmax(dim=1) == labels[test]).float().mean())


learn(network, 400, 5e-3)
print(f"digital: {accuracy(network):.1f} % right")

# %% [markdown]
# ## Onto chips
#
# The wires here are bad on purpose: 200 Ω a segment, where the toolkit's design point has 1 Ω.
# Weights stand on pairs of cells.

# %%
from meta import Hardware, convert
from roa_circuit import Crossbar
from roa_circuit.layers.tiling import TileSize

lines = Crossbar(rows=1, columns=2, r_word=200.0, r_bit=200.0)  # resistances; the size follows the layer
chips = convert(network, Hardware(crossbar=lines, tile=TileSize(rows=64, columns=16)), images[:100])
before = accuracy(chips)
print(f"on chips: {before:.1f} % right")
print(chips.summary())

# %% [markdown]
# ## Train through the wires
#
# `chips` is a torch module like any other. Any optimiser works on it.

# %%
losses = learn(chips, 20, 1e-2, batch=32)
after = accuracy(chips)
print(f"after 20 steps through the wires: {after:.1f} % right")

# %% alt="The loss falls over 20 steps; bars show the accuracy of the digital network, on chips, and after training"
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(losses)
left.set(xlabel="step through the wires", ylabel="loss")
right.bar(
    ["digital", "on chips", "trained there"],
    [accuracy(network), before, after],
    color=["C7", "C3", "C2"],
)
right.set(ylabel="right answers [%]", ylim=(0, 100))
plt.show()

# %% [markdown]
# The weights are those of an ordinary network. They have moved to where these wires are, and
# without the wires they are worse than before:

# %%
import copy

digital = copy.deepcopy(network)
digital.load_state_dict(chips.state_dict())
print(f"the same weights without wires: {accuracy(digital):.1f} % right")
chips.layers["0"].save("first.npz")

# %% [markdown]
# `roa-spice verify --layer first.npz --phase read` has ngspice check the first layer.
#
# ## Where to go on
#
# * [Networks of your own](../own-networks.md): which modules stand on chips, and with what
#   hardware.
# * [Compensation](../compensation.md): what helps without training.
