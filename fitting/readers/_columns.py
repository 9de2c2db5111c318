"""Columns: what a title means, in which unit, and its cells as SI numbers."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.readers._sheet import Sheet
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import PREFIXES, parse_quantity

LABEL, DEVICE, NUMBER, TIME = "train", "device", "pulse number", "time"
UNITS = {
    "voltage": "V", "width": "s", "read_voltage": "V", "conductance": "S", "resistance": "Ohm",
    "read_current": "A", "current": "A", "conductance_before": "S", "resistance_before": "Ohm",
    "read_current_before": "A",
}  # fmt: skip
READINGS = ("conductance", "resistance", "read_current")

# Titles as they are met, without units, lower case; what is no letter or digit does not count.
SPELLINGS = {
    LABEL: "train trace train_id cycle",
    DEVICE: "device device_id cell cell_id address dut sample",
    NUMBER: "pulse_number pulse_no pulse_nr pulse_index pulse_id n_pulse",
    TIME: "time timestamp elapsed elapsed_time time_stamp",
    "voltage": "voltage v v_pulse pulse_voltage pulse_v v_write v_prog v_program volts "
    "amplitude pulse_amplitude v_amp v_bitline v_bl v_te v_set v_reset v_p bias",
    "width": "width pulse_width t_pulse pw duration pulse_duration t_width t_p",
    "read_voltage": "read_voltage v_read read_v v_r",
    "conductance": "conductance g g_read conductance_after g_after g_final cond",
    "resistance": "resistance r r_read resistance_after r_after r_final res",
    "read_current": "read_current i_read read_i i_r current_after i_after read_current_after",
    "current": "current i i_sweep amps",
    "conductance_before": "conductance_before g_before g_initial g_init g0",
    "resistance_before": "resistance_before r_before r_initial r_init r0",
    "read_current_before": "read_current_before current_before i_before i_initial i0",
}
MEANING = {text.replace("_", ""): name for name, texts in SPELLINGS.items() for text in texts.split()}

_EMPTY = "nan"  # as pandas and MATLAB write a cell without a number
_TITLE = re.compile(r"(?P<name>[^\[\]()]*?)\s*(?:\[(?P<unit>[^\[\]]*)\]|\((?P<round>[^()]*)\))?")
_OHM = re.compile("(\u2126|Ω|ohms|ohm)$", re.IGNORECASE)
_SECONDS = re.compile(r"sec$|seconds$")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that was understood: its meaning, its place, its factor to SI (None if unstated)."""

    name: str
    place: int
    title: str
    factor: float | None


def title(name: str) -> str:
    """A column's title as it should be written: 'voltage [V]'."""
    return f"{name} [{UNITS[name]}]" if name in UNITS else name


def plain(text: str) -> str:
    """A title's name without its unit: letters and digits alone, lower case."""
    return re.sub(r"[^a-z0-9]+", "", _parts(text)[0].lower())


def unit_of(text: str) -> str | None:
    """The unit written in a title's brackets or behind a stroke, None without one."""
    return _parts(text)[1] or None


def _parts(text: str) -> tuple[str, str]:
    """(name, unit or '') of a title such as 'V_pulse [mV]', 'R (kOhm)' or 'I / A'."""
    match = _TITLE.fullmatch(text)
    if match is None:
        return text, ""
    name, unit = match["name"], (match["unit"] or match["round"] or "").strip()
    head, _, tail = name.rpartition("/")
    return (head, tail.strip()) if head and not unit and _is_unit(tail) else (name, unit)


def factor(unit: str, expected: str) -> float | None:
    """The factor from `unit`, such as 'mV', to `expected` in SI; None if it is not one."""
    unit = _SECONDS.sub("s", _OHM.sub("Ohm", unit.strip()))
    if not unit.endswith(expected):
        return None
    return PREFIXES.get(unit.removesuffix(expected).strip())


def meaningful(given: Collection[str]) -> Callable[[str], bool]:
    """Whether a title is a known spelling, or one of those `given`."""
    known = {*MEANING, *map(plain, given)}
    return lambda text: text[:1].isalpha() and plain(text) in known


def with_units(sheet: Sheet) -> Sheet:
    """The sheet with a second line of units, as LabVIEW and Origin write it, in its titles."""
    units = [cell.strip("[]() ") for cell in sheet.cells[0]]
    bare = [unit for unit, text in zip(units, sheet.titles, strict=True) if unit and not unit_of(text)]
    if len(sheet.cells) < 2 or not bare or not all(_is_unit(unit) for unit in units if unit):
        return sheet
    titles = (f"{text} [{unit}]" if unit and not unit_of(text) else text
              for text, unit in zip(sheet.titles, units, strict=True))  # fmt: skip
    return dataclasses.replace(sheet, titles=tuple(titles), line=sheet.line[1:], cells=sheet.cells[1:])


def _is_unit(text: str) -> bool:
    return any(factor(text, unit) is not None for unit in set(UNITS.values()))


def find_columns(sheet: Sheet, given: Mapping[str, str]) -> tuple[dict[str, Column], tuple[str, ...]]:
    """The columns that are known, by meaning, and the titles of the others.

    `given` says which title has a meaning that is not guessed, and its unit where the sheet has none.

    Raises
    ------
    InputError : a unit of another kind, one meaning twice, a title in `given` that is not there.
    """
    meaning = dict(MEANING)
    for wanted, text in given.items():
        here = [plain(t) for t in sheet.titles]
        if plain(text) not in here:
            raise InputError(f"{sheet.place}: has no column {text!r}; {nearest(text, sheet.titles)}")
        meaning = {key: value for key, value in meaning.items() if value != wanted}
        meaning[plain(text)] = wanted
    known: dict[str, Column] = {}
    others: list[str] = []
    for place, text in enumerate(sheet.titles):
        name = meaning.get(plain(text))
        if name is None:
            others.append(text)
        elif name in known:
            other = known[name].title
            twice = "appears twice" if plain(other) == plain(text) else f"means what {other!r} means"
            raise InputError(f"{sheet.place}: column {text!r} {twice}; keep one, or say which with "
                             f"--column {name}='...'")  # fmt: skip
        else:
            unit = unit_of(text) or unit_of(given.get(name, ""))
            known[name] = Column(
                name=name, place=place, title=text, factor=_factor(sheet, name, text, unit)
            )
    return known, tuple(text for text in others if text)


def _factor(sheet: Sheet, name: str, text: str, unit: str | None) -> float | None:
    if name not in UNITS or unit is None:
        return None
    result = factor(unit, UNITS[name])
    if result is None:
        raise InputError(f"{sheet.place}: column {text!r} is not in {UNITS[name]} (SI prefixes "
                         f"are welcome); write {title(name)!r}")  # fmt: skip
    return result


def suspect(sheet: Sheet, known: Mapping[str, Column], others: tuple[str, ...]) -> None:
    """Refuse a title that is nearly a known one: a reading must not vanish by a typing error."""
    missing = [title(name) for name in (LABEL, *UNITS) if name not in known]
    for text in others:
        close = difflib.get_close_matches(text, missing, n=1, cutoff=0.8)
        if close:
            raise InputError(f"{sheet.place}: column {text!r} is unknown; did you mean {close[0]!r}?")


def numbers(sheet: Sheet, column: Column) -> NDArray[np.float64]:
    """One column as SI numbers (rows,); empty cells and 'NaN' are NaN, anything else must be finite."""
    cells = [row[column.place] for row in sheet.cells]
    values = np.array([_bare(cell) for cell in cells])
    bare = np.isfinite(values)
    if column.factor is None and (bare & (values != 0)).any():
        whole = f"{column.title} [{UNITS[column.name]}]"
        raise InputError(f"{sheet.place}: column {column.title!r} lacks its unit; write {whole!r}, "
                         f"or say --column {column.name}={whole!r}")  # fmt: skip
    with np.errstate(over="ignore"):  # what is too large is refused below
        values = values * (1.0 if column.factor is None else column.factor)
    for row in np.flatnonzero(~np.isfinite(values)):
        if cells[row] and cells[row].lower() != _EMPTY:
            values[row] = _written(sheet, column, int(row))
    return values


def _bare(cell: str) -> float:
    """A cell that is nothing but a number; NaN for any other, '1_000' and 'NaN' too."""
    try:
        return float(cell) if "_" not in cell else np.nan
    except ValueError:
        return np.nan


def _written(sheet: Sheet, column: Column, row: int) -> float:
    """The number in a cell with a prefix or a unit of its own, such as 100u, 3 us or -1.1V."""
    text = sheet.cells[row][column.place]
    where = f"{sheet.source}, line {sheet.line[row]}, column {column.title!r}"
    unit = UNITS[column.name]
    if np.isfinite(_bare(text)):
        raise InputError(f"{where}: {text[:40]!r} is too large")
    try:
        value = parse_quantity(text, what=where, unit=unit)
    except InputError as error:
        if " is in " in str(error) or "too large" in str(error):
            raise
        raise InputError(f"{where}: {text[:40]!r} is not a finite number; correct it or leave the "
                         "cell empty") from None  # fmt: skip
    if column.factor not in (None, 1.0) and _OHM.sub("Ohm", text.strip())[-len(unit) :] != unit:
        raise InputError(f"{where}: {text[:40]!r} has a prefix and so has the title; write the unit "
                         f"out ({text[:40].strip()}{unit}), or a bare number") from None  # fmt: skip
    return value
