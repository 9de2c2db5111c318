"""Through: the circuit that a trained network adapts through, as it learned to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from meta.circuits.aware.circuit import Circuit
from meta.circuits.behind_circuit import Hardware
from meta.learning.reads import Reads
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from roa_circuit.layers.recovery import Compensation


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A circuit whose reads of one network are worked out once, unless seeds draw others."""

    circuit: Circuit
    _known: list[Reads] = field(default_factory=list)

    @property
    def sigma_wn(self) -> float:
        """As the circuit's."""
        return self.circuit.sigma_wn

    def reads(self, network: Network, images: Tensor, seed: int) -> Reads:
        """As the circuit's."""
        if self.circuit.varies:
            return self.circuit.reads(network, images, seed)
        if not self._known:
            self._known.append(self.circuit.reads(network, images, seed))
        return self._known[0]

    def placed(self, network: Network) -> Network:
        """As the circuit's."""
        return self.circuit.placed(network)

    def keep(self, folder: Path) -> None:
        """As the circuit's."""
        self.circuit.keep(folder)

    def to_dict(self) -> dict[str, Any]:
        """As the circuit's."""
        return self.circuit.to_dict()


def learned_through(network: Network, hardware: Hardware, writing: Writing) -> Kept | None:
    """The hardware as what this network adapts through; None where it learned on perfect wires.

    writing : of the adaptation. Cells that are placed for their wires hide these from it, so that it
        then needs to know nothing of them.
    """
    if "circuit" not in network.note or hardware.compensation != Compensation():
        return None
    own = dataclasses.replace(
        hardware,
        device=hardware.device or writing.device,
        mapping=hardware.mapping or writing.mapping,
        in_situ=False,
    )
    return Kept(circuit=Circuit(hardware=own))
