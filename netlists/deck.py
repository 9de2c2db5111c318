"""Crossbars as ngspice decks: deterministic text for a write, for reads, and for a DC sweep.

    Vword{i} -- Rsource -- word{i} -- Rword -- word{i}_col0 -- Rword -- word{i}_col1 ...
                                                  |te             |te
                                                 Xword{i}_col0   Xword{i}_col1
                                                  |be             |be
                                              bit0_row{i}     bit1_row{i}
                                                  :               :       last row, then
                                              Rbit -- bit{j} -- Rsense -- sense{j} -- Vsense{j} -- 0

A zero resistance is no resistor (ngspice would make it 1 mOhm): the nodes it joins are one,
under the shorter name. A broken segment is no resistor either, between two nodes; an open cell's
te hangs free, on the node `open_word{i}_col{j}`. `i(Vsense{j})` is the sensed current of column j.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

import numpy as np
from numpy.typing import NDArray

from netlists.stimuli import READ_SLOT, Points, staircase, write_stimuli
from roa_circuit.breaks import Break
from roa_circuit.compact_model import (
    DYNAMIC_SUBCIRCUIT,
    STATIC_SUBCIRCUIT,
    SWITCHING,
    comment,
    instance_constants,
    ngspice_library,
)
from roa_circuit.crossbar import Crossbar, bit_node, word_node
from roa_circuit.errors import InputError
from roa_circuit.parameters import OPEN, Device
from roa_circuit.waveforms import READ_HOLD

LARGEST_CELLS = 8192
"""Cells of one deck: as many take ngspice 39 half a minute a read, and far longer beyond."""

LARGEST_VOLTAGE = 10.0
"""Of a read [V]: Eq. 2 was measured to 3.8 V, and its exponentials leave any wire model far behind."""

# Breakpoints set most of the steps; a state lands within 5e-5 of a far tighter run.
_WRITE_OPTIONS = "reltol=1e-6 trtol=1 abstol=1e-15 vntol=1e-9 noacct"
# `interp` keeps one row of currents a read, at its sample. Newton's last step is far below vntol.
_READ_OPTIONS = "reltol=1e-7 abstol=1e-18 vntol=1e-12 interp noacct"
_SWEEP_OPTIONS = "reltol=1e-9 abstol=1e-18 vntol=1e-12 itl1=500 itl2=500 noacct"

_LINE = 100


@dataclass(frozen=True, kw_only=True)
class Deck:
    """A deck and what it leaves behind.

    vectors : the saved vectors by ngspice's names; column currents (columns) of a read, in
        order, or final states (rows * columns), row by row
    duration : simulated time [s], 0 for a sweep
    """

    text: str
    vectors: tuple[str, ...]
    duration: float


def write_deck(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    pulses: NDArray[np.int64],
    device: Device,
    *,
    origin: str = "",
) -> Deck:
    """The transient of an in-situ write; its vectors are the final states.

    state (rows, columns) : omega before the write
    pulses (rows, columns) : signed counts, > 0 potentiates; at least one is not zero
    origin : what the header names as the source of the numbers

    Raises
    ------
    InputError : too large, another shape, a state outside [0, 1], or nothing to write.
    """
    _check(crossbar, state)
    if crossbar.scheme == "ideal":
        raise InputError(
            "select scheme 'ideal' has no deck: its access devices are the surrogate's alone"
        )
    if pulses.shape != crossbar.shape:
        raise InputError(f"pulses have shape {pulses.shape}, expected {crossbar.shape} (rows, columns)")
    words, bits, duration, count = write_stimuli(crossbar, pulses, device)
    if not count:
        raise InputError("the pulses are all zero: there is nothing to write")
    longest = max(device.pulses.potentiation_width, device.pulses.depression_width)
    # All that is kept is the last gap, in which nothing moves; a point in its middle, on a line
    # that rests there, makes ngspice stop for the samples.
    shortest = min(device.pulses.potentiation_width, device.pulses.depression_width)
    gap = device.pulses.edge_fraction * shortest
    words[0].append((duration - 0.5 * gap, 0.0))
    states = [f"x{word_node(i, j)}.omega" for i, j in _cells(crossbar)]
    lines = [
        *_header(crossbar, device, f"in-situ write of {count} pulses", origin),
        ngspice_library(device),
        *(_pwl(f"Vword{i}", _drive(crossbar, i), points) for i, points in enumerate(words)),
        *(_pwl(f"Vsense{j}", _sense(crossbar, j), points) for j, points in enumerate(bits)),
        *_array(crossbar, state, device, DYNAMIC_SUBCIRCUIT),
        *_folded(".save", [f"v({name})" for name in states]),
        f".options {_WRITE_OPTIONS}",
        # The longest step also sets how close breakpoints may lie: 5e-5 of it.
        f".tran {_number(longest)} {_number(duration)} {_number(duration - gap)} {_number(longest)} uic",
        *(
            f".meas tran omega_{word_node(i, j)} FIND v({name}) AT={_number(duration - 0.2 * gap)}"
            for (i, j), name in zip(_cells(crossbar), states, strict=True)
        ),
        ".end\n",
    ]
    return Deck(text="\n".join(lines), vectors=tuple(states), duration=duration)


def read_deck(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    voltages: NDArray[np.float64],
    device: Device,
    *,
    origin: str = "",
) -> Deck:
    """The transient of a batch of reads with dynamic cells; its vectors are the column currents.

    voltages (reads, rows) [V] : a staircase without return to zero, one row of saved currents a
        read, sampled at the end of its hold.
    Arguments and errors else as `write_deck`.
    """
    _check(crossbar, state)
    _check_voltages(crossbar, voltages)
    duration = len(voltages) * READ_SLOT
    currents = [f"i(Vsense{j})" for j in range(crossbar.columns)]
    lines = [
        *_header(crossbar, device, f"{len(voltages)} reads", origin),
        comment("Columns of the printed table are the sensed currents [A]; a row is a read."),
        ngspice_library(device),
        *(
            _pwl(f"Vword{i}", _drive(crossbar, i), staircase(voltages[:, i]))
            for i in range(crossbar.rows)
        ),
        *(f"Vsense{j} {_sense(crossbar, j)} 0 0" for j in range(crossbar.columns)),
        *_array(crossbar, state, device, DYNAMIC_SUBCIRCUIT),
        *_folded(".save", currents),
        f".options {_READ_OPTIONS}",
        f".tran {_number(READ_SLOT)} {_number(duration)} 0 {_number(READ_HOLD)} uic",
        *_print("tran", currents),
        ".end\n",
    ]
    return Deck(text="\n".join(lines), vectors=_branches(crossbar), duration=duration)


def sweep_deck(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    voltages: NDArray[np.float64],
    device: Device,
    *,
    origin: str = "",
) -> Deck:
    """The reads as a DC sweep with frozen states: no time, so a tenth of the points.

    `Vread` counts the reads; each word line looks up its voltage by it. Else as `read_deck`.
    """
    _check(crossbar, state)
    _check_voltages(crossbar, voltages)
    currents = [f"i(Vsense{j})" for j in range(crossbar.columns)]
    lines = [
        *_header(crossbar, device, f"DC sweep of {len(voltages)} reads, frozen states", origin),
        ngspice_library(device),
        "Vread read 0 0",
        *(_lookup(f"Bword{i}", _drive(crossbar, i), voltages[:, i]) for i in range(crossbar.rows)),
        *(f"Vsense{j} {_sense(crossbar, j)} 0 0" for j in range(crossbar.columns)),
        *_array(crossbar, state, device, STATIC_SUBCIRCUIT),
        *_folded(".save", currents),
        f".options {_SWEEP_OPTIONS}",
        f".dc Vread 0 {len(voltages) - 1} 1",
        *_print("dc", currents),
        ".end\n",
    ]
    return Deck(text="\n".join(lines), vectors=_branches(crossbar), duration=0.0)


# --- checks -------------------------------------------------------------------------------------


def _check(crossbar: Crossbar, state: NDArray[np.float64]) -> None:
    if crossbar.rows * crossbar.columns > LARGEST_CELLS:
        raise InputError(
            f"{crossbar.rows} x {crossbar.columns} cells are too many for one deck: the limit is"
            f" {LARGEST_CELLS}; use the surrogate, or `roa-spice verify` with smaller tiles"
        )
    if state.shape != crossbar.shape:
        raise InputError(f"states have shape {state.shape}, expected {crossbar.shape} (rows, columns)")
    if not bool(np.all((state >= 0) & (state <= 1))):
        raise InputError("states must lie in [0, 1]")


def _check_voltages(crossbar: Crossbar, voltages: NDArray[np.float64]) -> None:
    if voltages.ndim != 2 or voltages.shape[1] != crossbar.rows or not len(voltages):
        raise InputError(f"voltages have shape {voltages.shape}, expected (reads, {crossbar.rows} rows)")
    if not bool(np.all(np.abs(voltages) <= LARGEST_VOLTAGE)):
        raise InputError(f"read voltages must be numbers within +-{LARGEST_VOLTAGE:g} V")


# --- text ---------------------------------------------------------------------------------------


def _header(crossbar: Crossbar, device: Device, what: str, origin: str) -> list[str]:
    wires = ", ".join(
        f"{name} {_number(getattr(crossbar, name))} Ohm"
        for name in ("r_source", "r_word", "r_bit", "r_sense")
    )
    lines = [
        f"Crossbar of {crossbar.rows} x {crossbar.columns} memristors: {what}",
        f"Made by roa-circuit {metadata.version('roa-circuit')}" + (f" from {origin}" if origin else ""),
        _device_line(device),
        f"{wires}; select scheme {crossbar.scheme}",
        "Cell Xword3_col5 joins word line 3 and bit line 5; its state is node xword3_col5.omega",
    ]
    return [comment(line) for line in lines]


def _device_line(device: Device) -> str:
    own = instance_constants(device)
    scale = "" if "current_scale" in own else f", current scale {device.memristor.current_scale!r}"
    return f"Device {device.name!r}{scale}" + (
        f"; every cell has its own {', '.join(own)}" if own else ""
    )


def _number(value: float) -> str:
    """Twelve digits of times and resistances: no rounding noise, no two names for one instant."""
    if not math.isfinite(value):
        raise InputError(f"{value!r} cannot stand in a deck")
    return f"{float(value):.12g}"


def _exact(value: float) -> str:
    """All digits of states and voltages."""
    if not math.isfinite(value):
        raise InputError(f"{value!r} cannot stand in a deck")
    return repr(float(value) + 0.0)


def _folded(head: str, words: Iterable[str]) -> Iterator[str]:
    """A card over as many lines as it takes."""
    line = head
    for word in words:
        if len(line) + 1 + len(word) > _LINE:
            yield line
            line = "+"
        line += " " + word
    yield line


def _pwl(name: str, node: str, points: Points) -> str:
    if len(points) < 2:
        return f"{name} {node} 0 {_exact(points[0][1])}"
    pairs = [f"{_number(time)} {_exact(value)}" for time, value in points]
    return "\n".join(_folded(f"{name} {node} 0 PWL(", [*pairs, ")"]))


def _lookup(name: str, node: str, values: NDArray[np.float64]) -> str:
    """A source that follows the read number; braces keep all digits, literals would lose them."""
    if len(values) == 1:
        return f"{name} {node} 0 V={{{_exact(values[0])}}}"
    pairs = [f",{index},{{{_exact(value)}}}" for index, value in enumerate(values)]
    return "\n".join(_folded(f"{name} {node} 0 V=pwl(V(read)", [*pairs, ")"]))


def _print(analysis: str, currents: Sequence[str]) -> Iterator[str]:
    """What plain `ngspice -b` prints, to twelve digits."""
    yield from _folded(f".print {analysis}", currents)
    yield from (".control", "set numdgt=12", ".endc")


# --- circuit ------------------------------------------------------------------------------------


def _cells(crossbar: Crossbar) -> Iterator[tuple[int, int]]:
    return ((i, j) for i in range(crossbar.rows) for j in range(crossbar.columns))


def _branches(crossbar: Crossbar) -> tuple[str, ...]:
    return tuple(f"vsense{j}#branch" for j in range(crossbar.columns))


def _drive(crossbar: Crossbar, row: int) -> str:
    """Where the word line's source sits."""
    return f"drive{row}" if crossbar.r_source else f"word{row}"


def _sense(crossbar: Crossbar, column: int) -> str:
    """Where the bit line's ammeter sits."""
    return f"sense{column}" if crossbar.r_sense else f"bit{column}"


def _array(
    crossbar: Crossbar, state: NDArray[np.float64], device: Device, subcircuit: str
) -> Iterator[str]:
    """Wires and cells, row by row, then the readout."""
    constants = instance_constants(device)
    if subcircuit == STATIC_SUBCIRCUIT:
        constants = {name: values for name, values in constants.items() if name not in SWITCHING}
    is_open = np.broadcast_to(np.asarray(device.memristor.current_scale) <= OPEN, crossbar.shape)
    for i in range(crossbar.rows):
        if crossbar.r_source:
            yield f"Rsource{i} drive{i} word{i} {_number(crossbar.r_source)}"
        for j in range(crossbar.columns):
            word, left = _word(crossbar, i, j), _word(crossbar, i, j - 1)
            if crossbar.r_word and not _is_broken(crossbar, "word", i, j):
                yield f"R{word} {left} {word} {_number(crossbar.r_word)}"
            bit, below = _bit(crossbar, i, j), _bit(crossbar, i + 1, j)
            if crossbar.r_bit and not _is_broken(crossbar, "bit", i, j):
                yield f"R{bit} {bit} {below} {_number(crossbar.r_bit)}"
            top = f"open_{word_node(i, j)}" if is_open[i, j] else word
            own = [f"{name}={_exact(values[i, j])}" for name, values in constants.items()]
            start = f"w0={_exact(state[i, j])}"
            yield from _folded(f"X{word_node(i, j)} {top} {bit} {subcircuit}", [start, *own])
    if crossbar.r_sense:
        for j in range(crossbar.columns):
            yield f"Rsense{j} bit{j} sense{j} {_number(crossbar.r_sense)}"


def _word(crossbar: Crossbar, i: int, j: int) -> str:
    """The node of word line i at cell j; its driven end is cell -1."""
    if crossbar.r_word:
        return word_node(i, j) if j >= 0 else f"word{i}"
    cuts = [k for k in range(j, -1, -1) if _is_broken(crossbar, "word", i, k)]
    return word_node(i, cuts[0]) if cuts else f"word{i}"


def _bit(crossbar: Crossbar, i: int, j: int) -> str:
    """The node of bit line j at cell i; its sensed end is one row further."""
    if crossbar.r_bit:
        return bit_node(i, j) if i < crossbar.rows else f"bit{j}"
    cuts = [k for k in range(i, crossbar.rows) if _is_broken(crossbar, "bit", k, j)]
    return bit_node(cuts[0], j) if cuts else f"bit{j}"


def _is_broken(crossbar: Crossbar, line: str, row: int, column: int) -> bool:
    return bool(crossbar.breaks) and Break(line=line, row=row, column=column) in crossbar.breaks
