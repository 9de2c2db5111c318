"""Probes: what is kept of a circuit, as ngspice spells it: 'v(drive0)', 'i(Vsense3)'.

Each simulator's language says how to save such an expression, and how it names the vector.
"""

from __future__ import annotations

import re

from netlists.decks.circuit import Cell, Circuit, Task
from netlists.simulation.recordings import Quantity

ENERGY = "energy"
"""The node of a write whose voltage is what all sources delivered since the start, 1 V a mJ."""

MILLIJOULE = 1e-3


def state(cell: Cell) -> str:
    """The probe of a cell's omega."""
    return f"v(x{cell.name}.omega)"


def cell_of(expression: str) -> str | None:
    """The name of the cell whose state is probed, None for any other probe."""
    found = re.fullmatch(r"v\(x(\w+)\.omega\)", expression)
    return found[1] if found else None


def measured(circuit: Circuit) -> tuple[str, ...]:
    """The probes of a circuit's result.

    The states of a write, row by row; the readout of a read, of columns and then of subtractors; or, of
    operating points, the voltage at each cell's top, row by row, at each cell's bottom, and what each
    line's source delivers.
    """
    if circuit.task is Task.write:
        return tuple(map(state, circuit.cells))
    if circuit.task is Task.points:
        ends = [*(cell.te for cell in circuit.cells), *(cell.be for cell in circuit.cells)]
        return (*(f"v({node})" for node in ends), *(current for _, current in delivering(circuit)))
    return (*of_columns(circuit), *(f"v({node})" for node in circuit.differences))


def of_columns(circuit: Circuit) -> tuple[str, ...]:
    """The probes of the columns of a read: their amplifiers' outputs, or their ammeters."""
    volts = tuple(f"v({node})" for node in circuit.outputs)
    return volts or tuple(f"i(V{source.name})" for source in circuit.senses)


def delivering(circuit: Circuit) -> tuple[tuple[str, str], ...]:
    """The probes (voltage, current) of the sources of all lines."""
    return tuple((f"v({one.node})", f"i(V{one.name})") for one in (*circuit.words, *circuit.senses))


def quantities(circuit: Circuit) -> tuple[Quantity, ...]:
    """The quantities of a recording: drives and sensed currents, and in a write every cell."""

    def voltages(name: str, dims: tuple[str, ...], *nodes: str) -> Quantity:
        return Quantity(name=name, unit="V", dims=dims, expressions=tuple(f"v({n})" for n in nodes))

    cells, each = tuple(circuit.cells), ("row", "column")
    sensed, unit = ("sensed_voltage", "V") if circuit.outputs else ("sensed_current", "A")
    if circuit.task is Task.write:
        currents = tuple(f"i(V{source.name})" for source in circuit.senses)
        return (
            voltages("word_drive", ("row",), *(source.node for source in circuit.words)),
            Quantity(name="sensed_current", unit="A", dims=("column",), expressions=currents),
            voltages("bit_drive", ("column",), *(source.node for source in circuit.senses)),
            Quantity(name=ENERGY, unit="mJ", dims=(), expressions=(f"v({ENERGY})",)),
            Quantity(name="state", unit="1", dims=each, expressions=measured(circuit)),
            voltages("te_voltage", each, *(cell.te for cell in cells)),
            voltages("be_voltage", each, *(cell.be for cell in cells)),
        )
    return (
        voltages("word_drive", ("row",), *(source.node for source in circuit.words)),
        Quantity(name=sensed, unit=unit, dims=("column",), expressions=of_columns(circuit)),
    )
