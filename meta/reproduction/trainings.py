"""Trainings: the networks that a study lacks, on the share of the paper's effort that is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from meta.configuration import Training
from meta.datasets import loaded
from meta.network import Network
from meta.reproduction.networks import Networks
from meta.reproduction.plans import Plan
from meta.train import Epoch, train


def training(plan: Plan, method: str, ways: int) -> tuple[Training, Path]:
    """How a plan trains the network of a method, and in which folder."""
    how = plan.budget.training(method, plan.dataset, ways, plan.seed)
    return how, plan.networks[0] / f"{how.method}-{ways}way"


def train_missing(plan: Plan, *, on_epoch: Callable[[str, Epoch], None]) -> None:
    """Train or resume, one after another, every network that the plan's study lacks."""
    networks = Networks([folder for folder in plan.networks if folder.is_dir()])
    wanted = {
        folder: how
        for ways in plan.study.ways
        for method in plan.study.methods
        if networks.find(method, plan.dataset, ways) is None
        for how, folder in [training(plan, method, ways)]
    }
    for folder, how in wanted.items():
        train(
            loaded(plan.dataset, plan.data),
            how,
            folder,
            resume=(folder / "config.toml").exists(),
            callbacks=[functools.partial(_report, on_epoch, folder.name)],
        )


def _report(on_epoch: Callable[[str, Epoch], None], name: str, _: Network, row: Epoch) -> None:
    on_epoch(name, row)
