"""Circuit to ngspice and back: decks, simulation in worker processes, verification."""

from netlists.deck import Deck, read_deck, sweep_deck, write_deck
from netlists.ngspice import Simulation, simulate, simulate_all
from netlists.shipped import load_layer, shipped_layers
from netlists.verify import Verification

__all__ = [
    "Deck",
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
