"""The crossbar: one circuit specification for the surrogate, the dense twin and the deck.

A word line per input row, driven on the left; a bit line per output column, sensed at the
bottom into virtual ground. One `r_word` and one `r_bit` segment per cell:

    V_i -- r_source -- r_word --*-- r_word --*-- ...       * word-line node, o bit-line node
                                |cell 0      |cell 1         (te on *, be on o)
                                o            o
                              r_bit        r_bit  ... next row ... last row: r_bit -- r_sense -- ground

Any resistance may be zero: the nodes it joins are then one node. Segments may be open
(`roa_circuit.breaks`).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from roa_circuit.breaks import Break
from roa_circuit.errors import InputError, nearest

SELECT_SCHEMES = ("V/2", "V/3", "ideal")
FAULTS = ("breaks", "word_gain", "bit_gain")
RESISTANCES = ("r_source", "r_word", "r_bit", "r_sense")


@dataclass(frozen=True, kw_only=True)
class Crossbar:
    """A passive array of `rows` word lines by `columns` bit lines.

    scheme : what keeps pulses from cells they are not meant for: 'V/2' or 'V/3' on unselected
        lines, or 'ideal' access devices that connect the selected row alone.
    breaks : open segments of lines.
    word_gain, bit_gain : what each line's write driver puts out per volt asked for, (rows,) and
        (columns,); empty where all are 1. Read voltages are what a read is given.
    """

    rows: int
    columns: int
    r_source: float = 0.0  # [Ohm] driver to word line
    r_word: float = 0.0  # [Ohm] per word-line segment
    r_bit: float = 0.0  # [Ohm] per bit-line segment
    r_sense: float = 0.0  # [Ohm] bit line to virtual ground
    scheme: str = "V/2"
    breaks: tuple[Break, ...] = ()
    word_gain: tuple[float, ...] = ()
    bit_gain: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} = {value!r} must be a whole number of at least 1")
        for name in RESISTANCES:
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise InputError(f"{name} = {value!r} Ohm must be finite and not negative")
        if self.scheme not in SELECT_SCHEMES:
            raise InputError(
                f"scheme {self.scheme!r} is unknown; {nearest(self.scheme, SELECT_SCHEMES)}"
            )
        for one in self.breaks:
            if not (0 <= one.row < self.rows and 0 <= one.column < self.columns):
                raise InputError(f"{one} lies outside the array of {self.rows} x {self.columns} cells")
        for name, count in (("word_gain", self.rows), ("bit_gain", self.columns)):
            gains = getattr(self, name)
            if gains and (len(gains) != count or not all(math.isfinite(gain) for gain in gains)):
                raise InputError(f"{name} must be {count} finite numbers, one a line, or empty")

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    def ideal(self) -> Crossbar:
        """The same array with perfect conductors and readout."""
        return Crossbar(rows=self.rows, columns=self.columns, scheme=self.scheme)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as stored in layer files and reports; faults only where there are any."""
        document = dataclasses.asdict(self)
        return {k: v for k, v in document.items() if k not in FAULTS or v}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Crossbar:
        """What `to_dict` gave, also after a journey through JSON."""
        faults: dict[str, Any] = {name: tuple(document.get(name, ())) for name in FAULTS}
        faults["breaks"] = tuple(Break(**one) for one in faults["breaks"])
        return cls(**{**document, **faults})


def word_node(row: int, column: int) -> str:
    """The name of the word-line node at a cell, as decks and reports spell it."""
    return f"word{row}_col{column}"


def bit_node(row: int, column: int) -> str:
    """The name of the bit-line node at a cell."""
    return f"bit{column}_row{row}"
