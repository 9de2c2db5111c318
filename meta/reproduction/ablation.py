"""What each ingredient of `roa-robust` is worth: one changed at a time, the same short training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from meta.data.datasets import loaded
from meta.network.precision import CPU
from meta.reproduction.budgets import Budget
from meta.reproduction.cells import Cell, Result, ResultFile
from meta.reproduction.networks import read_source
from meta.reproduction.runs import Job, Progress, compute, named
from meta.training.configuration import Training
from meta.training.train import Platform, train
from roa_circuit.device.parameters import Device

ITERATIONS = 540
"""Of a budget of 1: two minutes of one core."""
PLACES = tuple((ways, sigma) for ways in (5, 20) for sigma in (0.0, 4.0))


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """A row of the ablation: the changes to `Training`, and a factor on its iterations."""

    name: str
    words: str
    changes: dict[str, Any]
    longer: int = 1


INGREDIENTS = (
    Ingredient(name="base", words="576 features of one length, erased to ω = 0.02, at most 4 pulses, "
               "trained in noise", changes={}),
    Ingredient(name="any-length", words="features of any length", changes={"same_length": False}),
    Ingredient(name="half", words="cells that start at ω = 0.5", changes={"erased": 0.5}),
    Ingredient(name="no-noise", words="trained without noise", changes={"noise_scale": 0.0}),
    Ingredient(name="64-pulses", words="64 pulses a cell allowed", changes={"max_pulses": 64}),
    Ingredient(name="one-task", words="batches of one task, four times as many", changes={"batch": 1},
               longer=4),
    Ingredient(name="1152-features", words="1152 features, as shipped", changes={"last_filters": 128}),
    Ingredient(name="2304-features", words="2304 features", changes={"last_filters": 256}),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AblationRow:
    """One row of ablation.csv: accuracies in [0, 1] on validation classes, with half 95 % intervals."""

    ingredient: str
    words: str
    ways: int
    sigma_wn: float
    accuracy: float
    ci95: float
    pulses_per_weight: float
    tasks: int
    training_tasks: int


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """The whole comparison; `folder` keeps runs and results, and a second call continues them."""

    dataset: str
    data: Path | None
    device: Device
    budget: Budget
    folder: Path
    seed: int = 0
    jobs: int = 1
    scheduler: str | None = None
    compute: torch.device = CPU
    ingredients: tuple[Ingredient, ...] = INGREDIENTS

    def training(self, ingredient: Ingredient) -> Training:
        """The training of a row, whose last epoch is scored."""
        plain: dict[str, Any] = {"batch": 4, **ingredient.changes}
        return Training(
            method="roa-robust",
            dataset=self.dataset,
            ways=20,
            queries=3,
            epochs=2,
            iterations=max(1, round(ITERATIONS * self.budget.share / 2)) * ingredient.longer,
            learning_rate=2e-3,
            validation_tasks=min(10, self.budget.validation_tasks),
            seed=self.seed,
            **plain,
        )

    def run(
        self,
        *,
        on_trained: Callable[[Ingredient], None] = lambda one: None,
        on_cells: Progress = lambda done, total: None,
    ) -> list[AblationRow]:
        """Train the rows that are not trained yet, and score all on validation classes."""
        images = loaded(self.dataset, self.data)
        jobs: dict[tuple[str, int, float], Job] = {}
        training_tasks = {}
        for one in self.ingredients:
            folder, how = self.folder / one.name, self.training(one)
            resume = (folder / "config.toml").exists()
            train(images, how, folder, resume=resume, platform=Platform(compute=self.compute))
            source = read_source(folder / "last.safetensors")
            assert source is not None
            training_tasks[one.name] = source.training_tasks
            for ways, sigma in PLACES:
                cell = Cell(
                    dataset=self.dataset, device=named(self.device), method="roa-robust",
                    network=source.digest, ways=ways, shots=1, sigma_wn=sigma, reading="literal",
                    relative_rate=1.0, split="validation", seed=self.seed + 1,
                )  # fmt: skip
                jobs[one.name, ways, sigma] = Job(
                    cell=cell, network=source.path, tasks=self.budget.test_tasks, data=self.data,
                    device=self.device, compute=self.compute,
                )  # fmt: skip
            on_trained(one)
        results = ResultFile(self.folder / "cells.jsonl")
        compute(list(jobs.values()), results, self.jobs, on_cells, self.scheduler)
        return [
            _row(one, jobs[one.name, *place], results, training_tasks[one.name])
            for one in self.ingredients
            for place in PLACES
        ]


def markdown(rows: list[AblationRow], command: str) -> str:
    """A table with a line for every ingredient: accuracies [%] on validation classes, 95 % intervals."""
    header = ["", *(f"{ways}-way, σ {sigma:g}" for ways, sigma in PLACES), "training tasks"]
    lines = [header, ["---"] * len(header)]
    for name in dict.fromkeys(row.ingredient for row in rows):
        mine = [row for row in rows if row.ingredient == name]
        scores = [f"{100 * row.accuracy:.1f} ± {100 * row.ci95:.1f}" for row in mine]
        words = mine[0].words if name == "base" else f"… but {mine[0].words}"
        lines.append([words, *scores, f"{mine[0].training_tasks:,}"])
    table = ["| " + " | ".join(line) + " |" for line in lines]
    said = f"{rows[0].tasks} tasks of validation classes each, literal reading of Eq. 7."
    return "\n".join(["# What each ingredient of roa-robust is worth", "", f"`{command}`", "", said, "",
                      *table, ""])  # fmt: skip


def _row(one: Ingredient, job: Job, results: ResultFile, training_tasks: int) -> AblationRow:
    result = results.find(job.cell, job.tasks)
    assert isinstance(result, Result)  # computed before
    return AblationRow(
        ingredient=one.name,
        words=one.words,
        ways=job.cell.ways,
        sigma_wn=job.cell.sigma_wn,
        accuracy=result.accuracy,
        ci95=result.ci95,
        pulses_per_weight=result.pulses_per_weight,
        tasks=result.tasks,
        training_tasks=training_tasks,
    )
