"""Circuit to simulators and back: decks, simulation in worker processes, verification."""

from .decks.deck import read_deck, sweep_deck, write_deck
from .decks.runnable import Deck
from .layers.shipped import load_layer, shipped_layers
from .simulation.ngspice import simulate, simulate_all
from .simulation.run import Simulation
from .simulation.simulators import Engine
from .verification.result import Verification

__all__ = [
    "Deck",
    "Engine",
    "Simulation",
    "Verification",
    "load_layer",
    "read_deck",
    "shipped_layers",
    "simulate",
    "simulate_all",
    "sweep_deck",
    "write_deck",
]
