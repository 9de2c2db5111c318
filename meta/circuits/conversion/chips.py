"""A converted network: the torch module that it was, its layers on chips, and what they do to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from meta.circuits.conversion.matrix import Matrix
from meta.circuits.conversion.modules import OnChips
from meta.circuits.conversion.summary import LayerSummary, Summary, of_layer
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.chips.consumption import Consumption, published
from roa_circuit.layers.programmed import ProgrammedLayer


class Layers(Mapping[str, ProgrammedLayer]):
    """The layers of a converted network by name, as they are now: layers like any other."""

    def __init__(self, found: dict[str, tuple[OnChips, str]]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> ProgrammedLayer:
        if name not in self._found:
            raise InputError(f"layer {name!r} is not on chips; {nearest(str(name), list(self._found))}")
        module, part = self._found[name]
        return module.matrices[part].layer(module.weights_of(part))

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class Chips(nn.Module):
    """A torch module whose products run on chips.

    It has the parameters, submodules and `state_dict` of the module that was converted, and calls its
    `forward`. That module itself, whose classes are torch's with another `forward`, is `network`.

    digital : what is not on chips, by name, with the reason
    """

    network: nn.Module

    def __init__(self, network: nn.Module, digital: dict[str, str]) -> None:
        super().__init__()
        # Not as a submodule: names, and so a state_dict, are those of the network.
        self.__dict__["network"] = network
        self._parameters, self._buffers = network._parameters, network._buffers
        self._modules = network._modules
        self.training = network.training
        self.digital, self._items = digital, 1

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As the network's own."""
        return self.network(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Submodules and parameters, and whatever else the network has by that name."""
        if name in self.__dict__.get("_modules", {}) or "network" not in self.__dict__:
            return super().__getattr__(name)
        return getattr(self.network, name)

    def train(self, mode: bool = True) -> Chips:
        """As torch's."""
        self.network.train(mode)
        self.training = mode
        return self

    @property
    def layers(self) -> Layers:
        """The programmed layers by name; negative inputs are reads that follow the positive ones."""
        return Layers({matrix.name: (module, part) for module, part, matrix in self._matrices()})

    def calibrate(self, *args: Any, **kwargs: Any) -> None:
        """Take the ranges of inputs anew, from arguments of `forward` as they are in a sample.

        They are those of the digital network with the weights as they are now, and so are the ranges of
        converters that find theirs. Counts begin again.
        """
        self._items = _rows_of(args, kwargs)
        every = [matrix.port for _, _, matrix in self._matrices()]
        for port in every:
            port.forget()
            port.observing = True
        was = self.training
        try:
            with torch.no_grad():
                self.eval()(*args, **kwargs)
        finally:
            self.train(was)
            for port in every:
                port.observing = False
        for module, part, matrix in self._matrices():
            matrix.find_ranges(module.weights_of(part))

    def summary(self, *, energy: bool = False, consumption: Consumption | None = None) -> Summary:
        """Cells, tiles, error, time and clipped inputs of each layer, on kept reads of the sample.

        energy : work out what the reads of an item take, too; some are solved cell by cell for it
        consumption : of converters, whose rate counts; None are the published ones
        """
        figures, rows, seconds = consumption or published(), list[LayerSummary](), 0.0
        for module in self._modules_on_chips():
            own = [
                of_layer(matrix, module.weights_of(part), self._items, figures, energy=energy)
                for part, matrix in module.matrices.items()
            ]
            rows += own
            each = [one.seconds for one in own]
            seconds += max(each) if module.at_once else sum(each)
        return Summary(layers=tuple(rows), digital=self.digital, seconds=seconds)

    def extra_repr(self) -> str:
        """What is on chips."""
        return f"{len(self.layers)} matrices on chips, {len(self.digital)} modules digital"

    def _modules_on_chips(self) -> Iterator[OnChips]:
        return (one for one in self.network.modules() if isinstance(one, OnChips))

    def _matrices(self) -> Iterator[tuple[OnChips, str, Matrix]]:
        for module in self._modules_on_chips():
            for part, matrix in module.matrices.items():
                yield module, part, matrix


def _rows_of(sample: tuple[Any, ...], named: dict[str, Any]) -> int:
    """How many items a sample has: the length of its first tensor."""
    tensors = [one for one in (*sample, *named.values()) if isinstance(one, Tensor)]
    return len(tensors[0]) if tensors and tensors[0].dim() else 1
