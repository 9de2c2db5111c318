"""Broken lines: open segments of word and bit lines; `roa_circuit.solver.cuts` has their effect."""

from __future__ import annotations

from dataclasses import dataclass

from roa_circuit.basics.errors import InputError, nearest

LINES = ("word", "bit")


@dataclass(frozen=True, kw_only=True)
class Break:
    """The open segment between the cell (row, column) and the terminal of one of its lines.

    line : 'word', the segment left of the cell: cells from `column` on lose the driver;
        'bit', the segment below the cell: cells down to `row` lose the readout

    In an array driven at the right or sensed at the top it is the segment on that side of the
    cell; in one driven at both ends, the one on the left.
    """

    line: str
    row: int
    column: int

    def __post_init__(self) -> None:
        if self.line not in LINES:
            raise InputError(f"line {self.line!r} of a break is unknown; {nearest(self.line, LINES)}")
