"""Plans: a study with its data, networks and budget, and the places that it fills."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from meta.network.precision import CPU
from meta.reproduction.budgets import Budget
from meta.reproduction.networks import Source
from meta.reproduction.repeats import Score
from meta.reproduction.studies import Study
from roa_circuit.device.parameters import Device


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study, on what data, with which networks, in which folder.

    readings : of Eq. 7, each for the whole grid
    networks : folders of runs; what they lack is taken from the shipped networks, and a missing one is
        trained in the first folder
    trained_ways : fill all cells with networks trained for so many classes; None takes each cell's own
    repeats : how many networks, of seeds from `seed` on, are trained for a method that has none
    jobs : processes that share the cells; scheduler : address of Dask workers that do so instead
    compute : where each of them computes
    """

    study: Study
    dataset: str
    data: Path | None
    device: Device
    budget: Budget
    readings: tuple[str, ...]
    networks: tuple[Path, ...]
    folder: Path
    seed: int = 0
    trained_ways: int | None = None
    repeats: int = 1
    jobs: int = 1
    scheduler: str | None = None
    compute: torch.device = CPU


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an entry stands in a table or figure."""

    method: str
    ways: int
    sigma_wn: float
    reading: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A place with its score, or with the command that trains the network it lacks.

    sources : the networks of its repeats
    tuned_on : validation tasks that scored each relative rate; 0 if none was chosen
    """

    place: Place
    score: Score | None = None
    sources: tuple[Source, ...] = ()
    tuned_on: int = 0
    missing: str | None = None
