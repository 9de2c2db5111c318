"""Wide tables: nothing but readings, a train in each column or in each row."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fitting.readers.columns.cells import bare_numbers, numbers
from fitting.readers.columns.roles import Found, values_of
from fitting.readers.conventions import Conventions, reading
from fitting.readers.files.preamble import is_number
from fitting.readers.files.sheet import Sheet
from fitting.readers.forms.inverse import conductance_of
from fitting.readers.forms.table import AT_LIMIT, RISES, FloatArray, Table
from fitting.readers.titles import (
    DEVICE,
    LABEL,
    MEANING,
    NORMALISED,
    NUMBER,
    TIME,
    UNITS,
    Column,
    end,
    is_counter,
    plain,
    unit_of,
    way,
    words,
)
from roa_circuit.basics.errors import InputError

_FEW = 6  # trains of fewer readings are none: so a matrix shows which way it lies
_PULSES = re.compile(r"(?:pulses?|p|n|no|nr)?[ _#.]*(\d{1,9})", re.IGNORECASE)
_FEWEST = 3


def is_wide(found: Found, sheet: Sheet, how: Conventions) -> bool:
    """One train a column: no reading has a name of its own, but every other column a unit."""
    known = found.known
    if not found.others or LABEL in known or DEVICE in known:
        return False
    if any(name in UNITS and name not in ("voltage", "width", "read_voltage") for name in known):
        return False
    if found.repeated or how.unit is not None:
        return True
    return all(reading(unit_of(sheet.titles[p]) or "") for p in found.others)


def turned(sheet: Sheet, how: Conventions) -> tuple[Sheet, tuple[str, ...]]:
    """(a sheet whose rows are trains turned so that columns are, what to say of it).

    Rows are trains where the titles count pulses and the first column names cycles or devices. A
    matrix without titles lies along its long side, if the other is too short for trains.

    Raises
    ------
    InputError : a matrix without titles that could lie either way; --layout says which.
    """
    if how.layout is not None:
        if how.layout == "rows":
            return _transposed(sheet, bool(sheet.title_line) and not _numbered(sheet, 0)), ()
        return sheet, ()
    if sheet.title_line and _names_trains(sheet):
        said = (f"every row is a train, as the titles count and {sheet.titles[0]!r} does not",)
        return _transposed(sheet, True), said
    if any(not text.startswith("column ") for text in sheet.titles):
        return sheet, ()
    rows, columns = len(sheet.cells), len(sheet.titles)
    counted = _counts_first(sheet)
    columns -= counted
    if columns >= _FEW > rows and not counted:
        return _transposed(sheet, False), ("every row is a train; --layout columns if every column is",)
    if columns >= _FEW and rows >= _FEW and not counted:
        raise InputError(
            f"{sheet.place}: {rows} rows and {columns} columns of numbers without titles: "
            "--layout columns if every column is a train, --layout rows if every row is"
        )
    return sheet, ()


def _counts_first(sheet: Sheet) -> bool:
    """Whether the first column is 0, 1, 2 … or 1, 2, 3 …"""
    values = bare_numbers(sheet, 0)
    return bool(len(values) >= _FEWEST and values[0] in (0, 1) and (np.diff(values) == 1).all())


def _numbered(sheet: Sheet, first: int) -> bool:
    """Whether the titles from `first` on count pulses: 1, 2, 3 or pulse 1, pulse 2, …"""
    matches = [_PULSES.fullmatch(text.strip()) for text in sheet.titles[first:]]
    if len(matches) < _FEWEST or not all(matches):
        return False
    numbers_ = [int(match[1]) for match in matches if match]
    return all(b > a for a, b in pairwise(numbers_)) and numbers_[0] <= 1


def _names_trains(sheet: Sheet) -> bool:
    """Whether the first column names the rows as trains, and the titles behind it count pulses."""
    first = sheet.titles[0]
    named = MEANING.get(plain(first)) in (LABEL, DEVICE) or (
        is_counter(first) and "cycle" in " ".join(words(first))
    )
    return named and not unit_of(first) and _numbered(sheet, 1)


def _transposed(sheet: Sheet, labelled: bool) -> Sheet:
    """Rows as columns; the first column has their names if `labelled`."""
    first = sheet.titles[0] if labelled and not is_number(sheet.titles[0]) else "row"
    begin = int(labelled)
    names = [
        f"{first} {row[0]}" if labelled else f"row {n}" for n, row in enumerate(sheet.cells, start=1)
    ]
    pulses = [(_PULSES.fullmatch(t.strip()) or [t, t])[1] for t in sheet.titles[begin:]]
    counted = labelled and _numbered(sheet, 1)
    cells = [tuple(row[place] for row in sheet.cells) for place in range(begin, len(sheet.titles))]
    if counted:
        cells = [(number, *row) for number, row in zip(pulses, cells, strict=True)]
        names = ["pulse number", *names]
    lines = (sheet.title_line, *sheet.line) if counted else sheet.line
    return dataclasses.replace(
        sheet, titles=tuple(names), cells=tuple(cells), train_lines=lines,
        line=tuple(range(1, len(cells) + 1)), title_line=max(sheet.title_line, 1),
    )  # fmt: skip


def wide(sheet: Sheet, found: Found, how: Conventions) -> Table:
    """Every other column is a train; pulses are columns of their own or one convention.

    HRS and LRS that a count of cycles leads are one train of two readings a cycle.
    """
    shared = values_of(sheet, found)
    names = _labels(sheet, found.others)
    parts = [_one_train(sheet, place, shared, how) for place in found.others]
    ends = _ends(sheet, found)
    cycled = is_cycled(sheet, found)
    if cycled:
        half = len(ends) // 2
        names = [name for n in range(half) for name in [f"cycles {n + 1}" if half > 1 else "cycles"] * 2]
    columns = {name for _, values in parts for name in values}
    label = [name for name, (lines, _) in zip(names, parts, strict=True) for _ in lines]
    order = np.arange(len(label))
    if cycled:  # both readings of a cycle, then those of the next
        place = np.concatenate([np.arange(len(lines)) for lines, _ in parts])
        train = np.repeat([number // 2 for number in range(len(parts))], len(sheet.cells))
        order = np.lexsort((order, place, train))
    values = {
        name: np.concatenate([v.get(name, np.full(len(lines), np.nan)) for lines, v in parts])
        for name in sorted(columns)
    }
    values[RISES] = np.repeat(
        [float(one or np.nan) for one in (ends if cycled else _ways(sheet, found))], len(sheet.cells)
    )
    table = Table(
        source=sheet.source, line=np.concatenate([lines for lines, _ in parts]), label=tuple(label),
        device=("",) * len(label), columns=values, headers={n: c.title for n, c in found.known.items()},
        taken=_taken(sheet, found, how), normalised=_is_normalised(sheet, found.others[0], how),
    )  # fmt: skip
    return table.of_rows(order)


def is_cycled(sheet: Sheet, found: Found) -> bool:
    """Whether the columns are the two ends of cycles, HRS and LRS."""
    ends = _ends(sheet, found)
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    return TIME not in found.known and len(ends) % 2 == 0 and all(a == -b != 0 for a, b in pairs)


def _ends(sheet: Sheet, found: Found) -> list[int]:
    """Which end each column is; SET and RESET are those of cycles that are counted as such."""
    counter = found.known.get(NUMBER)
    cycles = counter is not None and any(word.startswith("cycle") for word in words(counter.title))
    texts = [sheet.titles[place] for place in found.others]
    return [end(text) or (cycles and {"set", "reset"} & set(words(text)) and way(text)) or 0
            for text in texts]  # fmt: skip


def _ways(sheet: Sheet, found: Found) -> list[int]:
    """What each column is, potentiation or depression, by its title or that of the count before it."""
    led = way(next((c.title for n, c in found.known.items() if n == NUMBER), ""))
    return [way(sheet.titles[place]) or led for place in found.others]


def _labels(sheet: Sheet, places: tuple[int, ...]) -> list[str]:
    """The titles of the columns, those that appear twice numbered."""
    seen: dict[str, int] = {}
    result = []
    for place in places:
        text = sheet.titles[place] or f"column {place + 1}"
        seen[text] = seen.get(text, 0) + 1
        result.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return result


def _one_train(
    sheet: Sheet, place: int, shared: dict[str, FloatArray], how: Conventions
) -> tuple[NDArray[np.int64], dict[str, FloatArray]]:
    """(lines, columns) of one column."""
    text = sheet.titles[place]
    name, scale = reading(unit_of(text) or how.unit or _unit(text, how) or "A") or ("read_current", 1.0)
    if name == NORMALISED:
        name = "resistance" if re.match(r"(norm\w*[ _.]*)?r(es|_|\b|/)", text, re.I) else "conductance"
    factor = scale if unit_of(text) or how.unit or _unit(text, how) else None
    values = numbers(sheet, Column(name=name, place=place, title=text, factor=factor))
    if np.isnan(values).all():
        raise InputError(f"{sheet.place}: column {text!r} holds no reading; leave it out, "
                         f"or --ignore {text!r}")  # fmt: skip
    columns = {**shared, name: values, AT_LIMIT: np.zeros(len(values))}
    line = np.array(sheet.line, dtype=np.int64)
    if sheet.train_lines:
        line = np.full(len(values), sheet.train_lines[place], dtype=np.int64)
    if name == "resistance":
        columns["conductance"] = conductance_of(sheet.source, text, line, columns.pop(name))
    return line, columns


def _unit(text: str, how: Conventions) -> str | None:
    """The SI unit of a title such as 'Conductance' or 'I_read', if --si says that it has none else."""
    return UNITS.get(MEANING.get(plain(text), "")) if how.si else None


def _is_normalised(sheet: Sheet, place: int, how: Conventions) -> bool:
    found = reading(unit_of(sheet.titles[place]) or how.unit or "A")
    return found is not None and found[0] == NORMALISED


def _taken(sheet: Sheet, found: Found, how: Conventions) -> tuple[str, ...]:
    said = [f"{column.title!r} is {name}" for name, column in found.known.items()]
    first = sheet.titles[found.others[0]]
    unit = unit_of(first) or how.unit or "SI"
    which = repr(first) if len(found.others) == 1 else f"{first!r} … {sheet.titles[found.others[-1]]!r}"
    kind = (reading(unit) or ("a reading", 1.0))[0]
    kind = "normalised" if kind == NORMALISED else f"{kind} [{unit}]"
    many = "is a train" if len(found.others) == 1 else f"are {len(found.others)} columns, each a train"
    return (*said, f"{which} {many} of {kind}")
