"""The circuit simulators by name."""

from __future__ import annotations

from enum import StrEnum

from netlists.ngspice import NGSPICE
from netlists.simulation import Simulator
from netlists.vacask import VACASK


class Engine(StrEnum):
    """A circuit simulator; VACASK is far faster, ngspice the one that everybody has."""

    ngspice = "ngspice"
    vacask = "vacask"

    @property
    def command(self) -> str:
        """What runs a deck by hand, before its file's name."""
        return {Engine.ngspice: "ngspice -b", Engine.vacask: "vacask"}[self]

    @property
    def simulator(self) -> Simulator:
        """What runs its decks."""
        return {Engine.ngspice: NGSPICE, Engine.vacask: VACASK}[self]
