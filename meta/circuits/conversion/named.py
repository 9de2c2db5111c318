"""A torch network by the name of the function that makes it, its weights from a file without code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from meta.circuits.behind_circuit import Hardware
from meta.circuits.conversion.convert import convert
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.own_code import own_function
from roa_circuit.layers.programmed import ProgrammedLayer


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
    network, sample = named_module(module, weights)
    return convert(network.eval(), hardware, sample).layers[layer]


def named_module(module: str, weights: Path | None = None) -> tuple[nn.Module, Any]:
    """(network, sample) that a function returns, whose code is imported and run for it.

    module : 'package.module:function', of the working directory or installed; it takes no arguments, and
        returns the network and inputs as the network will meet them
    weights : a .safetensors file of the network's `state_dict`; by default those that it is made with

    Raises
    ------
    InputError : no such function, another result, or weights that do not fit.
    """
    made = own_function(module, what="module")()
    pair = isinstance(made, tuple) and len(made) == 2
    if not (pair and isinstance(made[0], nn.Module)):
        raise InputError(
            f"module {module!r} returned {type(made).__name__}; it must return the torch network and a"
            " sample of its inputs"
        )
    network, sample = made
    if weights is not None:
        _load(network, weights)
    return network, sample


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
