"""The crossbar solver beside badcrossbar, ngspice, sparse LU, its dense twin and plain products.

python benchmarks/solver.py [--quick] [--only TEXT] --json FILE

Errors are the worst deviation over the largest current or weight. badcrossbar asks for cairo,
which draws and does not solve; without it:

pip install --no-deps badcrossbar pathvalidate sigfig
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import _fresh
import numpy as np
from _table import Row, in_turns, main, row, seconds
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from netlists.decks.deck import read_deck
from netlists.simulation.ngspice import simulate
from roa_circuit.circuit.crossbar import Crossbar, bit_node, word_node
from roa_circuit.circuit.design_point import default_crossbar, default_device
from roa_circuit.device.memristor import conductance
from roa_circuit.device.parameters import Device
from roa_circuit.solver import iterative
from roa_circuit.solver.dense import read_currents_dense
from roa_circuit.solver.linear import LinearNetwork
from roa_circuit.solver.read import effective_weights, read_currents

Floats = NDArray[np.float64]

DEVICE = default_device()


def worst(found: Floats, expected: Floats) -> float:
    """The largest deviation, of the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def draw(rows: int, columns: int, reads: int) -> tuple[Floats, Floats]:
    """Random states (rows, columns) and voltages (reads, rows)."""
    rng = np.random.default_rng(rows * columns)
    return rng.random((rows, columns)), rng.uniform(0, 0.1, (reads, rows))


def against_badcrossbar(
    shape: tuple[int, int], ohms: float, reads: int, repeats: int, device: Device = DEVICE
) -> Row:
    """Fresh linear reads of the same array."""
    badcrossbar = _badcrossbar()
    state, voltages = draw(*shape, reads)
    crossbar = Crossbar(rows=shape[0], columns=shape[1], r_word=ohms, r_bit=ohms)
    resistances = 1 / conductance(state, device.pulses.read_voltage, device.memristor)

    def own() -> Floats:
        return read_currents(crossbar, state, voltages, device, exact=False)

    def other() -> Any:
        return badcrossbar.compute(
            voltages.T, resistances, r_i=ohms, node_voltages=False, all_currents=False
        ).currents.output

    mine, theirs = in_turns([own, other], repeats)
    cells = f"{resistances.min():.2g}-{resistances.max():.2g} Ohm"
    case = f"{shape[0]}x{shape[1]} of {cells}, {reads} fresh reads, {ohms:g} Ohm"
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


def large_array(size: int, reads: int) -> Row:
    """Fresh linear reads of a large array beside all its weights, each in a process of its own."""
    few = _fresh.run("linear", size, reads)
    weights = _fresh.run("weights", size)
    _, voltages = _fresh.draw(size, reads)
    error = worst(few.result, voltages @ weights.result)
    peaks = {"peak_bytes": few.peak, "peer_peak_bytes": weights.peak}
    gigabytes = f"{few.peak / 1e9:.2g} and {weights.peak / 1e9:.2g} GB"
    case = f"{size}x{size}, {reads} fresh reads, {gigabytes}"
    return row(case, few.seconds, "all weights", weights.seconds, error, **peaks)


def against_products(size: int, reads: int, repeats: int, quick: bool) -> list[Row]:
    """What the wires cost beside the matrix product without them.

    quick : take the errors against the numpy solver, not the dense twin, which needs half a minute
    """
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
    reference = _read_in_numpy if quick else read_currents_dense
    errors = (
        worst(read_currents(crossbar, state, few, DEVICE), reference(crossbar, state, few, DEVICE)),
        worst(few @ weights, reference(crossbar, state, few, DEVICE, exact=False)),
    )
    case = f"{size}x{size}, {reads} reads"
    return [
        row(f"{case}, Eq. 2 at every cell", exact, "numpy product", product, errors[0]),
        row(f"{case}, weights in hand", in_hand, "numpy product", product, errors[1]),
    ]


def _read_in_numpy(
    crossbar: Crossbar, state: Floats, voltages: Floats, device: Device, *, exact: bool = True
) -> Floats:
    g = conductance(state, device.pulses.read_voltage, device.memristor)
    network, e = LinearNetwork(crossbar, g), _drives(voltages, g)
    if not exact:
        return network.solve(e).sum(axis=1)
    cells = iterative.solve_cells(network, state, e, device.memristor, None, iterative.TOLERANCE)
    return cells.currents.sum(axis=1)


def _drives(voltages: Floats, g: Floats) -> Floats:
    return np.broadcast_to(voltages[:, :, None], (len(voltages), *g.shape))


def against_numpy(rows: int, columns: int, reads: int, repeats: int) -> Row:
    """Fresh reads of a small array, and without compiled code."""
    state, voltages = draw(rows, columns, reads)
    crossbar = default_crossbar(rows, columns)

    def own() -> Floats:
        return read_currents(crossbar, state, voltages, DEVICE)

    def other() -> Floats:
        return _read_in_numpy(crossbar, state, voltages, DEVICE)

    mine, theirs = in_turns([own, other], repeats)
    case = f"{rows}x{columns}, {reads} fresh read{'s' * (reads > 1)}, Eq. 2 at every cell"
    return row(case, mine, "the same in numpy", theirs, worst(own(), other()))


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
            f"{case}, Eq. 2 at every cell", exact, f"{run.version} transient", run.seconds,
            worst(read_currents(crossbar, state, voltages, DEVICE), currents),
        ),
        row(
            f"{case}, weights in hand", in_hand, f"{run.version} transient", run.seconds,
            worst(voltages @ weights, currents),
        ),
    ]  # fmt: skip


def against_operating_point(rows: int, columns: int, repeats: int) -> Row:
    """One read, Eq. 2 at every cell, and ngspice's .op of a flat deck of behavioural cells."""
    state, voltages = draw(rows, columns, 1)
    crossbar = default_crossbar(rows, columns)
    (own,) = in_turns([lambda: read_currents(crossbar, state, voltages, DEVICE)], repeats)
    run = simulate("\n".join(_flat_deck(crossbar, state, voltages[0])), time_limit=3600)
    sensed = [run.vectors[bit_node(rows - 1, j)] for j in range(columns)]
    currents = np.concatenate(sensed) / (crossbar.r_bit + crossbar.r_sense)
    error = worst(read_currents(crossbar, state, voltages, DEVICE)[0], currents)
    case = f"{rows}x{columns}, 1 read, Eq. 2 at every cell"
    return row(case, own, f"{run.version} .op", run.seconds, error)


def _flat_deck(c: Crossbar, state: Floats, voltages: Floats) -> Iterator[str]:
    p, volts, omega = DEVICE.memristor, voltages.tolist(), state.tolist()
    yield "* a crossbar read, Eq. 2 at every cell"
    for k in range(c.rows):
        yield f"V{k} drive{k} 0 {volts[k]!r}"
        for j in range(c.columns):
            word, bit = word_node(k, j), bit_node(k, j)
            before = word_node(k, j - 1) if j else f"drive{k}"
            below = bit_node(k + 1, j) if k < c.rows - 1 else "0"
            yield f"Rw{k}_{j} {before} {word} {c.r_word + (0 if j else c.r_source)!r}"
            yield f"Rb{k}_{j} {bit} {below} {c.r_bit + (c.r_sense if below == '0' else 0)!r}"
            u = f"v({word},{bit})"
            tunnel = f"{p.gamma * p.current_scale * omega[k][j]!r}*sinh({p.delta!r}*{u})"
            barrier = f"{p.alpha * p.current_scale * (1 - omega[k][j])!r}*(1-exp(-{p.beta!r}*{u}))"
            yield f"B{k}_{j} {word} {bit} i={tunnel}+{barrier}"
    yield ".options reltol=1e-9 abstol=1e-18 vntol=1e-15"
    yield ".op"
    yield ".end"


def cases(quick: bool) -> Iterator[tuple[str, Callable[[], Row | list[Row]]]]:
    """(name, what measures it), small arrays first."""
    repeats = 3 if quick else 9
    if importlib.util.find_spec("badcrossbar"):
        for size in (64, 128) if quick else (64, 128, 256):
            for ohms in (1.0, 10.0) if quick else (0.1, 1.0, 10.0):
                shape, some = (size, size), 3 if size > 100 else repeats
                yield f"badcrossbar {size}", partial(against_badcrossbar, shape, ohms, 32, some)
        for reads in () if quick else (1, 8, 1024):
            yield f"badcrossbar {reads} reads", partial(against_badcrossbar, (64, 64), 1.0, reads, 3)
        for name, shape in (
            () if quick else (("64x20", (64, 20)), ("576x64", (576, 64)), ("1600x5", (1600, 5)))
        ):
            yield f"badcrossbar {name}", partial(against_badcrossbar, shape, 1.0, 1024, 3)
        for name, scale in () if quick else (("1 kOhm", 1.0), ("1 MOhm", 1e-3)):
            some = DEVICE.scaled(scale)
            yield f"badcrossbar {name}", partial(against_badcrossbar, (64, 64), 1.0, 32, 3, some)
    else:
        print("badcrossbar is not installed; its rows are left out", file=sys.stderr)
    for size in (64,) if quick else (64, 128, 256):
        yield f"weights {size}", partial(all_weights, size, 1 if size > 200 else 3)
    for reads in (1, 75):
        yield f"numpy 65x6, {reads} reads", partial(against_numpy, 65, 6, reads, 3 * repeats)
    yield "products", partial(against_products, 64, 1024, repeats, quick)
    yield "transient 16x6", partial(against_ngspice, 16, 6, 75, repeats)
    yield "operating point 16x6", partial(against_operating_point, 16, 6, repeats)
    if not quick:
        yield "operating point 64x20", partial(against_operating_point, 64, 20, repeats)
        yield "transient 65x6", partial(against_ngspice, 65, 6, 75, repeats)
        yield "transient 64x20", partial(against_ngspice, 64, 20, 75, repeats)
        yield "weights 512 row by row", partial(row_by_row, 512)
        yield "weights 1024", partial(large_array, 1024, 8)


def measure(quick: bool, only: str) -> Iterator[Row]:
    """The rows of the cases whose name holds `only`."""
    for name, run in cases(quick):
        if only in name:
            found = run()
            yield from found if isinstance(found, list) else [found]


if __name__ == "__main__":
    main(__doc__ or "", measure, in_parts=True)
