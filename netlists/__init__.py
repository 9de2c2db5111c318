"""Circuit to simulators and back: decks, simulation in worker processes, verification."""

from netlists.deck import read_deck, sweep_deck, write_deck
from netlists.ngspice import simulate, simulate_all
from netlists.runnable import Deck
from netlists.shipped import load_layer, shipped_layers
from netlists.simulation import Simulation
from netlists.simulators import Engine
from netlists.verification import Verification

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
