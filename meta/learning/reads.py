"""Reads: how a network's weights answer images, by themselves or through the circuits that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from meta.network.convolutional import Network


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
