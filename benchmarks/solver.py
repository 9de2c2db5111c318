"""The crossbar solver beside badcrossbar, ngspice, sparse LU, its dense twin and plain products.

python benchmarks/solver.py [--quick] --json FILE

Errors are the worst deviation over the largest current or weight. badcrossbar asks for cairo,
which draws and does not solve; without it:

pip install --no-deps badcrossbar pathvalidate sigfig
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from _table import Row, in_turns, main, row, seconds
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from netlists.deck import read_deck
from roa_circuit.crossbar import Crossbar
from roa_circuit.dense import read_currents_dense
from roa_circuit.design_point import default_crossbar, default_device
from roa_circuit.linear import LinearNetwork
from roa_circuit.memristor import conductance
from roa_circuit.solver import effective_weights, read_currents

Floats = NDArray[np.float64]

DEVICE = default_device()


def worst(found: Floats, expected: Floats) -> float:
    """The largest deviation, of the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def draw(rows: int, columns: int, reads: int) -> tuple[Floats, Floats]:
    """Random states (rows, columns) and voltages (reads, rows)."""
    rng = np.random.default_rng(rows * columns)
    return rng.random((rows, columns)), rng.uniform(0, 0.1, (reads, rows))


def against_badcrossbar(size: int, ohms: float, reads: int, repeats: int) -> Row:
    """Fresh linear reads of the same array."""
    badcrossbar = _badcrossbar()
    state, voltages = draw(size, size, reads)
    crossbar = Crossbar(rows=size, columns=size, r_word=ohms, r_bit=ohms)
    resistances = 1 / conductance(state, DEVICE.pulses.read_voltage, DEVICE.memristor)

    def own() -> Floats:
        return read_currents(crossbar, state, voltages, DEVICE, exact=False)

    def other() -> Any:
        return badcrossbar.compute(
            voltages.T, resistances, r_i=ohms, node_voltages=False, all_currents=False
        ).currents.output

    mine, theirs = in_turns([own, other], repeats)
    case = f"{size}x{size}, {reads} fresh reads, {ohms:g} Ohm"
    return row(case, mine, "badcrossbar", theirs, worst(own(), np.asarray(other())))


@functools.cache
def _badcrossbar() -> ModuleType:
    if importlib.util.find_spec("cairo") is None:
        sys.modules["cairo"] = MagicMock()
    import badcrossbar

    logging.disable(logging.INFO)
    return badcrossbar


def all_weights(size: int, repeats: int) -> Row:
    """Every effective weight of a fresh array, and by sparse LU of the nodal equations."""
    state, _ = draw(size, size, 1)
    crossbar = default_crossbar(size, size)

    def own() -> Floats:
        return effective_weights(crossbar, state, DEVICE)

    def other() -> Floats:
        return weights_by_sparse_lu(crossbar, state)

    mine, theirs = in_turns([own, other], repeats)
    return row(f"{size}x{size}, all effective weights", mine, "sparse LU", theirs, worst(own(), other()))


def weights_by_sparse_lu(c: Crossbar, state: Floats) -> Floats:
    """Nodal analysis, one right-hand side a bit line (the network is reciprocal)."""
    g = conductance(state, DEVICE.pulses.read_voltage, DEVICE.memristor)
    word = np.arange(c.rows * c.columns).reshape(c.shape)
    bit = word + word.size
    source, sense = 1 / (c.r_source + c.r_word), 1 / (c.r_bit + c.r_sense)
    pairs = [
        (word[:, :-1], word[:, 1:], 1 / c.r_word),
        (bit[:-1], bit[1:], 1 / c.r_bit),
        (word, bit, g),
    ]
    grounded = [(word[:, 0], source), (bit[-1], sense)]
    i, j, values = [], [], []
    for a, b, between in pairs:
        flat = np.broadcast_to(between, a.shape).ravel()
        i += [a.ravel(), b.ravel(), a.ravel(), b.ravel()]
        j += [a.ravel(), b.ravel(), b.ravel(), a.ravel()]
        values += [flat, flat, -flat, -flat]
    for nodes, to_ground in grounded:
        i, j = [*i, nodes], [*j, nodes]
        values.append(np.full(len(nodes), to_ground))
    matrix = coo_matrix((np.concatenate(values), (np.concatenate(i), np.concatenate(j)))).tocsc()
    unit = np.zeros((2 * word.size, c.columns))
    unit[bit[-1], np.arange(c.columns)] = sense
    return np.asarray(splu(matrix).solve(unit)[word[:, 0]] * source)


def row_by_row(size: int) -> Row:
    """Every effective weight, by merging and by elimination of row after row."""
    state, _ = draw(size, size, 1)
    network = LinearNetwork(
        default_crossbar(size, size),
        conductance(state, DEVICE.pulses.read_voltage, DEVICE.memristor),
    )
    found: list[Floats] = []
    mine = seconds(lambda: found.append(network.effective_weights()))
    theirs = seconds(lambda: found.append(network.swept_weights()))
    return row(f"{size}x{size}, all effective weights", mine, "row by row", theirs, worst(*found))


def few_reads(size: int, reads: int) -> Row:
    """Fresh linear reads of a large array, and the way over all its weights."""
    state, voltages = draw(size, size, reads)
    crossbar = default_crossbar(size, size)
    found: list[Floats] = []
    mine = seconds(lambda: found.append(read_currents(crossbar, state, voltages, DEVICE, exact=False)))
    theirs = seconds(lambda: found.append(voltages @ effective_weights(crossbar, state, DEVICE)))
    return row(f"{size}x{size}, {reads} fresh reads", mine, "all weights", theirs, worst(*found))


def against_products(size: int, reads: int, repeats: int) -> list[Row]:
    """What the wires cost beside the matrix product without them."""
    state, voltages = draw(size, size, reads)
    crossbar = default_crossbar(size, size)
    weights = effective_weights(crossbar, state, DEVICE)
    exact, in_hand, product = in_turns(
        [
            lambda: read_currents(crossbar, state, voltages, DEVICE),
            lambda: voltages @ weights,
            lambda: voltages @ state,
        ],
        repeats,
    )
    few = voltages[:1]
    dense = [read_currents_dense(crossbar, state, few, DEVICE, exact=mode) for mode in (True, False)]
    errors = (
        worst(read_currents(crossbar, state, few, DEVICE), dense[0]),
        worst(few @ weights, dense[1]),
    )
    case = f"{size}x{size}, {reads} reads"
    return [
        row(f"{case}, Eq. 2 at every cell", exact, "numpy product", product, errors[0]),
        row(f"{case}, weights in hand", in_hand, "numpy product", product, errors[1]),
    ]


def against_ngspice(rows: int, columns: int, reads: int, repeats: int) -> list[Row]:
    """The transient of a read beside the surrogate, exact and linear."""
    state, voltages = draw(rows, columns, reads)
    crossbar = default_crossbar(rows, columns)
    weights = effective_weights(crossbar, state, DEVICE)
    exact, in_hand = in_turns(
        [lambda: read_currents(crossbar, state, voltages, DEVICE), lambda: voltages @ weights], repeats
    )
    deck = read_deck(crossbar, state, voltages, DEVICE)
    run = deck.run(time_limit=3600)
    currents = np.stack([run.vectors[name] for name in deck.vectors], axis=1)
    case = f"{rows}x{columns}, {reads} reads"
    return [
        row(
            f"{case}, Eq. 2 at every cell", exact, run.version, run.seconds,
            worst(read_currents(crossbar, state, voltages, DEVICE), currents),
        ),
        row(
            f"{case}, weights in hand", in_hand, run.version, run.seconds,
            worst(voltages @ weights, currents),
        ),
    ]  # fmt: skip


def measure(quick: bool) -> Iterator[Row]:
    """Small arrays first."""
    repeats = 3 if quick else 9
    if importlib.util.find_spec("badcrossbar"):
        for size in (64, 128) if quick else (64, 128, 256):
            for ohms in (1.0, 10.0):
                yield against_badcrossbar(size, ohms, 32, 3 if size > 100 else repeats)
    else:
        print("badcrossbar is not installed; its rows are left out", file=sys.stderr)
    for size in (64,) if quick else (64, 128, 256):
        yield all_weights(size, 1 if size > 200 else 3)
    yield from against_products(64, 1024, repeats)
    yield from against_ngspice(16, 6, 75, repeats)
    if not quick:
        for shape in ((65, 6), (64, 20)):
            yield from against_ngspice(*shape, 75, repeats)
        yield row_by_row(512)
        yield few_reads(1024, 8)


if __name__ == "__main__":
    main(__doc__ or "", measure)
