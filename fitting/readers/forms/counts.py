"""Counts: how many pulses came before each reading, as a column of pulse numbers tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fitting.readers.files.preamble import is_number
from fitting.readers.forms.table import FloatArray, Table


def check_order(table: Table, text: str, order: Sequence[str]) -> None:
    """Refuse rows that were sorted by something else: a number may begin anew, but not go back.

    Where it falls from row to row, nothing begins anew.
    """
    latest: dict[tuple[str, str], tuple[float, float, bool]] = {}  # of a train: first, latest, rose
    for row, past in enumerate(zip(table.device, table.label, strict=True)):
        if is_number(order[row]):
            value = float(order[row])
            first, before, rose = latest.get(past, (value, value, True))
            falls = value < before and not rose
            if first < value < before or falls:
                table.refuse(row, text, f"is {order[row]} after {before:g}; pulses must stand in the "
                             "order in which they were given: sort the rows")  # fmt: skip
            latest[past] = min(first, value), value, past in latest and value >= before


def check_numbers(table: Table, text: str, order: Sequence[str]) -> None:
    """Refuse words among numbers, and a reading without a number: each would count as a pulse."""
    told = [is_number(cell) for cell in order]
    if any(order) and not any(told):
        return
    read = table.has_reading()
    for row, cell in enumerate(order):
        if told[row] or not (cell or read[row]):
            continue
        what = f"is {cell[:40]!r}, which is no number" if cell else "is empty"
        table.refuse(row, text, f"{what}; give the number of the pulse (0 of a reading before any), "
                     "or leave the row out")  # fmt: skip


def pulses_between(
    table: Table, order: Sequence[str], *, ordinal: bool
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """(pulses since the reading before, (rows,), 0 for a reading again; where the count begins anew).

    1, 2, 4, 8 are 1, 1, 2, 4 pulses; a first number of 0 is a reading before any pulse, unless numbers
    are `ordinal`. Of a first number above 1 no more pulses are known than the next step has.
    """
    count, anew = np.ones(len(order)), np.zeros(len(order), dtype=bool)
    rows: dict[tuple[str, str], list[int]] = {}
    for row, past in enumerate(zip(table.device, table.label, strict=True)):
        rows.setdefault(past, []).append(row)
    for every in rows.values():
        mine = [row for row in every if order[row]]
        count[[row for row in every if not order[row]]] = 0.0  # nor have they a reading
        for place, row in enumerate(mine):
            text = order[row]
            before = order[mine[place - 1]] if place else None
            if before is not None and text == before:
                count[row] = 0.0
            elif not is_number(text) or (before is not None and not is_number(before)):
                continue
            elif before is not None and float(text) >= float(before):
                count[row] = float(text) - float(before)
            else:
                anew[row] = before is not None
                count[row] = 1.0 if ordinal else _first(order, mine, place)
    return count, anew


def _first(order: Sequence[str], mine: list[int], place: int) -> float:
    """The pulses before the first reading of a count."""
    number = float(order[mine[place]])
    later = order[mine[place + 1]] if place + 1 < len(mine) else ""
    step = float(later) - number if is_number(later) else 1.0
    return min(number, step) if step > 0 and number > 0 else min(max(number, 0.0), 1.0)
