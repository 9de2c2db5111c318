"""SPICE in the loop: adapted episodes go to ngspice beside the training.

The only module of `meta` that knows `netlists`. Every few epochs some validation
episodes are adapted and deployed; their heads are written and read in full ngspice
transients by worker processes while training goes on, and logged next to the surrogate.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from meta.circuits.adaptation import adapt_episode
from meta.circuits.subject import NetworkSubject
from meta.data.fewshot import FewShotDataset
from meta.data.tasks import Tasks
from meta.learning.writing import Writing
from meta.network.architecture import HEAD
from meta.network.convolutional import Network
from meta.training.configuration import Training
from meta.training.spice_log import Divergence, SpiceRow, Tolerances, read_rows, write_rows
from meta.training.train import Epoch
from netlists.verification.engines import Phase
from netlists.verification.result import Verification
from netlists.verification.samples import Arrays
from netlists.verification.spot_checks import SpotCheck, check
from netlists.verification.testbench import Testbench
from netlists.verification.verify import verify
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.sweeps.findings import Check
from roa_circuit.sweeps.layer import METRICS as LAYER_METRICS

QUERIES = 5
NICENESS = 10
"""Of the workers: where every core trains, ngspice takes what training leaves."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a training is validated, and by how much work.

    every : epochs between validations
    episodes : adapted episodes each time
    workers : processes that simulate them

    Raises
    ------
    InputError : fewer than one of any of them.
    """

    every: int = 1
    episodes: int = 2
    workers: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise InputError(f"{name} = {value} must be at least 1")


def validation_tasks(images: FewShotDataset, how: Training) -> Tasks:
    """The episodes that a training's networks are validated on."""
    return Tasks(dataset=images, split="validation", shots=how.shots, queries=QUERIES)


def trained_writing(how: Training, device: Device) -> Writing:
    """How a training's networks are written."""
    return Writing(
        device=device,
        method=how.how,
        programming=Programming(max_pulses=how.pulse_cap),
        relative_rate=1.0 if how.how.erased is not None else how.relative_rate,
        mapping=how.columns,
    )


class SpiceValidation:
    """A training callback; use it as a context manager so that the last episodes are awaited.

    tasks : what episodes are drawn from, see `validation_tasks`; their seeds count from 0
    writing : how they are written, see `trained_writing`
    folder : of the run, where the rows go
    circuit : what ngspice simulates; by default the surrogate's own
    surrogate : the lines that the surrogate has; by default those of the design point
    on_row : called in the training process with every finished row

    Raises
    ------
    Divergence : as `tolerances` ask for, after the epoch or at the end; its rows are written before.
    SimulatorError : ngspice failed.
    """

    def __init__(
        self,
        tasks: Tasks,
        writing: Writing,
        folder: Path,
        schedule: Schedule,
        *,
        circuit: Crossbar | None = None,
        surrogate: Crossbar | None = None,
        tolerances: Tolerances | None = None,
        on_row: Callable[[SpiceRow], None] = lambda row: None,
    ) -> None:
        self.tasks, self.writing, self.folder = tasks, writing, folder
        self.schedule, self.on_row = schedule, on_row
        self.surrogate = surrogate or default_crossbar(1, 2)
        self.circuit = circuit or self.surrogate
        self.tolerances = tolerances or Tolerances()
        self.rows = read_rows(folder)
        self._pending: list[tuple[int, int, Future[Verification]]] = []
        self._pool = worker_pool(schedule.workers)

    def __call__(self, network: Network, row: Epoch) -> None:
        """After an epoch: collect what is done, and send new episodes when it is time."""
        self._collect(wait=False)
        if (row.epoch + 1) % self.schedule.every == 0:
            for episode in range(self.schedule.episodes):
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
        drawn = self.tasks.reseeded(episode)
        adapted = adapt_episode(network, drawn, self.writing, circuit=self.circuit)
        arrays, bench = Arrays(believed=self.surrogate), Testbench(workers=1)
        future = self._pool.submit(verify, adapted.layers[HEAD], arrays, bench)
        self._pending.append((epoch, episode, future))

    def _collect(self, *, wait: bool) -> None:
        """Move finished verifications to the log, all of them before the first complaint."""
        done = [one for one in self._pending if wait or one[2].done()]
        self._pending = [one for one in self._pending if one not in done]
        new = [self._row(epoch, episode, future.result()) for epoch, episode, future in done]
        if not new:
            return
        self.rows += new
        write_rows(self.folder, self.rows, self.tolerances)
        for row in new:
            self.on_row(row)
        beyond = [row for row in new if row.diverged]
        if beyond and self.tolerances.action == "stop":
            raise Divergence(_complaint(beyond[0], self.tolerances))

    def _row(self, epoch: int, episode: int, result: Verification) -> SpiceRow:
        errors = _number(result.max_relative_current_error), _number(result.max_state_error)
        return SpiceRow(
            epoch=epoch,
            episode=episode,
            accuracy_ideal=_number(result.accuracy_ideal),
            accuracy_surrogate=_number(result.accuracy_surrogate),
            accuracy_spice=_number(result.accuracy_spice),
            prediction_agreement=_number(result.prediction_agreement),
            current_error=errors[0],
            state_error=errors[1],
            spice_seconds=round(result.spice_seconds, 3),
            diverged=self.tolerances.exceeded(*errors),
        )


def worker_pool(count: int) -> ProcessPoolExecutor:
    """Processes of low priority; they import no torch."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _be_nice, (NICENESS,))


def _be_nice(niceness: int) -> None:
    """Leave processors to others, where the system knows how."""
    if hasattr(os, "nice"):
        os.nice(niceness)


def _number(value: float | None) -> float:
    assert value is not None  # written and read, with labels
    return float(value)


def _complaint(row: SpiceRow, limits: Tolerances) -> str:
    return (
        f"ngspice and the surrogate diverge in epoch {row.epoch + 1}, episode {row.episode}: current "
        f"error {row.current_error:.1e} (tolerance {limits.current:g}), state error "
        f"{row.state_error:.1e} ({limits.state:g}); go on with --resume --on-divergence warn"
    )


def referee(
    *,
    writes: bool,
    imperfections: Imperfections | None = None,
    circuitry: Circuitry = BARE,
    compensation: Compensation | None = None,
) -> Callable[[ProgrammedLayer, int], dict[str, float | None]]:
    """ngspice beside `behind_wires`; unless it `writes`, it reads what the surrogate wrote."""
    bench = Testbench(phase=Phase.both if writes else Phase.read, workers=1)

    def judge(layer: ProgrammedLayer, seed: int) -> dict[str, float | None]:
        arrays = Arrays(
            circuitry=circuitry,
            imperfections=imperfections,
            seed=seed,
            compensation=compensation or Compensation(),
        )
        result = verify(layer, arrays, bench)
        return {
            "accuracy_spice": result.accuracy_spice,
            "agreement": result.prediction_agreement,
            "current_error": result.max_relative_current_error,
            "state_error": result.max_state_error,
        }

    return judge


def head_check(network: NetworkSubject, share: float) -> Check | None:
    """A share of the points of a network's sweep, its adapted heads written and read in ngspice."""
    own = [metric for metric in LAYER_METRICS if metric.name != "agreement"]  # with a head's own ideal
    whole = SpotCheck(subject=network, chips=network.head_chips, scores=own, part="head of ")
    return check(whole, share)
