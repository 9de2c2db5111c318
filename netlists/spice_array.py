"""An array in ngspice to be programmed: every write a transient, every read a sweep."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.deck import Deck, sweep_deck, write_deck
from netlists.ngspice import DEFAULT_TIME_LIMIT, Simulation, simulate
from netlists.ngspice_deck import ENERGY, NANOJOULE
from roa_circuit.arrays import Array
from roa_circuit.chip import Chip
from roa_circuit.parameters import Device

Floats = NDArray[np.float64]


class SpiceArray(Array):
    """As `roa_circuit.arrays.WiredArray`, in ngspice.

    time_limit : wall-clock seconds for all decks together
    keep_in : folder for the deck of a failed run
    """

    def __init__(
        self,
        chip: Chip,
        state: Floats,
        device: Device,
        *,
        time_limit: float = DEFAULT_TIME_LIMIT,
        keep_in: Path | None = None,
    ) -> None:
        super().__init__(chip, state, device)
        self.version, self.seconds = "", 0.0
        self._deadline, self._keep_in = time.monotonic() + time_limit, keep_in

    def _currents(self, chip: Chip, volts: Floats) -> Floats:
        deck = sweep_deck(chip.crossbar, np.clip(self.state, 0.0, 1.0), volts, chip.device)
        return self._run(deck, "read").matrix(deck.vectors, len(volts))

    def _after(self, chip: Chip, pulses: NDArray[np.int64]) -> tuple[Floats, float]:
        deck = write_deck(chip.crossbar, np.clip(self.state, 0.0, 1.0), pulses, chip.device)
        run = self._run(deck, "write")
        finals = [run.vectors[name][-1] for name in deck.vectors]
        after = np.clip(np.reshape(finals, chip.crossbar.shape), 0.0, 1.0)
        return after, NANOJOULE * float(run.vectors[ENERGY][-1])

    def _run(self, deck: Deck, name: str) -> Simulation:
        left = max(self._deadline - time.monotonic(), 0.0)
        run = simulate(deck.text, name=name, time_limit=left, keep_in=self._keep_in)
        self.version, self.seconds = run.version, self.seconds + run.seconds
        return run
