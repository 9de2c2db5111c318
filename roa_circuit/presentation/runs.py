"""Runs that are set side by side: their report.json, and which of their settings are not the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roa_circuit.basics import files
from roa_circuit.basics.errors import InputError
from roa_circuit.presentation.drawing import plain
from roa_circuit.presentation.markup import Markup
from roa_circuit.presentation.page import table

MOST = 9
"""Runs that one page has room for."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a command left in a folder: its report.json, under a name of its own."""

    name: str
    source: Path
    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, *, expected: str) -> Run:
        """The run of a folder, or of its report.json; `expected` says what that should be.

        Raises
        ------
        InputError : no such file, or no document in JSON.
        """
        source = path / "report.json" if path.is_dir() else path
        try:
            found = files.from_json(files.text(source, expected=expected))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{source}: is no JSON ({error}); expected {expected}") from None
        if not isinstance(found, dict):
            raise InputError(f"{source}: holds no fields; expected {expected}")
        home = source.parent if source.name == "report.json" else source.with_suffix("")
        return cls(name=home.name or str(path), source=source, document=found)

    def settings(self, names: Sequence[str], parts: Sequence[str]) -> dict[str, str]:
        """These keys, and those of these parts, flat: `lines: r_word [Ohm]` and the like."""
        flat = {name: _said(self.document[name]) for name in names if name in self.document}
        for part in parts:
            if isinstance(self.document.get(part), dict):
                flat |= dict(_flat(self.document[part], part))
        return flat


def _flat(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}: {name}")
        else:
            yield f"{above}: {name}", _said(value)


def _said(value: Any) -> str:
    return "–" if value is None or value == [] else plain(str(value), 60)


def differing(every: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """The settings that are not the same in all runs, one a row."""
    names = dict.fromkeys(name for one in every for name in one)
    rows = [[name, *(one.get(name, "–") for one in every)] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def remarks(runs: Sequence[Run]) -> list[str]:
    """What runs say of the devices that they stand on, each line once, under the names of its runs."""
    owners: dict[str, list[str]] = {}
    for run in runs:
        lines = run.document.get("remarks")
        for line in lines if isinstance(lines, list) else ():
            owners.setdefault(str(line), []).append(run.name)
    return [f"{', '.join(names)}: {line}" for line, names in owners.items()]


def head(runs: Sequence[Run]) -> list[str]:
    """The head of a table with a column for each run."""
    return ["", *(plain(run.name, 24) for run in runs)]


def differences(runs: Sequence[Run], apart: Sequence[Sequence[str]]) -> Markup:
    """The table of the settings that are not the same."""
    rows = apart or [["nothing", *("–" for _ in runs)]]
    caption = "Settings that are not the same in all runs; – stands for none."
    return table(head(runs), rows, caption=caption)
