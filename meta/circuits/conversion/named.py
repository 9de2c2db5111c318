"""A torch network by the name of the function that makes it, its weights from a file without code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.convert import convert
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.own_code import own_function
from roa_circuit.layers.programmed import ProgrammedLayer


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedModule:
    """A network, inputs as it will meet them, and their labels if it has any.

    labels : (items,) whole numbers, or None
    source : 'package.module:function' that made it, or empty
    """

    network: nn.Module
    sample: Any
    labels: NDArray[np.int64] | None = None
    source: str = ""

    @property
    def name(self) -> str:
        """As reports call it."""
        return self.source or type(self.network).__name__


def named_layer(
    layer: str, module: str, weights: Path | None = None, hardware: Hardware | None = None
) -> ProgrammedLayer:
    """A layer of a network of one's own, programmed, with reads of the network's sample.

    layer : its name in the module, as in `convert(...).layers`
    module : 'package.module:function'; see `named_module`

    Raises
    ------
    InputError : no such function, layer or file, or what `convert` refuses.
    """
    named = named_module(module, weights)
    return convert(named.network, hardware, named.sample).layers[layer]


def named_module(module: str, weights: Path | None = None) -> NamedModule:
    """What a function returns, whose code is imported and run for it; the network comes in `eval` mode.

    module : 'package.module:function', of the working directory or installed; it takes no arguments, and
        returns the network, inputs as the network will meet them and, if there are any, their labels
    weights : a .safetensors file of the network's `state_dict`; by default those that it is made with

    Raises
    ------
    InputError : no such function, another result, or weights that do not fit.
    """
    made = own_function(module, what="module")()
    if not (isinstance(made, tuple) and len(made) in (2, 3) and isinstance(made[0], nn.Module)):
        raise InputError(
            f"module {module!r} returned {type(made).__name__}; it must return the torch network, a"
            " sample of its inputs and, if there are any, their labels"
        )
    network, sample, *labels = made
    if weights is not None:
        _load(network, weights)
    given = _labels(labels[0], module) if labels else None
    return NamedModule(network=network.eval(), sample=sample, labels=given, source=module)


def _labels(given: Any, module: str) -> NDArray[np.int64]:
    found = np.asarray(given)
    if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer):
        raise InputError(
            f"module {module!r}: labels must be one whole number for each item of the sample"
        )
    return found.astype(np.int64)


def _load(network: nn.Module, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: is no safetensors file that can be read ({error})") from None
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: its weights are not those of the network: {why}") from None
