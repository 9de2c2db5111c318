"""Adapted heads behind wires: written and read in the surrogate, and in ngspice if asked.

There is one row for each episode and wire resistance. The features are those of ideal blocks: the
head alone stands on arrays with wires, drivers, readout and all that `Imperfections` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.converter_use import Usage
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.chips.in_situ import write_in_situ
from roa_circuit.chips.settling import require_prompt_writes, require_settled_reads
from roa_circuit.circuit.scaling import voltage_from_input
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.layers.placement import placed_tiles
from roa_circuit.layers.programmed import ProgrammedLayer
from roa_circuit.layers.ranges import chips_of
from roa_circuit.layers.recovery import Compensation, ideal_currents, placement_of
from roa_circuit.layers.tiling import outputs, split

NO_COMPENSATION = Compensation()


@dataclass(frozen=True, kw_only=True)
class WiredEpisode:
    """One adapted head behind wires; accuracies on its query set, None where ngspice was not asked.

    agreement : share of query images that ngspice and the surrogate classify alike
    current_error : worst difference of a read current, over the largest current
    warnings : what does not suit the reads in the surrogate
    """

    episode: int
    wire_resistance: float
    accuracy_ideal: float
    accuracy_surrogate: float
    accuracy_spice: float | None = None
    agreement: float | None = None
    current_error: float | None = None
    state_error: float | None = None
    warnings: tuple[str, ...] = ()


Referee = Callable[[ProgrammedLayer, int], dict[str, float | None]]
"""ngspice's fields of a row, for a layer and the seed of its chips; see `validate.referee`."""


def behind_wires(
    heads: Sequence[ProgrammedLayer],
    resistances: Sequence[float],
    *,
    imperfections: Imperfections | None = None,
    circuitry: Circuitry = BARE,
    compensation: Compensation = NO_COMPENSATION,
    referee: Referee | None = None,
    on_row: Callable[[WiredEpisode], None] = lambda row: None,
) -> list[WiredEpisode]:
    """Write and read every head behind every wire resistance [Ohm a segment].

    Episode i stands on chips drawn with seed i, the same for the surrogate and for ngspice.

    circuitry : surrounds the arrays; the wires have these resistances at its temperature
    compensation : `placed`, where initial states are placed for these wires, or nothing
    """
    rows = []
    for ohms in resistances:
        for episode, head in enumerate(heads):
            wires = Wiring.of_wires(ohms)
            layer, usage = head.behind(circuitry, wires), Usage()
            row = WiredEpisode(
                episode=episode,
                wire_resistance=ohms,
                accuracy_ideal=_accuracy(head, ideal_predictions(head)),
                accuracy_surrogate=_accuracy(
                    layer, predictions(layer, imperfections, episode, circuitry, compensation, usage)
                ),
                warnings=tuple(usage.warnings),
                **(referee(layer, episode) if referee else {}),
            )
            rows.append(row)
            on_row(row)
    return rows


def predictions(
    layer: ProgrammedLayer,
    imperfections: Imperfections | None = None,
    seed: int = 0,
    circuitry: Circuitry = BARE,
    compensation: Compensation = NO_COMPENSATION,
    usage: Usage | None = None,
) -> NDArray[np.int64]:
    """The class of every read of a layer that is written in situ and read through its circuit.

    usage : takes in what converters are given, and which states the reads meet
    """
    tiles, sensed = split(layer), []
    placement = placement_of(tiles, tiles, compensation, circuitry)
    if placement:
        tiles = placed_tiles(tiles, placement)
    for tile, chip in zip(tiles, chips_of(tiles, imperfections, seed, circuitry), strict=True):
        part = tile.layer
        require_settled_reads(chip.crossbar, chip.device, circuitry)
        require_prompt_writes(chip.crossbar, chip.device, circuitry, instead="write in a simulator")
        start = chip.start(part.initial_state)
        outcome = write_in_situ(
            chip.crossbar, start, part.pulses, chip.device, transistor=circuitry.transistor
        )
        state = chip.written(start, outcome.state, part.pulses)
        asked = np.asarray(voltage_from_input(part.inputs, part.device))
        volts = chip.drive(asked)
        seen = circuitry.settled(chip.crossbar, state, chip.read_device)
        currents = seen.reader(part.read_model)(volts)
        if usage is not None:
            usage.add(chip, asked, currents)
            usage.add_states(chip, state, volts)
        sensed.append(chip.sense(currents, state, volts))
    classes: NDArray[np.int64] = outputs(tiles, sensed).argmax(1)
    return classes


def ideal_predictions(layer: ProgrammedLayer) -> NDArray[np.int64]:
    """The class of every read of the intended states behind perfect wires."""
    currents = ideal_currents(layer, layer.inputs)
    classes: NDArray[np.int64] = layer.mapping.differences(currents).argmax(1)
    return classes


def _accuracy(layer: ProgrammedLayer, classes: NDArray[np.int64]) -> float:
    return float(np.mean(classes == layer.labels))
