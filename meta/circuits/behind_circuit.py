"""A whole network behind its circuits: every layer read through its chips' wires and readouts.

Adaptation itself is ideal: gradients and pulse counts are those of perfect wires and the nominal
device. The pulses then meet the cells, and the queries the circuits.

Every layer is read as its read model says: by Eq. 2 at every cell, or by effective weights, with
which a convolution behind wires is a convolution still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from meta.circuits.adaptation import Episode
from meta.network.architecture import HEAD
from meta.network.convolution import windows
from meta.network.convolutional import Network
from roa_circuit.basics.errors import InputError
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.converter_use import Usage
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit.contents import require_inputs
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.design_point import default_crossbar
from roa_circuit.circuit.mapping import Mapping as ColumnMapping
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.device.parameters import Device
from roa_circuit.layers.deployed import Array, Deployed, deploy, settled, written
from roa_circuit.layers.placement import Placement
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.recovery import Compensation
from roa_circuit.layers.tiling import TileSize, outputs
from roa_circuit.solver.read_model import ReadModel

Floats = NDArray[np.float64]

COMING = 100
"""A sweep has many reads to come: the solver may take its time to get ready."""


@dataclass(frozen=True, kw_only=True)
class WrittenArray:
    """One array on a written chip.

    read : array currents (reads, columns) [A] of voltages (reads, rows) [V], by the layer's read model
    gain, offset : what is done to each channel's current, in the array's order
    usage : takes in what converters are given, but for test patterns
    """

    array: Array
    chip: Chip
    state: Floats
    read: Callable[[Floats], Floats]
    gain: Floats = field(default_factory=lambda: np.ones(1))
    offset: Floats = field(default_factory=lambda: np.zeros(1))
    usage: Usage = field(default_factory=Usage)

    def currents(self, x: Floats) -> Floats:
        """The corrected currents (reads, channels) [A] of inputs x >= 0 (reads, rows), full scale 1."""
        order, device = self.array.order, self.array.own.device
        asked = order.inputs(np.asarray(voltage_from_input(x, device)))
        volts = self.chip.drive(np.minimum(asked, device.pulses.full_scale))
        currents = self.read(volts)
        self.usage.add(self.chip, asked, currents)
        self.usage.add_states(self.chip, self.state, volts)
        sensed = self.chip.sense(currents, self.state, volts)
        return order.outputs(sensed * self.gain + self.offset)

    def calibrated(self) -> WrittenArray:
        """The same array, calibrated by its test patterns if it has any."""
        array = self.array
        tests = self.chip.drive(np.asarray(voltage_from_input(array.test_inputs, array.own.device)))
        none = np.zeros((0, len(array.order.channels)))
        sensed = self.sensed(tests, dithered=True) if len(tests) else none
        gain, offset = array.correction(sensed, self.chip)
        return replace(self, gain=gain, offset=offset)

    def sensed(self, volts: Floats, *, dithered: bool = False) -> Floats:
        """Currents (reads, channels) [A] that the readouts report of voltages (reads, rows) [V]."""
        return self.chip.sense(self.read(volts), self.state, volts, dithered=dithered)


@dataclass(frozen=True, kw_only=True)
class CircuitLayer:
    """A layer on written chips, ready for any input."""

    deployed: Deployed
    arrays: tuple[WrittenArray, ...]

    @property
    def usage(self) -> Usage:
        """What the converters of all its arrays were given so far."""
        return self.arrays[0].usage

    def __call__(self, x: Floats) -> Floats:
        """Outputs (reads, outputs) of inputs x >= 0 (reads, rows).

        Drivers have their full voltage at the layer's own scale, whatever batch comes: what is larger is
        driven no harder, and counted by `usage`.

        Raises
        ------
        InputError : negative inputs, which drivers cannot make.
        """
        require_inputs(x)
        tiles = self.deployed.tiles
        scaled, currents = x / tiles[0].layer.input_scale, []
        for tile, array in zip(tiles, self.arrays, strict=True):
            currents.append(array.currents(scaled[:, tile.rows]))
        return np.asarray(outputs(tiles, currents))


def on_chips(deployed: Deployed, chips: Sequence[Chip], *, in_situ: bool) -> CircuitLayer:
    """Write a deployed layer onto chips, and calibrate it where that is wanted.

    in_situ : write through the wires; otherwise every cell gets its pulses in full

    Raises
    ------
    InputError : the lines settle too slowly for the reads, or for pulses in situ.
    """
    usage = Usage()
    arrays, instead = [], "leave --in-situ out, and every cell gets its pulses in full"
    for array, chip in zip(deployed.arrays, chips, strict=True):
        state = written(array, chip, in_situ=in_situ, instead=instead)
        read = settled(array, chip, state).reader(array.own.read_model, coming=COMING)
        one = WrittenArray(array=array, chip=chip, state=state, read=read, usage=usage)
        arrays.append(one.calibrated())
    return CircuitLayer(deployed=deployed, arrays=tuple(arrays))


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The hardware that all layers of a network stand on.

    crossbar : gives the lines of every array, whatever its size
    device : the cells; None are those that the adaptation is written for
    circuitry : surrounds them, and has the last word on lines and temperature
    imperfections : what arrays and readouts suffer from
    compensation : what is done against it
    tile : the largest array; layers that do not fit are split
    mapping : which columns make an output; None is what the layers have, and pairs of cells for a
        network that is converted, as chips with signed weights are built
    read_model : how cells are read; None is as the layers have it, and effective weights for a network
        that is converted
    in_situ : write through the wires, which takes seconds for each episode
    """

    crossbar: Crossbar = field(default_factory=lambda: default_crossbar(1, 2))
    device: Device | None = None
    circuitry: Circuitry = BARE
    imperfections: Imperfections = field(default_factory=Imperfections)
    compensation: Compensation = field(default_factory=Compensation)
    tile: TileSize = field(default_factory=TileSize)
    mapping: ColumnMapping | None = None
    read_model: ReadModel | None = None
    in_situ: bool = False

    def __post_init__(self) -> None:
        for name, kind in (
            ("circuitry", Circuitry),
            ("imperfections", Imperfections),
            ("mapping", ColumnMapping),
            ("tile", TileSize),
            ("compensation", Compensation),
        ):
            given = getattr(self, name)
            if isinstance(given, str):
                how = f"{kind.__name__}.parse({given!r})"
                if name in ("circuitry", "imperfections"):
                    how = f"what roa_circuit.chips.{name}.load({given!r}) reads"
                raise InputError(f"{name} = {given!r} is a text; give {how}")

    def holding(self, layers: Mapping[str, ProgrammedLayer], seed: int) -> dict[str, CircuitLayer]:
        """The layers by name, written onto chips that the seed draws."""
        ready = {}
        for index, (name, given) in enumerate(layers.items()):
            nominal = given.mapped_as(self.mapping) if self.mapping else given
            if self.read_model:
                nominal = replace(nominal, read_model=self.read_model)
            rows, columns = nominal.crossbar.shape
            lines = replace(self.crossbar, rows=rows, columns=columns)
            layer = replace(nominal, crossbar=lines, device=self.device or nominal.device)
            deployed = deploy(layer, nominal, self.tile, self.compensation, self.circuitry)
            # Layers are chips of their own: the same place in two layers is not the same draw.
            chips = deployed.chips(self.imperfections, seed * len(layers) + index)
            ready[name] = on_chips(deployed, chips, in_situ=self.in_situ)
        return ready

    def accuracy(self, network: Network, episode: Episode, seed: int) -> float:
        """The share of an adapted episode's queries that this hardware answers correctly."""
        return accuracy(network, episode, self.holding(episode.sampled, seed))


def accuracy(network: Network, episode: Episode, layers: Mapping[str, CircuitLayer]) -> float:
    """The share of an adapted episode's queries that its layers behind circuits answer correctly."""
    answers = classes(network, episode.task.query, layers)
    return float(np.mean(answers == episode.task.query_labels.numpy()))


def warnings(layers: Mapping[str, CircuitLayer]) -> list[str]:
    """What does not suit the reads of each layer so far: converters, moving states, few test inputs."""
    found = {name: [*one.usage.warnings, one.deployed.read_again] for name, one in layers.items()}
    return [f"{name}: {text}" for name, texts in found.items() for text in texts if text]


def placements(layers: Mapping[str, CircuitLayer]) -> dict[str, Placement]:
    """How the initial states of layers are placed for their wires, by name; empty where they are not."""
    found = {name: layer.deployed.placement for name, layer in layers.items()}
    return {name: one for name, one in found.items() if one}


def classes(
    network: Network, images: torch.Tensor, layers: Mapping[str, CircuitLayer]
) -> NDArray[np.int64]:
    """The class of every image (images, channels, size, size), all layers behind circuits."""
    return np.asarray(layers[HEAD](head_inputs(network, images, layers)).argmax(axis=1))


@torch.no_grad()
def head_inputs(network: Network, images: torch.Tensor, layers: Mapping[str, CircuitLayer]) -> Floats:
    """Inputs of the head (images, rows), its bias last, from blocks behind their circuits."""

    def layer(name: str, x: torch.Tensor) -> torch.Tensor:
        count, _, height, width = x.shape
        seen = windows(x, network.architecture.convolutions[name].kernel).double().numpy()
        y = torch.from_numpy(layers[name](seen)).to(x.dtype)
        after = y.reshape(count, height, width, -1).movedim(3, 1)
        return network.normed(name, after, network.architecture.steps)

    features = network.embedded(images, layer)
    features = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    return np.asarray(features.double().numpy())
