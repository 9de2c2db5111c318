"""TensorBoard's view of a run: the rows of its tables as event files in the folder `events`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from meta.network.convolutional import Network
from meta.training.spice_log import SpiceRow
from meta.training.train import Epoch
from roa_circuit.basics.errors import InputError


class Events:
    """A training callback; `metrics.csv` and `spice.csv` remain the record of the run.

    first : the epoch that the run goes on with; TensorBoard hides what it had from there on

    Raises
    ------
    InputError : the package tensorboard is not installed.
    """

    def __init__(self, folder: Path, *, first: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError(
                "--tensorboard needs the package tensorboard: pip install 'roa-circuit[tensorboard]'"
            ) from None
        how: dict[str, Any] = {"log_dir": str(folder / "events"), "purge_step": first or None}
        self._writer: Any = SummaryWriter(**how)

    def __call__(self, _: Network, row: Epoch) -> None:
        """Write the metrics of an epoch."""
        self._write("training", row.epoch, asdict(row))

    def spice(self, row: SpiceRow) -> None:
        """Write one episode in ngspice; every episode number is a curve."""
        self._write(f"spice/episode {row.episode}", row.epoch, asdict(row))

    def _write(self, group: str, epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            if name not in {"epoch", "episode"}:
                self._writer.add_scalar(f"{group}/{name}", value, epoch)
        self._writer.flush()
