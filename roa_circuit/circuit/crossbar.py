"""The crossbar: one circuit specification for the surrogate, the dense twin and the deck.

A word line per input row, driven on the left; a bit line per output column, sensed at the
bottom into virtual ground. One `r_word` and one `r_bit` segment per cell:

    V_i -- r_source -- r_word --*-- r_word --*-- ...       * word-line node, o bit-line node
                                |cell 0      |cell 1         (te on *, be on o)
                                o            o
                              r_bit        r_bit  ... next row ... last row: r_bit -- r_sense -- ground

Word lines may also be driven on the right, and bit lines sensed at the top: the same circuit in a
mirror. A line driven on both sides ends, behind its last cell, as it began before its first:

    ... --*-- r_word --*-- r_word -- r_source -- V_i

Any resistance may be zero: the nodes that it joins are then one node. Every line may have
resistances of its own, and segments may be open (`roa_circuit.circuit.breaks`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE

SELECT_SCHEMES = ("V/2", "V/3", "ideal")
DRIVES = ("left", "right", "both")
SENSES = ("bottom", "top")
FAULTS = ("breaks", "word_gain", "bit_gain", "amplifier_offset")
RESISTANCES = ("r_source", "r_word", "r_bit", "r_sense")
OF_WORD_LINES = ("r_source", "r_word")

Ohms = float | tuple[float, ...]
"""Of every line alike, or one a line [Ohm]; arrays and lists become tuples."""


@dataclass(frozen=True, kw_only=True)
class Crossbar:
    """A passive array of `rows` word lines by `columns` bit lines.

    r_source, r_word : [Ohm] one number, or one for each word line
    r_bit, r_sense : [Ohm] one number, or one for each bit line
    drive : where word lines are driven: 'left', 'right' or 'both' ends, each through r_source
    sense : where bit lines are sensed: 'bottom' or 'top'
    scheme : what keeps pulses from cells they are not meant for: 'V/2' or 'V/3' on unselected
        lines, or 'ideal' access devices that connect the selected row alone.
    breaks : open segments of lines.
    word_gain, bit_gain : what each line's write driver puts out per volt asked for, (rows,) and
        (columns,); empty where all are 1. Read voltages are what a read is given.
    amplifier_offset : of each bit line's amplifier in reads, at its input [V] (columns,), or empty
    temperature : that its resistances and cells have [K]
    """

    rows: int
    columns: int
    r_source: Ohms = 0.0  # [Ohm] driver to word line
    r_word: Ohms = 0.0  # [Ohm] per word-line segment
    r_bit: Ohms = 0.0  # [Ohm] per bit-line segment
    r_sense: Ohms = 0.0  # [Ohm] bit line to virtual ground
    drive: str = "left"
    sense: str = "bottom"
    scheme: str = "V/2"
    breaks: tuple[Break, ...] = ()
    word_gain: tuple[float, ...] = ()
    bit_gain: tuple[float, ...] = ()
    amplifier_offset: tuple[float, ...] = ()
    temperature: float = NOMINAL_TEMPERATURE

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} = {value!r} must be a whole number of at least 1")
        for name in RESISTANCES:
            lines, count = ("word", self.rows) if name in OF_WORD_LINES else ("bit", self.columns)
            object.__setattr__(self, name, _ohms(name, getattr(self, name), lines, count))
        for name in FAULTS:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, known in (("scheme", SELECT_SCHEMES), ("drive", DRIVES), ("sense", SENSES)):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"{name} {value!r} is unknown; {nearest(str(value), known)}")
        for one in self.breaks:
            if not (0 <= one.row < self.rows and 0 <= one.column < self.columns):
                raise InputError(f"{one} lies outside the array of {self.rows} x {self.columns} cells")
        for name, count in zip(FAULTS[1:], (self.rows, self.columns, self.columns), strict=True):
            each = getattr(self, name)
            if each and (len(each) != count or not all(math.isfinite(one) for one in each)):
                raise InputError(f"{name} must be {count} finite numbers, one a line, or empty")

    @property
    def ends(self) -> str:
        """Where lines are driven and sensed, in words; empty for the left and the bottom."""
        driven = {"left": "", "right": "driven on the right", "both": "driven on both sides"}[self.drive]
        return ", ".join(filter(None, (driven, "sensed at the top" if self.sense == "top" else "")))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    def ideal(self) -> Crossbar:
        """The same array with perfect conductors and readout."""
        return Crossbar(rows=self.rows, columns=self.columns, scheme=self.scheme)

    def part(self, rows: Sequence[int], columns: Sequence[int]) -> Crossbar:
        """The array of some lines alone, in the given order, with their resistances and faults."""
        of_rows = *OF_WORD_LINES, "word_gain"
        of_columns = "r_bit", "r_sense", "bit_gain", "amplifier_offset"
        own: dict[str, Any] = {}
        for names, lines in ((of_rows, rows), (of_columns, columns)):
            for name in names:
                values = getattr(self, name)
                if isinstance(values, tuple) and values:
                    own[name] = tuple(values[line] for line in lines)
        row, column = ({line: at for at, line in enumerate(lines)} for lines in (rows, columns))
        breaks = tuple(
            dataclasses.replace(one, row=row[one.row], column=column[one.column])
            for one in self.breaks
            if one.row in row and one.column in column
        )
        return dataclasses.replace(self, rows=len(rows), columns=len(columns), breaks=breaks, **own)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in layer files and reports; faults and temperature if there are any."""
        document = dataclasses.asdict(self)
        if self.temperature == NOMINAL_TEMPERATURE:
            del document["temperature"]
        return {k: v for k, v in document.items() if k not in FAULTS or v}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Crossbar:
        """Undo `to_dict`, also after a trip through JSON."""
        faults: dict[str, Any] = {name: tuple(document.get(name, ())) for name in FAULTS}
        faults["breaks"] = tuple(Break(**one) for one in faults["breaks"])
        return cls(**{**document, **faults})


def _ohms(name: str, given: Any, lines: str, count: int) -> Ohms:
    """Resistances as one number, or as a tuple of `count`."""
    try:
        values = np.asarray(given)
    except ValueError:  # lists of several lengths
        values = np.array(None)
    if values.dtype.kind not in "iuf":
        raise InputError(f"{name} = {given!r} must be a number of Ohm, or one for each {lines} line")
    if values.shape not in {(), (count,)}:
        raise InputError(
            f"{name} has shape {values.shape}: give one number, or {count}, one a {lines} line"
        )
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        where = f"[{int(np.argmax(wrong))}]" if values.ndim else ""
        value = float(values[wrong][0])
        raise InputError(f"{name}{where} = {value!r} Ohm must be finite and not negative")
    return tuple(map(float, values)) if values.ndim else float(values)


def of_line(ohms: Ohms, line: int) -> float:
    """The resistance [Ohm] of one line."""
    return ohms[line] if isinstance(ohms, tuple) else ohms


def said(ohms: Ohms | Sequence[float], form: Callable[[float], str] = "{:g}".format) -> str:
    """Resistances [Ohm] as text: '1', or '0.9 to 1.2' where lines differ."""
    least, most = float(np.min(ohms)), float(np.max(ohms))
    return form(least) if least == most else f"{form(least)} to {form(most)}"


def word_node(row: int, column: int) -> str:
    """The name of the word-line node at a cell, as decks and reports have it."""
    return f"word{row}_col{column}"


def bit_node(row: int, column: int) -> str:
    """The name of the bit-line node at a cell, as decks and reports have it."""
    return f"bit{column}_row{row}"
