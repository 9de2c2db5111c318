"""Sweeps: I-V points, with what instruments write beside them: R, the time, marks of compliance."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from fitting.readers.columns.cells import limited
from fitting.readers.columns.roles import Found, as_labels, values_of
from fitting.readers.conventions import Conventions
from fitting.readers.files.sheet import Sheet
from fitting.readers.forms.alternate import alternating
from fitting.readers.forms.table import AT_LIMIT, FloatArray, Table
from fitting.readers.titles import LIMITED, TIME, plain
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted, engineering

_SAME = 0.05  # between R and V/I
_FEW_VOLTAGES, _MANY_ROWS = 5, 8  # fewer voltages in more rows are pulses, or were held
_AGAINST = 0.8  # of all power, against the voltage
_FEWEST = 5
_OFFSET = 1e-2  # of the largest current
_AT_LIMIT = 0.999
_TRUE = {"true", "t", "c", "compl", "compliance"}
_SAME_CURRENT, _FEWEST_LIMITED, _APART = 1e-3, 4, 0.05


def is_sweep(found: Found) -> bool:
    """Whether a table has voltages and currents, and no pulses."""
    return {"voltage", "current"} <= set(found.known) and not (
        {"width", "read_voltage", "read_current"} & set(found.known)
    )


def without_ratio(sheet: Sheet, found: Found) -> Found:
    """Without a resistance or conductance that is only V / I, or I / V."""
    values = values_of(sheet, found)
    known, ignored = dict(found.known), list(found.ignored)
    for name, power in (("resistance", 1.0), ("conductance", -1.0)):
        if name not in known:
            continue
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.abs(values[name]) ** power * np.abs(values["current"] / values["voltage"])
        told = ratio[np.isfinite(ratio) & (ratio > 0)]
        if told.size and float(np.median(np.abs(np.log(told)))) < _SAME:
            ignored.append(f"{known.pop(name).title} (is {'V / I' if power > 0 else 'I / V'})")
    return dataclasses.replace(found, known=known, ignored=tuple(ignored))


def as_sweep(sheet: Sheet, found: Found, table: Table, how: Conventions) -> Table:
    """The table with the signs of its currents, and which of its points the compliance held.

    Raises
    ------
    InputError : one voltage in all rows, so that they may be pulses; currents against the voltage.
    """
    current, V = table.columns["current"].copy(), table.column("voltage")
    said = list(sheet.said)
    size = "current" in found.absolute
    if size or _is_one_sided(current, V):
        current = np.abs(current) * np.sign(V)
        why = "has no sign" if size else "has one sign, while the voltage has two"
        said.append(f"{found.known['current'].title!r} {why}: it is taken to be that of the voltage")
    _check_held(sheet, found, table, how)
    power = how.scale * current * V
    total = float(np.nansum(np.abs(power)))
    if np.isfinite(power).sum() >= _FEWEST and float(np.nansum(power)) < -_AGAINST * total:
        text = found.known["current"].title
        raise InputError(
            f"{table.source}: the current {text!r} runs against the voltage; --scale -1 turns it"
        )
    flagged = _flagged(sheet, found, current)
    table = dataclasses.replace(table, columns={**table.columns, "current": current})
    return table_with_limits(table, flagged).noted(assumed=said)


def _is_one_sided(current: FloatArray, V: FloatArray) -> bool:
    """Whether currents at voltages of both signs all have one sign, so that they are sizes.

    What is small beside the largest is an offset.
    """
    told = np.abs(current) > _OFFSET * np.nanmax(np.abs(current), initial=0.0)
    sides = [np.sign(current[told & (sign * V > 0)]) for sign in (1.0, -1.0)]
    enough = all(len(side) >= _FEWEST for side in sides)
    return enough and len(set(np.concatenate(sides).tolist())) == 1


def table_with_limits(table: Table, flagged: NDArray[np.bool_]) -> Table:
    """The table with a column of points that the compliance held, flagged or told by their current."""
    flat = flat_tops(table.column("current"), table.column("voltage"), table.of_each_train()) & ~flagged
    said = []
    for chosen, why in ((flagged, "as the instrument says"), (flat, "as they share one current")):
        if chosen.any():
            top = float(np.nanmax(np.abs(table.column("current")[chosen])))
            said.append(f"{counted(int(chosen.sum()), 'point')} at the compliance of "
                        f"{engineering(top, 'A')}, {why}: shown, not fitted")  # fmt: skip
    columns = table.columns | {AT_LIMIT: (flagged | flat).astype(np.float64)}
    return dataclasses.replace(table, columns=columns).noted(assumed=said)


def flat_tops(current: FloatArray, V: FloatArray, trains: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Points (rows,) that share the largest current of a polarity at clearly different voltages."""
    held = np.zeros(len(current), dtype=bool)
    for mine in trains:
        for sign in (1.0, -1.0):
            rows = mine[(sign * V[mine] > 0) & np.isfinite(current[mine])]
            if len(rows) < _FEWEST_LIMITED:
                continue
            size = np.abs(current[rows])
            top = rows[size >= (1.0 - _SAME_CURRENT) * size.max()]
            if len(top) >= _FEWEST_LIMITED and np.ptp(V[top]) > _APART * np.abs(V[rows]).max():
                held[top] = size.max() > 0
    return held


def _check_held(sheet: Sheet, found: Found, table: Table, how: Conventions) -> None:
    """Refuse a column of few voltages, which may be those of pulses that were read elsewhere."""
    V = table.column("voltage")
    several = len(np.unique(V[np.isfinite(V) & (V != 0)]))
    if several >= _FEW_VOLTAGES or len(V) < _MANY_ROWS or how.dwell is not None:
        return
    held = "time if each was held" if TIME in found.known else "T if it was held, T a point"
    text, read = found.known["voltage"].title, alternating(V)
    pulses = "--read V --width T if it is that of pulses"
    if read:
        pulses = f"--read {read:g}V --width T if rows at {read:g} V read what the pulses of others left"
    raise InputError(
        f"{sheet.place}: {text!r} takes {counted(several, 'value')} but 0 in "
        f"{len(V)} rows: --dwell {held}; {pulses}"
    )


def _flagged(sheet: Sheet, found: Found, current: FloatArray) -> NDArray[np.bool_]:
    """What the instrument marks: in the cells, in a column of its own, or by the limit it was set to."""
    flagged = limited(sheet, found.known["current"])
    if sheet.limit is not None:
        flagged |= np.abs(np.nan_to_num(current)) >= _AT_LIMIT * sheet.limit
    if LIMITED in found.known:
        cells = as_labels(sheet, found.known[LIMITED])
        named = plain(found.known[LIMITED].title)  # a number there is a status, or the limit itself
        true = _TRUE if named in ("status", "sourcelimit") else _TRUE | {"1", "1.0", "yes"}
        flagged |= np.array([cell.strip().lower() in true for cell in cells])
    return flagged
