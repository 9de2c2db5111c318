"""What an evaluation is of, for the title of its table and for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roa_circuit.presentation import console

if TYPE_CHECKING:
    from meta.data.tasks import Tasks
    from meta.evaluation.evaluate import Row
    from meta.learning.writing import Writing
    from meta.network.convolutional import Network


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What tells two evaluations apart.

    network : its file or name; None is the one shipped for the method
    head : of one's own, by name; None is the usual one
    trained_ways : that it learned with; None of classifiers
    data : the folder or file of the images; None are those of the package, or downloaded
    views, cells_per_feature : of an erased head; None of other networks
    """

    network: str | None
    method: str
    head: str | None
    trained_ways: int | None
    dataset: str
    data: str | None
    mapping: str
    views: str | None
    cells_per_feature: int | None
    ways: int
    shots: int
    queries: int
    tasks: int

    @classmethod
    def of(
        cls, network: Network, writing: Writing, tasks: Tasks, count: int, files: tuple[Path | None, ...]
    ) -> Evaluated:
        """That of so many tasks.

        files : of the network and of the data, as they are asked for
        """
        a = network.architecture
        erased = a.erased is not None
        given, data = (None if file is None else str(file) for file in files)
        return cls(
            network=given,
            method=writing.method.name,
            head=network.rules.head,
            trained_ways=network.note.get("training", {}).get("ways"),
            dataset=tasks.dataset.name,
            data=data,
            mapping=str(writing.mapping),
            views=a.views if erased else None,
            cells_per_feature=a.cells_per_feature if erased else None,
            ways=a.ways,
            shots=tasks.shots,
            queries=tasks.queries,
            tasks=count,
        )

    @property
    def title(self) -> str:
        """All of it in a line."""
        parts = [self.method]
        parts += [f"head {self.head}"] if self.head else []
        parts += [f"trained for {self.trained_ways} ways"] if self.trained_ways else []
        parts += [f"network {self.network}"] if self.network else []
        parts.append(f"on {self.dataset}{f' {self.data}' if self.data else ''}")
        parts.append(f"{self.ways}-way {self.shots}-shot, {self.queries} queries a class")
        parts += [f"{self.tasks} tasks", f"mapping {self.mapping}"]
        if self.views is not None:
            parts.append(f"views {self.views}, cells per feature {self.cells_per_feature}")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As in JSON."""
        return asdict(self)


def say_faint(network: Network, writing: Writing, rows: Sequence[Row]) -> None:
    """Say so where a write has fewer pulses than the task has classes, and cannot tell them apart."""
    if writing.method.written != "pulses":
        return
    a = network.architecture
    weights = sum(math.prod(shape) for shape in a.weight_shapes.values())
    faint = [row for row in rows if row.pulses_per_weight * weights < a.ways]
    if faint:
        levels = ", ".join(f"{row.sigma_wn:g}" for row in faint)
        most = max(row.pulses_per_weight for row in faint) * weights
        more = 4 * faint[0].relative_rate or 1
        console.say(
            f"σ_WN {levels}: the write has {most:.2g} pulses a task, fewer than one a class, and can"
            f" hardly tell classes apart; try --relative-rate {more:g}"
        )
