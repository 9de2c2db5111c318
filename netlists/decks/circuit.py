"""The circuit that a deck simulates, in no simulator's language: sources, elements, analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from netlists.decks.cell_source import CellSource
from netlists.decks.dialect import PLAIN, Dialect
from netlists.decks.stimuli import Points
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.device.parameters import Device


class Task(StrEnum):
    """What is simulated: an in-situ write, reads as a transient or a DC sweep, or operating points."""

    write = "write"
    read = "read"
    sweep = "sweep"
    points = "points"

    @property
    def is_static(self) -> bool:
        """Whether cells are frozen: time plays no part, and sources go by the number of the point."""
        return self in {Task.sweep, Task.points}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A voltage source from `node` to ground, which stays at its last voltage.

    points : corners (time [s], voltage [V]), or (number of the read or point, voltage [V]) where
        cells are frozen
    """

    name: str
    node: str
    points: Points


@dataclass(frozen=True, kw_only=True)
class Resistor:
    """One segment of a line, one driver or one sense resistor."""

    name: str
    ends: tuple[str, str]
    ohms: float


@dataclass(frozen=True, kw_only=True)
class Capacitor:
    """A capacitor of a segment to ground or of a cell between its lines, empty at time zero."""

    name: str
    ends: tuple[str, str]
    farads: float


class Kind(StrEnum):
    """The kind of a controlled source: volts of volts, amperes of volts, volts of amperes."""

    vcvs = "E"
    vccs = "G"
    ccvs = "H"


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """A source that follows the voltage between two nodes, or the current of one voltage source."""

    name: str
    kind: Kind
    ends: tuple[str, str]
    control: tuple[str, ...]
    gain: float


@dataclass(frozen=True, kw_only=True)
class Access:
    """The access device of one cell: the circuit's transistor, drain at the word line.

    In a circuit without transistors it is ideal, and on while the node `gate` is above half a volt.
    """

    name: str
    ends: tuple[str, str]
    gate: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One memristor between a word line (te) and a bit line (be).

    parameters : w0, and the device's constants that differ from cell to cell
    states : (number of the point, omega) of a cell that is frozen at another state at each point
    """

    name: str
    te: str
    be: str
    parameters: dict[str, float]
    states: Points = field(default_factory=list)


Element = Resistor | Capacitor | Controlled | Access | Cell


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """An array with its sources, and how it is simulated.

    remarks : comment lines that say what the circuit is
    circuitry : its amplifier, transistor and temperature
    dialect : the solver and cell model of ngspice's deck
    senses : ammeters of the columns that no amplifier of finite gain reads
    outputs : output nodes of the amplifiers, if there are any
    differences : output nodes of the subtractors, where the readout has any
    offsets : sources at the inputs of amplifiers, and at the references of subtractors,
        where these have offsets
    elements : wires, cells and their access devices, row by row
    gates : sources of the access devices, one for each row, and of their bulk, if there are any
    duration : simulated time [s], 0 for a sweep
    kept_from : results before this time [s] are dropped
    longest_step : of the integration [s]
    samples : when each row of results is taken [s]; a sweep has one row for each read instead
    points : how many reads or operating points there are, where cells are frozen
    recorded : whether the waveforms of all lines and cells are kept, too
    floating : whether a piece of a word line has no driver, because the line is broken
    cell_source : the module of its cells, where that is not the device's own
    cuts : nodes along which the array falls apart, for a solver that needs to be told
    """

    task: Task
    remarks: tuple[str, ...]
    device: Device
    words: tuple[Source, ...]
    senses: tuple[Source, ...]
    elements: tuple[Element, ...]
    circuitry: Circuitry = BARE
    dialect: Dialect = PLAIN
    outputs: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    offsets: tuple[Source, ...] = ()
    gates: tuple[Source, ...] = ()
    duration: float = 0.0
    kept_from: float = 0.0
    longest_step: float = 0.0
    samples: tuple[float, ...] = ()
    points: int = 0
    recorded: bool = False
    floating: bool = False
    cell_source: CellSource | None = None
    cuts: tuple[tuple[str, ...], ...] = ()

    @property
    def cells(self) -> Iterator[Cell]:
        """The memristors, row by row."""
        return (element for element in self.elements if isinstance(element, Cell))

    @property
    def stores_charge(self) -> bool:
        """Whether lines or amplifiers store charge, and so take time to settle."""
        return any(isinstance(element, Capacitor) for element in self.elements)
