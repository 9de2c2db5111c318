"""Long tables: a reading a row, readings before and after one pulse, re-readings side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fitting.readers.columns.cells import bare_numbers, numbers
from fitting.readers.columns.roles import Found, as_labels, values_of
from fitting.readers.conventions import Conventions
from fitting.readers.files.preamble import is_number
from fitting.readers.files.sheet import Sheet
from fitting.readers.forms.counts import check_numbers, check_order, pulses_between
from fitting.readers.forms.inverse import conductance_of
from fitting.readers.forms.table import AGAIN, PER_ROW, RISES, Table
from fitting.readers.titles import (
    COUNT,
    DEVICE,
    LABEL,
    NUMBER,
    READINGS,
    TIME,
    WAY,
    WAYS,
    Column,
    cell_way,
    is_ordinal,
    title,
    way,
)
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted

_AGREE = 0.02  # between a conductance and a resistance of one reading


def rows_table(sheet: Sheet, found: Found, how: Conventions) -> Table:
    """A row is a reading already; resistances become conductances."""
    known = found.known
    columns = values_of(sheet, found)
    headers = {name: column.title for name, column in known.items()}
    line = np.array(sheet.line, dtype=np.int64)
    ignored = [*found.ignored, *(sheet.titles[place] for place in found.others)]
    for suffix in ("", "_before"):
        name = f"resistance{suffix}"
        if name in columns:
            values = conductance_of(sheet.source, headers[name], line, columns.pop(name))
            own = columns.get(f"conductance{suffix}")
            if own is not None and not _agree(own, values):
                raise InputError(f"{sheet.place}: has both a conductance and a resistance; keep one "
                                 f"(--ignore {headers[name]!r})")  # fmt: skip
            columns[f"conductance{suffix}"] = (
                values if own is None else np.where(np.isnan(own), values, own)
            )
            headers[f"conductance{suffix}"] = headers[name]
    if {"voltage", "width", "read_voltage"} <= set(columns):  # no pulse, but the read alone
        idle = (columns["width"] == 0) & (columns["voltage"] == columns["read_voltage"])
        columns["voltage"] = np.where(idle, 0.0, columns["voltage"])
    table = Table(
        source=sheet.source, line=line, columns=columns, label=as_labels(sheet, known.get(LABEL)),
        device=_devices(sheet, found), headers=headers, ignored=tuple(ignored),
        assumed=found.assumed, normalised=any(c.normalised for c in known.values()),
        taken=tuple(f"{c.title!r} is {_said(name, found, sheet)}" for name, c in known.items()),
    )  # fmt: skip
    for name in (LABEL, DEVICE):
        for row, text in enumerate(table.label if name == LABEL else table.device):
            if name in known and not text:
                table.refuse(row, name, f"is empty; name the {name}, the same on all of its rows")
    told = {way(known[name].title) for name in (*READINGS, NUMBER) if name in known} - {0}
    if len(told) == 1 and WAY not in known:
        ways = np.full(len(line), float(told.pop()))
        table = dataclasses.replace(table, columns={**table.columns, RISES: ways})
    labelled = [way(text) for text in table.label]
    if not told and WAY not in known and labelled and all(labelled):
        ways = np.array(labelled, dtype=np.float64)
        table = dataclasses.replace(table, columns={**table.columns, RISES: ways})
    if WAY in known:
        cells = as_labels(sheet, known[WAY])
        ways = np.array([float(cell_way(cell) or np.nan) for cell in cells])
        apart = LABEL not in known and not np.isnan(ways).any() and _begins_anew(sheet, found, ways)
        label = cells if apart else table.label
        table = dataclasses.replace(table, columns={**table.columns, RISES: ways}, label=label)
    return with_counts(sheet, found, table, how)


def _begins_anew(sheet: Sheet, found: Found, ways: np.ndarray) -> bool:
    """Whether potentiation and depression are a train each: once each, and no number goes on."""
    turns = np.flatnonzero(np.diff(ways)) + 1
    if len(turns) > 1:
        return False
    if NUMBER not in found.known:
        return True
    values = bare_numbers(sheet, found.known[NUMBER].place)
    return bool((values[turns] <= values[turns - 1]).all())


def _devices(sheet: Sheet, found: Found) -> tuple[str, ...]:
    """The device of each row: its name, or the lines that it lies on."""
    if not found.crossing:
        return as_labels(sheet, found.known.get(DEVICE))
    return tuple(" ".join(row[place] for place in found.crossing) for row in sheet.cells)


def _said(name: str, found: Found, sheet: Sheet) -> str:
    if found.known[name].normalised:
        return "normalised"
    if name == WAY:
        met = dict.fromkeys(as_labels(sheet, found.known[name]))
        words = {kind: [cell for cell in met if cell_way(cell) == sign] for sign, kind in WAYS.items()}
        named = [f"{kind} ({', '.join(cells)})" for kind, cells in words.items() if cells]
        return f"{name}: {', '.join(named)}" if named else name
    swept = "current" in found.known and "width" not in found.known
    return "a count of points" if name == NUMBER and swept else title(name)


def _agree(own: np.ndarray, other: np.ndarray) -> bool:
    both = ~np.isnan(own) & ~np.isnan(other) & (own != 0)
    return bool(np.all(np.abs(other[both] / own[both] - 1.0) < _AGREE))


def with_counts(sheet: Sheet, found: Found, table: Table, how: Conventions) -> Table:
    """The table with the pulses of each row, as a pulse number or a count of pulses tells them.

    Without a column of voltages, a number that begins anew begins a train with a start of its own.
    """
    known = found.known
    for name in (NUMBER, TIME):
        if name in known:
            check_order(table, known[name].title, _of_rows(sheet, table, known[name]))
    if NUMBER in known:
        check_numbers(table, known[NUMBER].title, _of_rows(sheet, table, known[NUMBER]))
    columns, said = dict(table.columns), list[str]()
    if "current" in known and "width" not in known:
        return table  # a sweep: its numbers count points
    if COUNT in known:
        texts = _of_rows(sheet, table, known[COUNT])
        count = np.array([float(text) if is_number(text) else np.nan for text in texts])
        for row in np.flatnonzero(~np.isfinite(count) | (count < 0)):
            table.refuse(int(row), COUNT, "is no number of pulses; give 0 or more")
        columns[PER_ROW] = count
        said.append(f"{known[COUNT].title!r} is the number of pulses before each reading")
    elif NUMBER in known:
        ordinal = is_ordinal(known[NUMBER].title) or "voltage" in known
        order = _of_rows(sheet, table, known[NUMBER])
        count, anew = pulses_between(table, order, ordinal=ordinal)
        columns[PER_ROW] = count
        said += _of_zero(known, order)
        skipped = int((count > 1).sum())
        if skipped:
            said.append(
                f"{known[NUMBER].title!r} skips in {counted(skipped, 'row')}: the pulses between count"
            )
        if anew.any() and "voltage" not in known:
            said.append(f"{known[NUMBER].title!r} begins anew {counted(int(anew.sum()), 'time')}: "
                        "each begins a train")  # fmt: skip
            table = dataclasses.replace(table, label=_runs(table, anew))
    return dataclasses.replace(table, columns=columns).noted(assumed=said)


def _of_zero(known: Mapping[str, Column], order: Sequence[str]) -> list[str]:
    """A word on what a first number of 0 is, where no column has the voltages."""
    if "voltage" in known or not is_number(order[0]) or float(order[0]) != 0:
        return []
    text = known[NUMBER].title
    what = "the first pulse" if is_ordinal(text) else "a reading before any pulse"
    return [f"{text!r} begins at 0, which is {what}"]


def _of_rows(sheet: Sheet, table: Table, column: Column) -> tuple[str, ...]:
    """The cells of a column for each row of a table made of the sheet's rows, once for every train."""
    cells = as_labels(sheet, column)
    return cells * (len(table.line) // len(cells))


def _runs(table: Table, anew: np.ndarray) -> tuple[str, ...]:
    number: dict[tuple[str, str], int] = {}
    result = []
    for row, past in enumerate(zip(table.device, table.label, strict=True)):
        number[past] = number.get(past, 1) + bool(anew[row])
        result.append(f"{table.label[row]} run {number[past]}".strip())
    return tuple(result)


def pairs(table: Table) -> Table:
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
    return dataclasses.replace(
        table, line=table.line[rows], label=tuple(label[r] for r in rows),
        device=tuple(table.device[r] for r in rows),
        columns=columns | {AGAIN: before.astype(np.float64)},
    )  # fmt: skip


def reread(sheet: Sheet, found: Found, how: Conventions) -> Table:
    """Columns of one reading, taken again and again, as rows: the pulse comes before the first."""
    places = found.series
    first = found.known[found.series_of]
    bare = dataclasses.replace(found, known={**found.known, found.series_of: first}, series=())
    table = rows_table(sheet, bare, how)
    rows = np.repeat(np.arange(len(sheet.cells)), len(places))
    again = np.tile(np.arange(len(places)) > 0, len(sheet.cells))
    values = np.stack([
        numbers(sheet, dataclasses.replace(first, place=p, title=sheet.titles[p])) for p in places
    ], axis=1)  # fmt: skip
    if first.name == "resistance":
        line = np.array(sheet.line, dtype=np.int64)
        values = np.stack([
            conductance_of(sheet.source, sheet.titles[p], line, column)
            for p, column in zip(places, values.T, strict=True)
        ], axis=1)  # fmt: skip
    kept = "conductance" if first.name == "resistance" else first.name
    result = table.of_rows(rows)
    columns = result.columns | {kept: values.ravel(), AGAIN: again.astype(np.float64)}
    said = f"{sheet.titles[places[0]]!r} … {sheet.titles[places[-1]]!r} are readings of one state"
    return dataclasses.replace(result, columns=columns).noted(assumed=[said])
