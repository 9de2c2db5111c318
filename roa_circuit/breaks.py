"""Broken lines: open segments of word and bit lines, exact, on top of any solver of whole ones.

No current passes an open segment, whatever the voltage across it. That voltage, one unknown a
break, lowers the loop drive of every cell that the break cuts off from its line's terminal:

    u + Z i + H lambda = e,    H^T i = 0,    H[b] = 1 at the cells behind break b

What is cut off floats: it still joins the cells on it, so that currents sneak from one crossing
line to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.errors import InputError, nearest

Floats = NDArray[np.float64]

LINES = ("word", "bit")
_INSULATED = 1e-9  # of the largest admittance: open cells, or what rounding leaves of none


@dataclass(frozen=True, kw_only=True)
class Break:
    """The open segment between the cell (row, column) and the terminal of one of its lines.

    line : 'word', the segment left of the cell: cells from `column` on lose the driver;
        'bit', the segment below the cell: cells down to `row` lose the readout
    """

    line: str
    row: int
    column: int

    def __post_init__(self) -> None:
        if self.line not in LINES:
            raise InputError(f"line {self.line!r} of a break is unknown; {nearest(self.line, LINES)}")

    def cut_off(self, shape: tuple[int, int]) -> Floats:
        """1 at every cell (rows, columns) behind the break, else 0."""
        behind = np.zeros(shape)
        if self.line == "word":
            behind[self.row, self.column :] = 1.0
        else:
            behind[: self.row + 1, self.column] = 1.0
        return behind


def patterns(breaks: Sequence[Break], shape: tuple[int, int]) -> Floats:
    """H (breaks, rows, columns)."""
    return np.stack([one.cut_off(shape) for one in breaks])


def through(currents: Floats, H: Floats) -> Floats:
    """H^T i: what would pass each break (..., breaks) [A] with cell currents (..., rows, columns)."""
    return np.asarray(np.einsum("...rc,brc->...b", currents, H))


def voltages(passing: Floats, responses: Floats, H: Floats) -> Floats:
    """What the break voltages lambda (..., breaks) [V] must rise by to stop currents `passing`.

    responses : (..., breaks, rows, columns) [S] cell currents under the loop drives H, one a break.
        A piece of line whose cells do not conduct stays where it is.
    """
    admittance = through(responses, H)
    return np.asarray(
        (np.linalg.pinv(admittance, rcond=_INSULATED, hermitian=True) @ passing[..., None])[..., 0]
    )


def spread_over(values: Floats, H: Floats) -> Floats:
    """H lambda: break voltages (..., breaks) as loop drives (..., rows, columns) [V]."""
    return np.asarray(np.einsum("...b,brc->...rc", values, H))
