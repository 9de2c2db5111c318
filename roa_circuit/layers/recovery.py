"""Recovery: how much of what wires take from a layer each compensation gives back.

The layer's intended states (Eq. 6 undone) are mapped as each compensation asks, read through the
wires of every tile, and corrected. The measure is the same layer behind perfect wires.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roa_circuit.basics.errors import InputError, nearest
from roa_circuit.basics.units import parse_quantity
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.settling import require_settled_reads
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.memristor import conductance, conductance_range, state_from_conductance
from roa_circuit.device.programming import after_pulses
from roa_circuit.layers.compensation import Order, as_it_is, calibrate, heaviest_nearest, predistort
from roa_circuit.layers.patterns import MOST_TEST_READS, TEST_READS, calibration_inputs
from roa_circuit.layers.placement import (
    Placement,
    believed,
    place,
    placed_tiles,
    require_alone,
)
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import chips_of, ranged, seen_by_converters, to_be_found
from roa_circuit.layers.relative import compared, rms
from roa_circuit.layers.tiling import Tile, TileSize, outputs, split
from roa_circuit.solver.read import read_currents
from roa_circuit.solver.read_model import ReadModel

Floats = NDArray[np.float64]

NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Compensation:
    """Which compensations are applied.

    placed : the initial state is mapped once for its wires (`roa_circuit.layers.placement`)
    believed : between the resistances of line segments that `placed` and `predistorted` reckon with and
        those that are there; 1 knows them exactly
    calibration_reads : test patterns that calibration reads, through the converters and with dither

    Raises
    ------
    InputError : `placed` beside what it leaves nothing to do for, or a belief that nothing reckons with.
    """

    permuted: bool = False
    predistorted: bool = False
    placed: bool = False
    calibrated: bool = False
    believed: float = 1.0
    calibration_reads: int = TEST_READS

    def __post_init__(self) -> None:
        if not 1 <= self.calibration_reads <= MOST_TEST_READS:
            raise InputError(
                f"calibrated:{self.calibration_reads}: calibration takes 1 to {MOST_TEST_READS} reads"
            )
        others = [name for name in ("permuted", "predistorted") if getattr(self, name)]
        require_alone(placed=self.placed, others=others)
        if not (math.isfinite(self.believed) and self.believed > 0):
            raise InputError(f"believed = {self.believed!r} must be a factor greater than 0")
        if self.believed != 1.0 and not self.knows_wires:
            raise InputError(
                f"compensation {self.name}: nothing in it reckons with wires; leave @{self.believed:g}"
                " out, or add placed or predistorted"
            )

    @property
    def knows_wires(self) -> bool:
        """Whether it reckons with the resistances of the lines."""
        return self.placed or self.predistorted

    def __str__(self) -> str:
        return self.name.replace("+", ", ")

    @property
    def name(self) -> str:
        """The names joined by '+', as `parse` reads them."""
        joined = "+".join(name for name in _NAMES if getattr(self, name)) or NOTHING
        if self.calibrated and self.calibration_reads != TEST_READS:
            joined = joined.replace("calibrated", f"calibrated:{self.calibration_reads}")
        return joined if self.believed == 1.0 else f"{joined}@{self.believed:g}"

    @classmethod
    def parse(cls, text: str) -> Compensation:
        """Read 'nothing', or names joined by '+', as in 'predistorted+calibrated'.

        'placed@1.1' reckons with wires of 1.1 times the resistance that they have; 'calibrated:64' reads
        the 64 largest inputs in place of 8 test patterns.

        Raises
        ------
        InputError : another name, or what a `Compensation` refuses.
        """
        joined, at, factor = text.partition("@")
        names = [] if joined.strip() == NOTHING else [name.strip() for name in joined.split("+")]
        reads = [name.partition(":")[2] for name in names if name.startswith("calibrated:")]
        names = ["calibrated" if name.startswith("calibrated:") else name for name in names]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise InputError(f"compensation {text!r}: {name} stands there twice; leave one out")
            if name not in _NAMES:
                raise InputError(
                    f"compensation {name!r} is unknown; {nearest(name, [NOTHING, *_NAMES])}"
                )
        chosen: dict[str, Any] = dict.fromkeys(names, True)
        if reads:
            if not reads[0].isdecimal():
                raise InputError(
                    f"compensation {text!r}: calibrated:{reads[0]} has no whole number of reads"
                )
            chosen["calibration_reads"] = int(reads[0])
        if at:
            chosen["believed"] = parse_quantity(factor, what=f"compensation {text}")
        return cls(**chosen)


_NAMES = ("permuted", "predistorted", "placed", "calibrated")

CHOICES = (
    Compensation(),
    Compensation(permuted=True),
    Compensation(calibrated=True),
    Compensation(permuted=True, calibrated=True),
    Compensation(predistorted=True),
    Compensation(predistorted=True, calibrated=True),
    Compensation(placed=True),
)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What is left of the wires' effect on a layer.

    weight_error : rms deviation of the effective weights g in [-1, 1]
    mac_error : rms deviation of the outputs y over their rms
    agreement : share of reads whose largest output is the same as behind perfect wires; NaN both where
        the outputs are all 0
    accuracy : share of right answers, None where the layer has no labels
    clipped : share of cells at an end of their conductance range
    """

    compensation: Compensation
    weight_error: float
    mac_error: float
    agreement: float
    accuracy: float | None
    clipped: float


Arrangement = tuple[Order, Floats, Floats, float]
"""What `mapped` makes of a tile."""


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A tile as read: currents (reads, channels) [A], and effective weights g (rows, outputs)."""

    currents: Floats
    weights: Floats
    clipped: float


def recover(
    layer: ProgrammedLayer,
    *,
    tile: TileSize | None = None,
    circuitry: Circuitry = BARE,
    imperfections: Imperfections | None = None,
    seed: int = 0,
    choices: Sequence[Compensation] = CHOICES,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[Recovery]:
    """Measure every choice of compensation on the same chips, tile by tile.

    Only calibration knows a chip; pre-distortion and permutation work with the nominal device.

    circuitry : amplifiers, transistors and temperature of the arrays; lines and cells are those of
        the layer, brought to this temperature

    Raises
    ------
    InputError : what `solver.read_currents` and `chips.draw` raise.
    """
    tiles, nominal = split(layer.behind(circuitry), tile), split(layer, tile)
    chips = chips_of(tiles, imperfections, seed, circuitry)
    for chip in chips:
        require_settled_reads(chip.crossbar, chip.device, circuitry)
    ideal = [_ideal(one.layer) for one in nominal]
    y_ideal = outputs(tiles, [one.currents for one in ideal])
    found = []
    for number, choice in enumerate(choices):
        placement = placement_of(tiles, nominal, choice, circuitry)
        standing = placed_tiles(tiles, placement) if placement else tiles
        gain = 1.0 / placement.gain if placement else 1.0
        arranged = [
            mapped(one, choice, meant.layer, circuitry)
            for one, meant in zip(standing, nominal, strict=True)
        ]
        own = _ranged(chips, standing, arranged, circuitry, imperfections)
        reads = [
            _read(one, meant.layer, chip, choice, circuitry, how, gain)
            for one, meant, chip, how in zip(standing, nominal, own, arranged, strict=True)
        ]
        y = outputs(tiles, [one.currents for one in reads])
        right = np.argmax(y, axis=1) == layer.labels if len(layer.labels) else None
        mac_error, agreement = compared(tiles, y, y_ideal)
        pairs = zip(reads, ideal, strict=True)
        errors = np.concatenate([(a.weights - b.weights).ravel() for a, b in pairs])
        found.append(
            Recovery(
                compensation=choice,
                weight_error=rms([errors]),
                mac_error=mac_error,
                agreement=agreement,
                accuracy=None if right is None else float(np.mean(right)),
                clipped=placement.clipped if placement else float(np.mean([r.clipped for r in reads])),
            )
        )
        progress((number + 1) / len(choices))
    return found


def mapped(
    tile: Tile,
    choice: Compensation,
    meant: ProgrammedLayer | None = None,
    circuitry: Circuitry = BARE,
) -> Arrangement:
    """(order, states (rows, columns) on the array, digital gain (channels,), share clipped).

    tile : where the initial state is placed for its wires, with its cells as they are placed
    meant : the layer that gives the intended states, where pulses were counted for another device
        than the tile's
    circuitry : amplifiers and transistors that pre-distortion makes up for, too
    """
    layer = tile.layer
    device, states = layer.device, _intended(layer if choice.placed else meant or layer)
    p, V_r = device.memristor, device.pulses.read_voltage
    wanted = np.asarray(conductance(states, V_r, p))
    mapping, columns = layer.mapping, wanted.shape[1]
    order = as_it_is(wanted.shape, mapping)
    if choice.permuted:
        volts = np.asarray(voltage_from_input(layer.inputs, device))
        order = heaviest_nearest(layer.crossbar, wanted, volts, mapping)
    if not choice.predistorted:
        return order, order.place(states), np.ones(mapping.channels(columns)), 0.0
    least, most = (circuitry.seen(G) for G in conductance_range(V_r, p))
    groups = None if mapping.apart else mapping.groups(columns)
    lines = believed(circuitry.read_out(layer.crossbar), choice.believed)
    found = predistort(lines, order.place(wanted), least, most, groups=groups)
    placed = state_from_conductance(circuitry.unseen(found.conductances), V_r, p)
    states = np.clip(placed, 0.0, 1.0)
    return order, states, mapping.channel_gains(found.gain), found.clipped


def placement_of(
    tiles: Sequence[Tile], meant: Sequence[Tile], choice: Compensation, circuitry: Circuitry
) -> Placement | None:
    """Where the cells of a layer's tiles are placed for their wires, if the choice asks for that.

    meant : the tiles of the layer that gives the wanted weights
    """
    if not choice.placed:
        return None
    return place(tiles, [one.layer for one in meant], circuitry, factor=choice.believed)


def _ranged(
    chips: Sequence[Chip],
    tiles: Sequence[Tile],
    arranged: Sequence[Arrangement],
    circuitry: Circuitry,
    imperfections: Imperfections | None,
) -> Sequence[Chip]:
    """The chips, with ranges of converters that tiles as arranged tell, where these are to be found."""
    if imperfections is None or not to_be_found(imperfections):
        return chips
    seen = [
        seen_by_converters(
            replace(tile.layer, inputs=order.inputs(tile.layer.inputs)),
            circuitry, states, imperfections=imperfections,
        )
        for tile, (order, states, _, _) in zip(tiles, arranged, strict=True)
    ]  # fmt: skip
    return ranged(chips, seen, imperfections)


def _read(
    tile: Tile,
    meant: ProgrammedLayer,
    chip: Chip,
    choice: Compensation,
    circuitry: Circuitry,
    arrangement: Arrangement,
    gain_of_all: float,
) -> _Read:
    layer, chip = tile.layer, chip.afresh()  # every choice meets the same noise
    order, states, gain, clipped = arrangement
    gain = gain * gain_of_all
    states = chip.rested(chip.start(states))
    seen = circuitry.settled(chip.crossbar, states, chip.read_device)
    currents_of = seen.reader(layer.read_model)

    def read(inputs: Floats, *, dithered: bool = False) -> Floats:
        volts = chip.drive(order.inputs(np.asarray(voltage_from_input(inputs, layer.device))))
        return chip.sense(currents_of(volts), states, volts, dithered=dithered)

    offset = np.zeros(1)
    if choice.calibrated:
        tests = calibration_inputs(layer, choice.calibration_reads)
        wanted = order.place_channels(layer.joined(ideal_currents(layer, tests, meant)))
        measured, rest = (read(one, dithered=True) for one in (tests, np.zeros_like(tests)))
        calibration = calibrate(measured, wanted, rest, noise=chip.adc.dithered_variance)
        gain, offset = calibration.gain, calibration.offset
    currents = order.outputs(read(layer.inputs) * gain + offset)
    weights = order.restore(chip.effective(seen.weights()[0]) * gain)
    return _Read(currents=currents, weights=_as_weights(weights, layer), clipped=clipped)


def _ideal(layer: ProgrammedLayer) -> _Read:
    p, V_r = layer.device.memristor, layer.device.pulses.read_voltage
    weights = np.asarray(conductance(_intended(layer), V_r, p))
    return _Read(
        currents=layer.joined(ideal_currents(layer, layer.inputs)),
        weights=_as_weights(layer.joined(weights), layer),
        clipped=0.0,
    )


def _as_weights(conductances: Floats, layer: ProgrammedLayer) -> Floats:
    """Weights g (rows, outputs) from effective conductances (rows, channels) [S]."""
    return layer.mapping.effective_weights(conductances, layer.device)


def _intended(layer: ProgrammedLayer) -> Floats:
    return np.asarray(after_pulses(layer.initial_state, layer.pulses, layer.device))


def ideal_currents(
    layer: ProgrammedLayer, inputs: Floats, meant: ProgrammedLayer | None = None
) -> Floats:
    """Column currents (reads, columns) [A] of inputs (reads, rows) behind perfect wires.

    Cells are taken as the layer's read model says.

    meant : the layer that gives the cells' intended states; by default this one
    """
    volts = np.asarray(voltage_from_input(inputs, layer.device))
    exact = layer.read_model is ReadModel.cells
    states = _intended(meant or layer)
    return read_currents(layer.crossbar.ideal(), states, volts, layer.device, exact=exact)
