"""Runs: the cells that a study lacks, computed over processes; what its file holds stays.

Cells of the same network and tasks are computed together: a run that is killed loses those in hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from meta.data.datasets import loaded
from meta.data.tasks import Tasks
from meta.evaluation.episodes import Episodes
from meta.evaluation.evaluate import RELATIVE_RATES
from meta.evaluation.many_writes import shares_episodes, variant_accuracies
from meta.learning.writing import Writing
from meta.network.convolutional import Network
from meta.network.methods import find_method
from meta.network.precision import CPU, round_products
from meta.processes.pool import pool
from meta.reproduction.budgets import train_command
from meta.reproduction.cells import Cell, Result, ResultFile
from meta.reproduction.networks import Networks, Source
from meta.reproduction.plans import Entry, Place, Plan
from meta.reproduction.repeats import Score
from meta.reproduction.trainings import seeds_lacking, training
from roa_circuit.basics.errors import InputError
from roa_circuit.circuit.design_point import default_device
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import Programming
from roa_circuit.sweeps.workers import each

QUERIES = 15


@dataclass(frozen=True, kw_only=True)
class Job:
    """A cell to be computed, its network and its budget."""

    cell: Cell
    network: Path
    tasks: int
    data: Path | None
    device: Device
    compute: torch.device = CPU

    @property
    def episodes(self) -> Job:
        """The same for all jobs that share their episodes: a network, written in one step on the same
        tasks. Of other jobs, each its own."""
        method = find_method(self.cell.method)
        if not shares_episodes(method):
            return self
        how = f"{method.network} {method.written}"
        return replace(self, cell=replace(self.cell, method=how, sigma_wn=0.0, relative_rate=1.0))


Progress = Callable[[int, int], None]
"""Told how many cells of a stage are done, of how many."""


def reproduce(plan: Plan, *, on_cells: Progress = lambda done, total: None) -> list[Entry]:
    """Compute what the plan's file lacks; every place of the study, in order.

    Raises
    ------
    InputError : the data, a folder of networks or the plan's own folder cannot be used.
    """
    return _Reproduction(plan, on_cells).entries()


class _Reproduction:
    def __init__(self, plan: Plan, on_cells: Progress) -> None:
        self.plan, self.on_cells = plan, on_cells
        self.results = ResultFile(plan.folder / "cells.jsonl")
        self.networks, study = Networks(plan.networks), plan.study
        self.sources = {
            (method, ways): self.networks.find(method, plan.dataset, plan.trained_ways or ways)
            for method in study.methods
            for ways in study.ways
        }
        self._require_device()
        self.places = [
            Place(method=method, ways=ways, sigma_wn=sigma, reading=reading)
            for reading in plan.readings
            for ways in study.ways
            for method in study.methods
            for sigma in study.sigmas
        ]

    def _require_device(self) -> None:
        """Refuse networks of another device where none was named."""
        if self.plan.device != default_device():
            return
        for source in (one for found in self.sources.values() for one in found):
            if source.device is not None:
                raise InputError(
                    f"{source.path}: was trained on another device than Table 1's; name the one to write"
                    " on with --device"
                )

    def entries(self) -> list[Entry]:
        budget = self.plan.budget
        filled = [(place, source) for place in self.places for source in self.of(place)]
        self.compute([c for one in filled for c in self.candidates(*one)], budget.validation_tasks)
        if self.plan.study.heatmap:
            return [entry for place in self.places for entry in self.rated(place)]
        self.compute([self.test_cell(*one) for one in filled], budget.test_tasks)
        return [self.entry(place) for place in self.places]

    def of(self, place: Place) -> tuple[Source, ...]:
        """The networks of a place's repeats."""
        return self.sources[place.method, place.ways]

    def cell(self, place: Place, source: Source, rate: float, split: str) -> Cell:
        """Every repeat has tasks and noise of its own: their seed goes with that of its training."""
        return Cell(
            dataset=self.plan.dataset,
            device=named(self.plan.device),
            method=place.method,
            network=source.digest,
            ways=place.ways,
            shots=1,
            sigma_wn=0.0 if find_method(place.method).written == "nothing" else place.sigma_wn,
            reading=place.reading,
            relative_rate=rate,
            split=split,
            seed=self.plan.seed + source.seed + (split == "validation"),
        )

    def candidates(self, place: Place, source: Source) -> list[Cell]:
        """A validation cell for each relative rate, where the method chooses its own."""
        chosen = find_method(place.method).rate == "chosen"
        rates = RELATIVE_RATES if chosen else ()
        return [self.cell(place, source, rate, "validation") for rate in rates]

    def test_cell(self, place: Place, source: Source) -> Cell:
        """At the best of the candidates; at 1 where there are none."""
        scored = [self.found(cell, "validation") for cell in self.candidates(place, source)]
        best = max(scored, key=lambda result: result.accuracy).cell.relative_rate if scored else 1.0
        return self.cell(place, source, best, "test")

    def found(self, cell: Cell, split: str) -> Result:
        budget = self.plan.budget
        tasks = budget.test_tasks if split == "test" else budget.validation_tasks
        result = self.results.find(cell, tasks)
        assert result is not None  # computed before
        return result

    def entry(self, place: Place) -> Entry:
        sources = self.of(place)
        if not sources:
            return self.lacking(place)
        tuning = [self.found(c, "validation") for one in sources for c in self.candidates(place, one)]
        return Entry(
            place=place,
            score=Score(
                results=tuple(self.found(self.test_cell(place, one), "test") for one in sources)
            ),
            sources=sources,
            tuned_on=min((result.tasks for result in tuning), default=0),
        )

    def rated(self, place: Place) -> list[Entry]:
        """An entry for each relative rate, scored on validation classes."""
        sources = self.of(place)
        if not sources:
            return [self.lacking(place)]
        cells = zip(*(self.candidates(place, one) for one in sources), strict=True)
        return [
            Entry(
                place=place,
                score=Score(results=tuple(self.found(cell, "validation") for cell in repeats)),
                sources=sources,
            )
            for repeats in cells
        ]

    def lacking(self, place: Place) -> Entry:
        ways = self.plan.trained_ways or place.ways
        seed = seeds_lacking(self.plan, self.networks, place.method, ways)[0]
        how, folder = training(self.plan, place.method, ways, seed)
        return Entry(place=place, missing=train_command(how, str(folder)))

    def compute(self, cells: Sequence[Cell], tasks: int) -> None:
        paths = {source.digest: source.path for found in self.sources.values() for source in found}
        plan = self.plan
        jobs = [
            Job(cell=cell, network=paths[cell.network], tasks=tasks, data=plan.data, device=plan.device,
                compute=plan.compute)
            for cell in cells
        ]  # fmt: skip
        compute(jobs, self.results, plan.jobs, self.on_cells, plan.scheduler)


def compute(
    jobs: Sequence[Job],
    results: ResultFile,
    processes: int,
    on_cells: Progress,
    scheduler: str | None = None,
) -> None:
    """Compute what the file lacks, each cell once; cells of the same episodes together, and their
    results are on the file before the next are begun."""
    wanted = [job for job in dict.fromkeys(jobs) if results.find(job.cell, job.tasks) is None]
    batches: dict[Job, list[Job]] = {}
    for job in wanted:
        batches.setdefault(job.episodes, []).append(job)
    on_cells(0, len(wanted))
    if processes == 1 and not scheduler:
        found: Iterable[list[Result]] = map(_run, batches.values())
    else:
        found = each(_run_alone, None, lambda _: list(batches.values()), processes, scheduler)
    done = 0
    with pool():
        for batch in found:
            results.append(batch)
            done += len(batch)
            on_cells(done, len(wanted))


def _run_alone(_: None, batch: list[Job]) -> list[Result]:
    torch.set_num_threads(1)
    return _run(batch)


def _run(batch: list[Job]) -> list[Result]:
    """The cells of one batch, which have the same episodes."""
    job, cell = batch[0], batch[0].cell
    round_products(to_tf32=False)
    network = Network.load(job.network)
    tasks = Tasks(
        dataset=loaded(cell.dataset, job.data), split=cell.split, shots=cell.shots, queries=QUERIES,
        seed=cell.seed,
    )  # fmt: skip
    variants = [_writing(one, network.max_pulses) for one in batch]
    fitting = network.with_ways(cell.ways).to(job.compute)
    outcomes = variant_accuracies(fitting, tasks, variants, count=job.tasks)
    return [_result(one, outcome) for one, outcome in zip(batch, outcomes, strict=True)]


def _writing(job: Job, max_pulses: int) -> Writing:
    cell = job.cell
    return Writing(
        device=job.device,
        method=find_method(cell.method),
        programming=Programming(max_pulses=max_pulses, reading=cell.reading, sigma_wn=cell.sigma_wn),
        relative_rate=cell.relative_rate,
    )


def _result(job: Job, outcome: Episodes) -> Result:
    return Result(
        cell=job.cell,
        tasks=job.tasks,
        accuracy=outcome.mean,
        ci95=outcome.ci95,
        pulses_per_weight=outcome.pulses_per_weight,
        write_energy=outcome.energy,
        write_seconds=outcome.seconds,
    )


def named(device: Device) -> str:
    """The device's name, and a digest of its numbers."""
    text = json.dumps(device.to_dict(), sort_keys=True, default=str)
    return f"{device.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
