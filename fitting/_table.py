"""A CSV table with units in its header: text in, SI numbers with their line numbers out."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from roa_circuit.errors import InputError, nearest
from roa_circuit.units import PREFIXES

UNITS = {
    "voltage": "V", "width": "s", "read_voltage": "V", "conductance": "S",
    "read_current": "A", "current": "A",
}  # fmt: skip
LABEL = "train"

_HEADER = re.compile(r"(?P<name>[^\[\]]*?)\s*(?:\[(?P<unit>[^\[\]]*)\])?")


@dataclass(frozen=True, kw_only=True)
class Table:
    """The columns that were found, in SI; a cell left empty is NaN.

    `line` (rows,) is the line in the file, `headers` the column titles as written there,
    `ignored` the titles of columns that mean nothing here.
    """

    source: str
    line: NDArray[np.int64]
    label: tuple[str, ...]
    columns: dict[str, NDArray[np.float64]]
    headers: dict[str, str]
    ignored: tuple[str, ...]

    def column(self, name: str) -> NDArray[np.float64]:
        """The numbers [SI] of one column, (rows,); all NaN if the file does not have it."""
        return self.columns.get(name, np.full(len(self.line), np.nan))

    def refuse(self, row: int, name: str, complaint: str) -> NoReturn:
        """Raise the InputError that names file, line and column."""
        column = self.headers.get(name, title(name))
        raise InputError(f"{self.source}, line {self.line[row]}, column {column!r}: {complaint}")


def title(name: str) -> str:
    """A column's title as it should be written: 'voltage [V]'."""
    return f"{name} [{UNITS[name]}]" if name in UNITS else name


def read_table(path: Path) -> Table:
    """Read a CSV file: '#' comments, one header with units, rows as long as the header.

    Raises
    ------
    InputError : unreadable, not UTF-8, empty, ragged; a column without a unit, in another
        unit, twice, misspelt or missing; a cell that is not a finite number.
    """
    source = str(path)
    lines = _lines(_text(path), source)
    number, header = next(lines, (0, []))
    if not header:
        raise InputError(f"{source}: holds no table; its first line must name the columns, "
                         f"such as '{LABEL},{','.join(map(title, list(UNITS)[:4]))}'")  # fmt: skip
    places, scales, ignored = _parse_header(header, f"{source}, line {number}")
    rows = list(lines)
    if not rows:
        raise InputError(f"{source}: has a header but no rows; add one row per reading")
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(f"{source}, line {line}: has {len(cells)} cells where the header has "
                             f"{len(header)}; leave cells empty, but keep their commas")  # fmt: skip
    frame = _frame(rows, header)
    headers = {name: header[place] for name, place in places.items()}
    table = Table(
        source=source, line=frame.index.to_numpy(dtype=np.int64), columns={}, headers=headers,
        label=tuple(frame[places[LABEL]]), ignored=ignored,
    )  # fmt: skip
    _check_labels(table)
    for name, scale in scales.items():
        table.columns[name] = _numbers(table, name, frame[places[name]], scale)
    return table


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}; give the path of a CSV file") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not UTF-8 text (byte {error.start}); save it as CSV, UTF-8"
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: is a binary file; save the table as CSV, UTF-8")
    return text


def _lines(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that is neither blank nor a comment."""
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.lstrip().startswith("#"):
            continue
        try:
            cells = [cell.strip() for row in csv.reader([line], strict=True) for cell in row]
        except csv.Error as error:
            raise InputError(f"{source}, line {number}: is not CSV: {error}; check its quotes") from None
        if any(cells):
            yield number, cells


def _parse_header(
    header: list[str], where: str
) -> tuple[dict[str, int], dict[str, float], tuple[str, ...]]:
    """Where each known column stands, its factor to SI, and the titles of the others."""
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        raise InputError(f"{where}: columns are parted by semicolons or tabs; save it with commas")
    places: dict[str, int] = {}
    scales: dict[str, float] = {}
    others: list[str] = []
    for place, text in enumerate(header):
        match = _HEADER.fullmatch(text)
        name = match["name"] if match else text
        if match is None or (name not in UNITS and name != LABEL):
            others.append(text)
            continue
        if name in places:
            raise InputError(f"{where}: column {text!r} appears twice; keep one")
        places[name] = place
        if name != LABEL:
            scales[name] = _scale(match["unit"], name, text, where)
    _require_columns(places, others, where)
    return places, scales, tuple(text for text in others if text)


def _scale(unit: str | None, name: str, text: str, where: str) -> float:
    """The factor from the header's unit to SI, such as 1e-6 for [us]."""
    if not unit or not unit.strip():
        raise InputError(f"{where}: column {text!r} lacks its unit; write {title(name)!r}")
    unit = unit.strip()
    if not unit.endswith(UNITS[name]) or unit.removesuffix(UNITS[name]).strip() not in PREFIXES:
        raise InputError(f"{where}: column {text!r} is not in {UNITS[name]} (SI prefixes "
                         f"are welcome); write {title(name)!r}")  # fmt: skip
    return PREFIXES[unit.removesuffix(UNITS[name]).strip()]


def _require_columns(places: dict[str, int], others: list[str], where: str) -> None:
    """Refuse a table that lacks a column, or seems to have misspelt one."""
    needed = [LABEL, "voltage"]
    if "conductance" in places or "read_current" in places:
        needed += ["width", "read_voltage"]
    elif "current" not in places:
        needed += ["width", "read_voltage", "conductance"]
    for name in needed:
        if name not in places:
            found = f"; {nearest(title(name), others)}" if any(others) else ""
            raise InputError(f"{where}: column {title(name)!r} is missing{found}")
    for text in others:
        known = [title(n) for n in UNITS if n not in places]
        close = difflib.get_close_matches(text, known, n=1, cutoff=0.8)
        if close:
            raise InputError(f"{where}: column {text!r} is unknown; did you mean {close[0]!r}?")


def _frame(rows: list[tuple[int, list[str]]], header: list[str]) -> Any:
    """The cells as a pandas frame of text: columns by place, rows by line number."""
    import pandas as pd

    cells = [cells for _, cells in rows]
    return pd.DataFrame(
        cells, index=[line for line, _ in rows], columns=range(len(header)), dtype=object
    )


def _check_labels(table: Table) -> None:
    for row, label in enumerate(table.label):
        if not label:
            table.refuse(row, LABEL, "is empty; name the train, the same on all of its rows")


def _numbers(table: Table, name: str, cells: Any, scale: float) -> NDArray[np.float64]:
    """One column of text as SI numbers; empty cells are NaN, anything else must be finite."""
    import pandas as pd

    values: NDArray[np.float64] = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    values = values * scale
    wrong = (cells != "").to_numpy(dtype=bool) & ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        text = str(cells.iloc[row])[:40]
        table.refuse(row, name, f"{text!r} is not a finite number; correct it or leave the row out")
    return values
