"""A converted network: the torch module that it was, its layers on chips, and what they do to it."""

from __future__ import annotations

import copy
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

_SEQUENCES = (
    nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer,
    nn.TransformerEncoder, nn.TransformerDecoder, nn.Transformer,
)  # fmt: skip


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

    Attributes that are set go to the network. Submodules that are called as what stands here
    (`layers`, `summary` ...) are reached through `network`.

    digital : what is not on chips, by name, with the reason
    """

    network: nn.Module
    digital: dict[str, str]

    def __init__(self, network: nn.Module, digital: dict[str, str]) -> None:
        super().__init__()
        # Not as a submodule: names, and so a state_dict, are those of the network.
        self.__dict__.update(
            network=network, digital=digital, _items=1, training=network.training,
            _parameters=network._parameters, _buffers=network._buffers, _modules=network._modules,
            _non_persistent_buffers_set=network._non_persistent_buffers_set,
        )  # fmt: skip

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As the network's own."""
        return self.network(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Submodules and parameters, and whatever else the network has by that name."""
        if name in self.__dict__.get("_modules", {}) or "network" not in self.__dict__:
            return super().__getattr__(name)
        return getattr(self.network, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Of the network, whose `forward` looks there."""
        if name in self.__dict__ or hasattr(type(self), name):
            super().__setattr__(name, value)
        else:
            setattr(self.network, name, value)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The network's own."""
        return self.network.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The network's own."""
        return self.network.load_state_dict(*args, **kwargs)

    def get_submodule(self, target: str) -> nn.Module:
        """The network's own."""
        return self.network.get_submodule(target) if target else self

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

        Raises
        ------
        InputError : a layer gets nothing but zeros, or what is no finite number; ranges are as before.
        """
        before = [copy.copy(matrix.port) for _, _, matrix in self._matrices()]
        try:
            self.observe(args, kwargs)
            for _, _, matrix in self._matrices():
                if not (matrix.port.reads and matrix.port.scale):
                    what = "nothing but zeros" if matrix.port.reads else "no inputs"
                    raise InputError(f"calibrate: the sample brings layer {matrix.name!r} {what}")
        except BaseException:
            for (_, _, matrix), port in zip(self._matrices(), before, strict=True):
                matrix.port = port
            raise
        self.find_ranges()

    def observe(self, args: tuple[Any, ...], named: dict[str, Any], items: int | None = None) -> None:
        """Run the digital network on a sample, and note what its layers get.

        items : that the sample has, for figures of an item; by default as long as its first tensor is
        """
        every = [one for one in (*args, *named.values()) if isinstance(one, Tensor)]
        if any(not one.numel() for one in every):
            raise InputError("the sample is empty: give inputs as the network will meet them")
        self.__dict__["_items"] = items or self._length_of(every)
        ports = [matrix.port for _, _, matrix in self._matrices()]
        modes = {module: module.training for module in self.network.modules()}
        for port in ports:
            port.forget()
            port.observing = True
        try:
            with torch.no_grad():
                self.eval()(*args, **named)
        finally:
            for module, training in modes.items():  # some may be frozen
                module.training = training
            self.training = self.network.training
            for port in ports:
                port.observing = False

    def find_ranges(self) -> None:
        """Give converters the ranges that the sample tells."""
        for module, part, matrix in self._matrices():
            matrix.find_ranges(module.weights_of(part))

    def _length_of(self, tensors: list[Tensor]) -> int:
        """How many items tensors of a sample hold; torch lays sequences along the second axis."""
        if not tensors:
            return 1
        first = next((one for one in tensors if one.is_floating_point()), tensors[0])
        if not first.dim():
            return 1
        steps_first = isinstance(self.network, _SEQUENCES) and not _batch_first(self.network)
        if steps_first:
            return first.shape[1] if first.dim() == 3 else 1
        return len(first)

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


def _batch_first(module: nn.Module) -> bool:
    """Whether a module for sequences takes its items along the first axis."""
    own = [getattr(one, "batch_first", None) for one in module.modules()]
    return next((one for one in own if one is not None), False)
