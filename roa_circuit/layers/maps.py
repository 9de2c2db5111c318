"""Maps of a read: voltages, currents and heat of every cell and segment of a layer's arrays."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError
from roa_circuit.basics.shown import Facts, Shown
from roa_circuit.basics.units import engineering, percent
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import Circuitry
from roa_circuit.chips.read_energy import IN_WORDS, ReadEnergy, read_energy
from roa_circuit.layers.tiling import Tile, assemble
from roa_circuit.solver.operating_point import OperatingPoint

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One thing that a map shows.

    name, unit : as in tables; title : in words
    of : gives it as (rows, columns), from the operating point of one read
    """

    name: str
    unit: str
    title: str
    of: Callable[[OperatingPoint], Floats]

    @property
    def heading(self) -> str:
        """As the head of a column: 'cell_voltage [V]'."""
        return f"{self.name} [{self.unit}]"


def _drop(point: OperatingPoint) -> Floats:
    """What wires and terminals take of each cell's drive."""
    between = point.word_voltages[0] - point.bit_voltages[0]
    ends = point.ends if len(point.ends) else 0.0
    return np.asarray(point.drives[0][:, None] - ends - between)


QUANTITIES = (
    Quantity(name="ir_drop", unit="V", title="IR drop", of=_drop),
    Quantity(name="cell_voltage", unit="V", title="cell voltage", of=lambda p: p.cell_voltages[0]),
    Quantity(name="cell_current", unit="A", title="cell current", of=lambda p: p.cell_currents[0]),
    Quantity(
        name="cell_power", unit="W", title="cell power",
        of=lambda p: np.asarray(p.cell_voltages[0] * p.cell_currents[0]),
    ),
    Quantity(
        name="word_voltage", unit="V", title="word-line voltage", of=lambda p: p.word_voltages[0]
    ),
    Quantity(name="bit_voltage", unit="V", title="bit-line voltage", of=lambda p: p.bit_voltages[0]),
    Quantity(
        name="word_current", unit="A", title="word-line current", of=lambda p: p.word_currents[0]
    ),
    Quantity(name="bit_current", unit="A", title="bit-line current", of=lambda p: p.bit_currents[0]),
)  # fmt: skip
"""IR drop is the drive of a cell less the voltage between its two nodes: all that lines took."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ReadMap(Shown):
    """One read of a layer, array by array.

    read : its number in the layer, from 0
    tiles : of the layer, or the sample of them that is shown
    points, states : of each tile's array, with one read, and its omega (rows, columns)
    energy : of this read
    """

    layer: str
    read: int
    tiles: Sequence[Tile]
    points: Sequence[OperatingPoint]
    states: Sequence[Floats]
    energy: ReadEnergy

    def of(self, name: str) -> Floats:
        """A quantity of every cell (rows, columns), laid out as the tiles lie; NaN where one is missing.

        Raises
        ------
        InputError : no quantity of that name.
        """
        for one in QUANTITIES:
            if one.name == name:
                return assemble(self.tiles, [one.of(point) for point in self.points])
        raise InputError(f"no map {name!r}; there are {', '.join(one.name for one in QUANTITIES)}")

    @property
    def busiest(self) -> int:
        """The index of the array that takes the most power."""
        return int(np.argmax([float(point.delivered[0]) for point in self.points]))

    def facts(self) -> Facts:
        """The extremes of every map, and the energy of the read."""
        rows = [(one.title, *self._range(one)) for one in QUANTITIES]
        head = ("", "least", "mean", "most", "where")
        return Facts(title=f"Layer {self.layer}, read {self.read}", head=head, rows=rows)

    def _range(self, one: Quantity) -> tuple[str, ...]:
        values = self.of(one.name)
        at = int(np.nanargmax(np.abs(values)))
        row, column = np.unravel_index(at, values.shape)
        ends = float(np.nanmin(values)), float(np.nanmean(values)), float(np.nanmax(values))
        return (*(engineering(end, one.unit) for end in ends), f"row {row}, column {column}")

    @property
    def lost(self) -> float:
        """The largest IR drop over the read's largest drive; 0 where nothing is driven."""
        largest = max(float(np.abs(point.drives).max(initial=0.0)) for point in self.points)
        drop = max(float(np.abs(_drop(point)).max()) for point in self.points)
        return drop / largest if largest else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The read as plain values: totals, and every map as rows of numbers."""
        return {
            "layer": self.layer,
            "read": self.read,
            "energy": self.energy.to_dict(),
            "ir_drop_over_largest_drive": self.lost,
            "arrays": [_array(*one) for one in zip(self.tiles, self.points, self.states, strict=True)],
        }

    def to_csv(self) -> str:
        """A row for every cell: its tile, its place on it, omega, drive and every quantity."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        head = ["tile_row", "tile_column", "row", "column", "omega", "drive [V]"]
        writer.writerow([*head, *(one.heading for one in QUANTITIES)])
        for tile, point, state in zip(self.tiles, self.points, self.states, strict=True):
            maps = [one.of(point) for one in QUANTITIES]
            for row, column in np.ndindex(state.shape):
                numbers = [state[row, column], point.drives[0, row], *(m[row, column] for m in maps)]
                place = [tile.first_row, tile.first_column, row, column]
                writer.writerow([*place, *(f"{number:.9g}" for number in numbers)])
        return text.getvalue()

    def said(self) -> Mapping[str, str]:
        """The few numbers that matter most, in words."""
        watts = float(sum(point.delivered[0] for point in self.points))
        hot = max(self.energy.joules, key=lambda name: self.energy.joules[name])
        return {
            "worst IR drop": percent(self.lost, 2, significant=True),
            "power": engineering(watts, "W"),
            "energy": engineering(self.energy.total, "J"),
            "most of it in": IN_WORDS[hot],
        }


def read_map(
    layer: str,
    read: int,
    arrays: Sequence[tuple[Tile, Chip, Circuitry, Floats, Floats]],
) -> ReadMap:
    """The map of one read.

    arrays : (tile, chip, circuitry, states (rows, columns), voltages (reads, rows) [V]) of each

    Raises
    ------
    InputError : no such read, or as for `SettledArray.operating_point`.
    """
    reads = len(arrays[0][4])
    if not 0 <= read < reads:
        raise InputError(f"read {read}: the layer has {reads}, counted from 0")
    one = [(chip, around, state, volts[read : read + 1]) for _, chip, around, state, volts in arrays]
    points = [
        around.settled(chip.crossbar, state, chip.read_device).operating_point(volts)
        for chip, around, state, volts in one
    ]
    return ReadMap(
        layer=layer,
        read=read,
        tiles=[array[0] for array in arrays],
        points=points,
        states=[state for _, _, state, _ in one],
        energy=read_energy(one),
    )


def _array(tile: Tile, point: OperatingPoint, state: Floats) -> dict[str, Any]:
    return {
        "tile": {"row": tile.first_row, "column": tile.first_column},
        "drives [V]": point.drives[0].tolist(),
        "sensed [A]": point.sensed[0].tolist(),
        "power [W]": {name: float(watts[0]) for name, watts in point.power.items()},
        "omega": _short(state),
        **{one.heading: _short(one.of(point)) for one in QUANTITIES},
    }


def _short(values: Floats) -> list[list[float]]:
    """Rows of numbers with seven digits: files of large layers stay readable."""
    return [[float(f"{value:.7g}") for value in row] for row in values]
