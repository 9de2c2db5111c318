"""An array as the sources and elements of a circuit, row by row.

    Vword{i} -- Rsource -- word{i} -- Rword -- word{i}_col0 -- Rword -- word{i}_col1 ...
                                                  |te             |te
                                                 Xword{i}_col0   Xword{i}_col1
                                                  |be             |be
                                              bit0_row{i}     bit1_row{i}
                                                  :               :       last row, then
                                              Rbit -- bit{j} -- Rsense -- sense{j} -- Vsense{j} -- 0

Driven on the right or sensed at the top, lines are the same from their other end. Driven on both
sides, a word line goes on beyond its last cell to `far{i}`, and through Rfar{i} to its source.

A zero resistance is no resistor (ngspice would make it 1 mOhm): the nodes that it joins become one,
under the shorter name. A broken segment leaves its resistor out and keeps both nodes; an open cell
has its te on a node of its own, `open_word{i}_col{j}`. The current of `Vsense{j}` is the sensed
current of column j. Where reads have amplifiers, these stand at `bit{j}` instead, and their outputs
are the nodes `out{j}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from netlists.decks.circuit import Access, Capacitor, Cell, Element, Resistor, Source
from netlists.decks.stimuli import Points
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.circuit.breaks import Break
from roa_circuit.circuit.crossbar import Crossbar, Ohms, bit_node, of_line, word_node
from roa_circuit.device.compact_model import instance_constants
from roa_circuit.device.laws.law import OPEN
from roa_circuit.device.parameters import Device


def word_sources(crossbar: Crossbar, points: Sequence[Points]) -> tuple[Source, ...]:
    """The drivers, one for each row."""
    return tuple(
        Source(name=f"word{i}", node=_driver(crossbar, i), points=p) for i, p in enumerate(points)
    )


def sense_sources(crossbar: Crossbar, points: Sequence[Points]) -> tuple[Source, ...]:
    """The virtual grounds, one for each column: ammeters, which a write also drives."""
    return tuple(
        Source(name=f"sense{j}", node=_ground(crossbar, j), points=p) for j, p in enumerate(points)
    )


def gate_sources(points: Sequence[Points], circuitry: Circuitry) -> tuple[Source, ...]:
    """Sources that turn each row's access devices on (1 in `points`) and off (0), and their bulk."""
    if not circuitry.transistor:
        return tuple(_gate(str(i), p) for i, p in enumerate(points))
    off, on = circuitry.transistor.gate_off, circuitry.transistor.gate_on
    levels = [[(t, off + (on - off) * level) for t, level in p] for p in points]
    bulk = Source(name="bulk", node="bulk", points=[(0.0, off)])
    return (*(_gate(str(i), p) for i, p in enumerate(levels)), bulk)


_LEAK = 1e12
"""Of what floats behind a break and closed transistors [Ohm]: far below what any cell conducts."""


def _gate(row: str, points: Points) -> Source:
    return Source(name=f"gate{row}", node=f"gate{row}", points=points)


def elements(
    crossbar: Crossbar,
    state: NDArray[np.float64],
    device: Device | None,
    circuitry: Circuitry,
    *,
    gated: bool = False,
    states: Mapping[tuple[int, int], Points] = MappingProxyType({}),
) -> Iterator[Element]:
    """Wires and cells row by row, then the sense resistors; `gated` cells have access devices.

    device : None of cells that are another's, and have nothing but their state of their own
    states : of the cells (row, column) that are not at the same state at all points
    """
    own = instance_constants(device) if device else {}
    scale = device.memristor.current_scale if device else 1.0
    is_open = np.broadcast_to(np.asarray(scale) <= OPEN, crossbar.shape)
    near, below = (1 if crossbar.drive == "right" else -1), (-1 if crossbar.sense == "top" else 1)
    for i in range(crossbar.rows):
        yield from _joined(f"source{i}", _driver(crossbar, i), f"word{i}", crossbar.r_source, i)
        for j in range(crossbar.columns):
            word, bit = _word(crossbar, i, j), _bit(crossbar, i, j)
            if not _is_broken(crossbar, "word", i, j):
                yield from _joined(word, _word(crossbar, i, j + near), word, crossbar.r_word, i)
            elif circuitry.transistor:  # behind closed transistors, nothing else holds its voltage
                yield Resistor(name=f"leak_{word}", ends=(word, "0"), ohms=_LEAK)
            if not _is_broken(crossbar, "bit", i, j):
                yield from _joined(bit, bit, _bit(crossbar, i + below, j), crossbar.r_bit, j)
            name = word_node(i, j)
            yield from _capacitors(circuitry, i, j, word, bit)
            if gated:
                yield Access(name=name, ends=(word, f"te_{name}"), gate=f"gate{i}")
                word = f"te_{name}"
            constants = {name: float(values[i, j]) for name, values in own.items()}
            yield Cell(
                name=name,
                te=f"open_{name}" if is_open[i, j] else word,
                be=bit,
                parameters={"w0": float(state[i, j]), **constants},
                states=states.get((i, j), []),
            )
        if crossbar.drive == "both":
            yield from _far_end(crossbar, i)
    for j in range(crossbar.columns):
        yield from _joined(f"sense{j}", f"bit{j}", _ground(crossbar, j), crossbar.r_sense, j)


def _far_end(crossbar: Crossbar, i: int) -> Iterator[Resistor]:
    """The resistors from the last cell of word line i to its second driver."""
    last, driver = _word(crossbar, i, crossbar.columns - 1), _driver(crossbar, i)
    source, segment = of_line(crossbar.r_source, i), of_line(crossbar.r_word, i)
    far = (f"far{i}" if source else driver) if segment else last
    yield from _joined(f"word{i}_far", last, far, segment, i)
    yield from _joined(f"far{i}", far, driver, source, i)


def _joined(name: str, a: str, b: str, ohms: Ohms, line: int) -> Iterator[Resistor]:
    """A resistor between two nodes of a line, if it has any resistance."""
    own = of_line(ohms, line)
    if own:
        yield Resistor(name=name, ends=(a, b), ohms=own)


def _driver(crossbar: Crossbar, i: int) -> str:
    """The node of the source of word line i."""
    return f"drive{i}" if of_line(crossbar.r_source, i) else f"word{i}"


def _ground(crossbar: Crossbar, j: int) -> str:
    """The node of the virtual ground of bit line j."""
    return f"sense{j}" if of_line(crossbar.r_sense, j) else f"bit{j}"


def _capacitors(c: Circuitry, i: int, j: int, word: str, bit: str) -> Iterator[Capacitor]:
    at_cell = (
        (word_node(i, j), (word, "0"), c.c_word),
        (bit_node(i, j), (bit, "0"), c.c_bit),
        (f"cell{i}_{j}", (word, bit), c.c_cell),
    )
    for name, ends, farads in at_cell:
        if farads:
            yield Capacitor(name=name, ends=ends, farads=farads)


def _word(crossbar: Crossbar, i: int, j: int) -> str:
    """The node of word line i at cell j, at its driven end beyond the cells."""
    if of_line(crossbar.r_word, i):
        return word_node(i, j) if 0 <= j < crossbar.columns else f"word{i}"
    to_left, to_right = range(j, -1, -1), range(j, crossbar.columns)
    cuts = _cuts(crossbar, "word", i, to_right if crossbar.drive == "right" else to_left)
    if crossbar.drive == "both" and not of_line(crossbar.r_source, i):
        cuts = cuts if _cuts(crossbar, "word", i, to_right[1:]) else []
    return word_node(i, cuts[0]) if cuts else f"word{i}"


def _bit(crossbar: Crossbar, i: int, j: int) -> str:
    """The node of bit line j at cell i, at its sensed end beyond the cells."""
    if of_line(crossbar.r_bit, j):
        return bit_node(i, j) if 0 <= i < crossbar.rows else f"bit{j}"
    up, down = range(i, -1, -1), range(i, crossbar.rows)
    cuts = _cuts(crossbar, "bit", j, up if crossbar.sense == "top" else down)
    return bit_node(cuts[0], j) if cuts else f"bit{j}"


def _cuts(crossbar: Crossbar, line: str, number: int, cells: Sequence[int]) -> list[int]:
    """The cells whose segment of this line is broken, in their order."""
    if not crossbar.breaks:
        return []
    return [
        k for k in cells if _is_broken(crossbar, line, *((number, k) if line == "word" else (k, number)))
    ]


def _is_broken(crossbar: Crossbar, line: str, row: int, column: int) -> bool:
    return bool(crossbar.breaks) and Break(line=line, row=row, column=column) in crossbar.breaks


def device_line(device: Device) -> str:
    """What the head of a deck says of its cells' device."""
    own = instance_constants(device)
    scale = "" if "current_scale" in own else f", current scale {device.memristor.current_scale!r}"
    return f"Device {device.name!r}{scale}" + (
        f"; every cell has its own {', '.join(own)}" if own else ""
    )
