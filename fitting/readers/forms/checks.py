"""Checks: every reading is one thing, within what an instrument can mean, and complete."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.readers.forms.table import FloatArray, Table
from fitting.readers.titles import TIME, UNITS, title
from roa_circuit.basics.errors import InputError

# The smallest (but for 0) and the largest size an instrument can mean; else the unit is wrong.
LIMITS = {
    "voltage": (0.0, 100.0), "read_voltage": (1e-9, 100.0), "width": (1e-18, 1e4),
    "conductance": (1e-18, 1e6), "read_current": (1e-24, 1e6), "current": (0.0, 1e6),
}  # fmt: skip


def kinds(table: Table) -> NDArray[np.bool_]:
    """Which rows are I-V points; every row must be one thing."""
    names = ("conductance", "read_current", "current")
    has = {name: ~np.isnan(table.column(name)) for name in names}
    count = np.sum(list(has.values()), axis=0)
    if (count == 0).any():
        present = [title(name) for name in names if name in table.columns]
        _refuse_first(table, count == 0, next(n for n in names if n in table.columns),
                      f"is empty; every row needs one reading ({' or '.join(present)})")  # fmt: skip
    if (count > 1).any():
        row = int(np.argmax(count > 1))
        both = [table.headers[name] for name in names if has[name][row]]
        table.refuse(row, next(n for n in names if has[n][row]),
                     f"the row has {len(both)} readings ({', '.join(both)}); --ignore {both[-1]!r} "
                     "reads the first")  # fmt: skip
    return has["current"]


def check_ranges(table: Table) -> None:
    """Every size within what an instrument can mean; no negative width or conductance."""
    _refuse_first(table, table.column("width") < 0, "width", "is {value} s; a width cannot be negative")
    wrong = (table.column("conductance") <= 0) & (not table.normalised)
    _refuse_first(table, wrong, "conductance",
                  "is {value} S; a conductance must be greater than 0")  # fmt: skip
    for name, (smallest, largest) in LIMITS.items():
        size, unit = np.abs(table.column(name)), UNITS[name]
        _refuse_first(table, size > largest, name, f"is {{value}} {unit}, beyond {largest:g} {unit}; "
                      "is the header's unit right? Leave the cell of an overflow empty")  # fmt: skip
        _refuse_first(table, (size < smallest) & (size > 0), name, f"is {{value}} {unit}, less than "
                      f"{smallest:g} {unit}; is the header's unit right?")  # fmt: skip


def check_pulses(table: Table, sweep: NDArray[np.bool_]) -> None:
    """A sweep point has a voltage and no width; a pulse has a voltage, a width and a read."""
    voltage, width = table.column("voltage"), table.column("width")
    read_voltage = table.column("read_voltage")
    no_width = np.isnan(width) | (width == 0)
    no_pulse = np.isnan(voltage) | (voltage == 0)
    _refuse_first(table, sweep & np.isnan(voltage), "voltage", "is empty in a row of an I-V sweep; "
                  "give the voltage at which the current was read")  # fmt: skip
    _refuse_first(table, sweep & ~no_width, "width", "is {value} s in a row of an I-V sweep; a sweep "
                  "leaves the state alone, so leave the width empty")  # fmt: skip
    _refuse_first(table, ~sweep & no_width & ~no_pulse, "width", "is empty or 0 although the row has a "
                  "pulse; give its width, or a voltage of 0 for a reading without a pulse")  # fmt: skip
    _refuse_first(table, ~sweep & ~no_width & np.isnan(voltage), "voltage",
                  "is empty although the row has a width; give the pulse's voltage")  # fmt: skip
    _refuse_first(table, ~sweep & (np.isnan(read_voltage) | (read_voltage == 0)), "read_voltage",
                  "is empty or 0; give the voltage of the reading, such as 0.05")  # fmt: skip


def currents(
    table: Table, sweep: NDArray[np.bool_], read_voltage: FloatArray, scale: float
) -> FloatArray:
    """Every reading, times `scale`, as a current [A] at its read voltage; conductances above 0."""
    conductance, read_current = table.column("conductance"), table.column("read_current")
    wrong_sign = ~sweep & (scale * read_current * read_voltage <= 0)
    right = ~sweep & (scale * read_current * read_voltage > 0)
    way_out = ("--unit 1 reads normalised readings of both signs" if right.any()
               else "--scale -1 turns all")  # fmt: skip
    _refuse_first(table, wrong_sign, "read_current", "is {value} A, a conductance of 0 or less; the "
                  f"current must have the sign of the read voltage; {way_out}")  # fmt: skip
    _refuse_first(table, ~sweep & (scale * conductance < 0) & (not table.normalised), "conductance",
                  "is {value} S, and --scale makes it negative; give a scale above 0")  # fmt: skip
    measured = np.where(np.isnan(conductance), read_current, conductance * read_voltage)
    return scale * np.where(sweep, table.column("current"), measured)


def dwells(table: Table, dwell: float) -> FloatArray:
    """The time [s] at each row: `dwell`, or since the row before (of the first, up to the next)."""
    if np.isfinite(dwell):
        return np.full(len(table.line), dwell)
    time = table.column(TIME)
    if TIME in table.headers and TIME not in table.columns:
        text = table.headers[TIME]
        raise InputError(f"{table.source}: --dwell time: {text!r} has no unit; --column "
                         f"'time={text} [s]' gives it")  # fmt: skip
    if np.isnan(time).any():
        raise InputError(f"{table.source}: --dwell time: has no Time column with a unit; give "
                         "the time at each point, such as --dwell 20ms")  # fmt: skip
    result = np.full(len(time), np.nan)
    for rows in table.of_each_train():
        steps = np.diff(time[rows])
        if not len(steps) or not (steps > 0).all():
            raise InputError(f"{table.source}: --dwell time: the time of {table.label[rows[0]]!r} does "
                             "not rise at every point; give --dwell T")  # fmt: skip
        result[rows] = np.append(steps[0], steps)  # up to its reading
    return result


def _refuse_first(table: Table, wrong: NDArray[np.bool_], name: str, complaint: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        table.refuse(row, name, complaint.replace("{value}", f"{table.column(name)[row]:g}"))
