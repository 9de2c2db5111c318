"""Beside CrossSim: the same arrays, and the same digits networks behind the same wires and converters.

python benchmarks/crosssim.py [--quick] [--only TEXT] --crosssim FOLDER --json FILE

FOLDER is a checkout of CrossSim 3.2 (github.com/sandialabs/cross-sim); nothing is installed. Needs
scikit-learn (the `dev` extra). Cells are linear on both sides, from Gmin to Gmax of the design point.
Lines have no resistance at their terminals: CrossSim 3.2 puts that of all drivers on one word line.

- `array`: one array of drawn conductances; `error` is the largest difference of currents over the
  largest current.
- networks: `error` is our accuracy on 360 test images minus CrossSim's; seconds are one inference of all
  of them. Each output's weights fill the range on both sides. CrossSim has the two cells of a pair in
  two arrays; here they are neighbours in one, whose word lines are twice as long.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _table import Row, main, row, share, timed
from convert import NETWORKS, Data, accuracy, digits, train

sys.path.sort(key=lambda path: Path(path).resolve() == Path(__file__).resolve().parent)
# last, or a file here would hide the package of its name

import torch
from torch import Tensor, nn

from meta import Hardware, convert
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR
from roa_circuit.device.memristor import conductance_range
from roa_circuit.solver.linear import LinearNetwork

DEVICE = default_device()
GMIN, GMAX = conductance_range(DEVICE.pulses.read_voltage, DEVICE.memristor)
TIGHT = 1e-7
"""CrossSim's threshold of convergence in `array`; its default, 1e-3, elsewhere."""


class Scaled(nn.Module):
    """A layer whose weights fill the range in every output; factors undo that, and biases follow."""

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        flat = layer.weight.detach().flatten(1)
        self.layer = copy.deepcopy(layer)
        self.layer.bias = None
        most = flat.abs().amax(dim=1)
        shape = (-1,) + (1,) * (layer.weight.dim() - 2)
        with torch.no_grad():
            self.layer.weight /= most.view(-1, *[1] * (layer.weight.dim() - 1))
        self.register_buffer("factor", most.view(shape))
        self.register_buffer("bias", layer.bias.detach().view(shape))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * self.factor + self.bias


def scaled(network: nn.Module) -> nn.Module:
    """A copy of which every product stands in a `Scaled`."""
    found = copy.deepcopy(network)
    for name, layer in list(found.named_modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            parent, _, own = name.rpartition(".")
            setattr(found.get_submodule(parent), own, Scaled(layer))
    return found


def inputs(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What every product of a `scaled` network is given, by name."""
    seen: dict[str, Tensor] = {}
    layers = {name: one.layer for name, one in network.named_modules() if isinstance(one, Scaled)}
    hooks = [
        layer.register_forward_pre_hook(lambda _m, x, name=name: seen.__setitem__(name, x[0]))
        for name, layer in layers.items()
    ]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    return seen


def parameters(ohms: float, largest: float = 1.0, full: float = 0.0) -> Any:
    """CrossSim's, for pairs: balanced cores whose currents are subtracted before the converter."""
    from simulator import CrossSimParameters

    found = CrossSimParameters()
    found.core.balanced.subtract_current_in_xbar = True
    found.core.rows_max = found.core.cols_max = 64
    found.core.mapping.weights.percentile = None
    found.core.mapping.weights.min, found.core.mapping.weights.max = -1.0, 1.0
    found.core.mapping.inputs.mvm.min, found.core.mapping.inputs.mvm.max = -largest, largest
    found.xbar.device.Rmin, found.xbar.device.Rmax = 1 / GMAX, 1 / GMIN
    found.simulation.hide_convergence_msg = True
    if ohms:
        lines = found.xbar.array.parasitics
        lines.enable, lines.Rp_row, lines.Rp_col = True, ohms, ohms
    if full:
        found.xbar.dac.mvm.bits, found.xbar.dac.mvm.model = 8, "QuantizerDAC"
        found.xbar.dac.mvm.signed = True
        found.xbar.adc.mvm.bits, found.xbar.adc.mvm.model = 6, "QuantizerADC"
        found.xbar.adc.mvm.calibrated_range = [-full, full]
    return found


def of_crosssim(network: nn.Module, images: Tensor, ohms: float, bits: int) -> nn.Module:
    """The network on CrossSim's cores; ranges are those of the images, as ours are."""
    from simulator.algorithms.dnn.torch.convert import from_torch

    found = scaled(network)
    seen = inputs(found, images)
    for name, x in seen.items():
        layer = found.get_submodule(name).layer
        largest = float(x.abs().max())
        plain = from_torch(copy.deepcopy(layer), parameters(ohms, largest))
        full = 0.0
        if bits:
            with torch.no_grad():
                sizes = plain(x[:200]).abs().flatten().numpy()
            # of outputs as CrossSim sees them: currents over that of one cell at Gmax
            full = float(np.percentile(sizes, 99.9)) * (1 - GMIN / GMAX) / largest
            plain = from_torch(copy.deepcopy(layer), parameters(ohms, largest, full))
        found.get_submodule(name).layer = plain
    return found


def arrays(quick: bool) -> Iterator[Row]:
    """Drawn arrays, solved by both."""
    from simulator.backend import ComputeBackend

    ComputeBackend(use_gpu=False)
    yield solved(16, 6, 10.0)
    if not quick:
        yield solved(64, 64, 1.0)
        yield solved(64, 64, 10.0)


def solved(rows: int, columns: int, ohms: float) -> Row:
    """Reads of one drawn array."""
    from simulator.circuits.array.NonInterleaved_InputSource import NoninterleavedInputSourceArray

    rng = np.random.default_rng(rows)
    G, e = rng.uniform(GMIN, GMAX, (rows, columns)), rng.uniform(0, 1, (64, rows))
    given = parameters(ohms)
    given.simulation.Verr_th_mvm, given.simulation.Niters_max_parasitics = TIGHT, 10_000
    solver = NoninterleavedInputSourceArray(given)
    lines = Crossbar(rows=rows, columns=columns, r_word=ohms, r_bit=ohms)
    own, ours = timed(lambda: e @ LinearNetwork(lines, G).effective_weights())
    other, found = timed(lambda: [solver.iterative_solve(G.T / GMAX, one) for one in e])
    error = float(np.abs(ours - np.array(found) * GMAX).max() / np.abs(ours).max())
    return row(f"array {rows}x{columns}, {ohms:g} Ohm, 64 reads", own, "CrossSim", other, error)


def networks(quick: bool) -> Iterator[Row]:
    """Trained on the same digits, each behind the same wires and converters."""
    training, test = digits()
    for name, (make, epochs, rate) in list(NETWORKS.items())[: 1 if quick else 2]:
        torch.manual_seed(0)
        network = make()
        train(network, training, epochs, rate)
        yield share(f"{name}, digital", 0.0, "-", accuracy(network, test), None)
        for ohms in (0.0, 10.0) if quick else (0.0, 1.0, 10.0):
            for bits in (0, 6):
                yield compared(name, network, training, test, ohms, bits)


def compared(name: str, network: nn.Module, training: Data, test: Data, ohms: float, bits: int) -> Row:
    """One network, wires and converter on both sides."""
    x = Imperfections(dac_bits=8, adc_bits=bits, adc_range="layer") if bits else Imperfections()
    lines = Crossbar(rows=1, columns=2, r_word=ohms, r_bit=ohms)
    hardware = Hardware(crossbar=lines, mapping=PAIR, imperfections=x)
    ours = convert(network, hardware, training[0])
    accuracy(ours, test)
    own, right = timed(lambda: accuracy(ours, test))
    theirs = of_crosssim(network, training[0], ohms, bits)
    other, peer = timed(lambda: accuracy(theirs, test))
    bits_of = f"{bits} bits" if bits else "no converter"
    return {
        **row(f"{name}, {ohms:g} Ohm, {bits_of}", own, "CrossSim", other, right - peer),
        "accuracy": right, "peer_accuracy": peer,
    }  # fmt: skip


def found_in(folder: Path) -> Callable[..., Iterator[Row]]:
    """The rows, with the checkout on the path."""
    if not (folder / "simulator").is_dir():
        raise SystemExit(f"error: {folder} is no checkout of CrossSim: there is no folder simulator/")
    sys.path.append(str(folder))

    def measure(quick: bool, only: str) -> Iterator[Row]:
        for rows_of, part in ((arrays, "array"), (networks, "network")):
            if not only or only in part:
                yield from rows_of(quick)

    return measure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--crosssim", type=Path, required=True)
    asked, sys.argv[1:] = parser.parse_known_args()
    main(__doc__, found_in(asked.crosssim), in_parts=True)
