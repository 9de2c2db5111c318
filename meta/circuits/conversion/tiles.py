"""Tiles of one matrix: its weights as states, conductances and effective weights of drawn chips.

weights -- / scale of each output --> g in [-1, 1] --> omega --> G --> W behind the wires
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.circuits.behind_circuit import Hardware
from meta.circuits.circuit import effective_weights
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.settling import require_settled_reads
from roa_circuit.circuit.components import NOMINAL_TEMPERATURE
from roa_circuit.circuit.design_point import default_device
from roa_circuit.circuit.mapping import PAIR
from roa_circuit.circuit.scaling import mapping_constants
from roa_circuit.device.memristor import conductance_range
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import ranged, seen_by_converters, to_be_found
from roa_circuit.layers.tiling import Tile, chip_of, split
from roa_circuit.solver.read_model import ReadModel
from roa_circuit.solver.settled import SettledArray

Floats = NDArray[np.float64]


_NOTHING = 1e-30
"""The digital factor of an output whose weights are all 0: gradients pass, error and noise do not."""


def scale_of(weights: Tensor) -> Tensor:
    """(outputs,) the largest |weight| of each output, which its cells hold as 1."""
    largest = weights.abs().amax(dim=0)
    return torch.where(largest > 0, largest, torch.full_like(largest, _NOTHING))


class ChipTile:
    """One tile on its chip.

    Weights g (rows, outputs) in [-1, 1] of float64 become omega, conductances and effective weights
    (rows, columns) in torch, so that gradients flow to them.

    plus, minus : the columns that count for each output, and against it
    per_ampere : what makes a difference of columns a weight (Eq. 9, 11) [1/S]
    """

    def __init__(self, tile: Tile, chip: Chip, hardware: Hardware) -> None:
        self.tile, self.chip, self.circuitry = tile, chip, hardware.circuitry
        self.crossbar = self.circuitry.read_out(chip.crossbar)
        mapping, lines = tile.layer.mapping, tile.layer.crossbar.columns
        outputs = mapping.outputs_on(lines)
        self.plus, self.minus = list(mapping.plus(lines)), list(mapping.minus(lines))
        at_zero, at_one = (mapping.states_of(np.full((1, outputs), g))[0] for g in (0.0, 1.0))
        self._base, self._slope = torch.from_numpy(at_zero), torch.from_numpy(at_one - at_zero)
        of_column = np.zeros(lines, dtype=np.int64)  # reference columns have a slope of 0
        if mapping.paired:
            of_column[self.minus] = np.arange(outputs)
        of_column[self.plus] = np.arange(outputs)
        self._plus, self._minus = torch.tensor(self.plus), torch.tensor(self.minus)
        self._of_column = torch.from_numpy(of_column)
        self._plus_gain = torch.from_numpy(chip.subtractors.plus_gain)
        self.per_ampere = mapping.scale * mapping_constants(tile.layer.device)[0]
        device = chip.read_device
        volts, law = device.pulses.read_voltage, device.memristor
        low, high = (torch.as_tensor(np.asarray(end)) for end in conductance_range(volts, law))
        self._lowest, self._range = low, high - low
        self._free = torch.from_numpy(np.isnan(chip.fixed))
        self._fixed = torch.from_numpy(np.nan_to_num(chip.fixed))

    @property
    def linear(self) -> bool:
        """Whether reads are a product with one matrix: no converter, no offset, no noise."""
        x, chip = self.chip.imperfections, self.chip
        bent = x.dac_bits or x.adc_bits or x.bandwidth or x.flicker
        offsets = chip.driver_offset, chip.sense_offset, chip.subtractors.offset
        shifted = any(each.any() for each in offsets)
        return not (bent or shifted or self.circuitry.offsets(chip.crossbar))

    def states(self, g: Tensor) -> Tensor:
        """omega (rows, columns) that cells have after reads and age, stuck ones where they stick."""
        omega = self._base + self._slope * g[:, self._of_column]
        omega = torch.where(self._free, omega, self._fixed)
        x = self.chip.imperfections
        if not (x.read_disturb or x.age):
            return omega
        before = omega.detach().numpy()
        after = self.chip.written(before, before, np.zeros(before.shape, dtype=np.int64))
        return instead(omega, after)

    def afresh(self) -> ChipTile:
        """The same tile, its noise from the beginning."""
        again = copy.copy(self)
        again.chip = self.chip.afresh()
        return again

    def conductances(self, omega: Tensor) -> Tensor:
        """Conductances (rows, columns) [S] of states, as the lines see them."""
        G: Tensor = self.circuitry.seen(self._lowest + self._range * omega)  # type: ignore[arg-type, assignment]
        return G.expand_as(omega)

    def matrix(self, omega: Tensor) -> Tensor:
        """Effective weights (rows, columns) [S] of states, wires included."""
        return effective_weights(self.crossbar, self.conductances(omega))

    def slopes(self, omega: Tensor) -> Tensor:
        """dG / dg (rows, columns) [S] of each cell by the weight that it holds; 0 for stuck ones."""
        with torch.enable_grad():
            leaf = omega.detach().requires_grad_()
            (slopes,) = torch.autograd.grad(self.conductances(leaf).sum(), leaf)
        return slopes * self._slope * self._free

    def cells_of(self, output: int) -> list[int]:
        """The columns of the cells that hold an output's weights: one, or the two of a pair."""
        plus = [self.plus[output]]
        return [*plus, self.minus[output]] if self.tile.layer.mapping.paired else plus

    def signals(self, W: Tensor) -> Tensor:
        """Weights (rows, outputs) in units of g of W, with the gains of drivers and readouts."""
        gains = torch.from_numpy(self.chip.sense_gain)
        return self.difference(torch.from_numpy(self.chip.driver_gain)[:, None] * W * gains)

    def difference(self, columns: Tensor) -> Tensor:
        """(..., outputs) of (..., columns) [A or S]: plus less minus, in units of Eq. 9.

        Subtractors count the plus side as they do; their offsets are left out.
        """
        for_it, against = (columns.index_select(-1, those) for those in (self._plus, self._minus))
        return self.per_ampere * (for_it * self._plus_gain - against)

    def settled(self, omega: Tensor) -> SettledArray:
        """What settled reads see of the chip with these states."""
        chip = self.chip
        return self.circuitry.settled(chip.crossbar, omega.detach().numpy(), chip.read_device)


def not_in_file(hardware: Hardware) -> Iterator[str]:
    """What the hardware has that a layer alone does not know of: options of commands say it again."""
    circuitry = hardware.circuitry
    if circuitry.amplifier or circuitry.transistor or circuitry.stores_charge:
        yield "circuit"
    if circuitry.temperature != NOMINAL_TEMPERATURE:
        yield "temperature"
    if hardware.imperfections != Imperfections():
        yield "imperfections"


def instead(tensor: Tensor, value: Floats) -> Tensor:
    """The value, with the gradient of the tensor: straight through what has no derivative of its own."""
    return tensor + (torch.from_numpy(np.asarray(value)) - tensor).detach()


def tiles_on_chips(layer: ProgrammedLayer, hardware: Hardware, seed: int) -> list[ChipTile]:
    """The tiles of a layer on the chips that a seed draws.

    Raises
    ------
    InputError : reads end before lines settle, or what `draw` refuses.
    """
    found = []
    for tile in split(layer.behind(hardware.circuitry), hardware.tile):
        chip = chip_of(tile, hardware.imperfections, seed)
        require_settled_reads(chip.crossbar, chip.device, hardware.circuitry)
        found.append(ChipTile(tile, chip, hardware))
    return found


def ranged_tiles(tiles: list[ChipTile], layer: ProgrammedLayer, hardware: Hardware) -> list[ChipTile]:
    """The tiles, converters with the ranges that the layer's inputs tell where they are to be found."""
    x = hardware.imperfections
    if not to_be_found(x):
        return tiles
    nominal = split(layer.behind(hardware.circuitry), hardware.tile)
    seen = [seen_by_converters(one.layer, hardware.circuitry, imperfections=x) for one in nominal]
    chips = ranged([one.chip for one in tiles], seen, x)
    return [ChipTile(one.tile, chip, hardware) for one, chip in zip(tiles, chips, strict=True)]


def empty_layer(name: str, rows: int, outputs: int, hardware: Hardware) -> ProgrammedLayer:
    """A layer of weights 0 on the hardware's lines, without reads.

    Raises
    ------
    InputError : a device that holds no weights, or lines whose resistances are given one by one.
    """
    device, mapping = hardware.device or default_device(), hardware.mapping or PAIR
    mapping_constants(device)
    columns = mapping.lines(outputs)
    try:
        crossbar = replace(hardware.crossbar, rows=rows, columns=columns)
    except InputError as error:
        raise InputError(f"layer {name!r} of {rows} x {columns} cells: {error}") from None
    return ProgrammedLayer(
        name=name,
        device=device,
        crossbar=crossbar,
        initial_state=mapping.states_of(np.zeros((rows, outputs))),
        pulses=np.zeros((rows, columns), dtype=np.int64),
        inputs=np.zeros((0, rows)),
        labels=np.empty(0, dtype=np.int64),
        mapping=mapping,
        read_model=hardware.read_model or ReadModel.weights,
    )
