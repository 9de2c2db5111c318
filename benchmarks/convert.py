"""Networks of one's own on chips: scikit-learn's digits through three networks behind wires.

python benchmarks/convert.py [--quick] --json FILE

Needs scikit-learn (the `dev` extra). Rows of accuracy: `ratio` is the accuracy on the 360 test images,
`error` what it lies below that of the digital network, `seconds` one inference of all of them. Wires of
0 Ohm are perfect, terminals included; otherwise lines have the design point's drivers. Rows of training
start from the digital network, and learn through exact wires, without any calibration. The last rows
are steps of 64 images, beside the digital network's. `--quick` has the first network alone, leaves
100 Ohm out, and trains shortly.
"""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from _table import Row, in_turns, main, row, share, timed

sys.path.sort(key=lambda path: Path(path).resolve() == Path(__file__).resolve().parent)
# last, or a file here would hide the package of its name

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from meta import Hardware, convert
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import PAIR, REFERENCE, Mapping

BATCH, TRAIN = 64, 1437
LEARNING_RATE = 5e-3
TRAINED = [(10.0, REFERENCE, (6, 2)), (100.0, PAIR, (6, 0))]
"""(wires [Ohm], mapping, epochs in full and quick)."""

Data = tuple[Tensor, Tensor]


def digits() -> tuple[Data, Data]:
    """(training, test) images in [0, 1] (images, 64), and their labels."""
    found = load_digits()
    x, labels = torch.tensor(found.data / 16.0).float(), torch.tensor(found.target)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, labels = x[order], labels[order]
    return (x[:TRAIN], labels[:TRAIN]), (x[TRAIN:], labels[TRAIN:])


def wires(ohms: float, mapping: Mapping = PAIR) -> Hardware:
    """The design point with segments of so many Ohm; 0 is perfect, terminals included."""
    lines = dataclasses.replace(default_crossbar(1, 2), r_word=ohms, r_bit=ohms)
    return Hardware(crossbar=lines if ohms else Crossbar(rows=1, columns=2), mapping=mapping)


@torch.no_grad()
def accuracy(network: nn.Module, data: Data) -> float:
    """The share of images that are answered correctly."""
    return float((network(data[0]).argmax(dim=1) == data[1]).float().mean())


def stepper(network: nn.Module, learning_rate: float) -> Callable[[Tensor, Tensor], None]:
    """One step of Adam on a batch."""
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)

    def step(x: Tensor, labels: Tensor) -> None:
        loss = F.cross_entropy(network(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def train(network: nn.Module, data: Data, epochs: int, learning_rate: float = LEARNING_RATE) -> None:
    """Whole epochs of batches in random order."""
    step, drawn = stepper(network, learning_rate), torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for batch in torch.randperm(len(data[0]), generator=drawn).split(BATCH):
            step(data[0][batch], data[1][batch])


class Residual(nn.Module):
    """Two convolutions beside a way round them."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(filters, filters, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.first(x))))


class Reader(nn.Module):
    """An LSTM that reads an image line by line, its states projected from 32 to 16."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(8, 32, batch_first=True, proj_size=16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.lstm(x.reshape(len(x), 8, 8))
        return self.head(outputs[:, -1])


def mlp() -> nn.Module:
    """64-64-10."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def residual_cnn() -> nn.Module:
    """Six convolutions, four of them in residual blocks."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), Residual(8),
        nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), Residual(16), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


NETWORKS = {
    "MLP 64-64-10": (mlp, 60, 2e-3), "residual CNN": (residual_cnn, 12, 3e-3),
    "LSTM, projected": (Reader, 20, 1e-2),
}  # fmt: skip
"""By name: how each is made, its epochs and its learning rate."""


def behind_wires(name: str, network: nn.Module, training: Data, test: Data) -> Iterator[Row]:
    """Its accuracy without chips, and behind wires."""
    digital = accuracy(network, test)
    yield share(f"{name}, digital", timed(lambda: network(test[0]))[0], "-", digital, None)
    for ohms in (0.0, 1.0, 10.0):
        for mapping in (PAIR, REFERENCE):
            chips = convert(network, wires(ohms, mapping), training[0])
            accuracy(chips, test)
            taken, found = timed(lambda chips=chips: accuracy(chips, test))
            case = f"{name}, {ohms:g} Ohm, {mapping}"
            yield share(case, taken, "accuracy", found, digital - found)


def measure(quick: bool) -> Iterator[Row]:
    """All rows."""
    training, test = digits()
    trained = {}
    for name, (make, epochs, rate) in NETWORKS.items():
        if quick and make is not mlp:
            continue
        torch.manual_seed(0)
        trained[name] = make()
        train(trained[name], training, epochs, rate)
        yield from behind_wires(name, trained[name], training, test)
    network = trained["MLP 64-64-10"]
    digital = accuracy(network, test)
    for ohms, mapping, epochs in TRAINED:
        if not epochs[quick]:
            continue
        chips = convert(network, wires(ohms, mapping), training[0])
        before = accuracy(chips, test)
        taken, _ = timed(lambda chips=chips, epochs=epochs: train(chips, training, epochs[quick]))
        found = accuracy(chips, test)
        case = f"trained, {ohms:g} Ohm, {mapping}, {epochs[quick]} epochs"
        yield share(case, taken, f"accuracy, {100 * before:.1f} % untrained", found, digital - found)
    for mapping in (PAIR, REFERENCE):
        chips = convert(network, wires(10.0, mapping), training[0])
        steps = [stepper(one, 1e-4) for one in (chips, copy.deepcopy(network))]
        batch = training[0][:BATCH], training[1][:BATCH]
        own, other = in_turns([lambda s=s, batch=batch: s(*batch) for s in steps], 3 if quick else 9)
        yield row(f"step of 64 through 10 Ohm, {mapping}", own, "digital step", other, None)


if __name__ == "__main__":
    main(__doc__, measure)
