"""A backbone of one's own: a function of two numbers whose code is imported when it is asked for."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.nn import functional as F

from meta.network import backbones
from meta.network.backbones import Backbone, Convolution, Layer
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.own_code import own_function

_LAYER = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_LARGEST_KERNEL = 15


def adopt_backbone(name: str) -> str:
    """Let networks have the backbone that a function makes; the name is returned.

    name : 'package.module:function', of what is installed or of the working directory. The function
        takes channels and filters, and returns a `meta.network.backbones.Backbone`

    Raises
    ------
    InputError : no such function.

    Examples
    --------
    Where `nets/plain.py` has a function `three(channels, filters)`:

    >>> from meta import adopt_backbone
    >>> adopt_backbone("nets.plain:three")  # doctest: +SKIP
    'nets.plain:three'
    """
    if name not in backbones.BACKBONES:
        backbones.OWN[name] = own_function(name, what="backbone")
    return name


@dataclass(frozen=True)
class OwnBackbone:
    """The backbone that an adopted function makes of these numbers; other processes import it anew."""

    name: str
    channels: int
    filters: int

    def __reduce__(self) -> tuple[Any, ...]:
        return _adopted, (self.name, self.channels, self.filters)

    @functools.cached_property
    def made(self) -> Backbone:
        """What the function returned."""
        try:
            found = backbones.OWN[self.name](self.channels, self.filters)
        except Exception as error:
            raise InputError(f"backbone {self.name!r} cannot be made: {_why(error)}") from error
        missing = [one for one in ("convolutions", "pooled", "outputs") if not hasattr(found, one)]
        if missing:
            raise InputError(
                f"backbone {self.name!r} returned {type(found).__name__}, which has no {missing[0]}"
            )
        return found

    @property
    def convolutions(self) -> dict[str, Convolution]:
        """As it has them."""
        return self.made.convolutions

    def pooled(self, size: int) -> int:
        """As it says."""
        return self.made.pooled(size)

    def outputs(self, images: Tensor, layer: Layer) -> Tensor:
        """As it makes them."""
        return self.made.outputs(images, layer)

    def check(self, size: int) -> None:
        """Whether its convolutions fit each other and the features that it says it has.

        Raises
        ------
        InputError : they do not.
        """
        layers = self.convolutions
        if not layers:
            self._refuse("has no convolutions")
        for name, one in layers.items():
            if not _LAYER.fullmatch(name) or name == "fc":
                self._refuse(f"has a convolution named {name!r}; take letters, digits, _ and dots")
            if one.kernel % 2 == 0 or not 0 < one.kernel <= _LARGEST_KERNEL:
                self._refuse(f"{name} has a kernel of {one.kernel}; odd ones up to 15 keep the size")
        if len({name.replace(".", "_") for name in layers}) < len(layers):
            self._refuse("has names that differ in a dot and a _ only")
        self._check_shapes(size, layers)

    def _check_shapes(self, size: int, layers: dict[str, Convolution]) -> None:
        passed = set()

        def layer(name: str, x: Tensor) -> Tensor:
            if name not in layers:
                self._refuse(f"asks for {name!r}, which is not among its convolutions")
            if x.shape[1] != layers[name].inputs:
                self._refuse(f"gives {name} {x.shape[1]} maps; it has {layers[name].inputs} inputs")
            passed.add(name)
            y = x.new_zeros(len(x), layers[name].filters, *x.shape[-2:])
            return F.max_pool2d(y, 2) if layers[name].pools else y

        try:
            found = self.outputs(torch.zeros(1, self.channels, size, size), layer)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"backbone {self.name!r} fails on an image: {_why(error)}") from error
        *_, last = layers.values()
        said = last.filters * self.pooled(size)
        if found.ndim != 4 or found[0].numel() != said:
            self._refuse(
                f"gives maps of {tuple(found.shape)} for one image of {size} x {size}; its last"
                f" convolution and `pooled` say {said} features"
            )
        if left := [name for name in layers if name not in passed]:
            self._refuse(f"never uses {left[0]}")

    def _refuse(self, text: str) -> NoReturn:
        raise InputError(f"backbone {self.name!r} {text}")


def _why(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _adopted(name: str, channels: int, filters: int) -> OwnBackbone:
    adopt_backbone(name)
    return OwnBackbone(name, channels, filters)
