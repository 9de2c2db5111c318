"""A few-shot network of one's own on chips: an LSTM reads digits, a written head knows new ones.

python examples/own_few_shot.py
"""

import torch
from sklearn.datasets import load_digits  # of the `dev` extra
from torch import Tensor, nn
from torch.nn import functional as F

from meta import Hardware, convert
from roa_circuit.basics.units import percent
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.layers.tiling import TileSize

NEW, SHOTS = (7, 8, 9), 5

torch.manual_seed(0)
torch.set_num_threads(1)  # such small products gain nothing from more
found = load_digits()
images, labels = torch.tensor(found.images / 16.0).float(), torch.tensor(found.target)
known = labels < NEW[0]


class FewShot(nn.Module):
    """An LSTM reads an image line by line; a head compares its projected states with classes."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 32, batch_first=True, proj_size=16)
        self.head = nn.Linear(8 * 16, len(NEW), bias=False)

    def features(self, images: Tensor) -> Tensor:
        """(images, lines x states), each of length 1."""
        return F.normalize(self.lstm(images)[0].flatten(1), dim=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


# The backbone learns from digits 0 to 6, and sees no other.
network, classes = FewShot(), nn.Linear(8 * 16, NEW[0], bias=False)
optimizer = torch.optim.Adam([*network.lstm.parameters(), *classes.parameters()], lr=1e-2)
for _ in range(5):
    for batch in torch.nonzero(known)[:, 0][torch.randperm(int(known.sum()))].split(64):
        cosines = F.linear(network.features(images[batch]), F.normalize(classes.weight, dim=1))
        optimizer.zero_grad()
        F.cross_entropy(10 * cosines, labels[batch]).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(network: nn.Module) -> str:
    """Of 10 tasks: the head holds the mean features of 5 images a class, and answers the rest."""
    features = {digit: network.features(images[labels == digit]) for digit in NEW}
    drawn, right = torch.Generator().manual_seed(1), []
    for _ in range(10):
        task = [own[torch.randperm(len(own), generator=drawn)] for own in features.values()]
        for k, own in enumerate(task):
            network.head.weight[k] = own[:SHOTS].mean(dim=0)
        right += [(network.head(own[SHOTS:]).argmax(dim=1) == k).float() for k, own in enumerate(task)]
    return percent(float(torch.cat(right).mean()))


print(f"7, 8 or 9 after {SHOTS} images of each, digital: {accuracy(network)} right")
for ohms, columns in ((10.0, 64), (10.0, 8)):
    lines = Crossbar(rows=1, columns=2, r_word=ohms, r_bit=ohms)
    hardware = Hardware(crossbar=lines, tile=TileSize(rows=64, columns=columns))
    chips = convert(network, hardware, images[:200])
    print(f"behind {ohms:g} Ohm, tiles of {columns} outputs: {accuracy(chips)} right")
print(chips.summary())
