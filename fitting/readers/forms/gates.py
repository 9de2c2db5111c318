"""Gates: what a device with three terminals shows of its pulses over time, and two unnamed channels."""

from __future__ import annotations

import dataclasses

import numpy as np

from fitting.readers.columns.channels import Channel, channels, paired
from fitting.readers.columns.roles import Found
from fitting.readers.conventions import Conventions
from fitting.readers.files.sheet import Sheet
from fitting.readers.forms.table import Table
from fitting.readers.titles import TIME
from roa_circuit.basics.errors import InputError
from roa_circuit.basics.units import counted, engineering

_LONGER = 1.5  # times the time between rows: a pulse of that width lasts several of them
_FEW_VOLTAGES, _MANY_ROWS = 5, 8


def without_readings_during_pulses(sheet: Sheet, found: Found, table: Table, how: Conventions) -> Table:
    """A channel over time, without what it conducted while the gate was on.

    Only where rows have a time and no width, and every time that the gate is on ends with a row at 0 V.

    Raises
    ------
    InputError : a width of several rows, each of which is a pulse.
    """
    if not (found.gated or _two_channels(found)) or TIME not in found.known or "width" in found.known:
        return table
    V = np.nan_to_num(table.column("voltage"))
    _check_width(table, V, how)
    ends = [rows[-1] for rows in table.of_each_train()]
    on = V != 0
    if not on.any() or on[ends].any() or not (~on).any():
        return table
    name = "conductance" if "conductance" in table.columns else "read_current"
    columns = dict(table.columns)
    columns[name] = np.where(on, np.nan, columns[name])
    said = (f"{counted(int(on.sum()), 'row')} of {table.headers[name]!r} were read while the gate was "
            "on: their pulses count, their readings do not")  # fmt: skip
    return dataclasses.replace(table, columns=columns).noted(assumed=[said])


def _check_width(table: Table, V: np.ndarray, how: Conventions) -> None:
    time = table.columns.get(TIME)
    if time is None or how.width is None:
        return
    same = np.diff(table.trains()) == 0
    steps = np.diff(time)[same]
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else np.inf
    runs = bool((same & (V[1:] != 0) & (V[1:] == V[:-1])).any())
    if runs and how.width > _LONGER * step:
        usual = engineering(step, "s").replace(" ", "").replace("µ", "u")
        raise InputError(
            f"{table.source}: --width {how.width:g} s, but rows are {usual} apart, and each with the"
            f" gate on counts as a pulse: --width {usual}"
        )


def check_channels(sheet: Sheet, found: Found) -> None:
    """Refuse pulses of one channel beside another that holds a voltage and reads a current, too.

    Raises
    ------
    InputError : it may be a gate beside a channel; --column says so, --ignore that it is not.
    """
    held = _held(sheet, found)
    V = found.known["voltage"]
    levels = {row[V.place] for row in sheet.cells if row[V.place]}
    if held is None or len(levels) > _FEW_VOLTAGES or len(sheet.cells) < _MANY_ROWS:
        return
    volts, amps = (sheet.titles[channel.place] for channel in held)
    raise InputError(
        f"{sheet.place}: {volts!r} stays the same, and {amps!r} is measured, too. If {V.title!r} has"
        f" pulses of a gate: --column voltage={V.title!r} --column read_voltage={volts!r} --column"
        f" read_current={amps!r}{_timed(found)} --width T; if not, --ignore {amps!r}"
    )


def _timed(found: Found) -> str:
    time = found.known.get(TIME)
    return "" if time is None else f" --column time={time.title!r}"


def _two_channels(found: Found) -> bool:
    """Whether pulses and reads are of two channels that instruments name, such as SMU-1 and SMU-2."""
    titles = [found.known[name].title for name in ("voltage", "read_voltage") if name in found.known]
    keys = {channel.key for channel in channels(titles, range(len(titles)))}
    return len(keys) == len(titles) == 2


def _held(sheet: Sheet, found: Found) -> tuple[Channel, Channel] | None:
    """(voltage, current) of another channel whose voltage stays the same, not at 0."""
    for volts, amps in paired(channels(sheet.titles, found.others)):
        met = {row[volts.place] for row in sheet.cells if row[volts.place]}
        if len(met) == 1 and not _is_zero(met.pop()):
            return volts, amps
    return None


def _is_zero(cell: str) -> bool:
    try:
        return float(cell) == 0
    except ValueError:
        return False
