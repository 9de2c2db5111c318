"""The store of a sweep: a line of JSON for every point as it came, safe however the sweep ends.

A line is appended whole and flushed to the disk when its point is done; a half line that a killed
process left is dropped. The first line says what the numbers belong to, and points of anything else
are refused. More values, more repeats or another design of the same thing continue the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.flags import flags
from roa_circuit.basics.locks import lock
from roa_circuit.sweeps.fields import Point
from roa_circuit.sweeps.subject import Numbers

FORMAT = "roa-sweep-1"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a point with some seeds: numbers, or the reason why there are none."""

    point: Point
    seeds: tuple[int, ...]
    numbers: Numbers
    failed: str = ""
    seconds: float = 0.0


class Store:
    """The outcomes in a file; a context manager, which one process at a time may hold.

    Without a path, outcomes are kept in memory alone.
    """

    def __init__(self, path: Path | None, identity: dict[str, Any]) -> None:
        self._path, self._identity = path, json.loads(json.dumps(identity))
        self._known: dict[tuple[str, int], Outcome] = {}
        self._file: int | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._file = _opened(self._path)
            try:
                self._read(self._path)
            except BaseException:
                os.close(self._file)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)

    def __len__(self) -> int:
        return len(self._known)

    def missing(self, point: Point, seeds: Sequence[int]) -> tuple[int, ...]:
        """The seeds that this point was not yet evaluated with."""
        key = _key(point)
        return tuple(seed for seed in seeds if (key, seed) not in self._known)

    def get(self, point: Point, seed: int) -> dict[str, float] | str:
        """The metrics by name, or the reason why there are none, of a point that is in the store."""
        key = _key(point)
        found = self._known[key, seed]
        if found.failed:
            return found.failed
        index = found.seeds.index(seed)
        return {name: values[index] for name, values in found.numbers.items()}

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Keep an outcome; it is on the disk before this returns."""
        lines = []
        for one in outcomes:
            self._learn(one)
            lines.append({
                "point": dict(one.point), "seeds": list(one.seeds), "numbers": dict(one.numbers),
                "failed": one.failed, "seconds": round(one.seconds, 4),
            })  # fmt: skip
        self._append(lines)

    def _learn(self, one: Outcome) -> None:
        key = _key(one.point)
        self._known.update({(key, seed): one for seed in one.seeds})

    def _append(self, documents: Sequence[dict[str, Any]]) -> None:
        if self._file is None:
            return
        text = "".join(json.dumps(one) + "\n" for one in documents)
        left = memoryview(text.encode())
        while left:
            left = left[os.write(self._file, left) :]
        os.fsync(self._file)

    def _read(self, path: Path) -> None:
        assert self._file is not None
        content = files.content(path, most=files.LARGEST_DATA)
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        lines = content[:whole].splitlines()
        if not lines:
            self._append([{"format": FORMAT, **self._identity}])
            return
        try:
            head, *rest = (files.from_json(line.decode()) for line in lines)
            self._require_same(path, head)
            for one in rest:
                self._learn(Outcome(
                    point=one["point"], seeds=tuple(one["seeds"]), numbers=one["numbers"],
                    failed=one["failed"],
                ))  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path}: damaged, or no store of a sweep: move it away to begin anew"
            ) from None

    def _require_same(self, path: Path, head: dict[str, Any]) -> None:
        wanted = {"format": FORMAT, **self._identity}
        differing = [key for key in {**wanted, **head} if head.get(key) != wanted.get(key)]
        if differing:
            raise InputError(
                f"{path}: holds points of another {', '.join(sorted(differing))};"
                " give this sweep an --output-dir of its own, or move the file away"
            )


def _opened(path: Path) -> int:
    """The file, open to append and locked for this process."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, flags("O_RDWR", "O_APPEND", "O_CREAT"), 0o666)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    if not lock(file):
        os.close(file)
        raise InputError(f"{path}: another sweep is writing it: wait for its end") from None
    return file


def _key(point: Point) -> str:
    return json.dumps(dict(point), sort_keys=True)
