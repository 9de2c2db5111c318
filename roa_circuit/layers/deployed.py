"""A layer deployed: where its lines lie, how its states get there, what is corrected.

Everything that its chips share is made here once. Each chip is then written and read in
the surrogate (`read_chip`) or in a circuit simulator, and `scores` judges what its readouts sensed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.converter_use import Usage
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.chips.settling import require_prompt_writes, require_settled_reads
from roa_circuit.circuit.components import Transistor
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.parameters import Device
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.compensation import Order, calibrate
from roa_circuit.layers.patterns import calibration_inputs, repeated
from roa_circuit.layers.placement import Placement, placed_tiles
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import ranged, seen_by_converters, to_be_found
from roa_circuit.layers.recovery import Compensation, ideal_currents, mapped, placement_of
from roa_circuit.layers.relative import are_nothing, compared, over, rms
from roa_circuit.layers.tiling import Tile, TileSize, chip_of, outputs, split
from roa_circuit.solver.settled import SettledArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Array:
    """One array of a layer, with its lines in the order in which they lie on the array.

    tile : its layer has states and pulses as they lie on the array. Where the array is calibrated,
        its reads are followed by reads of test patterns and of no input.
    own, meant : the tile's layer as the network knows it, and the layer whose states are intended
    order, gain : undo the order of lines, and the gain of pre-distortion or placement, in what the
        readout senses
    circuitry : surrounds cells and lines; the lines are already at its temperature
    mapped : (rows, columns) states that are set directly; None where pulses are applied
    wanted : (tests, channels) [A] what converters see of the test patterns behind perfect wires, in
        the layer's own order; None where nothing is calibrated
    """

    tile: Tile
    own: ProgrammedLayer
    meant: ProgrammedLayer
    order: Order
    gain: Floats
    circuitry: Circuitry
    mapped: Floats | None
    wanted: Floats | None

    def seen(self, imperfections: Imperfections) -> Floats:
        """What converters see (reads, channels) [A] of the layer's reads through the circuit's lines."""
        layer = self.tile.layer
        reads = dataclasses.replace(layer, inputs=layer.inputs[: len(self.own.inputs)])
        return seen_by_converters(reads, self.circuitry, self.mapped, imperfections=imperfections)

    def sensed(self, chip: Chip, currents: Floats, state: Floats, volts: Floats) -> Floats:
        """What the chip's readout makes (reads, channels) [A] of column currents (reads, columns) [A].

        Test patterns are read with dither, as they are there to be averaged.
        """
        count = len(self.own.inputs) * chip.slices.count
        own = chip.sense(currents[:count], state, volts[:count])
        if self.wanted is None:
            return own
        tests = chip.sense(currents[count:], state, volts[count:], dithered=True)
        return np.concatenate([own, tests])

    @property
    def test_inputs(self) -> Floats:
        """(tests, rows) what follows the layer's own inputs: test patterns, then as many of no input."""
        return self.tile.layer.inputs[len(self.own.inputs) :]

    @functools.cached_property
    def ideal(self) -> Floats:
        """What converters see (reads, channels) [A] of the layer's reads behind perfect wires."""
        return self.own.joined(ideal_currents(self.own, self.own.inputs, self.meant))

    def corrected(self, sensed: Floats, chip: Chip) -> Floats:
        """The layer's corrected currents (reads, channels) [A], from everything its readout sensed."""
        count = len(self.own.inputs)
        gain, offset = self.correction(sensed[count:], chip)
        return self.order.outputs(sensed[:count] * gain + offset)

    def correction(self, sensed: Floats, chip: Chip) -> tuple[Floats, Floats]:
        """(gain, offset) of each channel, from the test reads that follow those of the layer."""
        if self.wanted is None:
            return self.gain, np.zeros(1)
        tests, rest = np.split(sensed, 2)
        noise = chip.adc.dithered_variance
        found = calibrate(tests, self.order.place_channels(self.wanted), rest, noise=noise)
        return found.gain, found.offset


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A layer on its arrays.

    tiles : the tiles that the layer is split into
    labels : (reads,) right classes, or empty
    placement : where its cells stand before the write, where they are placed for their wires
    """

    arrays: tuple[Array, ...]
    tiles: tuple[Tile, ...]
    labels: NDArray[np.int64]
    placement: Placement | None = None

    def chips(self, imperfections: Imperfections, seed: int) -> list[Chip]:
        """The chips that a seed draws, one for each array, with the ranges of their converters."""
        chips = [chip_of(array.tile, imperfections, seed) for array in self.arrays]
        if not to_be_found(imperfections):
            return chips
        return ranged(chips, self.seen(imperfections), imperfections)

    def seen(self, imperfections: Imperfections) -> list[Floats]:
        """What converters see of each array's sample inputs, which are the layer's own.

        Of the imperfections, the DAC's slices alone count.
        """
        x = imperfections
        key = (x.dac_slices, x.dac_bits, x.dac_range) if x.dac_slices > 1 else None
        if key not in self._kept:
            self._kept[key] = [array.seen(imperfections) for array in self.arrays]
        return self._kept[key]

    @functools.cached_property
    def _kept(self) -> dict[object, list[Floats]]:
        return {}

    def reading(self, x: Floats) -> Deployed:
        """The same arrays with other inputs x >= 0 (reads, rows) of the layer, at its own scale."""
        scale = self.tiles[0].layer.input_scale
        x = np.minimum(x, scale)
        arrays = []
        for array, tile in zip(self.arrays, self.tiles, strict=True):
            reads = x[:, tile.rows] / scale
            every = np.vstack([array.order.inputs(reads), array.test_inputs])
            arrays.append(
                dataclasses.replace(
                    array,
                    tile=_read_with(array.tile, every, scale),
                    own=dataclasses.replace(array.own, inputs=reads, input_scale=scale),
                )
            )
        tiles = tuple(_read_with(tile, x[:, tile.rows] / scale, scale) for tile in self.tiles)
        return dataclasses.replace(self, arrays=tuple(arrays), tiles=tiles)

    @property
    def read_again(self) -> str:
        """Which inputs calibration reads again, in words; '' where it has enough of them."""
        first = self.arrays[0]
        return "" if first.wanted is None else repeated(len(first.own.inputs), len(first.wanted))

    @property
    def answers_nothing(self) -> bool:
        """Whether the layer's outputs behind perfect wires are all 0."""
        return are_nothing(self.tiles, self._y_ideal)

    @functools.cached_property
    def _y_ideal(self) -> Floats:
        return outputs(self.tiles, [array.ideal for array in self.arrays])

    def _corrected(self, sensed: Sequence[Floats], chips: Sequence[Chip]) -> list[Floats]:
        every = zip(self.arrays, sensed, chips, strict=True)
        return [array.corrected(one, chip) for array, one, chip in every]

    def answers(self, sensed: Sequence[Floats], chips: Sequence[Chip]) -> NDArray[np.intp]:
        """The class (reads,) of every read, from what the readouts of all arrays sensed."""
        return np.asarray(np.argmax(outputs(self.tiles, self._corrected(sensed, chips)), axis=1))

    def scores(self, sensed: Sequence[Floats], chips: Sequence[Chip]) -> dict[str, float]:
        """The metrics, from the currents (reads, channels) [A] that all arrays' readouts sensed.

        NaN is an accuracy without labels, and errors and agreement where there is nothing they are of.
        """
        currents = self._corrected(sensed, chips)
        y = outputs(self.tiles, currents)
        mac_error, agreement = compared(self.tiles, y, self._y_ideal)
        ideal = [array.ideal for array in self.arrays]
        errors = [a - b for a, b in zip(currents, ideal, strict=True)]
        right = np.argmax(y, axis=1) == self.labels if len(self.labels) else np.nan
        return {
            "accuracy": float(np.mean(right)),
            "agreement": agreement,
            "mac_error": mac_error,
            "current_error": over(rms(errors), rms(ideal)),
        }


def deploy(
    layer: ProgrammedLayer,
    nominal: ProgrammedLayer,
    size: TileSize,
    choice: Compensation,
    circuitry: Circuitry = BARE,
) -> Deployed:
    """Deploy a layer on arrays, compensated as chosen.

    nominal : the layer that was meant to be, which gives the intended states
    circuitry : surrounds the layer's lines, and brings them to its temperature
    """
    tiles = split(layer.behind(circuitry), size)
    every = split(nominal, size)
    placement = placement_of(tiles, every, choice, circuitry)
    if placement:
        tiles = placed_tiles(tiles, placement)
    gain = 1.0 / placement.gain if placement else 1.0
    arrays = tuple(
        _array(tile, meant.layer, choice, circuitry, gain)
        for tile, meant in zip(tiles, every, strict=True)
    )
    return Deployed(arrays=arrays, tiles=tiles, labels=layer.labels, placement=placement)


def read_chip(array: Array, chip: Chip, coming: int = 1, usage: Usage | None = None) -> Floats:
    """Write a chip and read it: the currents (reads, channels) [A] that its readouts sense.

    coming : how many chips like this one will follow
    usage : takes in what converters are given, and which states the reads meet

    Raises
    ------
    InputError : the lines settle too slowly for the reads, or for pulses in situ.
    """
    state = written(array, chip)
    asked = wanted_voltages(array)
    volts = chip.drive(asked)
    currents = settled(array, chip, state).reader(array.own.read_model, coming=coming)(volts)
    if usage is not None:
        usage.add(chip, asked, currents)
        usage.add_states(chip, state, volts)
    return array.sensed(chip, currents, state, volts)


def settled(array: Array, chip: Chip, state: Floats) -> SettledArray:
    """What settled reads see of a chip with these states, through amplifiers and transistors.

    Raises
    ------
    InputError : reads end before they have settled.
    """
    require_settled_reads(chip.crossbar, chip.device, array.circuitry)
    return array.circuitry.settled(chip.crossbar, state, chip.read_device)


def written(
    array: Array,
    chip: Chip,
    *,
    in_situ: bool = True,
    instead: str = "write in a simulator (roa-spice program --engine ngspice)",
) -> Floats:
    """The states (rows, columns) of a chip after its write, in the surrogate.

    in_situ : write through the wires; otherwise every cell gets its pulses in full
    instead : the advice to give where lines lag too far behind the pulses

    Raises
    ------
    InputError : lines lag too far behind the pulses.
    """
    layer = array.tile.layer
    start = chip.start(layer.initial_state)
    if array.mapped is not None:
        after = chip.start(array.mapped)
    elif not in_situ:
        after = np.asarray(after_pulses(start, layer.pulses, chip.device))
    else:
        require_prompt_writes(chip.crossbar, chip.device, array.circuitry, instead=instead)
        lines = dataclasses.replace(chip.crossbar, amplifier_offset=())  # which writes do not know
        transistor = array.circuitry.transistor
        after = _shared_write(_Write(lines, start, layer.pulses, chip.device, transistor))
    return chip.written(start, after, layer.pulses)


def voltages(array: Array, chip: Chip) -> Floats:
    """Voltages (reads, rows) [V] that reach the chip's word lines."""
    return chip.drive(wanted_voltages(array))


def wanted_voltages(array: Array) -> Floats:
    """Voltages (reads, rows) [V] that word lines are meant to have, by Eq. 8."""
    layer = array.tile.layer
    return np.asarray(voltage_from_input(layer.inputs, layer.device))


def _array(
    tile: Tile, meant: ProgrammedLayer, choice: Compensation, circuitry: Circuitry, gain_of_all: float
) -> Array:
    layer, wanted, inputs = tile.layer, None, tile.layer.inputs
    order, states, gain, _ = mapped(tile, choice, meant, circuitry)
    if choice.calibrated:
        tests = calibration_inputs(layer, choice.calibration_reads)
        wanted = layer.joined(ideal_currents(layer, tests, meant))
        inputs = np.vstack([inputs, tests, np.zeros_like(tests)])
    placed = dataclasses.replace(
        layer,
        initial_state=order.place(layer.initial_state),
        pulses=layer.pulses[np.ix_(order.rows, order.columns)],
        inputs=order.inputs(inputs),
        labels=layer.labels[:0],
    )
    return Array(
        tile=dataclasses.replace(tile, layer=placed),
        own=layer,
        meant=meant,
        order=order,
        gain=gain * gain_of_all,
        circuitry=circuitry,
        mapped=states if choice.predistorted else None,
        wanted=wanted,
    )


def _read_with(tile: Tile, inputs: Floats, scale: float) -> Tile:
    layer = dataclasses.replace(tile.layer, inputs=inputs, input_scale=scale)
    return dataclasses.replace(tile, layer=layer)


class _Write:
    """A write before its noise, as a key of a cache: equal where all numbers are equal."""

    def __init__(
        self,
        crossbar: Crossbar,
        state: Floats,
        pulses: NDArray[np.int64],
        device: Device,
        transistor: Transistor | None,
    ) -> None:
        self.crossbar, self.state, self.pulses, self.device = crossbar, state, pulses, device
        self.transistor = transistor
        constants = map(_hashable, (device.memristor.name, *device.memristor.constants.values()))
        self._key = (crossbar, *map(_hashable, (state, pulses)), device.pulses, transistor, *constants)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Write) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _hashable(value: object) -> object:
    return (value.shape, value.dtype.str, value.tobytes()) if isinstance(value, np.ndarray) else value


@functools.lru_cache(maxsize=64)
def _shared_write(write: _Write) -> Floats:
    """The states after a write, which chips and points share that differ in noise or readout alone."""
    what = write.crossbar, write.state, write.pulses, write.device
    return write_in_situ(*what, transistor=write.transistor).state
