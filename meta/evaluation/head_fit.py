"""How well the changes that a head of one's own wants fit on its cells: what a write must leave out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from meta.data.tasks import Task
from meta.learning.head import own_changes
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.matrices import as_numpy
from meta.network.precision import prepare
from roa_circuit.basics.units import percent
from roa_circuit.device.programming import after_pulses, real_pulse_count


@dataclass(frozen=True, kw_only=True)
class HeadFit:
    """Shares of the changes that an own head wants of its cells for one task; those of 0 do not count.

    below : lower a single erased cell, which can only rise; 0 of pairs
    beyond : raise a cell further than the most pulses, or the range of states, bring it
    idle : take less than half a pulse
    """

    name: str
    below: float
    beyond: float
    idle: float
    max_pulses: int

    @property
    def said(self) -> str | None:
        """What the write leaves out, in a line; None where it leaves nothing out."""
        parts = {
            "are below 0, and a single erased cell can only rise (--mapping pair)": self.below,
            f"are cut at {self.max_pulses} pulses, or at the end of the range": self.beyond,
            "are less than half a pulse, and not written": self.idle,
        }
        given = [f"{percent(share)} {text}" for text, share in parts.items() if share]
        if not given:
            return None
        return f"of the changes that head {self.name} wants for the first task, {'; '.join(given)}"

    def to_dict(self) -> dict[str, Any]:
        """As in JSON reports."""
        return asdict(self)


@torch.no_grad()
def head_fit(network: Network, task: Task, writing: Writing) -> HeadFit | None:
    """How the changes of an own head fit the cells that `writing` writes; None without such a head.

    task : not a stack, on the network's own processor
    """
    name, start = network.rules.head, network.architecture.erased
    if name is None or start is None:
        return None
    inputs = network.features(prepare(task.support), network.initial_weights(), 0)
    own = own_changes(network, inputs, task.support_labels, network.architecture.ways)
    assert own is not None
    g = writing.rate(network) * as_numpy(own)
    g = g[g != 0]
    paired, how = writing.mapping.paired, writing.programming
    rise = np.abs(g) if paired else np.clip(g, 0.0, None) / 2
    omega = np.full(rise.shape, start)
    count = np.asarray(real_pulse_count(omega, rise, writing.device, how))
    most = np.asarray(after_pulses(omega, np.full(rise.shape, how.max_pulses), writing.device))
    beyond = omega + rise > np.minimum(most, how.highest_state) + 1e-9
    return HeadFit(
        name=name,
        below=0.0 if paired else _share(g < 0),
        beyond=_share(beyond),
        idle=_share((rise > 0) & (count < 0.5)),
        max_pulses=how.max_pulses,
    )


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if which.size else 0.0
