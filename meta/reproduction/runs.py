"""Runs: the cells that a study lacks, computed over processes; what its file holds stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from meta.datasets import loaded
from meta.episodes import episode_accuracies
from meta.evaluate import RELATIVE_RATES
from meta.hardware import WriteModel
from meta.methods import find_method
from meta.network import Network
from meta.reproduction.budgets import train_command
from meta.reproduction.cells import Cell, Result, ResultFile
from meta.reproduction.networks import Networks, Source
from meta.reproduction.plans import Entry, Place, Plan
from meta.reproduction.trainings import training
from roa_circuit.parameters import Device
from roa_circuit.programming import Programming
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
        networks, study = Networks(plan.networks), plan.study
        self.sources = {
            (method, ways): networks.find(method, plan.dataset, ways)
            for method in study.methods
            for ways in study.ways
        }
        self.places = [
            Place(method=method, ways=ways, sigma_wn=sigma, reading=reading)
            for reading in plan.readings
            for ways in study.ways
            for method in study.methods
            for sigma in study.sigmas
        ]

    def entries(self) -> list[Entry]:
        budget, filled = self.plan.budget, [place for place in self.places if self.source(place)]
        tuning = [cell for place in filled for cell in self.candidates(place)]
        self.compute(tuning, budget.validation_tasks)
        if self.plan.study.heatmap:
            return [entry for place in self.places for entry in self.rated(place)]
        self.compute([self.test_cell(place) for place in filled], budget.test_tasks)
        return [self.entry(place) for place in self.places]

    def source(self, place: Place) -> Source | None:
        return self.sources[place.method, place.ways]

    def cell(self, place: Place, rate: float, split: str) -> Cell:
        source, method = self.source(place), find_method(place.method)
        assert source is not None  # of filled places alone
        return Cell(
            dataset=self.plan.dataset,
            device=named(self.plan.device),
            method=place.method,
            network=source.digest,
            ways=place.ways,
            shots=1,
            sigma_wn=0.0 if method.written == "nothing" else place.sigma_wn,
            reading=place.reading,
            relative_rate=rate,
            split=split,
            seed=self.plan.seed + (split == "validation"),
        )

    def candidates(self, place: Place) -> list[Cell]:
        """A validation cell for each relative rate, where the method chooses its own."""
        chosen = find_method(place.method).rate == "chosen"
        return [self.cell(place, rate, "validation") for rate in (RELATIVE_RATES if chosen else ())]

    def test_cell(self, place: Place) -> Cell:
        """At the best of the candidates; at 1 where there are none."""
        scored = [self.found(cell, "validation") for cell in self.candidates(place)]
        best = max(scored, key=lambda result: result.accuracy).cell.relative_rate if scored else 1.0
        return self.cell(place, best, "test")

    def found(self, cell: Cell, split: str) -> Result:
        budget = self.plan.budget
        tasks = budget.test_tasks if split == "test" else budget.validation_tasks
        result = self.results.find(cell, tasks)
        assert result is not None  # computed before
        return result

    def entry(self, place: Place) -> Entry:
        source = self.source(place)
        if source is None:
            return self.lacking(place)
        candidates = self.candidates(place)
        return Entry(
            place=place,
            result=self.found(self.test_cell(place), "test"),
            source=source,
            tuned_on=self.found(candidates[0], "validation").tasks if candidates else 0,
        )

    def rated(self, place: Place) -> list[Entry]:
        """An entry for each relative rate, scored on validation classes."""
        source = self.source(place)
        if source is None:
            return [self.lacking(place)]
        return [
            Entry(place=place, result=self.found(cell, "validation"), source=source)
            for cell in self.candidates(place)
        ]

    def lacking(self, place: Place) -> Entry:
        how, folder = training(self.plan, place.method, place.ways)
        return Entry(place=place, missing=train_command(how, str(folder)))

    def compute(self, cells: Sequence[Cell], tasks: int) -> None:
        paths = {one.digest: one.path for one in self.sources.values() if one is not None}
        data, device = self.plan.data, self.plan.device
        jobs = [
            Job(cell=cell, network=paths[cell.network], tasks=tasks, data=data, device=device)
            for cell in cells
        ]
        compute(jobs, self.results, self.plan.jobs, self.on_cells, self.plan.scheduler)


def compute(
    jobs: Sequence[Job],
    results: ResultFile,
    processes: int,
    on_cells: Progress,
    scheduler: str | None = None,
) -> None:
    """Compute what the file lacks, each cell once, and append it as it comes."""
    wanted = [job for job in dict.fromkeys(jobs) if results.find(job.cell, job.tasks) is None]
    on_cells(0, len(wanted))
    if processes == 1 and not scheduler:
        found: Iterable[Result] = map(_run, wanted)
    else:
        found = each(_run_alone, None, lambda _: wanted, processes, scheduler)
    for done, result in enumerate(found, start=1):
        results.append([result])
        on_cells(done, len(wanted))


def _run_alone(_: None, job: Job) -> Result:
    torch.set_num_threads(1)
    return _run(job)


def _run(job: Job) -> Result:
    cell, network = job.cell, Network.load(job.network)
    how = Programming(max_pulses=network.max_pulses, reading=cell.reading, sigma_wn=cell.sigma_wn)
    outcome = episode_accuracies(
        network.with_ways(cell.ways),
        loaded(cell.dataset, job.data).split(cell.split),
        WriteModel(device=job.device, how=how),
        shots=cell.shots,
        queries=QUERIES,
        tasks=job.tasks,
        seed=cell.seed,
        method=find_method(cell.method),
        relative_rate=cell.relative_rate,
    )
    return Result(
        cell=cell,
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
