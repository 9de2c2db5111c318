"""The circuit simulators by name."""

from __future__ import annotations

from enum import StrEnum

from netlists.simulation.ngspice import NGSPICE
from netlists.simulation.run import Simulator
from netlists.simulation.vacask import VACASK


class Engine(StrEnum):
    """A circuit simulator by name; VACASK is far faster, ngspice is the one that everybody has."""

    ngspice = "ngspice"
    vacask = "vacask"

    @property
    def command(self) -> str:
        """The shell command that runs a deck, to be followed by its file name."""
        return {Engine.ngspice: "ngspice -b", Engine.vacask: "vacask"}[self]

    @property
    def simulator(self) -> Simulator:
        """The `Simulator` that runs its decks."""
        return {Engine.ngspice: NGSPICE, Engine.vacask: VACASK}[self]
