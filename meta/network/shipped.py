"""The networks that come with the package, by method and number of ways."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from meta.network.methods import find_method
from roa_circuit.basics.errors import InputError, nearest

if TYPE_CHECKING:
    from meta.network.convolutional import Network

SHIPPED = {
    ("roa", 5): "omniglot_5way.safetensors",
    ("roa", 10): "omniglot_10way.safetensors",
    ("roa", 20): "omniglot_20way.safetensors",
    ("roa-wc", 5): "omniglot_5way_unconstrained.safetensors",
    ("roa-wc", 10): "omniglot_10way_unconstrained.safetensors",
    ("roa-wc", 20): "omniglot_20way_unconstrained.safetensors",
    ("maml++", 5): "omniglot_5way_five_steps.safetensors",
    ("maml++", 10): "omniglot_10way_five_steps.safetensors",
    ("maml++", 20): "omniglot_20way_five_steps.safetensors",
    ("roa-robust", 20): "omniglot_robust.safetensors",
}
"""(method that trained it, ways) and file; a network with an erased head serves any ways."""


NAMED = {"cifar-fs": "cifar_fs_residual.safetensors"}
"""Networks that are asked for by their own name: of pictures in colour, trained as classifiers."""


def named_network(name: str) -> Network:
    """A shipped network by its own name, one of `NAMED`.

    Raises
    ------
    InputError : there is none of that name.
    """
    from meta.network.convolutional import Network

    if name not in NAMED:
        raise InputError(f"no network of that name is shipped: {name!r}; {nearest(name, NAMED)}")
    return Network.load(_trained(NAMED[name]))


def _trained(file: str) -> Path:
    return Path(str(resources.files("meta.network"))) / "trained" / file


def shipped_file(method: str, ways: int) -> Path | None:
    """The file of the network shipped for a method and number of ways, or None."""
    trained_by = find_method(method).network
    erased = find_method(trained_by).erased is not None
    for (name, its_ways), file in SHIPPED.items():
        if name == trained_by and (erased or its_ways == ways):
            return _trained(file)
    return None


def shipped_network(method: str = "roa", ways: int | None = None) -> Network:
    """The network shipped for a method; Omniglot, 1-shot, 64 filters.

    ways : None is 5

    Raises
    ------
    InputError : none is shipped for that method and number of ways; the message lists all.
    """
    from meta.network.convolutional import Network  # with torch, which a list of methods does without

    wanted = 5 if ways is None else ways
    file = shipped_file(method, wanted)
    if file is not None:
        return Network.load(file).with_ways(wanted)
    there = ", ".join(f"{name} {count}-way" for name, count in SHIPPED)
    raise InputError(
        f"no network is shipped for method {method!r}, {wanted}-way (there are: {there}); train it with "
        f"`roa-meta train --method {find_method(method).network} --ways {wanted} -o runs/mine`, pass it "
        f"with --network"
    )
