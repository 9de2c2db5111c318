"""Columns: which is what in a sheet, or in one block of it."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fitting.readers.columns.cells import bare_numbers, numbers, rises, unit_factor
from fitting.readers.columns.counters import COUNTED, EITHER, is_count, is_share
from fitting.readers.columns.gated import is_channel, take_gated
from fitting.readers.columns.swept import take_instruments, take_swept
from fitting.readers.conventions import reading
from fitting.readers.files.sheet import Sheet
from fitting.readers.titles import (
    COUNT,
    DEVICE,
    LABEL,
    MEANING,
    NUMBER,
    READINGS,
    TIME,
    UNITS,
    WAY,
    Column,
    cell_way,
    is_absolute,
    is_counter,
    is_derived,
    is_normalised,
    names_seconds,
    parts,
    plain,
    title,
    unit_of,
    way,
    words,
)
from roa_circuit.basics.errors import InputError, nearest

_CROSSINGS = (("wordline", "bitline"), ("wl", "bl"), ("row", "column"), ("row", "col"), ("x", "y"))
_WHERE = {
    "lot",
    "wafer",
    "waferid",
    "die",
    "dieid",
    "chip",
    "chipid",
    "reticle",
    "module",
    "array",
    "site",
}
_BEFORE, _AFTER = {"before", "pre", "initial"}, {"after", "post", "final"}
_FEWEST_SERIES = 2
_READ = (*READINGS, "current")


@dataclass(frozen=True, kw_only=True)
class Found:
    """The columns that are known, by meaning; the places of the `others`; what was left out and why.

    `repeated` says that a reading's title stands there twice, so that each of them is a train. `series`
    are the places of readings that are numbered from 0 or 1, such as i_0 … i_4, of what `series_of`
    says; they are among the `others`, too. `crossing` are the places of a word line and a bit line,
    which name a device together. `gated` says that a gate has the pulses and a channel is read.
    """

    known: dict[str, Column]
    others: tuple[int, ...]
    ignored: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    repeated: bool = False
    absolute: frozenset[str] = field(default_factory=frozenset)
    series: tuple[int, ...] = ()
    series_of: str = ""
    crossing: tuple[int, ...] = ()
    gated: bool = False


def find_columns(sheet: Sheet, given: Mapping[str, str], si: bool) -> Found:
    """What the titles of a sheet mean.

    `given` says which title has a meaning that is not guessed, and its unit where the sheet has none;
    `si` that columns without a unit are in SI units.

    Raises
    ------
    InputError : a unit of another kind, one meaning twice, a title in `given` that is not there.
    """
    meaning = _meanings(sheet, given)
    known: dict[str, Column] = {}
    others: list[int] = []
    repeated: set[str] = set()
    series, series_of = _series(sheet, given)
    signed = {plain(text) for text in sheet.titles if not is_absolute(text)}
    for place, text in enumerate(sheet.titles):
        size_alone = is_absolute(text) and plain(text) in signed
        size_alone = size_alone or (is_derived(text) and text not in given.values())
        name = None if place in series or size_alone else meaning.get(plain(text))
        if name is None and re.match("norm", plain(text)):
            name = meaning.get(re.sub("^norm(ali[sz]ed)?", "", plain(text)))
        if name is None and place not in series and not size_alone:
            name = _without_way(sheet, place, meaning)
        name = TIME if name is None and plain(text) == "t" and rises(sheet, place) else name
        if name == NUMBER and NUMBER not in given and is_share(sheet, place):
            name = None
        if name is None:
            others.append(place)
        elif name in known:
            other = known[name].title
            again = plain(other) == plain(text)
            if again and name in _READ and name not in given:
                repeated.add(name)
                others.append(place)
                continue
            twice = "appears twice" if again else f"means what {other!r} means"
            each = ""
            if name == "voltage" and not again:
                each = f"; if both have pulses, --ignore {other!r} --ignore {text!r} with --pulse twice"
            raise InputError(f"{sheet.place}: column {text!r} {twice}; keep one, or say which with "
                             f"--column {name}='...' or --ignore {text!r}{each}")  # fmt: skip
        else:
            known[name] = _column(sheet, name, place, given, si)
    for name in repeated:
        others.append(known.pop(name).place)
    numbered = [place for place in series if place in others]
    left = sorted(place for place in others if place not in numbered)
    found = _settled(sheet, known, left, given, si, bool(repeated))
    return dataclasses.replace(
        found, others=tuple(sorted((*found.others, *numbered))), series=series, series_of=series_of
    )


def _without_way(sheet: Sheet, place: int, meaning: Mapping[str, str]) -> str | None:
    """What 'LTP conductance' means, if no other title means it, with those words or without."""

    def bare(text: str) -> str:
        return "".join(word for word in words(text) if not way(word))

    text = sheet.titles[place]
    found = meaning.get(bare(text)) if way(text) else None
    alike = [t for t in sheet.titles if meaning.get(bare(t), meaning.get(plain(t))) == found]
    return found if len(alike) == 1 else None


def _series(sheet: Sheet, given: Mapping[str, str]) -> tuple[tuple[int, ...], str]:
    """(places, meaning) of readings numbered from 0 or 1; none if voltages are numbered alike."""
    keys = [plain(text) for text in sheet.titles]
    told = {plain(text) for text in given.values()}
    if sheet.columns:
        return (), ""
    for stem in dict.fromkeys(key.rstrip("0123456789") for key in keys):
        name = MEANING.get(stem, "read_current" if stem in ("read", "reading") else None)
        name = "read_current" if name == "current" else name
        places = [p for p, key in enumerate(keys) if re.fullmatch(rf"{re.escape(stem)}\d{{1,9}}", key)]
        numbers_ = [int(keys[p][len(stem) :]) for p in places]
        if name not in READINGS or len(places) < _FEWEST_SERIES or numbers_[0] not in (0, 1):
            continue
        counted = numbers_ == list(range(numbers_[0], numbers_[0] + len(places)))
        channelled = any(f"v{n}" in keys or f"voltage{n}" in keys for n in numbers_)
        if counted and not channelled and not told & {keys[p] for p in places}:
            return tuple(places), name
    return (), ""


def _meanings(sheet: Sheet, given: Mapping[str, str]) -> dict[str, str]:
    meaning = dict(MEANING)
    here = [plain(t) for t in sheet.titles]
    for wanted, text in given.items():
        if plain(text) not in here:
            raise InputError(f"{sheet.place}: has no column {text!r}; {nearest(text, sheet.titles)}")
        meaning = {key: value for key, value in meaning.items() if value != wanted}
        meaning[plain(text)] = wanted
    before, after = _BEFORE & set(here), _AFTER & set(here)
    if len(before) == len(after) == 1:  # of one quantity, which their units tell
        units = [unit_of(text) or "" for text in sheet.titles if plain(text) in before | after]
        kinds = {(reading(unit) or ("",))[0] for unit in units}
        kind = kinds.pop() if len(kinds) == 1 else ""
        if kind in READINGS:
            meaning |= {before.pop(): f"{kind}_before", after.pop(): kind}
    return meaning


def _column(sheet: Sheet, name: str, place: int, given: Mapping[str, str], si: bool) -> Column:
    text = sheet.titles[place]
    unit = unit_of(text) or unit_of(given.get(name, ""))
    relative = name in READINGS and (
        is_normalised(unit)
        or (unit is None and re.match(r"norm", parts(text)[0], re.IGNORECASE) is not None)
    )
    scale = 1.0 if relative else unit_factor(sheet, name, text, unit)
    if scale is None and ((si and name in {*UNITS, TIME}) or (unit is None and names_seconds(text))):
        scale = 1.0
    return Column(name=name, place=place, title=text, factor=scale, normalised=relative)


def _settled(
    sheet: Sheet, known: dict[str, Column], others: list[int], given: Mapping[str, str], si: bool,
    repeated: bool,
) -> Found:  # fmt: skip
    """After the titles the numbers: counts, channels, columns without any."""
    ignored: list[str] = []
    assumed: list[str] = []
    _take_label_for_count(sheet, known, assumed, given)
    gated = take_gated(sheet, known, others, assumed)  # before I_sd passes for a deviation
    read = bool(set(READINGS) & set(known))
    for place in [p for p in others if is_derived(sheet.titles[p])]:
        if not read and is_channel(sheet.titles[place]):
            continue
        others.remove(place)
        ignored.append(f"{sheet.titles[place]} (no reading, or worked out from some)")
    for place in [p for p in others if is_count(sheet, p)]:
        others.remove(place)
        text = sheet.titles[place] or f"column {place + 1}"
        a_row = plain(text) in EITHER and not rises(sheet, place)
        name = COUNT if a_row else NUMBER
        if name in known:
            ignored.append(f"{text} (a count)")
        else:
            known[name] = Column(name=name, place=place, title=text, factor=1.0)
    _take_ways(sheet, known, others)
    for place in [p for p in others if is_share(sheet, p)]:
        others.remove(place)
        ignored.append(f"{sheet.titles[place]} (rises evenly to 1: a pulse a row)")
    crossing = _crossing(sheet, others) if DEVICE not in known else ()
    others = [place for place in others if place not in crossing]
    if DEVICE in known:
        crossing = _within(sheet, known[DEVICE], others, assumed)
        others = [place for place in others if place not in crossing]
    take_instruments(known, assumed)
    absolute = frozenset(name for name, c in known.items() if is_absolute(c.title))
    if "voltage" not in known or "current" not in known:
        absolute |= take_swept(sheet, known, others, assumed, si)
    return Found(
        known=known, others=tuple(others), ignored=tuple(ignored), assumed=tuple(assumed),
        repeated=repeated, absolute=absolute, crossing=crossing, gated=gated,
    )  # fmt: skip


def _crossing(sheet: Sheet, others: list[int]) -> tuple[int, ...]:
    """The places of a word line and a bit line, or of a row and a column."""
    keys = {plain(sheet.titles[place]): place for place in others}
    for pair in _CROSSINGS:
        if all(name in keys for name in pair):
            return tuple(keys[name] for name in pair)
    return ()


def _within(sheet: Sheet, device: Column, others: list[int], assumed: list[str]) -> tuple[int, ...]:
    """The places of wafer, die and device, which name a device together; none if they stay the same."""
    places = [p for p in others if plain(sheet.titles[p]) in _WHERE]
    places = [p for p in places if len({row[p] for row in sheet.cells}) > 1]
    if not places:
        return ()
    places = sorted((*places, device.place))
    assumed.append(f"{', '.join(repr(sheet.titles[p]) for p in places)} name a device together")
    return tuple(places)


def without_words(sheet: Sheet, found: Found) -> Found:
    """Without columns that hold nothing but words, if any other is left."""
    cells = {p: [row[p] for row in sheet.cells if row[p]] for p in found.others}
    told = [p for p in found.others if cells[p] and not any(map(_has_digit, cells[p]))]
    if not told or len(told) == len(found.others):
        return found
    return dataclasses.replace(
        found, others=tuple(p for p in found.others if p not in told),
        ignored=(*found.ignored, *(sheet.titles[p] for p in told)),
    )  # fmt: skip


def _has_digit(cell: str) -> bool:
    return any(character.isdigit() for character in cell)


def _take_label_for_count(
    sheet: Sheet, known: dict[str, Column], assumed: list[str], given: Mapping[str, str]
) -> None:
    """A `cycle` that is another one in every row counts; it names no train."""
    label = known.get(LABEL)
    if label is None or LABEL in given or NUMBER in known or not is_counter(label.title):
        return
    values = bare_numbers(sheet, label.place)
    if len(values) >= COUNTED and np.isfinite(values).all() and (np.diff(values) > 0).all():
        del known[LABEL]
        known[NUMBER] = Column(name=NUMBER, place=label.place, title=label.title, factor=1.0)
        assumed.append(f"{label.title!r} counts, as it is another one in every row")


def _take_ways(sheet: Sheet, known: dict[str, Column], others: list[int]) -> None:
    """Take a column whose every cell says potentiation or depression, where no voltage does."""
    if WAY in known or "voltage" in known:
        return
    for place in list(others):
        if sheet.cells and all(cell_way(row[place]) for row in sheet.cells):
            known[WAY] = Column(name=WAY, place=place, title=sheet.titles[place], factor=None)
            others.remove(place)
            return


def suspect(sheet: Sheet, found: Found) -> None:
    """Refuse a title that is nearly a known one: a reading must not vanish by a typing error."""
    missing = [title(name) for name in (LABEL, *UNITS) if name not in found.known]
    for place in found.others:
        text = sheet.titles[place]
        close = difflib.get_close_matches(text, missing, n=1, cutoff=0.8)
        numbered = re.sub(r"\d", "", plain(text)) != plain(text)
        if close and not numbered and plain(text) != plain(close[0]):
            raise InputError(f"{sheet.place}: column {text!r} is unknown; did you mean {close[0]!r}?")


def as_labels(sheet: Sheet, column: Column | None) -> tuple[str, ...]:
    """The cells of a column of names, '' for each row without one."""
    if column is None:
        return ("",) * len(sheet.cells)
    return tuple(row[column.place] for row in sheet.cells)


def values_of(sheet: Sheet, found: Found) -> dict[str, np.ndarray]:
    """The numbers [SI] of the columns that have a unit, and of the time if it has one."""
    names = [name for name in found.known if name in UNITS]
    time = found.known.get(TIME)
    columns = {name: numbers(sheet, found.known[name]) for name in names}
    if time is not None and time.factor is not None:
        columns[TIME] = bare_numbers(sheet, time.place) * time.factor
    return columns
