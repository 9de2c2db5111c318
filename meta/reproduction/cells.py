"""A cell: one accuracy that a table or figure asks for; and the file that keeps those computed.

Results are lines of JSON, appended as they come. A line that a killed process left half written is
passed over, so its cell alone is computed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is asked for. Without noise, all readings of Eq. 7 are one: the cell is `literal`.

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
    """A cell's accuracy in [0, 1], half of its 95 % interval, and what an adaptation took."""

    cell: Cell
    tasks: int
    accuracy: float
    ci95: float
    pulses_per_weight: float
    write_energy: float  # [J]
    write_seconds: float  # [s] of programming


class ResultFile:
    """Results by cell, of one append-only file; of two for a cell the one with more tasks counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Cell, Result] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            if (result := _parsed(line)) is not None:
                self._keep(result)

    def find(self, cell: Cell, tasks: int) -> Result | None:
        """The result of that cell over at least so many tasks."""
        found = self._known.get(cell)
        return found if found is not None and found.tasks >= tasks else None

    def append(self, results: Iterable[Result]) -> None:
        """Keep results as they come; each is on the disk before the next is asked for."""
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
        row = json.loads(line)
        cell = Cell(**{field.name: row.pop(field.name) for field in fields(Cell)})
        return Result(cell=cell, **row)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _end_line(file: Any) -> None:
    """Close a line that was left open, so that the next one begins at its own start."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
