"""Trainings: the networks that a study lacks, trained with a share of the paper's effort."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from meta.data.datasets import loaded
from meta.network.convolutional import Network
from meta.reproduction.networks import Networks
from meta.reproduction.plans import Plan
from meta.training.configuration import Training
from meta.training.train import Epoch, Platform, train


def training(plan: Plan, method: str, ways: int, seed: int) -> tuple[Training, Path]:
    """(how a plan trains the network of a method, in which folder)."""
    how = plan.budget.training(method, plan.dataset, ways, seed)
    return how, plan.networks[0] / f"{how.method}-{ways}way-seed{seed}"


def seeds_lacking(plan: Plan, networks: Networks, method: str, ways: int) -> list[int]:
    """The seeds of the plan's repeats that have no network; for one repeat any network will do."""
    if plan.repeats == 1:
        return [] if networks.find(method, plan.dataset, ways) else [plan.seed]
    trained = {source.seed for source in networks.trained(method, plan.dataset, ways)}
    return [seed for seed in range(plan.seed, plan.seed + plan.repeats) if seed not in trained]


def train_missing(plan: Plan, *, on_epoch: Callable[[str, Epoch], None]) -> int:
    """Train or resume, one after another, every network that the plan's study lacks; gives how many."""
    networks = Networks([folder for folder in plan.networks if folder.is_dir()])
    wanted = {
        folder: how
        for ways in ([plan.trained_ways] if plan.trained_ways else plan.study.ways)
        for method in plan.study.methods
        for seed in seeds_lacking(plan, networks, method, ways)
        for how, folder in [training(plan, method, ways, seed)]
    }
    for folder, how in wanted.items():
        train(
            loaded(plan.dataset, plan.data),
            how,
            folder,
            resume=(folder / "config.toml").exists(),
            platform=Platform(compute=plan.compute),
            callbacks=[functools.partial(_report, on_epoch, folder.name)],
        )
    return len(wanted)


def _report(on_epoch: Callable[[str, Epoch], None], name: str, _: Network, row: Epoch) -> None:
    on_epoch(name, row)
