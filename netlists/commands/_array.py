"""The array of cells that `solve` and `program` work on, as their options describe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE, Circuitry
from roa_circuit.chips.draw import draw
from roa_circuit.chips.imperfections import Imperfections
from roa_circuit.circuit import footing
from roa_circuit.circuit.crossbar import Crossbar
from roa_circuit.circuit.mapping import REFERENCE, Mapping
from roa_circuit.circuit.wiring import Wiring
from roa_circuit.device.parameters import Device
from roa_circuit.presentation import console, standing


@dataclass(frozen=True, kw_only=True)
class DrawnArray:
    """An array on the lines that were asked for, and the chip that a seed drew of it.

    crossbar : as it was meant to be; `chip` has the imperfections, if any were asked for
    device : at the circuit's temperature, its currents scaled
    """

    crossbar: Crossbar
    device: Device
    circuitry: Circuitry
    imperfections: Imperfections | None
    seed: int
    chip: Chip

    @classmethod
    def of(
        cls,
        crossbar: Crossbar,
        nominal: Device,
        *,
        wiring: Wiring,
        circuit: Circuitry | None,
        imperfections: Imperfections | None,
        seed: int,
        mapping: Mapping = REFERENCE,
    ) -> Self:
        """Wire a crossbar of these devices, and draw its chip.

        mapping : which bit lines its readout subtracts before the converters

        Raises
        ------
        InputError : lines that do not fit the crossbar, or a spread that the device does not have.
        """
        circuitry = circuit or BARE
        wired, nominal = circuitry.applied(crossbar, nominal, wiring)
        chip = draw(imperfections, wired, nominal, np.random.default_rng(seed), mapping=mapping)
        return cls(
            crossbar=wired, device=nominal, circuitry=circuitry, imperfections=imperfections,
            seed=seed, chip=chip,
        )  # fmt: skip

    def to_dict(self, *, writes: bool = True) -> dict[str, Any]:
        """What the JSON document of a command says of the array; `writes` : whether it is written."""
        return {
            **self.crossbar.to_dict(),
            "circuit": self.circuitry.to_dict(),
            **footing.to_dict(self.device, self.crossbar, writes=writes),
            "drawn": {"seed": self.seed, **self.chip.summary()} if self.imperfections else None,
        }

    def say_what_it_is(self, *, writes: bool = True) -> None:
        """Print the device, its scale, the lines, and which of them the imperfections hit."""
        amplifier = self.circuitry.amplifier
        standing.say(self.device, self.crossbar, amplifier=amplifier, writes=writes)
        if self.imperfections:
            console.say(f"seed {self.seed}: {self.chip.described()}")
