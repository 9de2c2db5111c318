"""An array that is programmed in a circuit simulator: each write a transient, each read a sweep."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from netlists.decks.costs import prices
from netlists.decks.deck import How, sweep_deck, write_deck
from netlists.decks.dialect import PLAIN
from netlists.decks.probes import ENERGY, MILLIJOULE
from netlists.decks.runnable import Deck
from netlists.simulation.run import DEFAULT_TIME_LIMIT, Simulation
from netlists.simulation.simulators import Engine
from roa_circuit.chips.chip import Chip
from roa_circuit.chips.circuitry import BARE
from roa_circuit.chips.programmable import Array
from roa_circuit.device.parameters import Device

Floats = NDArray[np.float64]


class SpiceArray(Array):
    """As `roa_circuit.chips.programmable.WiredArray`, in a circuit simulator.

    energy : of all writes [J]; stays 0 with VACASK, which measures it only in recorded decks
    time_limit : wall-clock seconds for all decks together
    how : arguments of its decks (`netlists.decks.deck.How`)
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
        **how: Unpack[How],
    ) -> None:
        super().__init__(chip, state, device, how.get("circuitry", BARE))
        self._how = how
        self._deadline, self._keep_in = time.monotonic() + time_limit, keep_in

    def round_seconds(self, pulses: int) -> float:
        """What a round of write and verify takes [s], with so many pulses of a row each."""
        engine = self._how.get("engine", Engine.ngspice)
        p = prices(engine, self._how.get("dialect", PLAIN), self._how.get("circuitry", BARE))
        crossbar = self._chip.crossbar
        return p.write_seconds(crossbar, pulses) + p.sweep_seconds(crossbar, crossbar.rows)

    def _currents(self, chip: Chip, volts: Floats) -> Floats:
        deck = sweep_deck(chip.crossbar, self.state, volts, chip.device, **self._how)
        return deck.measured(self._run(deck, "read"))

    def _after(self, chip: Chip, pulses: NDArray[np.int64]) -> tuple[Floats, float]:
        deck = write_deck(chip.crossbar, self.state, pulses, chip.device, **self._how)
        run = self._run(deck, "write")
        after = np.reshape(deck.measured(run), chip.crossbar.shape)
        energy = MILLIJOULE * float(run.vectors.get(ENERGY, np.zeros(1))[-1])
        return np.clip(after, 0.0, 1.0), energy

    def _run(self, deck: Deck, name: str) -> Simulation:
        left = max(self._deadline - time.monotonic(), 0.0)
        return deck.run(name=name, time_limit=left, keep_in=self._keep_in)
