"""Reads: how a network's weights answer images, by themselves or through the circuits that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from meta.network.convolutional import Network
from meta.network.precision import prepare


class Reads(Protocol):
    """How crossbar weights meet images."""

    def __call__(
        self, network: Network, images: Tensor, weights: Mapping[str, Tensor], step: int
    ) -> Tensor:
        """(images, ways) logits.

        weights : g by name, as cells hold them; gradients flow to them
        step : how many writes they have had
        """
        ...


def plain(network: Network, images: Tensor, weights: Mapping[str, Tensor], step: int) -> Tensor:
    """Weights multiply as they are: perfect wires."""
    logits: Tensor = network(images, weights, step)
    return logits


@dataclass(frozen=True, kw_only=True)
class Passage:
    """How images pass a network.

    reads : the hardware that answers them; perfect wires by default
    dtype : of the images on their way
    """

    reads: Reads = plain
    dtype: torch.dtype = torch.float32

    def __call__(
        self, network: Network, images: Tensor, weights: Mapping[str, Tensor], step: int
    ) -> Tensor:
        """(images, ways) logits."""
        return self.reads(network, prepare(images, self.dtype), weights, step)


PLAIN = Passage()
"""Perfect wires, in float32."""


class Circuit(Protocol):
    """Hardware that a network learns with; `meta.circuits.aware.circuit` has the one there is."""

    @property
    def sigma_wn(self) -> float:
        """The write noise of its chips (Eq. 7)."""
        ...

    def reads(self, network: Network, images: Tensor, seed: int) -> Reads:
        """The network's layers as they are now, on chips and lines that the seed draws.

        images : the support images of a task, from which converters find their ranges
        """
        ...

    def placed(self, network: Network) -> Network:
        """A copy of the network whose cells are placed for the lines as they are given."""
        ...

    def keep(self, folder: Path) -> None:
        """Write the files that describe it into the folder of a run."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """What it is, for the notes of a network."""
        ...
