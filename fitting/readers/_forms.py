"""The forms a table comes in, made one: a reading a row.

A reading a row; readings before and after one pulse; one train a column.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitting.readers._columns import (
    DEVICE,
    LABEL,
    NUMBER,
    READINGS,
    TIME,
    UNITS,
    Column,
    find_columns,
    meaningful,
    numbers,
    plain,
    suspect,
    title,
    unit_of,
    with_units,
)
from fitting.readers._gaps import bridged
from fitting.readers._preamble import is_number
from fitting.readers._sheet import Sheet, read_sheet
from fitting.readers._table import FloatArray, Table
from fitting.readers.conventions import Conventions, reading
from roa_circuit.basics.errors import InputError, nearest

_HINTS = (
    ("voltage", "--pulse -1.1V,3us"),
    ("read_voltage", "--read 0.1V"),
    ("conductance", "--unit A, if every other column is a train"),
)


def read_table(path: Path, how: Conventions) -> Table:
    """Read one file of any of the three forms.

    Raises
    ------
    InputError : what `read_sheet` and `find_columns` raise; a column or convention that is
        missing; a cell that is no finite number; an empty label.
    """
    sheet = _chosen(with_units(read_sheet(path, meaningful(how.columns.values()), how.sheet)), how)
    known, others = find_columns(sheet, how.columns)
    suspect(sheet, known, others)
    if _is_wide(known, others, how):
        table = _wide(sheet, known, others, how)
    else:
        _take_current_for_reading(known)
        _require(sheet, set(known), others, how)
        table = _plain(sheet, known, others)
        if any(name.endswith("_before") for name in known):
            table = _pairs(table)
    table = bridged(_filled(table, how), how.dwell)
    return dataclasses.replace(table, ignored=(*sheet.unused, *table.ignored))


def _chosen(sheet: Sheet, how: Conventions) -> Sheet:
    """Only the rows that `how.where` asks for."""
    rows = np.arange(len(sheet.cells))
    for text, value in how.where:
        here = [plain(t) for t in sheet.titles]
        if plain(text) not in here:
            raise InputError(f"{sheet.place}: has no column {text!r}; {nearest(text, sheet.titles)}")
        place = here.index(plain(text))
        rows = rows[[_same(sheet.cells[row][place], value) for row in rows]]
        if not rows.size:
            raise InputError(f"{sheet.source}: no row has {text} = {value}")
    if not how.where:
        return sheet
    line = tuple(sheet.line[row] for row in rows)
    return dataclasses.replace(sheet, line=line, cells=tuple(sheet.cells[row] for row in rows))


def _same(cell: str, value: str) -> bool:
    try:
        return bool(np.isclose(float(cell), float(value), rtol=1e-9, atol=0))
    except ValueError:
        return cell == value.strip()


def _is_wide(known: dict[str, Column], others: tuple[str, ...], how: Conventions) -> bool:
    """One train a column: no reading has a name of its own, but every other column a unit."""
    if not others or LABEL in known or DEVICE in known:
        return False
    if any(name in UNITS and name not in ("voltage", "width", "read_voltage") for name in known):
        return False
    return how.unit is not None or all(reading(unit_of(text) or "") for text in others)


def _wide(sheet: Sheet, known: dict[str, Column], others: tuple[str, ...], how: Conventions) -> Table:
    """Every other column is a train; pulses are columns of their own or one convention."""
    trains = [place for place, text in enumerate(sheet.titles) if text in others]
    shared = {name: numbers(sheet, column) for name, column in known.items()}
    _require(sheet, {*known, "conductance"}, (), how)
    shared = _convention(shared, len(sheet.cells), how)
    blocks = [_one_train(sheet, place, shared, how) for place in trains]
    names = {name for b in blocks for name in b[2]}
    columns = {
        name: np.concatenate([b[2].get(name, np.full(len(b[1]), np.nan)) for b in blocks])
        for name in sorted(names)
    }
    labels = tuple(label for b in blocks for label in [b[0]] * len(b[1]))
    line = np.concatenate([b[1] for b in blocks])
    return Table(
        source=sheet.source, line=line, label=labels, device=("",) * len(line), columns=columns,
        headers={name: column.title for name, column in known.items()}, ignored=(),
    )  # fmt: skip


def _one_train(
    sheet: Sheet, place: int, shared: dict[str, FloatArray], how: Conventions
) -> tuple[str, NDArray[np.int64], dict[str, FloatArray]]:
    """(label, lines, columns) of one column."""
    text = sheet.titles[place]
    name, scale = reading(unit_of(text) or how.unit or "A") or ("read_current", 1.0)
    values = numbers(sheet, Column(name=name, place=place, title=text, factor=scale))
    if np.isnan(values).all():
        raise InputError(f"{sheet.place}: column {text!r} holds no reading; leave it out")
    columns = {**shared, name: values}
    rows = np.arange(len(values))
    if name == "resistance":
        columns["conductance"] = _inverse(sheet, text, rows, columns.pop(name))
    return text, np.array(sheet.line, dtype=np.int64), columns


def _inverse(sheet: Sheet, text: str, rows: NDArray[np.int64], resistance: FloatArray) -> FloatArray:
    """1 / resistance [S]; a resistance must be greater than 0."""
    wrong = ~np.isnan(resistance) & (resistance <= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{sheet.source}, line {sheet.line[rows[row]]}, column {text!r}: is "
                         f"{resistance[row]:g} Ohm; a resistance must be greater than 0")  # fmt: skip
    with np.errstate(over="ignore"):  # what becomes infinite is refused with the other sizes
        return 1.0 / resistance


def _take_current_for_reading(known: dict[str, Column]) -> None:
    """Without a voltage column a current cannot be a point of an I-V sweep: it is a reading."""
    if "current" in known and "voltage" not in known and "read_current" not in known:
        old = known.pop("current")
        known["read_current"] = Column(
            name="read_current", place=old.place, title=old.title, factor=old.factor
        )


def _require(sheet: Sheet, known: set[str], others: tuple[str, ...], how: Conventions) -> None:
    """Refuse a table that lacks columns which no convention replaces."""
    if any(is_number(text) for text in others):
        raise InputError(f"{sheet.place}: holds numbers where the titles should be; the first line must "
                         "name the columns, such as 'train,voltage [V],width [s],...'")  # fmt: skip
    if how.pulse is not None and ("voltage" in known or "width" in known):
        own = "voltage" if "voltage" in known else "width"
        raise InputError(f"{sheet.place}: has a column for the {own} of each pulse, so --pulse is "
                         "one too many; leave it out")  # fmt: skip
    if how.read_voltage is not None and "read_voltage" in known:
        raise InputError(f"{sheet.place}: has a column for the voltage of each read, so --read is one "
                         "too many; leave it out")  # fmt: skip
    readings = [name for name in READINGS if name in known]
    needed = [] if how.pulse else ["voltage"]
    if readings or "current" not in known:
        needed += [] if how.pulse else ["width"]
        needed += [] if how.read_voltage else ["read_voltage"]
        needed += [] if readings else ["conductance"]
    needed += [name for name in READINGS if f"{name}_before" in known and name not in known]
    missing = [name for name in dict.fromkeys(needed) if name not in known]
    if missing:
        columns = ", ".join(repr(title(name)) for name in missing)
        which = f"columns {columns} are" if len(missing) > 1 else f"column {columns} is"
        hints = " ".join(hint for name, hint in _HINTS if name in missing)
        hint = f" (or give {hints})" if hints else ""
        found = nearest(title(missing[0]), others)
        found = f"; --column {missing[0]}=TITLE says which it is: {found}" if any(others) else ""
        raise InputError(f"{sheet.place}: {which} missing{hint}{found}")


def _plain(sheet: Sheet, known: dict[str, Column], others: tuple[str, ...]) -> Table:
    """A row is a reading already; resistances become conductances."""
    columns = {name: numbers(sheet, column) for name, column in known.items() if name in UNITS}
    headers = {name: column.title for name, column in known.items()}
    rows = np.arange(len(sheet.cells))
    for suffix in ("", "_before"):
        if f"resistance{suffix}" in columns:
            text = headers[f"resistance{suffix}"]
            values = _inverse(sheet, text, rows, columns.pop(f"resistance{suffix}"))
            own = columns.get(f"conductance{suffix}")
            if own is not None and (~np.isnan(own) & ~np.isnan(values)).any():
                raise InputError(f"{sheet.place}: has both a conductance and a resistance; keep one")
            columns[f"conductance{suffix}"] = values if own is None else np.fmax(own, values)
            headers[f"conductance{suffix}"] = text
    table = Table(
        source=sheet.source, line=np.array(sheet.line, dtype=np.int64), columns=columns,
        label=_labels(sheet, known.get(LABEL)), device=_labels(sheet, known.get(DEVICE)),
        headers=headers, ignored=others,
    )  # fmt: skip
    for name in (LABEL, DEVICE):
        for row, text in enumerate(table.label if name == LABEL else table.device):
            if name in known and not text:
                table.refuse(row, name, f"is empty; name the {name}, the same on all of its rows")
    for name in (NUMBER, TIME):
        if name in known:
            _check_order(table, known[name].title, _labels(sheet, known[name]))
    if NUMBER in known:
        columns["_before"] = _read_again(table, _labels(sheet, known[NUMBER]))
    return table


def _check_order(table: Table, text: str, order: tuple[str, ...]) -> None:
    """Refuse rows that were sorted by something else: a number may begin anew, but not go back."""
    latest: dict[tuple[str, str], tuple[float, float]] = {}  # the first and the latest of a train
    for row, past in enumerate(zip(table.device, table.label, strict=True)):
        if is_number(order[row]):
            value = float(order[row])
            first, before = latest.get(past, (value, value))
            if first < value < before:
                raise InputError(f"{table.source}, line {table.line[row]}, column {text!r}: is "
                                 f"{order[row]} after {before:g}; pulses must stand in the order in "
                                 "which they were given: sort the rows")  # fmt: skip
            latest[past] = min(first, value), value


def _read_again(table: Table, number: tuple[str, ...]) -> FloatArray:
    """1 for a row with the pulse number of the row before: another reading of it, without a pulse."""
    past = zip(table.device, table.label, number, strict=True)
    return np.array([0.0, *(float(one == other) for one, other in pairwise(past))])


def _labels(sheet: Sheet, column: Column | None) -> tuple[str, ...]:
    if column is None:
        return ("",) * len(sheet.cells)
    return tuple(row[column.place] for row in sheet.cells)


def _pairs(table: Table) -> Table:
    """A reading before and one after each pulse become two rows; unnamed, each pair is a train."""
    rows = np.repeat(np.arange(len(table.line)), 2)
    before = np.arange(len(rows)) % 2 == 0
    columns = {}
    for name, values in table.columns.items():
        if not name.endswith("_before"):
            earlier = table.columns.get(f"{name}_before", values)
            columns[name] = np.where(before, earlier[rows], values[rows])
    for name in ("voltage", "width"):
        if name in columns:
            columns[name] = np.where(before, 0.0, columns[name])
    named = any(table.label) or any(table.device)
    label = table.label if named else tuple(f"line {line}" for line in table.line)
    return Table(
        source=table.source, line=table.line[rows], label=tuple(label[r] for r in rows),
        device=tuple(table.device[r] for r in rows),
        columns=columns | {"_before": before.astype(np.float64)}, headers=table.headers,
        ignored=table.ignored,
    )  # fmt: skip


def _convention(columns: dict[str, FloatArray], count: int, how: Conventions) -> dict[str, FloatArray]:
    """The columns, with what the conventions say of those that the file does not have."""
    result = dict(columns)
    if how.pulse is not None:
        for name, value in zip(("voltage", "width"), how.pulse, strict=True):
            result.setdefault(name, np.full(count, value))
    if how.read_voltage is not None:
        result.setdefault("read_voltage", np.full(count, how.read_voltage))
    return result


def _filled(table: Table, how: Conventions) -> Table:
    """Conventions filled in; before the pulse of a pair, and in a reading again, there is no pulse."""
    columns = _convention(table.columns, len(table.line), how)
    before = columns.pop("_before", np.zeros(len(table.line))) > 0
    for name in ("voltage", "width"):
        if name in columns and before.any():
            columns[name] = np.where(before, 0.0, columns[name])
    stem = Path(table.source).stem
    label = tuple(" ".join(filter(None, pair)) or stem
                  for pair in zip(table.device, table.label, strict=True))  # fmt: skip
    return Table(
        source=table.source, line=table.line, label=label, device=table.device, columns=columns,
        headers=table.headers, ignored=table.ignored,
    )  # fmt: skip
