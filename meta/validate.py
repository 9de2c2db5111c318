"""SPICE in the loop: adapted episodes go to ngspice beside the training.

The only module of this package that knows `netlists`. Every few epochs some validation
episodes are adapted and deployed; their heads are written and read in full ngspice
transients by worker processes while training goes on, and logged next to the surrogate.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from meta.adaptation import adapt_episode
from meta.fewshot import FewShotDataset
from meta.network import HEAD, Network
from meta.train import Epoch
from netlists.engines import Phase
from netlists.verification import Verification
from netlists.verify import verify
from roa_circuit.imperfections import Imperfections
from roa_circuit.layers import ProgrammedLayer
from roa_circuit.parameters import Device
from roa_circuit.results import write_table


@dataclass(frozen=True, kw_only=True)
class SpiceRow:
    """One row of spice.csv: one episode's head, surrogate and ngspice side by side."""

    epoch: int
    episode: int
    accuracy_ideal: float | None
    accuracy_surrogate: float | None
    accuracy_spice: float | None
    prediction_agreement: float
    max_relative_current_error: float
    max_state_error: float
    spice_seconds: float
    passed: bool


class SpiceValidation:
    """A training callback; use it as a context manager so that the last episodes are awaited.

    every : epochs between validations
    episodes : adapted episodes each time
    on_row : called in the training process with every finished row
    """

    def __init__(
        self,
        dataset: FewShotDataset,
        device: Device,
        folder: Path,
        *,
        every: int,
        episodes: int = 2,
        shots: int = 1,
        queries: int = 5,
        relative_rate: float = 1.0,
        workers: int = 1,
        on_row: Callable[[SpiceRow], None] = lambda row: None,
    ) -> None:
        self.dataset, self.device, self.folder = dataset, device, folder
        self.every, self.episodes, self.on_row = every, episodes, on_row
        self.shots, self.queries, self.relative_rate = shots, queries, relative_rate
        self.rows: list[SpiceRow] = []
        self._pending: list[tuple[int, int, Future[Verification]]] = []
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))

    def __call__(self, network: Network, row: Epoch) -> None:
        """After an epoch: collect what is done, and send new episodes when it is time."""
        self._collect(wait=False)
        if (row.epoch + 1) % self.every == 0:
            for episode in range(self.episodes):
                self._send(network, row.epoch, episode)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._collect(wait=True)
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _send(self, network: Network, epoch: int, episode: int) -> None:
        adapted = adapt_episode(
            network,
            self.dataset,
            device=self.device,
            split="validation",
            shots=self.shots,
            queries=self.queries,
            relative_rate=self.relative_rate,
            seed=episode,
        )
        self._pending.append((epoch, episode, self._pool.submit(verify, adapted.layers[HEAD])))

    def _collect(self, *, wait: bool) -> None:
        """Move finished verifications to spice.csv; a failed simulation stops the training."""
        waiting = []
        for epoch, episode, future in self._pending:
            if not (wait or future.done()):
                waiting.append((epoch, episode, future))
                continue
            result = future.result()
            shared = SpiceRow.__dataclass_fields__.keys() - {"epoch", "episode"}
            row = SpiceRow(epoch=epoch, episode=episode, **{k: getattr(result, k) for k in shared})
            self.rows.append(row)
            self.on_row(row)
        self._pending = waiting
        if self.rows:
            write_table(self.folder / "spice.csv", self.rows)


def referee(
    *, writes: bool, imperfections: Imperfections | None = None
) -> Callable[[ProgrammedLayer, int], dict[str, float | None]]:
    """ngspice beside `meta.behind_wires`; unless it `writes`, it reads what the surrogate wrote."""
    phase = Phase.both if writes else Phase.read

    def judge(layer: ProgrammedLayer, seed: int) -> dict[str, float | None]:
        result = verify(layer, phase=phase, imperfections=imperfections, seed=seed, workers=1)
        return {
            "accuracy_spice": result.accuracy_spice,
            "agreement": result.prediction_agreement,
            "current_error": result.max_relative_current_error,
            "state_error": result.max_state_error,
        }

    return judge
