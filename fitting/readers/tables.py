"""The forms a table comes in, made one: a reading a row.

A reading a row; readings before and after one pulse; re-readings side by side; an I-V sweep; one train
a column or a row; HRS and LRS of cycles; readings over time. Several tables may stand side by side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fitting.readers.columns.beside import with_units_beside
from fitting.readers.columns.blocks import blocks
from fitting.readers.columns.bounds import without_bounds
from fitting.readers.columns.cells import bare_numbers
from fitting.readers.columns.channels import channels
from fitting.readers.columns.missing import require
from fitting.readers.columns.readings import check_during, only_readings
from fitting.readers.columns.roles import Found, find_columns, suspect, without_words
from fitting.readers.columns.terminals import check_terminals
from fitting.readers.conventions import Conventions, reading
from fitting.readers.files.sheet import Sheet, read_sheet
from fitting.readers.forms.above import with_told
from fitting.readers.forms.agreed import without_agreed
from fitting.readers.forms.alternate import with_reads_apart
from fitting.readers.forms.gaps import bridged
from fitting.readers.forms.gates import check_channels, without_readings_during_pulses
from fitting.readers.forms.given import filled, in_order_of_blocks
from fitting.readers.forms.inscribed import tell_voltages
from fitting.readers.forms.inverse import lost_in_noise
from fitting.readers.forms.long import pairs, reread, rows_table, with_counts
from fitting.readers.forms.polarity import with_signs
from fitting.readers.forms.sweeps import as_sweep, is_sweep, without_ratio
from fitting.readers.forms.table import PER_ROW, RISES, Table, stacked
from fitting.readers.forms.wide import is_cycled, is_wide, turned, wide
from fitting.readers.titles import (
    COUNT,
    MEANING,
    NUMBER,
    READINGS,
    TIME,
    Column,
    is_absolute,
    is_counter,
    meaningful,
    plain,
    read_at,
    unit_of,
    way,
)
from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import counted

_LONGEST_TITLE = 40
_PULSED = {"voltage", "width", NUMBER, COUNT}


Sheets = dict[tuple[Path, str | None, tuple[str, ...]], Sheet]
"""What was read of files before, by what else decides how one is cut into cells."""


def read_table(path: Path, how: Conventions, sheets: Sheets | None = None) -> Table:
    """Read one file of any form; `sheets` has those that need not be read again, and gets others.

    Raises
    ------
    InputError : what `read_sheet` and `find_columns` raise; a column or convention that is
        missing; a cell that is no finite number; an empty label.
    """
    known = {} if sheets is None else sheets
    key = path, how.sheet, tuple(how.columns.values())
    sheet = known.get(key) or known.setdefault(
        key, with_units_beside(read_sheet(path, titles_known(how), how.sheet))
    )
    sheet, left_out = _chosen(sheet, how)
    sheet, read = _with_read_voltage(sheet, how)
    how, above = with_told(
        how, sheet.above, {MEANING.get(plain(t), "") for t in sheet.titles} | set(how.columns)
    )
    sheet, said = turned(sheet, how)
    said = (*sheet.noted, *read, *above, *said)
    parts, ways = [], set[float]()
    for prefix, block in blocks(sheet):
        table, own = _one(block, prefix, how)
        if way(prefix) and not any(table.device):  # of one device, potentiation in one block
            table = dataclasses.replace(table, device=table.label, label=("",) * len(table.line))
        ways |= set(table.column(RISES).tolist())
        parts.append((prefix, table, own))
    tables = [
        bridged(_without(filled(table, own, prefix), how), how.dwell)
        for prefix, table, own in in_order_of_blocks(parts)
    ]
    table = stacked(tables)
    if how.pulse is not None and {1.0, -1.0} <= ways:
        said = (*said, f"potentiation and depression take the one pulse, {how.pulse[0]:g} V: a second "
                "--pulse gives depression its own")  # fmt: skip
    _check_dropped(sheet, how)
    return dataclasses.replace(
        table, ignored=(*sheet.unused, *left_out, *table.ignored), assumed=(*said, *table.assumed)
    )


def titles_known(how: Conventions) -> Callable[[str], bool]:
    """Whether a text may be the title of a column."""
    known = meaningful(how.columns.values())

    def means(text: str) -> bool:
        if known(text) or (text and is_counter(text)):
            return True
        short = len(text) < _LONGEST_TITLE and not text[:1].isdigit()
        return short and bool(channels([text], [0]))

    return means


def _chosen(sheet: Sheet, how: Conventions) -> tuple[Sheet, tuple[str, ...]]:
    """(only the rows that `how.where` asks for, without the columns to ignore; what was left out)."""
    places = list(range(len(sheet.titles)))
    for text in how.ignore:
        gone = {_place(sheet, text)} | {p for p in places if sheet.titles[p] == text}
        places = [p for p in places if p not in gone]
    rows = np.arange(len(sheet.cells))
    for text, value in how.where:
        place = _place(sheet, text)
        rows = rows[[_same(sheet.cells[row][place], value) for row in rows]]
        if not rows.size:
            raise InputError(f"{sheet.source}: no row has {text} = {value}")
    if how.where:
        sheet = sheet.of_rows(rows.tolist())
    if not places:
        raise InputError(f"{sheet.place}: --ignore leaves no column")
    kept = sheet.of_columns(places) if how.ignore else sheet
    return kept, tuple(f"{text} (as asked)" for text in how.ignore)


def _with_read_voltage(sheet: Sheet, how: Conventions) -> tuple[Sheet, tuple[str, ...]]:
    """A title that says at what voltage its readings were taken, as a title and a column of that."""
    found = {p: at for p, text in enumerate(sheet.titles) if (at := read_at(text))}
    found = {p: at for p, at in found.items() if sheet.titles[p] not in how.columns.values()}
    volts = {at[1] for at in found.values()}
    told = "read_voltage" in {MEANING.get(plain(text)) for text in sheet.titles} | set(how.columns)
    if len(volts) > 1 and not set(READINGS) & set(how.columns):
        several = ", ".join(repr(sheet.titles[place]) for place in found)
        last = next(sheet.titles[p] for p, at in found.items() if at[1] != min(volts))
        raise InputError(f"{sheet.place}: {several} were read at different voltages; leave all but "
                         f"those of one out, such as --ignore {last!r}")  # fmt: skip
    if len(volts) != 1 or told:
        return sheet, ()
    titles = list(sheet.titles)
    for place, (text, _) in found.items():
        swept = MEANING.get(plain(text)) == "current"
        titles[place] = f"read_current [{unit_of(text) or ''}]" if swept else text
    cell = f"{volts.pop():.12g}"
    said = ", ".join(repr(sheet.titles[place]) for place in found)
    return dataclasses.replace(
        sheet, titles=(*titles, "read_voltage [V]"), cells=tuple((*row, cell) for row in sheet.cells)
    ), (f"{said} was read at {cell} V",)  # fmt: skip


def _place(sheet: Sheet, text: str) -> int:
    if text in sheet.titles:
        return sheet.titles.index(text)
    here = [plain(t) for t in sheet.titles]
    if plain(text) not in here:
        raise InputError(f"{sheet.place}: has no column {text!r}; {nearest(text, sheet.titles)}")
    return here.index(plain(text))


def _same(cell: str, value: str) -> bool:
    try:
        return bool(np.isclose(float(cell), float(value), rtol=1e-9, atol=0))
    except ValueError:
        return cell == value.strip()


def _one(sheet: Sheet, prefix: str, how: Conventions) -> tuple[Table, Conventions]:
    """(one block as a table, the conventions without what its columns say anyhow)."""
    here = {plain(text) for text in sheet.titles}
    given = {name: text for name, text in how.columns.items() if not prefix or plain(text) in here}
    told = {name: text for name, text in sheet.columns.items() if name in READINGS}
    found = find_columns(sheet, told | given, how.si or sheet.si)
    suspect(sheet, found)
    found = without_words(sheet, found)
    how, said = without_agreed(sheet, found, how)
    return _formed(sheet, found, how).noted(assumed=said), how


def _formed(sheet: Sheet, found: Found, how: Conventions) -> Table:
    """The table of the form that its columns have."""
    one_channel = is_sweep(found)
    if one_channel:
        check_channels(sheet, found)
        found = dataclasses.replace(without_ratio(sheet, found), series=())
        if how.read_voltage is not None and how.width is not None:
            found = _with_readings(found)
    if "current" in found.known and not set(READINGS) & set(found.known) and _has_widths(sheet, found):
        found = _with_readings(found)
    if "voltage" in found.known and not is_sweep(found):
        check_terminals(sheet, found)
    if found.series and _is_reread(found, how):
        return _reread(sheet, found, how)
    if is_wide(found, sheet, how):
        found = only_readings(sheet, without_bounds(sheet, found))
        return _wide(sheet, found, how)
    if found.series:
        raise InputError(
            f"{sheet.place}: {sheet.titles[found.series[0]]!r} … are readings of one state or trains: "
            "--layout rereads or --layout columns (--column current=... if one is that of a sweep)"
        )
    if "current" in found.known and "voltage" not in found.known and "read_current" not in found.known:
        found = _with_readings(found)
    column = found.known.get("read_current")
    if column is not None and column.title not in how.columns.values():
        check_during(sheet, column.title)
    retained = _is_retention(found, how)
    require(sheet, set(found.known) | ({"voltage", "width"} if retained else set()), found.others, how,
            timed=TIME in found.known)  # fmt: skip
    table = with_signs(sheet, found, rows_table(sheet, found, how), how)
    table = with_reads_apart(table, how) if one_channel else table
    table = without_readings_during_pulses(sheet, found, table, how)
    if retained:
        return _at_rest(table)
    if any(name.endswith("_before") for name in found.known):
        return pairs(table)
    return as_sweep(sheet, found, table, how) if is_sweep(found) else table


def _has_widths(sheet: Sheet, found: Found) -> bool:
    """Whether rows have pulses of some width, so that their currents were read after them."""
    width = found.known.get("width")
    return width is not None and any(row[width.place] not in ("", "0") for row in sheet.cells)


def _with_readings(found: Found) -> Found:
    """With the current as a reading: it is no point of an I-V sweep."""
    known = dict(found.known)
    old = known.pop("current")
    known["read_current"] = dataclasses.replace(old, name="read_current")
    return dataclasses.replace(found, known=known)


def _is_reread(found: Found, how: Conventions) -> bool:
    """Whether numbered readings are of one state: their rows have pulses of their own."""
    if how.layout is not None:
        return how.layout == "rereads"
    return "voltage" in found.known and (
        how.width is not None or bool({"width", COUNT} & set(found.known))
    )


def _reread(sheet: Sheet, found: Found, how: Conventions) -> Table:
    text = sheet.titles[found.series[0]]
    unit = unit_of(text) or how.unit
    name, scale = (reading(unit) or (found.series_of, None)) if unit else (found.series_of, None)
    scale = 1.0 if scale is None and (how.si or sheet.si) else scale
    first = Column(name=name, place=found.series[0], title=text, factor=scale)
    left = tuple(place for place in found.others if place not in found.series)
    found = dataclasses.replace(found, known={**found.known, name: first}, others=left, series_of=name)
    require(sheet, set(found.known), left, how, timed=False)
    return reread(sheet, found, how)


def _wide(sheet: Sheet, found: Found, how: Conventions) -> Table:
    cycled = is_cycled(sheet, found)
    retained = _is_retention(found, how) and not cycled
    known = {*found.known, "conductance"} | ({"voltage", "width"} if retained else set())
    known |= tell_voltages([sheet.titles[place] for place in found.others], how)
    require(sheet, known, (), how, timed=TIME in found.known, both=cycled)
    table = wide(sheet, found, how).noted(ignored=found.ignored, assumed=found.assumed)
    if cycled:
        said = ["HRS and LRS are one train: in every cycle a pulse, then its reading"]
        said += _skipped(sheet, found)
        return table.noted(assumed=said)
    return _at_rest(table) if retained else with_counts(sheet, found, table, how)


def _skipped(sheet: Sheet, found: Found) -> list[str]:
    """A word on cycles between those of the table."""
    counter = found.known.get(NUMBER)
    if counter is None:
        return []
    skipped = int((np.diff(bare_numbers(sheet, counter.place)) > 1).sum())
    if not skipped:
        return []
    return [f"{counter.title!r} skips in {counted(skipped, 'row')}: the cycles between do not count"]


def _is_retention(found: Found, how: Conventions) -> bool:
    """Whether readings stand against time alone."""
    return TIME in found.known and not how.pulsed and not _PULSED & set(found.known)


def _at_rest(table: Table) -> Table:
    """Readings without pulses."""
    zeros = np.zeros(len(table.line))
    columns = {n: v for n, v in table.columns.items() if n != RISES}
    said = "readings over time without a pulse between them; --pulse V,T if each has one before it"
    return dataclasses.replace(
        table, columns=columns | {"voltage": zeros, "width": zeros, PER_ROW: zeros}
    ).noted(assumed=[said])


def _without(table: Table, how: Conventions) -> Table:
    """Without the readings to drop and those that noise hides; their pulses stay."""
    columns, lost = dict(table.columns), []
    for row in np.flatnonzero(np.isin(table.line, how.dropped)):
        lost.append(f"the reading of line {table.line[row]} (as asked)")
        for name in ("conductance", "read_current", "current"):
            if name in columns:
                columns[name] = columns[name].copy()
                columns[name][row] = np.nan
    for name in ("conductance", "read_current"):
        if name not in columns or table.normalised:
            continue
        size = columns[name] * how.scale
        if name == "read_current":
            size = size * np.sign(table.column("read_voltage"))
            if is_absolute(table.headers.get(name, "")):
                columns[name] = np.abs(columns[name]) * np.sign(table.column("read_voltage"))
                continue
        hidden = np.zeros(len(size), dtype=bool)
        for mine in table.of_each_train() if (size <= 0).any() else ():
            hidden[mine] = lost_in_noise(size[mine])
        if hidden.any():
            lines = ", ".join(str(n) for n in np.unique(table.line[hidden])[:5])
            lost.append(f"{counted(int(hidden.sum()), 'reading')} below the noise floor (line {lines})")
            columns[name] = np.where(hidden, np.nan, columns[name])
    return dataclasses.replace(table, columns=columns).noted(ignored=lost)


def _check_dropped(sheet: Sheet, how: Conventions) -> None:
    known = set(sheet.train_lines or sheet.line)
    for line in how.dropped:
        if line not in known:
            raise InputError(f"{sheet.source}: --drop-outlier {line}: is no line with a reading; "
                             f"they stand in lines {min(known)} to {max(known)}")  # fmt: skip
