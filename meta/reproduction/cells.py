"""Cells, the accuracies that a table or figure asks for, and the file that keeps their results.

Results are lines of JSON, appended as they come. A half line that a killed process left is skipped,
so that only its cell is computed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from roa_circuit.basics import files


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An accuracy that is asked for. Without noise all readings of Eq. 7 are the same, `literal`.

    device : name and digest
    network : digest of its file
    split : 'test', or 'validation' where a relative rate is chosen
    """

    dataset: str
    device: str
    method: str
    network: str
    ways: int
    shots: int
    sigma_wn: float
    reading: str
    relative_rate: float
    split: str
    seed: int

    def __post_init__(self) -> None:
        if self.sigma_wn == 0:
            object.__setattr__(self, "reading", "literal")


@dataclass(frozen=True, kw_only=True)
class Result:
    """A cell's accuracy in [0, 1], half of its 95 % interval, and the cost of an adaptation."""

    cell: Cell
    tasks: int
    accuracy: float
    ci95: float
    pulses_per_weight: float
    write_energy: float  # [J]
    write_seconds: float  # [s] of programming


class ResultFile:
    """The results in an append-only file, by cell; of several for a cell, most tasks count."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Cell, Result] = {}
        lines = files.text(path, expected="results of an earlier run") if path.exists() else ""
        for line in lines.splitlines():
            if (result := _parsed(line)) is not None:
                self._keep(result)

    def find(self, cell: Cell, tasks: int) -> Result | None:
        """The result of a cell over at least so many tasks, or None."""
        found = self._known.get(cell)
        return found if found is not None and found.tasks >= tasks else None

    def append(self, results: Iterable[Result]) -> None:
        """Keep results as they come; each is on the disk before the next one is taken."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            _end_line(file)
            for result in results:
                line = {**asdict(result.cell), **_numbers(result)}
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
                self._keep(result)

    def _keep(self, result: Result) -> None:
        if self.find(result.cell, result.tasks) is None:
            self._known[result.cell] = result


def _numbers(result: Result) -> dict[str, Any]:
    return {name: value for name, value in vars(result).items() if name != "cell"}


def _parsed(line: str) -> Result | None:
    try:
        row = files.from_json(line)
        cell = Cell(**{field.name: row.pop(field.name) for field in fields(Cell)})
        return Result(cell=cell, **row)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _end_line(file: Any) -> None:
    """End a line that was left unfinished, so that the next one starts afresh."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
