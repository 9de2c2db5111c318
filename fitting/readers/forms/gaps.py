"""Gaps: pulses whose reading is missing, but which moved the state all the same."""

from __future__ import annotations

import dataclasses

import numpy as np

from fitting.readers.forms.table import PER_ROW, FloatArray, Table
from roa_circuit.basics.units import counted


def bridged(table: Table, dwell: float | None) -> Table:
    """Keep only the rows with a reading, without losing the pulses of the others.

    The width of such a pulse is added to that of the next pulse, which is exact at one voltage, or is
    that of the next reading without a pulse. After
    pulses of another voltage the train ends, and a train with a start of its own begins. Rows with
    neither pulse nor reading say nothing, nor do pulses before the first reading. A point of a sweep
    is a pulse if it has a `dwell` time.
    """
    read = table.has_reading()
    if read.all() or not read.any():
        return table
    voltage, width = table.column("voltage"), table.column("width")
    pulse = (np.nan_to_num(voltage) != 0) & ((np.nan_to_num(width) != 0) | (dwell is not None))
    widened, moved, label = width.copy(), voltage.copy(), list(table.label)
    count = table.columns.get(PER_ROW, np.ones(len(read)))
    summed = count.copy()
    lost: dict[tuple[str, str], list[int]] = {}  # since the latest reading of a train
    parts: dict[tuple[str, str], int] = {}  # 0 before its first reading
    missing = 0
    for row, past in enumerate(zip(table.device, table.label, strict=True)):
        if not read[row]:
            lost.setdefault(past, []).extend([row] * int(pulse[row]))
            continue
        before, number = lost.pop(past, []), parts.get(past, 0)
        missing += len(before)
        if width[row] > 0 and all(voltage[other] == voltage[row] for other in before):
            widened[row] += width[before].sum()
            summed[row] += count[before].sum()
        elif before and not pulse[row] and len({float(voltage[other]) for other in before}) == 1:
            moved[row], widened[row] = voltage[before[0]], width[before].sum()
            summed[row] = count[before].sum()
        elif before and number:
            number += 1
        parts[past] = max(number, 1)
        label[row] += f" part {number}" if number > 1 else ""
    kept = np.flatnonzero(read)
    columns: dict[str, FloatArray] = {name: values[kept] for name, values in table.columns.items()}
    columns[PER_ROW] = summed[kept]
    if "width" in columns:
        columns["width"] = widened[kept]
        columns["voltage"] = moved[kept]
    said = (f"{counted(missing, 'pulse')} without a reading (what they did counts)",) * (missing > 0)
    idle = int((~read & ~pulse).sum())
    said += (f"{counted(idle, 'row')} without a reading",) * (idle > 0)
    return dataclasses.replace(
        table, line=table.line[kept], label=tuple(label[row] for row in kept),
        device=tuple(table.device[row] for row in kept), columns=columns,
        ignored=(*table.ignored, *said),
    )  # fmt: skip
