"""Budgets: the share of the paper's effort that a reproduction spends, and what it comes to."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from meta.network.methods import find_method
from meta.training.configuration import Training
from roa_circuit.basics.errors import InputError

TEST_TASKS = 600
EPOCHS = 100
ITERATIONS = 500
"""Of a budget of 1: the paper's training, and MAML++'s test."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A share of 100 epochs of 500 iterations, and of 600 test tasks.

    A quarter as many validation tasks score each relative rate.
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and 0 < self.share <= 10):
            raise InputError(f"--budget {self.share} must lie in (0, 10]; 1 is the paper's own")

    @property
    def test_tasks(self) -> int:
        """Test tasks of every cell: at least 2, or there is no interval."""
        return max(2, round(TEST_TASKS * self.share))

    @property
    def validation_tasks(self) -> int:
        """Validation tasks that score each relative rate."""
        return max(2, self.test_tasks // 4)

    def training(self, method: str, dataset: str, ways: int, seed: int = 0) -> Training:
        """How the network of a method is trained."""
        steps = max(2.0, EPOCHS * ITERATIONS * self.share)
        epochs = min(EPOCHS, max(2, round(EPOCHS * self.share)))
        return Training(
            method=find_method(method).network,
            dataset=dataset,
            ways=ways,
            queries=5 if ways <= 5 else 2,  # more classes, more query images anyway
            epochs=epochs,
            iterations=round(steps / epochs),
            pulses_from=epochs // 2,
            validation_tasks=min(100, self.validation_tasks),
            seed=seed,
        )


def train_command(how: Training, folder: str) -> str:
    """The command `roa-meta train` with all options that differ from their defaults."""
    plain = Training()
    given = [
        f"--{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in vars(how).items()
        if value != getattr(plain, name)
    ]
    return " ".join(["roa-meta train", *given, "-o", folder])
