"""What conventions add to a table: the pulses, the read voltage, which rows have no pulse."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitting.readers.conventions import Conventions
from fitting.readers.forms.inscribed import check_inscribed, inscribed
from fitting.readers.forms.table import AGAIN, PER_ROW, RISES, FloatArray, Table
from fitting.readers.titles import TIME
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted


def filled(table: Table, how: Conventions, prefix: str = "") -> Table:
    """Conventions filled in; before the pulse of a pair, and in a reading again, there is no pulse.

    Raises
    ------
    InputError : pulses that cannot be told apart by what the table says.
    """
    table = _named(table, prefix)
    begins = _begins(table, how)
    count = table.columns.get(PER_ROW, np.where(begins, 0.0, 1.0))
    count = np.where(table.flags(AGAIN), 0.0, count)
    count = np.where(np.isnan(table.column("current")), count, 1.0)
    columns = {n: v for n, v in table.columns.items() if n not in (AGAIN, RISES)}
    voltage, width = inscribed(table, how) or _pulses(table, how, count)
    table = _with_told(table, how, voltage, width)
    if voltage is not None:
        columns.setdefault("voltage", voltage)
    if width is not None:
        columns.setdefault("width", width)
    if how.voltage is not None and "width" in columns:
        columns.setdefault("voltage", np.where(columns["width"] > 0, how.voltage, 0.0))
    if how.read_voltage is not None:
        columns.setdefault("read_voltage", np.full(len(table.line), how.read_voltage))
    if "width" in columns:
        columns["width"] = np.where(count > 0, columns["width"] * np.maximum(count, 1e-300), 0.0)
        columns["voltage"] = np.where(count > 0, columns.get("voltage", np.nan), 0.0)
    columns[PER_ROW] = count
    said = ["the first reading of a train lies before its pulses, as --pulse V,T,N tells their number"]
    said = (said if begins.any() else []) + _unreached(how, columns)
    return dataclasses.replace(table, columns=columns).noted(assumed=said)


def _unreached(how: Conventions, columns: dict[str, FloatArray]) -> list[str]:
    """A word on pulses given in turn whose turn never comes."""
    if not how.sequence or "width" not in columns:
        return []
    used = set(columns["voltage"][columns["width"] > 0].tolist())
    never = [f"{V:g} V" for V, _, _ in how.sequence if V not in used]
    if not never or not used:
        return []
    return [f"no pulse is of {' or '.join(never)}, as every train begins with the first --pulse and ends"
            " before that: --pulse V,T for each train gives them their own"]  # fmt: skip


def in_order_of_blocks(
    parts: Sequence[tuple[str, Table, Conventions]],
) -> list[tuple[str, Table, Conventions]]:
    """(name, table, conventions) of blocks side by side, each with its own of several pulses, in order.

    As they are where titles tell potentiation from depression, or a block has several kinds itself.
    """
    untold = [np.isnan(table.column(RISES)).any() for _, table, _ in parts]
    wanted = {len(how.pulses) for _, _, how in parts}
    trains = [len(set(zip(table.device, table.label, strict=True))) for _, table, _ in parts]
    if len(parts) < 2 or not all(untold) or wanted != {sum(trains)}:
        return list(parts)
    result, first = [], 0
    for (prefix, table, how), number in zip(parts, trains, strict=True):
        own = how.pulses[first : first + number]
        result.append((prefix, table, dataclasses.replace(how, pulses=own)))
        first += number
    return result


def _begins(table: Table, how: Conventions) -> NDArray[np.bool_]:
    """Which rows are readings before a sequence of pulses: none where the table counts pulses.

    A train has one if its pulses come out even without it, or if its time begins at 0 and they do not
    come out even with it.
    """
    begins = np.zeros(len(table.line), dtype=bool)
    if not how.sequence or PER_ROW in table.columns or table.flags(AGAIN).any():
        return begins
    period = sum(number for _, _, number in how.sequence)
    for rows in table.of_each_train():
        more = len(rows) % period
        even = more == 1 and len(rows) > 1
        begins[rows[0]] = even or (more != 0 and table.column(TIME)[rows[0]] == 0)
    return begins


def _with_told(
    table: Table, how: Conventions, voltage: FloatArray | None, width: FloatArray | None
) -> Table:
    """The table with a word on pulses that are given by titles or by the order of trains."""
    if voltage is None or width is None:
        return table
    labels = list(dict.fromkeys(table.label))
    if not how.pulsed:
        return table.noted(assumed=["the pulses are those that the titles say"])
    if how.sequence:
        return table
    if how.pulses and np.isnan(table.column(RISES)).any():
        table = table.noted(assumed=[f"{text!r} has the pulses of {voltage[table.label.index(text)]:g} V"
                                     for text in labels])  # fmt: skip
    return check_inscribed(table, voltage, width)


def _named(table: Table, prefix: str) -> Table:
    """Every train with a name: its device, its label, or the file's."""
    stem = Path(table.source).stem
    label = []
    for pair in zip(table.device, table.label, strict=True):
        name = " ".join(filter(None, pair))
        said = prefix.lower() in name.lower()
        label.append((name if said else f"{prefix} {name}".strip()) or stem)
    return dataclasses.replace(table, label=tuple(label))


def _pulses(
    table: Table, how: Conventions, count: FloatArray
) -> tuple[FloatArray | None, FloatArray | None]:
    """(voltage, width) that the conventions give every row; None if they do not."""
    rows, ways = len(table.line), table.column(RISES)
    if how.sequence:
        order = _places(table, how, count)
        voltage = np.array([V for V, _, _ in how.sequence])[order]
        return voltage, np.array([T for _, T, _ in how.sequence])[order]
    if how.pulses:
        chosen = _chosen(table, how, ways)
        V, T = (np.array(values) for values in zip(*how.pulses, strict=True))
        return V[chosen], T[chosen]
    if how.pulse is not None:
        return np.full(rows, how.pulse[0]), np.full(rows, how.pulse[1])
    swept = "current" in table.columns or how.width is None
    return None, None if swept else np.full(rows, how.width)


def _chosen(table: Table, how: Conventions, ways: FloatArray) -> np.ndarray:
    """Which of several pulses each row has: by potentiation and depression, else by train."""
    rising = [(V > 0) == how.positive_sets for V, _ in how.pulses]
    if not np.isnan(ways).any() and len(how.pulses) == 2:
        if rising[0] == rising[1]:
            both = "potentiate" if rising[0] else "depress"
            raise InputError(f"{table.source}: --pulse: both pulses {both}; give one of each sign")
        return np.where((ways > 0) == rising[0], 0, 1)
    labels = list(dict.fromkeys(table.label))
    if len(labels) == len(how.pulses):
        return np.array([labels.index(text) for text in table.label])
    raise InputError(
        f"{table.source}: {len(how.pulses)} times --pulse, and no title that says LTP or LTD of its "
        f"{counted(len(labels), 'train')}; give one, or --pulse V,T,N for N pulses of each in turn"
    )


def _places(table: Table, how: Conventions, count: FloatArray) -> np.ndarray:
    """Which pulse of the sequence each row has: so many of each in turn, and again from the first."""
    ends = np.cumsum([number for _, _, number in how.sequence])
    result, done = np.zeros(len(count), dtype=np.int64), defaultdict[str, float](float)
    for row, label in enumerate(table.label):
        first, last = done[label] + 1e-9, done[label] + count[row] - 1e-9
        done[label] += count[row]
        places = np.searchsorted(ends, np.array([first, last]) % ends[-1], side="right")
        if count[row] > 0 and places[0] != places[1]:
            table.refuse(row, "pulse number", "pulses of two kinds lie between two readings; --pulse "
                         "V,T,N must change where a reading is")  # fmt: skip
        result[row] = places[0] if count[row] > 0 else 0
    return result
