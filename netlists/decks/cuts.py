"""Cuts: the nodes along which an array falls apart, for a solver that orders its equations badly.

    bit lines cut at row c:          word lines cut at column c:
      block above                      block  |  block
      bit0_rowc bit1_rowc ...          left   |  right      word0_colc, word1_colc, ...
      block below

Eliminated block by block and the cuts last (nested dissection: George, SIAM J. Numer. Anal. 10, 1973),
an array of n x n cells takes some n^3 products instead of n^4. Sparse 1.3 looks no further than the next
node: it takes the one with the fewest neighbours. Sources of no gain between all nodes of a cut give
these so many neighbours that they wait, and fill nothing in that would not be filled in anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roa_circuit.circuit.crossbar import Crossbar, bit_node, word_node

Cut = tuple[str, ...]

LEAST = 120
"""Cells of a block that is worth another cut."""


def cuts(crossbar: Crossbar) -> tuple[Cut, ...]:
    """The cuts of an array, the longest lines halved first; none where lines are without resistance."""
    if not (np.all(crossbar.r_word) and np.all(crossbar.r_bit)):
        return ()
    return tuple(_blocks(range(crossbar.rows), range(crossbar.columns)))


def _blocks(rows: range, columns: range) -> Iterator[Cut]:
    """The cut of a block, and those of its halves; a line that was cut already is not cut again."""
    if len(rows) * len(columns) < LEAST:
        return
    if len(rows) >= len(columns):
        middle = rows[len(rows) // 2]
        yield tuple(bit_node(middle, j) for j in columns)
        yield from _blocks(range(rows.start, middle), columns)
        yield from _blocks(range(middle, rows.stop), columns)
    else:
        middle = columns[len(columns) // 2]
        yield tuple(word_node(i, middle) for i in rows)
        yield from _blocks(rows, range(columns.start, middle))
        yield from _blocks(rows, range(middle, columns.stop))
